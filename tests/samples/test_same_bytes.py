"""The same profile and seed make the same files, byte for byte; another seed makes others that keep the figures."""

from __future__ import annotations

from pathlib import Path

import samples
from tests.samples.auditing import read_delivery


def read_all(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_same_seed_repeats_every_byte(tmp_path: Path) -> None:
    for name in ("one", "two"):
        samples.generate("ninh-thuan-tiny", tmp_path / name)
    one, two = read_all(tmp_path / "one"), read_all(tmp_path / "two")
    assert len(one) == 5 * 16
    assert one == two


def test_another_seed_makes_another_book_with_the_same_figures(tmp_path: Path) -> None:
    books = []
    for seed in (1, 2):
        folder = samples.generate("ninh-thuan-tiny", tmp_path / str(seed), seed=seed)[-1]
        books.append(read_delivery(folder).files["loan_book"])
    assert not books[0].equals(books[1])
    assert len(books[0]) == len(books[1]) == 423


def test_progress_is_told_for_each_delivery(tmp_path: Path) -> None:
    told: list[str] = []
    folders = samples.generate("ca-mau-tiny", tmp_path, progress=told.append)
    assert [line for line in told if line.endswith("written")] == [
        f"96 {folder.parent.name} written" for folder in folders
    ]


def test_the_descriptor_is_the_last_file_written(tmp_path: Path) -> None:
    folder = samples.generate("ca-mau-tiny", tmp_path)[0]
    stamps = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert max(stamps, key=lambda name: stamps[name]) == "datapackage.json"
