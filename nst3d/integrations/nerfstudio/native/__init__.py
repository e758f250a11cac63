"""Painting of a nerfacto's own network."""
