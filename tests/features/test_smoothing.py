"""Smoothed activations."""
