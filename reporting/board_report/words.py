"""The words of the report in one language, from words.yaml."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import yaml

from reporting.board_report.numbers import Language

PATH = Path(__file__).with_name("words.yaml")


@functools.cache
def read_words() -> dict[str, tuple[str, str]]:
    """Return every word: key -> (Vietnamese, English)."""
    return {key: (both[0], both[1]) for key, both in yaml.safe_load(PATH.read_text(encoding="utf-8")).items()}


@dataclass(frozen=True)
class Words:
    """Looks words up: `words("outstanding")`; a code that is not listed stands for itself where a prefix is given."""

    language: Language

    def __call__(self, key: str, **parts: object) -> str:
        text = read_words()[key][0 if self.language == "vi" else 1]
        return text.format(**parts) if parts else text

    def of_code(self, prefix: str, code: str) -> str:
        """The name of a code of an enumeration such as the kind of demand."""
        return self(f"{prefix}_{code}") if f"{prefix}_{code}" in read_words() else code
