"""How alike two pictures are, in numbers."""
