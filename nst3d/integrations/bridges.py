"""All bridges to optional packages; each package is imported on first use."""

from nst3d.integrations.nerfstudio.dataparsers import load_with
from nst3d.integrations.nerfstudio.open_run import open_nerf, show_nerf
from nst3d.integrations.open3d.clean import clean_scene
from nst3d.integrations.open3d.fuse import fused_surface
from nst3d.integrations.pycolmap.find_poses import pose_finder
from nst3d.integrations.pytorch3d.fragments import rasterised
from nst3d.pipeline.kinds.bridges import Bridges

BRIDGES = Bridges(load_with, rasterised, clean_scene, fused_surface, open_nerf, show_nerf, pose_finder)
"""The bridges to nerfstudio, PyTorch3D, Open3D and COLMAP."""
