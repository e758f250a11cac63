"""PyTorch3D as a renderer of meshes."""
