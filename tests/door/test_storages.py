"""The landing on a folder, on S3 and on SFTP: the same deliveries, the same verdicts, the same bytes kept."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import fsspec
import pytest

from contract.errors import WarehouseError
from ingestion.landing import Landing, without_password
from pipeline.branch import Selection, find_branches
from pipeline.night import run_night
from tests.door.door import fresh_warehouse
from tests.door.life import after
from tests.door.storages import KEY, S3, SECRET, Local, Sftp, Storage, s3_server, sftp_server
from tests.support.deliveries import Delivery, first_delivery
from warehouse.connect import Warehouse
from warehouse.settings import PROJECT

KINDS = ("folder", "s3", "sftp")


@pytest.fixture(scope="module")
def storages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    home = tmp_path_factory.mktemp("storages")
    for name in ("local", "sftp/night"):
        (home / name).mkdir(parents=True)
    with s3_server() as s3, sftp_server(home / "sftp") as sftp:
        (home / "known_hosts").write_text(sftp.known_hosts)
        yield {"folder": Local(home / "local"), "s3": s3, "sftp": sftp, "known_hosts": home / "known_hosts"}


@pytest.fixture(params=KINDS)
def storage(request: pytest.FixtureRequest, storages: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Storage:
    found: Storage = storages[request.param]
    for protocol, settings in found.settings.items():
        monkeypatch.setitem(fsspec.config.conf, protocol, settings)
    monkeypatch.setenv("WAREHOUSE_KNOWN_HOSTS", str(storages["known_hosts"]))
    return found


@pytest.fixture
def warehouse(template: Warehouse, storage: Storage, request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    fresh = fresh_warehouse(template, f"storage_{KINDS.index(request.node.callspec.params['storage'])}", tmp_path)
    return dataclasses.replace(fresh, settings=dataclasses.replace(fresh.settings, landing=storage.url))


def _put(storage: Storage, delivery: Delivery, aside: Path) -> str:
    name = f"{delivery.branch}/{delivery.date}/r{delivery.revision}"
    storage.put(delivery.write(aside), name)
    return name


def _night(warehouse: Warehouse) -> dict[tuple[str, int | None], str]:
    outcomes = run_night(warehouse, Selection("96")).outcomes
    return {(outcome.business_date[-2:], outcome.revision): outcome.verdict for outcome in outcomes}


def test_a_landing_gives_the_same_verdicts_and_keeps_the_same_bytes(
    storage: Storage, warehouse: Warehouse, tmp_path: Path
) -> None:
    first = first_delivery("96", "2025-09-01")
    second = after(first, 2)
    wrong, short, late = after(first, 2).revise("0" * 64), after(second, 3), after(after(second, 3), 4)
    wrong.resources["offices"] = {"hash": "sha256:" + "0" * 64}
    for delivery in (first, second, wrong):
        _put(storage, delivery, tmp_path / "aside")
    missing = _put(storage, short, tmp_path / "aside")
    storage.remove(f"{missing}/customers.csv.gz")
    storage.remove(f"{_put(storage, late, tmp_path / 'aside')}/datapackage.json")
    assert find_branches(warehouse) == ["96"]
    assert _night(warehouse) == {
        ("01", 1): "published", ("02", 1): "published", ("02", 2): "refused", ("03", 1): "waiting", ("04", 1): "waiting",
    }  # fmt: skip
    for delivery in (first, second):
        folder = delivery.folder(tmp_path / "aside")
        kept = {file.read_bytes() for file in (warehouse.settings.store / "sha256").rglob("*") if file.is_file()}
        assert kept >= {file.read_bytes() for file in folder.iterdir()}
    for delivery in (short, late):
        _put(storage, delivery, tmp_path / "aside")
    assert _night(warehouse) == {
        ("01", 1): "duplicate", ("02", 1): "duplicate", ("02", 2): "refused", ("03", 1): "published", ("04", 1): "published",
    }  # fmt: skip
    assert [find_branches(warehouse), set(_night(warehouse).values())] == [[], {"duplicate", "refused"}]


def test_a_file_of_many_megabytes_arrives_whole(storage: Storage, tmp_path: Path) -> None:
    content = os.urandom(9 << 20)
    (tmp_path / "r1").mkdir()
    (tmp_path / "r1/datapackage.json").write_bytes(content)
    storage.put(tmp_path / "r1", "20/2025-09-01/r1")
    landing = Landing(storage.url)
    with landing.open(landing.folder("20", "2025-09-01", "r1"), "datapackage.json") as file:
        assert file.read() == content


def test_what_lies_beside_the_deliveries_is_not_taken_for_one(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "some").mkdir()
    (tmp_path / "some/notes.txt").write_text("x")
    for name in ("22", "22/2025-09-01", "22/2025-09-01/r1/deep", "22/.hidden/r1"):
        storage.put(tmp_path / "some", name)
    landing = Landing(storage.url)
    assert [(folder.path.rsplit("/", 2)[1:], folder.sizes) for folder in landing.folders("22")] == [
        (["2025-09-01", "r1"], {})
    ]


def test_a_landing_that_is_not_there_is_no_empty_one(template: Warehouse, storage: Storage) -> None:
    assert Landing(storage.url).is_there()
    missing = "s3://nowhere/night" if isinstance(storage, S3) else f"{storage.url}/morning"
    named = dataclasses.replace(template, settings=dataclasses.replace(template.settings, landing=missing))
    with pytest.raises(WarehouseError, match="there is no such folder or bucket") as caught:
        find_branches(named)
    assert SECRET not in str(caught.value)


def test_a_prefix_of_s3_under_which_nothing_lies_yet_is_an_empty_landing(storages: dict[str, Any]) -> None:
    s3: S3 = storages["s3"]
    with pytest.MonkeyPatch.context() as patch:
        for protocol, settings in s3.settings.items():
            patch.setitem(fsspec.config.conf, protocol, settings)
        landing = Landing(f"{s3.url}/later")
        assert (landing.is_there(), landing.branches()) == (True, [])


class TestSftp:
    @pytest.fixture
    def sftp(self, storages: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Sftp:
        found: Sftp = storages["sftp"]
        monkeypatch.setitem(fsspec.config.conf, "sftp", found.settings["sftp"])
        monkeypatch.setenv("WAREHOUSE_KNOWN_HOSTS", str(storages["known_hosts"]))
        return found

    def test_only_the_server_whose_key_is_known_is_spoken_to(
        self, sftp: Sftp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Landing(sftp.url).branches()
        unknown, other = tmp_path / "unknown", tmp_path / "other"
        unknown.write_text(sftp.known_hosts.replace(f":{sftp.port}", ":1"))
        key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
        other.write_text(f"[127.0.0.1]:{sftp.port} {key}")
        for file in (unknown, other):
            monkeypatch.setenv("WAREHOUSE_KNOWN_HOSTS", str(file))
            with pytest.raises(WarehouseError, match=rf"shows a key .*that {file} does not name.*docs/landing\.md"):
                Landing(sftp.url)
            with pytest.raises(WarehouseError, match="shows a key"):
                Landing(f"simplecache::{sftp.url}")

    @pytest.mark.parametrize("protocol", ["sftp", "ssh", "simplecache::sftp"])
    def test_no_server_is_believed_unasked(
        self, sftp: Sftp, protocol: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        landing = sftp.url.replace("sftp", protocol, 1)
        monkeypatch.delenv("WAREHOUSE_KNOWN_HOSTS")
        with pytest.raises(WarehouseError, match="WAREHOUSE_KNOWN_HOSTS does not say whose key is believed"):
            Landing(landing)
        monkeypatch.setenv("WAREHOUSE_KNOWN_HOSTS", str(tmp_path / "nowhere"))
        with pytest.raises(WarehouseError, match=r"cannot be read.*nowhere.*WAREHOUSE_KNOWN_HOSTS"):
            Landing(landing)

    def test_a_link_is_refused(self, sftp: Sftp) -> None:
        folder = sftp.root / "night/24/2025-09-01/r1"
        folder.mkdir(parents=True)
        (sftp.root / "secret").write_text("{}")
        (folder / "datapackage.json").symlink_to("../../../../secret")
        landing = Landing(sftp.url)
        with pytest.raises(WarehouseError, match="link"):
            landing.open(landing.folder("24", "2025-09-01", "r1"), "datapackage.json")

    def test_a_wrong_password_is_said_without_showing_it(self, sftp: Sftp) -> None:
        with pytest.raises(WarehouseError, match=r"cannot be read.*WAREHOUSE_LANDING") as caught:
            Landing(sftp.url.replace(SECRET, "hunter2"))
        assert "hunter2" not in str(caught.value)


def test_a_password_is_never_shown() -> None:
    assert without_password(f"sftp://{KEY}:{SECRET}@host/x") == f"sftp://{KEY}:***@host/x"
    assert without_password("s3://bucket/night") == "s3://bucket/night"


def test_s3_is_read_with_the_credentials_of_the_environment(storages: dict[str, Any], tmp_path: Path) -> None:
    s3: S3 = storages["s3"]
    _put(s3, first_delivery("08", "2025-09-01"), tmp_path / "aside")
    environment = os.environ | {"FSSPEC_S3_KEY": KEY, "FSSPEC_S3_SECRET": SECRET, "FSSPEC_S3_ENDPOINT_URL": s3.endpoint}
    program = f"from ingestion.landing import Landing; print(Landing({s3.url!r}).branches())"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    assert "08" in done.stdout, done.stderr
