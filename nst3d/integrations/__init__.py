"""Bridges to other people's packages. Each is imported when it is used."""
