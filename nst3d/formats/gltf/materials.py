"""Reads base colours of glTF materials: factors, textures, samplers, and the UVs they use."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

import numpy as np

from nst3d.errors import InputError, TooLargeError
from nst3d.formats.gltf.accessors import view_bytes
from nst3d.formats.gltf.container import decode_data_uri
from nst3d.formats.gltf.document import GltfDocument, Json, extension
from nst3d.formats.gltf.ktx2 import BASIS, KTX2, decode_ktx2
from nst3d.formats.meshes.textures import MID_GREY
from nst3d.images.colour import srgb_encode
from nst3d.images.io import Picture, decode_texels
from nst3d.representations.mesh import AlphaMode, Material, Texture, Wrap
from nst3d.tensors import Array

SPECULAR = "KHR_materials_pbrSpecularGlossiness"
UNLIT = "KHR_materials_unlit"
TRANSMISSION = "KHR_materials_transmission"
TRANSFORM = "KHR_texture_transform"
DDS = "MSFT_texture_dds"
PLAIN_SOURCES = ("EXT_texture_webp", "EXT_texture_avif")
WRAPS: dict[Any, Wrap] = {10497: "repeat", 33071: "clamp", 33648: "mirror"}
_ALPHA_MODES: dict[Any, AlphaMode] = {"MASK": "mask", "BLEND": "blend"}


@dataclass
class MaterialReader:
    """Builds the mesh's materials: one for each in the document and one for primitives without any.

    Only materials requested through `use` get their texture decoded, each picture once.
    """

    document: GltfDocument
    textures: list[Texture] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _indices: dict[Any, int | None] = field(default_factory=dict)
    _pictures: dict[bytes, Picture] = field(default_factory=dict)
    """Decoded pictures by a hash of their bytes: several images may hold the same ones."""
    _used: dict[int, Material] = field(default_factory=dict)

    def use(self, primitive: Json) -> int:
        """The index, in `materials()`, of a primitive's material."""
        count = len(self.document.items("materials"))
        if "material" not in primitive:
            self._used[count] = Material("", double_sided=False)
            return count
        material = self.document.item("materials", primitive["material"])
        index = int(primitive["material"])
        if index not in self._used:
            self._used[index] = self._read(material)
        return index

    @property
    def images(self) -> set[int]:
        """The images that base colours show."""
        return {image for image, *_ in self._indices}

    def materials(self) -> tuple[Material, ...]:
        """All materials in the document's order, then the default one if a primitive has none."""
        plain = [
            Material(str(m.get("name", "")), double_sided=m.get("doubleSided") is True)
            for m in self.document.items("materials")
        ]
        count = max([len(plain), *(index + 1 for index in self._used)])
        return tuple(self._used.get(i) or plain[i] for i in range(count))

    def _read(self, material: Json) -> Material:
        holder, texture_key, factor_key = base_colour(material)
        glow = holder is material
        factor = self.document.numbers(holder, factor_key, (1.0,) * (3 if glow else 4))
        # Rounded, so that white is exactly 1 and not one bit less.
        red, green, blue = srgb_encode(np.clip(factor[:3], 0.0, 1.0)).round(12).tolist()
        read = Material(
            name=str(material.get("name", "")),
            factor=(red, green, blue),
            double_sided=material.get("doubleSided") is True,
            alpha_mode=_ALPHA_MODES.get(material.get("alphaMode"), "opaque"),
            alpha=1.0 if glow else float(np.clip(factor[3], 0.0, 1.0)),
            cutoff=float(
                self.document.numbers({"cutoff": [material.get("alphaCutoff", 0.5)]}, "cutoff", (0.5,))[0]
            ),
        )
        read = replace(read, transmission=self._transmission(material, read.name))
        if texture_key not in holder:
            return read
        if glow:
            self.notes.append(
                f"the material '{read.name}' has its colours in its emissive map, over a black base:"
                " that map is painted"
            )
        found = self.document.item("textures", holder[texture_key].get("index"))
        texture = self._texture(found, opaque=glow)
        if texture is None:
            return replace(read, factor=MID_GREY)
        return replace(read, texture=texture)

    def _transmission(self, material: Json, name: str) -> float:
        """The share of light that passes a material; 0 where a texture varies it, which is said."""
        found = extension(material, TRANSMISSION) or {}
        value = self.document.numbers({"factor": [found.get("transmissionFactor", 0.0)]}, "factor", (0.0,))[0]
        if value > 0 and "transmissionTexture" in found:
            self.notes.append(
                f"a texture says where '{name}' lets light through: views show it solid everywhere"
            )
            return 0.0
        return float(np.clip(value, 0.0, 1.0))

    def _texture(self, texture: Json, opaque: bool) -> int | None:
        """The index of a glTF texture among the mesh's; None if it cannot be read. Emission has no alpha."""
        image = texture_image(self.document, texture)
        wrap = _wrap(self.document, texture)
        key = (image, wrap, opaque)
        if key not in self._indices:
            self._indices[key] = None
            try:
                decoded = self._decode(image, wrap)
                decoded = replace(decoded, alpha=None) if opaque else decoded
            except TooLargeError:
                raise
            except InputError as error:
                self.notes.append(f"{error}; using plain grey for its material")
            else:
                self._indices[key] = len(self.textures)
                self.textures.append(decoded)
        return self._indices[key]

    def _decode(self, index: int, wrap: tuple[Wrap, Wrap]) -> Texture:
        image = self.document.item("images", index)
        name = str(image.get("name") or _file_name(image) or f"texture {index}")
        data = _image_bytes(self.document, index)
        if data is None:
            raise InputError(f"{self.document.path}: the image '{name}' is missing")
        title = f"{self.document.path}: the image '{name}'"
        key = sha256(data).digest()
        if key not in self._pictures:
            self._pictures[key] = self._picture(data, title)
            self.notes.extend(self._pictures[key].notes)
        picture = self._pictures[key]
        return Texture(name, picture.pixels, picture.alpha, wrap)

    def _picture(self, data: bytes, title: str) -> Picture:
        if data.startswith(KTX2):
            return decode_ktx2(data, title, self.document.path)
        return decode_texels(data, title)


