"""nerfacto as torch modules of our own."""
