"""Teachers: they paint pictures, and the scene learns them."""
