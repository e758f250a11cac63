"""A nerfacto's own network, painted."""
