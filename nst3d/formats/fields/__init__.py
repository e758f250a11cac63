"""Voxel radiance fields."""
