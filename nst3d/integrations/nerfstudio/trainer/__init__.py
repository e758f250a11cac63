"""Painting as one of nerfstudio's methods."""
