"""Reading, inspecting and measuring captures for jobs."""
