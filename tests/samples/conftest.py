"""Small samples, made once a session and read back as text."""

from __future__ import annotations

from pathlib import Path

import pytest

import samples
from tests.samples.auditing import Sent, read_delivery


def make(profile: str | Path | samples.Profile, out: Path) -> list[Sent]:
    """Generate a sample and read back every delivery."""
    return [read_delivery(folder) for folder in samples.generate(profile, out)]


@pytest.fixture(scope="session")
def ninh_thuan(tmp_path_factory: pytest.TempPathFactory) -> list[Sent]:
    return make("ninh-thuan-tiny", tmp_path_factory.mktemp("ninh-thuan"))


@pytest.fixture(scope="session")
def ca_mau(tmp_path_factory: pytest.TempPathFactory) -> list[Sent]:
    return make("ca-mau-tiny", tmp_path_factory.mktemp("ca-mau"))


@pytest.fixture(scope="session")
def merger(tmp_path_factory: pytest.TempPathFactory) -> list[Sent]:
    folder = tmp_path_factory.mktemp("merger")
    smaller = folder / "merger.yaml"
    smaller.write_text("extends: bac-lieu-ca-mau-2025\nscale: 0.015\n", encoding="utf-8")
    return make(smaller, folder)


@pytest.fixture(scope="session")
def every_delivery(ninh_thuan: list[Sent], ca_mau: list[Sent], merger: list[Sent]) -> list[Sent]:
    return [*ninh_thuan, *ca_mau, *merger]


@pytest.fixture(scope="session")
def every_step(ninh_thuan: list[Sent], ca_mau: list[Sent], merger: list[Sent]) -> list[tuple[list[Sent], Sent]]:
    """Each delivery but the first ones, with what was delivered before it: both former branches at the merger."""
    return [step for sample in (ninh_thuan, ca_mau, merger) for step in list_steps(sample)]


def list_steps(sample: list[Sent]) -> list[tuple[list[Sent], Sent]]:
    steps = []
    for later in sample:
        previous = later.descriptor["previousBusinessDate"]
        merges = previous is not None and previous < "2025-07-01" <= later.day
        earlier = [
            sent
            for sent in sample
            if sent.day == previous and (merges or sent.descriptor["branchCode"] == later.descriptor["branchCode"])
        ]
        if earlier:
            steps.append((earlier, later))
    return steps
