"""nerfacto as nst3d's own torch modules."""
