"""The engine: optimises any canvas against guides. Independent of meshes, fields and splats."""
