"""What a metric found: its values, or the reason why there are none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Group = Literal["consistency", "style", "content", "asset", "cost"]
Better = Literal["lower", "higher", "neither"]


@dataclass(frozen=True)
class Measured:
    """A metric of one run: a value for each view or pair of views, or a single one for all together.

    Never a substitute: a metric whose weights are missing has no values, and says why.
    """

    name: str
    """A unique word with the protocol or network in it, such as lpips_vgg or geometric_rmse_7."""
    group: Group
    better: Better
    values: tuple[float | None, ...] = ()
    """One for each view or pair of views, in order; None for one that could not be measured."""
    reason: str | None = None
    """Why there are no values."""
    note: str = ""
    """How it was measured, such as the name of a flow or of weights."""

    def __post_init__(self) -> None:
        """Raise ValueError unless there are finite values, or a reason why there are none."""
        if bool(self.known) == (self.reason is not None):
            raise ValueError(f"{self.name}: either values or a reason, not {self.values} and {self.reason!r}")
        if not all(map(math.isfinite, self.known)):
            raise ValueError(f"{self.name}: values must be finite, not {self.values}")

    @property
    def known(self) -> tuple[float, ...]:
        """The values of those that could be measured."""
        return tuple(value for value in self.values if value is not None)

    @property
    def value(self) -> float | None:
        """The mean of the known values; None if there are none."""
        return math.fsum(self.known) / len(self.known) if self.known else None
