"""What a job runs on: machine, folders, checkpoints, reports."""
