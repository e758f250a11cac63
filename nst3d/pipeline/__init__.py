"""Wires whole jobs: the only room that knows all the others."""
