"""glTF and GLB: read, painted and written back with all that was not painted unchanged."""