def base_colour(material: Json) -> tuple[Json, str, str]:
    """Where a material stores its colour: the object, its texture key and its factor key.

    That is the base colour, or the emission of a material that only glows.
    """
    specular = extension(material, SPECULAR)
    if specular is not None:
        return specular, "diffuseTexture", "diffuseFactor"
    if glows(material):
        return material, "emissiveTexture", "emissiveFactor"
    return material.get("pbrMetallicRoughness", {}), "baseColorTexture", "baseColorFactor"


def glows(material: Json) -> bool:
    """Whether a material's only colour is its emission, over a black base: a scan with baked light, for example."""
    base = material.get("pbrMetallicRoughness", {}).get("baseColorFactor", [1.0])
    lit = extension(material, UNLIT) is None and extension(material, SPECULAR) is None
    return lit and not any(base[:3]) and any(material.get("emissiveFactor", []))


def texture_image(document: GltfDocument, texture: Json) -> int:
    """The index of the image that a glTF texture shows: its fallback or one in a supported format."""
    holders = [texture, *(extension(texture, name) or {} for name in (*PLAIN_SOURCES, BASIS))]
    for holder in holders:
        if "source" in holder:
            document.item("images", holder["source"])
            return int(holder["source"])
    remedy = "export it again with PNG or JPEG textures"
    raise document.fault("its base-colour texture is in an unsupported format (DDS)", remedy)


def uv_set(info: Json) -> int:
    """Which TEXCOORD set a texture info reads; a texture transform may override it."""
    holder = extension(info, TRANSFORM) or {}
    chosen: int = holder["texCoord"] if "texCoord" in holder else info.get("texCoord", 0)
    return chosen


def transform_uvs(document: GltfDocument, info: Json, uvs: Array) -> Array:
    """Texture coordinates (..., 2) with the info's KHR_texture_transform applied, in glTF's own axes.

    uv' = offset + R (scale * uv), R = [[cos, sin], [-sin, cos]]: v points down, so a positive angle turns
    the UVs counter-clockwise as seen on the image.
    """
    transform = extension(info, TRANSFORM)
    if transform is None:
        return uvs
    scaled = uvs * document.numbers(transform, "scale", (1.0, 1.0))
    angle = document.numbers({"rotation": [transform.get("rotation", 0.0)]}, "rotation", (0.0,))[0]
    cos, sin = math.cos(angle), math.sin(angle)
    turned = np.stack(
        [cos * scaled[..., 0] + sin * scaled[..., 1], cos * scaled[..., 1] - sin * scaled[..., 0]], -1
    )
    return turned + document.numbers(transform, "offset", (0.0, 0.0))


def _wrap(document: GltfDocument, texture: Json) -> tuple[Wrap, Wrap]:
    sampler = document.item("samplers", texture["sampler"]) if "sampler" in texture else {}
    return WRAPS.get(sampler.get("wrapS"), "repeat"), WRAPS.get(sampler.get("wrapT"), "repeat")


def _image_bytes(document: GltfDocument, index: int) -> bytes | None:
    image = document.item("images", index)
    if index in document.images:
        return document.images[index]
    if "bufferView" in image:
        return bytes(view_bytes(document, image["bufferView"]))
    return decode_data_uri(str(image.get("uri", "")))


def _file_name(image: Json) -> str:
    uri = image.get("uri")
    return "" if not isinstance(uri, str) or uri.startswith("data:") else unquote(uri)[:200]
