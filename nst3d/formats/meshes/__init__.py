"""Mesh formats other than glTF: OBJ, PLY and STL."""
