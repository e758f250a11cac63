"""Paints the frames of a video one after the other, without flicker."""
