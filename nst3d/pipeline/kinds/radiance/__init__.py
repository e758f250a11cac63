"""Voxel fields, splats and points."""
