"""Textured meshes from radiance scenes."""
