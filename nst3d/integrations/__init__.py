"""Bridges to optional packages, each imported on first use."""
