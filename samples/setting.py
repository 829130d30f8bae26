"""What every part of a sample is made from: the plan, the window of its dates and the seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from samples.calendar import Window
from samples.fit import stream
from samples.plan import Plan


@dataclass(frozen=True)
class Setting:
    """The plan to meet, the days it covers, and the seed of all random draws."""

    plan: Plan
    window: Window
    seed: int

    def stream(self, subject: str) -> np.random.Generator:
        """Return the random numbers of one subject."""
        return stream(self.seed, subject)
