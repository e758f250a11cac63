"""Latent diffusion through the package diffusers: a teacher that edits views, and a guide by its scores."""
