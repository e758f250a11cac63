"""XAML with Viewport3D models, as CAD programs write it, read only."""

from __future__ import annotations

from nst3d.formats.meshes.through_trimesh import Foreign, refuse_entities, register_foreign

register_foreign("xaml", Foreign("xaml", "a XAML file", ("lxml",), refuse_entities), (b"<?xml",))
