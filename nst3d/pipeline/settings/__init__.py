"""The settings of jobs."""
