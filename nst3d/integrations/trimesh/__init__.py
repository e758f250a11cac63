"""Objects of trimesh."""
