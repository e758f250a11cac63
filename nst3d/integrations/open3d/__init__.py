"""Open3D: scans cleaned, depth fused, a window to look into."""
