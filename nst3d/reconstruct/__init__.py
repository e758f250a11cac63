"""From photographs with poses to a voxel radiance field."""
