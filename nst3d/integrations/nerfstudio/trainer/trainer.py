"""nerfstudio's method `nst3d`: its trainer paints a trained nerfacto, and its viewer shows the progress.

Imports nerfstudio, but nothing slow of nst3d, because every nerfstudio command imports this module.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Optional

import torch
import yaml
from nerfstudio.configs.base_config import ViewerConfig
from nerfstudio.data.datamanagers.base_datamanager import VanillaDataManagerConfig
from nerfstudio.data.dataparsers.nerfstudio_dataparser import NerfstudioDataParserConfig
from nerfstudio.engine.callbacks import TrainingCallback, TrainingCallbackAttributes
from nerfstudio.engine.optimizers import Optimizers
from nerfstudio.engine.trainer import Trainer, TrainerConfig
from nerfstudio.models.nerfacto import NerfactoModel, NerfactoModelConfig
from nerfstudio.pipelines.base_pipeline import VanillaPipeline, VanillaPipelineConfig
from nerfstudio.plugins.types import MethodSpecification
from nerfstudio.utils.rich_utils import CONSOLE

from nst3d.errors import ConfigError, InputError, Nst3dError
from nst3d.integrations.nerfstudio.trainer.preview import Glances

if TYPE_CHECKING:
    from nst3d.formats.nerfstudio.run import NerfstudioRun
    from nst3d.integrations.nerfstudio.trainer.steps import LiveOptions, LivePainting
    from nst3d.pipeline.runtime.events import Stepped

_NEVER = 10**9
_LOOK = 2.0
"""Maximum time that painting waits for a preview, seconds."""
_CHUNK = "eval_num_rays_per_chunk"
"""Field of the model config that is not taken from the run."""


@dataclass
class PaintedModelConfig(NerfactoModelConfig):
    """A nerfacto to paint; its architecture is taken from the run in --load-dir."""

    _target: type = field(default_factory=lambda: PaintedModel)
    style_image: Optional[Path] = None  # noqa: UP045 (tyro reads it)
    """Style image."""
    preset: str = "capture"
    """Preset of nst3d, or a .yaml file with settings, for losses and their weights."""
    size: int = 480
    """Maximum long side of the finest painted views, pixels."""
    part: Literal["native", "head"] = "native"
    """native: new features for colours, which can show strokes; head: only the colour head, for palettes."""
    keep_specular: float = 0.0
    """Fraction of the view-dependence to keep, 0 to 1."""


class PaintedModel(NerfactoModel):
    """nerfstudio's nerfacto, which adopts the painted colours when it is rendered."""

    painting: LivePainting | None = None
    """Painting in progress; None: a finished run."""
    glances: Glances | None = None
    """Time-limited previews while painting; None: normal rendering."""
    _stale = False

    def get_param_groups(self) -> dict[str, Any]:
        """Empty while painting, which has its own optimiser."""
        return dict(super().get_param_groups()) if self.painting is None else {}

    def get_training_callbacks(self, attributes: TrainingCallbackAttributes) -> list[TrainingCallback]:
        """Empty, because the proposal networks are not trained."""
        return []

    def get_outputs_for_camera(self, camera: Any, obb_box: Any = None) -> dict[str, torch.Tensor]:
        """The camera's view in the current state of painting."""
        self.refresh()
        render = super().get_outputs_for_camera
        if self.glances is None:
            return dict(render(camera, obb_box))
        return self.glances(partial(render, obb_box=obb_box), camera)

    def outdate(self) -> None:
        """Mark the colours as outdated after a step, to be refreshed before the next render."""
        self._stale = True

    def refresh(self) -> None:
        """Adopt the painted colours."""
        if self.painting is not None and self._stale:
            self.take(self.painting.net.state())
            self._stale = False

    def take(self, state: Mapping[str, torch.Tensor]) -> None:
        """Load these tensors. Raises InputError if they belong to another model."""
        try:
            lacking = self.load_state_dict(dict(state), strict=False)
        except RuntimeError as error:
            why = " ".join(str(error).split())[:300]
            raise InputError(f"the run does not fit this data and these settings: {why}") from None
        odd = [*lacking.unexpected_keys, *(k for k in lacking.missing_keys if not k.startswith("lpips."))]
        if odd:
            raise InputError(f"the run's checkpoint does not fit its config: {', '.join(odd[:5])}")


