"""Cameras: the pinhole model, rigs that cover a surface, and camera paths."""
