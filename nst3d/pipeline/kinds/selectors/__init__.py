"""What chooses regions of a scene, whatever its kind."""
