"""A nerfacto painted as a grid, which is distilled into it at the end."""
