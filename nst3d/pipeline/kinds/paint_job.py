"""The request and the result of a paint job."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from nst3d.errors import ConfigError
from nst3d.files import OptionalPathField, OptionalPathsField, PathField, PathsField
from nst3d.pipeline.settings.clean import CleanOptions
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.direction import Direction, StyleEntry, alike, named_pictures, named_words

Words = Literal["auto", "clip", "choose"]
"""How words paint: followed by CLIP, or by choosing pictures whose captions are like them; or as there are weights."""

Hearing = Literal["auto", "embedding", "tags"]
"""How a sound is heard: in CLIP's space, by Wav2CLIP, or as tags that become words; or as there are weights."""


@dataclass(frozen=True)
class Job:
    """Scene to paint, styles, output and settings."""

    scene: PathField = PathField()
    styles: PathsField = PathsField()
    """Style images, one or several, which are mixed; none if there are `texts` or a direction, or references and no
    style, or if a teacher needs none."""
    out: PathField = PathField()
    config: PaintConfig = field(default_factory=PaintConfig)
    overwrite: bool = False
    resume: bool = False
    cameras: OptionalPathField = OptionalPathField()
    """Capture whose cameras paint the scene, for a mesh also a camera path; None: the scene's own, or a rig."""
    dataparser: str | None = None
    """nerfstudio dataparser for `cameras`; None: the format is detected."""
    clean: CleanOptions | None = None
    """Clean a scan before painting: a mesh, or a point cloud that becomes one."""
    direction: Direction | None = None
    """Styles by region, in place of `styles`."""
    data: OptionalPathField = OptionalPathField()
    """Current path of a nerfstudio run's data; None: the run's own path."""
    references: OptionalPathsField = OptionalPathsField()
    """Pictures from `run_for_painting`, painted over: the scene takes their pixels, and the rest follows."""
    texts: tuple[str, ...] = ()
    """What the scene should look like, in words, mixed with the style images."""
    avoid: tuple[str, ...] = ()
    """What it should not look like, in words."""
    words: Words = "auto"
    """How words paint; auto: by CLIP if its weights are there and the scene is painted step by step, otherwise by
    choosing pictures."""
    library: OptionalPathField = OptionalPathField()
    """Folder of pictures among which words choose, with captions; None: those that ship with nst3d."""
    sound: OptionalPathField = OptionalPathField()
    """A sound that the scene should look like, mixed with the other styles."""
    sound_as: Hearing = "auto"
    """How the sound is heard; auto: in CLIP's space if the weights for it are there and words are not to choose
    pictures, otherwise as tags."""
    chosen: Direction | None = None
    """The job's direction once its sound is heard and its words have chosen pictures; None: as it is given."""

    def __post_init__(self) -> None:
        """Raise ConfigError for invalid settings."""
        if self.direction is None and not (self.styled or self.references or self.config.teach.alone):
            raise ConfigError("no style: give `style`, an image, `text`, words, `sound` or `direction`")
        if self.sound is None and self.sound_as != "auto":
            raise ConfigError("`sound_as` says how a sound is heard: give `sound`, or leave it out")
        for name, texts in (("text", self.texts), ("avoid", self.avoid)):
            if not all(text.strip() for text in texts):
                raise ConfigError(f"`{name}` is empty: say it in words, such as 'carved jade'")
        both = next((text for text in self.texts if any(alike(text, other) for other in self.avoid)), None)
        if both is not None:
            raise ConfigError(f"`text` and `avoid` are both {both!r}: leave out one")
        if self.direction is None:
            return
        given = self.styles or self.texts or self.avoid or self.sound
        if given or self.config.region is not None:
            raise ConfigError(
                "`direction` says what is painted where: leave out `style`, `text`, `avoid`, `sound` and `region`"
            )
        if self.references:
            raise ConfigError(
                "leave out `direction`, or `references`: painted pictures say themselves what is painted where"
            )
        if self.config.stroke != 1:
            raise ConfigError(
                "`direction` says how large strokes are where: leave out `stroke`, or give it in the file"
            )

    @property
    def styled(self) -> bool:
        """Whether styles are given beside any references."""
        return bool(self.styles or self.texts or self.sound)

    @property
    def directed(self) -> Direction:
        """The job's direction, which may be only to paint all styles, mixed, in its region."""
        given = self.chosen or self.direction
        if given is not None:
            return given
        if not (self.styled or self.references):
            alone = {str(self.config.teach.teacher): StyleEntry(taught=True)}
            return Direction.of(alone, self.config.region, self.config.stroke)
        pictures = self.styles or (() if self.texts else self.references)
        styles = {**named_pictures(pictures), **named_words(self.texts, self.avoid)}
        return Direction.of(styles, self.config.region, self.config.stroke)


@dataclass(frozen=True)
class Result:
    """The result of a job."""

    paths: tuple[Path, ...]
    metrics: dict[str, Any]
    """Content of metrics.json. Seconds cover this run (wall_s: all of it); iterations count resumed ones. Notes are
    what was changed, left out or could not be done."""
    interrupted: bool = False
    """Stopped by the user; continue with `Job.resume`."""
