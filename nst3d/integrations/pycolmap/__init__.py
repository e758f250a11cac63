"""Cameras of photographs by structure from motion, with pycolmap."""
