"""Triangle meshes and voxel models."""
