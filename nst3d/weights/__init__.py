"""Learned weights: which there are, where they are found or fetched, and their tensors."""

from nst3d.weights.find import WeightStatus, fetch_weights, find_weights, list_weights

__all__ = ["WeightStatus", "fetch_weights", "find_weights", "list_weights"]
