"""Whole jobs, one module per command."""
