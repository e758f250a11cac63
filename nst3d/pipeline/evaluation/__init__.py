"""Evaluation of finished runs: what they painted, seen by cameras that painting did not use, and measured."""
