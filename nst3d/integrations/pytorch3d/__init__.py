"""PyTorch3D as a mesh renderer."""
