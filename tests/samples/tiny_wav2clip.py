"""A small random Wav2CLIP under the names of its publishers, and beside what else their file has."""

from __future__ import annotations

import tiny_clips
import torch

WIDTH, HIDDEN = 8, 24


def wav2clip(joined: int = tiny_clips.JOINED, seed: int = 3) -> tiny_clips.Tensors:
    """A ResNet-18 of an eighth of the width, and a transform, by the names in `state_dict`."""
    draw, found = tiny_clips.Draw(seed), {}

    def normed(conv: str, norm: str, *shape: int) -> None:
        found[f"audio_encoder.{conv}.weight"] = draw.matrix(*shape)
        found[f"audio_encoder.{norm}.weight"] = draw.vector(shape[0], 1)
        found[f"audio_encoder.{norm}.bias"] = draw.vector(shape[0])
        found[f"audio_encoder.{norm}.running_mean"] = draw.vector(shape[0])
        found[f"audio_encoder.{norm}.running_var"] = draw.vector(shape[0], 1).abs()
        found[f"audio_encoder.{norm}.num_batches_tracked"] = torch.tensor(7)

    normed("conv1", "bn1", WIDTH, 1, 7, 7)
    inside = WIDTH
    for stage in range(4):
        out = WIDTH * 2**stage
        for block in range(2):
            own = f"layer{stage + 1}.{block}"
            normed(f"{own}.conv1", f"{own}.bn1", out, inside, 3, 3)
            normed(f"{own}.conv2", f"{own}.bn2", out, out, 3, 3)
            if inside != out:
                normed(f"{own}.downsample.0", f"{own}.downsample.1", out, inside, 1, 1)
            inside = out
    for number, (rows, columns) in {0: (HIDDEN, inside), 3: (joined, HIDDEN)}.items():
        found[f"audio_transform.sequential.{number}.weight"] = draw.matrix(rows, columns)
        found[f"audio_transform.sequential.{number}.bias"] = draw.vector(rows)
    return found | {
        "audio_encoder.fc.weight": draw.matrix(5, inside),
        "audio_encoder.fc.bias": draw.vector(5),
        "audio_encoder.spectrogram.window": torch.hann_window(512),
        "image_transform.sequential.0.weight": draw.matrix(HIDDEN, joined),
    }
