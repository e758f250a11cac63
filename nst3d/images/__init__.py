"""Pictures: reading and writing, the sRGB curve, resizing, palettes."""

from nst3d.images.io import Picture, decode_image, encode_png, read_image, write_image

__all__ = ["Picture", "decode_image", "encode_png", "read_image", "write_image"]