class PaintingTrainer(Trainer):
    """nerfstudio's trainer, which starts from a nerfacto run and paints its colours."""

    run: NerfstudioRun
    pipeline: VanillaPipeline
    _steps: Iterator[Stepped]

    def setup(self, test_mode: Literal["test", "val", "inference"] = "val") -> None:
        """Read the run, rebuild its model, and prepare painting."""
        with _one_line(), _nothing_left(self.base_dir, self.config):
            self._check()
            self.run = _loaded(self.config)
            _adopt(self.config.pipeline.model, self.run)
            super().setup(test_mode)
        self.config.save_config()  # with the current model

    def setup_optimizers(self) -> Optimizers:
        """No nerfstudio optimisers; painting begins here, because the pipeline has just been created."""
        from nst3d.integrations.nerfstudio.dataparsers import trained_on
        from nst3d.integrations.nerfstudio.trainer.steps import LivePainting

        manager = self.pipeline.datamanager
        capture = trained_on(self.run, Path(manager.config.data), manager.train_dataparser_outputs)
        painting = LivePainting(self.run, capture, self._options())
        self.pipeline.model.painting, self._steps = painting, painting.steps()
        self.pipeline.model.take(painting.net.state())
        self.pipeline.model.glances = Glances(_LOOK)
        return super().setup_optimizers()

    def train_iteration(self, step: int) -> tuple[torch.Tensor, dict[str, torch.Tensor], dict[str, Any]]:
        """Paint one whole view; returns the loss and its terms."""
        taken = next(self._steps, None)
        if taken is None:  # a stage stopped early because it no longer improved
            self.stop_training = True
            return torch.zeros(()), {}, {}
        self.pipeline.model.outdate()
        loss = torch.tensor(taken.progress.loss)
        return loss, {"painting": loss}, dict(taken.progress.losses)

    def save_checkpoint(self, step: int) -> None:
        """Save the trainer's own checkpoint, and the painted nerfacto as a run that opens without nst3d."""
        model, data = self.pipeline.model, Path(self.pipeline.datamanager.config.data)
        model.refresh()
        super().save_checkpoint(step)
        names = {key: getattr(self.config, key) for key in ("experiment_name", "timestamp")}
        with _one_line():
            paths = model.painting.save(self.config.output_dir, names, data.resolve())
        CONSOLE.print(f"painted nerfacto: {paths[0]}")

    def _after_train(self) -> None:
        self.pipeline.model.glances = None  # no time limit after training
        super()._after_train()

    def _load_checkpoint(self) -> None:
        """Do nothing: the run was read when the pipeline was created."""

    def _check(self) -> None:
        if self.world_size > 1:
            raise ConfigError("nst3d paints on one device: leave --machine.num-devices at 1")
        if self.config.pipeline.model.style_image is None:
            raise ConfigError("no style image: set --pipeline.model.style-image IMAGE")
        manager = self.config.pipeline.datamanager
        data = manager.data or manager.dataparser.data
        if not Path(data).exists():
            raise InputError(
                f"{data}: no such file or folder; give the run's photographs: nerfstudio-data --data DATA"
            )
        from nst3d.pipeline.runtime.events import Events
        from nst3d.pipeline.styles import read_style

        # Otherwise this error would appear only after reading the photographs.
        read_style(self.config.pipeline.model.style_image, Events())
        self._options().config()

    def _options(self) -> LiveOptions:
        from nst3d.integrations.nerfstudio.trainer.steps import LiveOptions

        model = self.config.pipeline.model
        return LiveOptions(
            model.style_image,
            model.preset,
            model.size,
            model.part,
            model.keep_specular,
            self.config.max_num_iterations,
            self.config.machine.seed,
            self.device,
        )


