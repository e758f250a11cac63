"""Mesh formats but glTF: OBJ, PLY and STL."""
