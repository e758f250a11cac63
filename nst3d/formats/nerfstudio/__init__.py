"""nerfstudio runs, read as data."""
