"""A nerfacto painted as a grid, which is taught to it in the end."""
