"""What jobs can be asked for."""
