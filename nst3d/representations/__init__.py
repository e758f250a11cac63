"""Frozen geometry, and the layout of its colours."""
