"""Sounds: read, measured, and heard as words."""
