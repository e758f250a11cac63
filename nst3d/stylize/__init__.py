"""The engine: paints any canvas until it pleases a criterion. Knows no meshes, fields or splats."""
