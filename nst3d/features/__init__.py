"""Feature encoders: VGG networks, their layer names and their weights."""

from nst3d.features.precision import fast_dtype
from nst3d.features.vgg import VGG
from nst3d.features.weights import WeightStatus, fetch_weights, list_weights, load_encoder

__all__ = ["VGG", "WeightStatus", "fast_dtype", "fetch_weights", "list_weights", "load_encoder"]
