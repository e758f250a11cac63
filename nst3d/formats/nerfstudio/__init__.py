"""Runs of nerfstudio, read as data."""
