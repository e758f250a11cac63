"""Video: frames along a path, written as MP4 or PNG files."""
