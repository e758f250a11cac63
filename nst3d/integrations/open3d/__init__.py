"""Open3D: scan cleaning, depth fusion and a viewer window."""
