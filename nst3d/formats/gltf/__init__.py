"""glTF and GLB: reading, painting, and writing back with everything unpainted unchanged."""