@contextmanager
def _one_line() -> Iterator[None]:
    """End the command with one line for errors that the user can fix."""
    try:
        yield
    except Nst3dError as error:
        raise SystemExit(f"nst3d: {error}") from None


@contextmanager
def _nothing_left(folder: Path, config: TrainerConfig) -> Iterator[None]:
    """Remove the config.yml, with its folders, that ns-train wrote for a run that did not start."""
    written, text = folder / "config.yml", yaml.dump(config)
    try:
        yield
    except Exception:
        with suppress(OSError):
            if [*folder.iterdir()] == [written] and written.read_text("utf8") == text:
                written.unlink()
                for empty in (folder, *folder.parents[:2]):
                    empty.rmdir()
        raise


def _loaded(config: TrainerConfig) -> NerfstudioRun:
    """The run named on the command line."""
    from nst3d.formats.nerfstudio.run import load_run

    if config.load_checkpoint is None and config.load_dir is None:
        raise ConfigError("no run to paint: set --load-dir RUN/nerfstudio_models, of a nerfacto")
    place = Path(config.load_checkpoint or _folder(Path(config.load_dir), config.load_step))
    run = load_run(place)
    if run.method != "nerfacto":
        raise InputError(f"{place}: is a {run.method} run, expected a nerfacto run")
    return run


def _folder(given: Path, step: int | None) -> Path:
    """The run, or its checkpoint at a step, given --load-dir: the run's folder or its checkpoint folder."""
    from nst3d.formats.nerfstudio.config import is_config
    from nst3d.formats.nerfstudio.run import CONFIG, MODELS

    if not given.is_dir():
        raise ConfigError(
            f"--load-dir {given}: no such folder, expected RUN/nerfstudio_models, of a nerfacto"
        )
    run = next((p for p in (given, given.absolute().parent) if is_config(p / CONFIG)), None)
    if run is None:
        raise ConfigError(
            f"--load-dir {given}: has no {CONFIG} in it or its parent folder; expected RUN/nerfstudio_models"
        )
    if step is None:
        return run
    return (given / MODELS if run == given else given) / f"step-{step:09d}.ckpt"


def _adopt(model: PaintedModelConfig, run: NerfstudioRun) -> None:
    """Set a model's config to that of the run, with the widths of painting."""
    from nst3d.integrations.nerfstudio.model.options import told_options
    from nst3d.integrations.nerfstudio.model.tcnn import is_tcnn

    for name, value in told_options(run.folder, run.config).items():
        if name != _CHUNK:
            setattr(model, name, tuple(value) if isinstance(getattr(model, name), tuple) else value)
    optimizer = run.config["pipeline"]["model"].get("camera_optimizer")
    mode = optimizer.get("mode") if isinstance(optimizer, Mapping) else None
    model.camera_optimizer.mode = mode if mode in ("SO3xR3", "SE3") else "off"
    model.implementation = "tcnn" if is_tcnn(run.state) else "torch"
    if model.part == "native":
        model.hidden_dim, model.features_per_level = 2 * model.hidden_dim, 2 * model.features_per_level


specification = MethodSpecification(
    config=TrainerConfig(
        _target=PaintingTrainer,
        method_name="nst3d",
        max_num_iterations=360,
        steps_per_save=100,
        steps_per_eval_batch=_NEVER,
        steps_per_eval_image=_NEVER,
        steps_per_eval_all_images=_NEVER,
        mixed_precision=False,
        pipeline=VanillaPipelineConfig(
            # Whole views are rendered from cameras; no photographs are loaded.
            datamanager=VanillaDataManagerConfig(
                dataparser=NerfstudioDataParserConfig(),
                train_num_images_to_sample_from=1,
                eval_num_images_to_sample_from=1,
            ),
            model=PaintedModelConfig(eval_num_rays_per_chunk=1 << 12),
        ),
        optimizers={},
        viewer=ViewerConfig(num_rays_per_chunk=1 << 12),
        vis="viewer",
    ),
    description="Paints a trained nerfacto in the style of an image (nst3d).",
)
