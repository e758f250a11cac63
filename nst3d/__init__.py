"""Paint 3D scenes: neural style transfer that gives the asset back."""

__version__ = "0.1.0"
