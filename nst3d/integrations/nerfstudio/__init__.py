"""nerfstudio: its runs painted, written back, and painting as one of its methods."""
