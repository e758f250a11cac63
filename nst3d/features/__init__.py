"""Feature encoders: VGG, residual and other networks, and the names of their layers."""

from nst3d.features.precision import fast_dtype
from nst3d.features.vgg import VGG
from nst3d.features.weights import load_encoder

__all__ = ["VGG", "fast_dtype", "load_encoder"]
