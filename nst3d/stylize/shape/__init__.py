"""Stylising a mesh's shape."""
