"""Whole jobs, one module a command."""
