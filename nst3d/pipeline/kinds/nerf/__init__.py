"""NeRFs."""
