"""What the jobs need to know of each kind of scene."""
