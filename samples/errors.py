"""What the generator refuses."""

from __future__ import annotations


class ProfileError(ValueError):
    """A profile that cannot be met: the figures that stand against each other, and what to do about it."""

    def __init__(self, figures: tuple[str, ...], reason: str) -> None:
        self.figures = figures
        self.reason = reason
        super().__init__(figures, reason)  # both, so that the error travels between processes

    def __str__(self) -> str:
        """Return the names and the reason as one sentence."""
        return f"{' and '.join(self.figures)}: {self.reason}"
