"""Cameras: the pinhole model, rigs that see a surface, and paths to fly along."""
