"""Frozen geometry and where its colours live."""
