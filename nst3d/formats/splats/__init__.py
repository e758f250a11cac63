"""Gaussian splats and point clouds."""
