"""Teachers, which paint pictures for the scene to learn."""
