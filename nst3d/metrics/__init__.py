"""Image similarity metrics."""
