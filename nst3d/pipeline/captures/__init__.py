"""Captures as jobs read and judge them."""
