"""Photographs with their cameras."""
