"""nerfstudio: painting and writing its runs, and painting as one of its methods."""
