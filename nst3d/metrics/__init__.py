"""Metrics of finished pictures: similarity, grain, distance to a style, agreement of views."""
