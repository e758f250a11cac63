"""Captures: photographs of which a scene can be made."""
