"""Trains networks that paint pictures."""
