"""Captures: photographs from which a scene can be made."""
