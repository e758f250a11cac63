"""Block voxel models: MagicaVoxel and binvox."""
