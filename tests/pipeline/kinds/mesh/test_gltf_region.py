"""A painted region of a glTF leaves the materials and images of the rest byte for byte."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gltf_samples import Sample, noise
from tiny_jobs import TINY, job

from nst3d import run_job
from nst3d.formats.gltf.accessors import view_bytes
from nst3d.formats.gltf.read import load_gltf


@pytest.fixture(scope="module")
def three(inputs):
    """Two squares that share a JPEG, one with another, and one in plain blue, side by side."""
    sample = Sample()
    shared, other = (
        sample.add("textures", source=sample.image(noise(64, 64, seed), "JPEG", name=f"picture {seed}"))
        for seed in (1, 2)
    )
    for name, texture in (("wall", shared), ("door", shared), ("roof", other)):
        sample.add("materials", name=name, pbrMetallicRoughness={"baseColorTexture": {"index": texture}})
    sample.add("materials", name="pipe", pbrMetallicRoughness={"baseColorFactor": [0, 0, 1, 1]})
    for number in range(4):
        sample.show(sample.quad(material=number), translation=[1.5 * number, 0, 0])
    return sample.save(inputs / "three.glb")


def images(document):
    return [bytes(view_bytes(document, i["bufferView"])) for i in document.json["images"]]


@pytest.mark.parametrize("name", ["wall", "roof", "pipe"])
def test_what_is_outside_the_region_stays_byte_for_byte(three, tmp_path, name) -> None:
    run_job(job(three.parent, tmp_path / "out", replace(TINY, region=f"material:{name}"), three.name))
    before, after = (load_gltf(path).document for path in (three, tmp_path / "out" / "painted.glb"))
    numbers = {m["name"]: i for i, m in enumerate(before.json["materials"])}
    shown = [material["pbrMetallicRoughness"] for material in after.json["materials"]]
    for other in set(numbers) - {name}:
        assert after.json["materials"][numbers[other]] == before.json["materials"][numbers[other]]
    old, new = images(before), images(after)
    still = {"wall": [0, 1], "roof": [0], "pipe": [0, 1]}[name]  # the door still shows the first
    assert [new[i] for i in still] == [old[i] for i in still]
    painted = after.json["textures"][shown[numbers[name]]["baseColorTexture"]["index"]]["source"]
    assert new[painted] not in old
    assert len(new) == (2 if name == "roof" else 3)
