"""Voxel models of games: MagicaVoxel and binvox."""
