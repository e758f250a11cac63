"""Reconstruction of a voxel radiance field from posed photographs."""
