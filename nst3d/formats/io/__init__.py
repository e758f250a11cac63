"""Shared by all formats: reading and writing whole files, text, arrays and JSON values."""
