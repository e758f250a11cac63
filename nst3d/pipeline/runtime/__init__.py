"""The environment of a job: machine, folders, checkpoints, reports."""
