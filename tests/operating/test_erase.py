"""Law 12: a person is erased from rows, stored files and every later load; no total changes, and the quarter stays."""

from __future__ import annotations

import datetime as dt
import gzip
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from contract.errors import WarehouseError
from ingestion.erase import as_kept, count_rows
from ingestion.store import Store
from pipeline import cli
from pipeline.deadline import clock
from pipeline.erasure import erase, erase_again
from pipeline.intake import restage
from pipeline.laws import check_laws
from pipeline.quarter_rederive import _lay_out as lay_out
from tests.faults.waiting import wait_until
from tests.support.deliveries import first_delivery, repay, to_csv
from tests.support.door import take_in
from tests.support.warehouses import copy_warehouse, environment, new_warehouse, remove_warehouse
from warehouse.connect import Warehouse

CUSTOMER = "C9600002"
NAME, NATIONAL_ID, PHONE = "Nguyễn Thị Số 2", "096180000002", "0996000002"

WAITS = "select from pg_locks where locktype = 'advisory' and not granted"


def quiet(_: str) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def model(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Two dates of a branch, and a refused delivery of the third."""
    found = new_warehouse(warehouse, tmp_path_factory.mktemp("erase"))
    landing = Path(found.settings.landing)
    first = first_delivery("96", "2025-09-28")
    first.write(landing)
    second = repay(first.next("2025-09-29"), 1, 1_000_000)
    second.write(landing)
    third = second.next("2025-09-30")
    third.resources["inspections"] = {"hash": "sha256:" + "0" * 64}
    third.rows["customers"][0]["sex"] = "M"
    third.write(landing)
    take_in(found, "96")
    yield found
    remove_warehouse(found)


@pytest.fixture
def own(model: Warehouse, tmp_path: Path) -> Iterator[Warehouse]:
    """The same, to be changed."""
    found = copy_warehouse(model, tmp_path / "home")
    yield found
    remove_warehouse(found)


def stored_bytes(warehouse: Warehouse) -> bytes:
    """Everything in the store, unpacked."""
    contents = [path.read_bytes() for path in Store(warehouse.settings.store).files()]
    return b"\n".join(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content for content in contents)


def totals(warehouse: Warehouse) -> list[Any]:
    with warehouse.connect("admin") as connection:
        return connection.execute(
            "select business_date, count(*), sum(in_term_vnd), sum(overdue_vnd), count(distinct customer_id) "
            "from raw.loan_book group by 1 order by 1"
        ).fetchall()


def personal_rows(warehouse: Warehouse, customer_id: str) -> set[tuple[Any, ...]]:
    with warehouse.connect("admin") as connection:
        return set(
            connection.execute(
                "select full_name, birth_date, national_id, phone from personal.customers_rows where customer_id = %s",
                [customer_id],
            )
        )


def restage_first(warehouse: Warehouse) -> None:
    with warehouse.connect("loader") as connection:
        (delivery_id,) = connection.execute("select min(delivery_id) from meta.deliveries").fetchone() or (0,)
    restage(warehouse, delivery_id)


def test_nothing_of_the_person_is_found_any_more(own: Warehouse) -> None:
    assert NATIONAL_ID.encode() in stored_bytes(own)
    before = totals(own)
    proof = erase(own, CUSTOMER, "lan", "request 17", quiet)
    assert proof.holds, proof.text
    assert {place.name: place.before for place in proof.places if place.before} == {
        "personal: rows of the customer with a value": 2,
        "store: files with a value of the customer": 1,
        "store: stray files that name the customer": 1,
    }
    kept = stored_bytes(own)
    for value in (NAME, NATIONAL_ID, PHONE):
        assert value.encode() not in kept
        assert value not in proof.text
    assert personal_rows(own, CUSTOMER) == {("(erased)", None, None, None)}
    assert totals(own) == before


def test_everybody_else_stays_as_they_were(own: Warehouse) -> None:
    before = personal_rows(own, "C9600003")
    erase(own, CUSTOMER, "lan", "request 17", quiet)
    assert personal_rows(own, "C9600003") == before
    assert "Nguyễn Thị Số 3".encode() in stored_bytes(own)


def test_the_ledger_keeps_both_hashes_and_every_law_still_holds(own: Warehouse) -> None:
    erase(own, CUSTOMER, "lan", "request 17", quiet)
    with own.connect("loader") as connection:
        entries = connection.execute(
            "select detail ->> 'old_sha256', detail ->> 'new_sha256' from meta.ledger where verdict = 'erased'"
        ).fetchall()
        declared = {sha for (sha,) in connection.execute(
            "select stored_sha256 from meta.delivery_files where dataset = 'customers'")}  # fmt: skip
    assert {old for old, _ in entries} == declared
    store = Store(own.settings.store)
    for old, new in entries:
        assert store.path(old) == store.path(new)
        assert store.holds(old)
    assert [result.text for result in check_laws(own) if not result.holds] == []


def test_a_later_load_brings_nothing_back(own: Warehouse) -> None:
    erase(own, CUSTOMER, "lan", "request 17", quiet)
    restage_first(own)
    assert personal_rows(own, CUSTOMER) == {("(erased)", None, None, None)}


def test_a_later_delivery_of_the_branch_is_cleaned_before_it_is_loaded(own: Warehouse) -> None:
    erase(own, CUSTOMER, "lan", "request 17", quiet)
    landing = Path(own.settings.landing)
    corrected = repay(first_delivery("96", "2025-09-28").next("2025-09-29"), 1, 1_000_000).next("2025-09-30")
    corrected.revision, corrected.supersedes = 2, "0" * 64
    corrected.write(landing)
    (outcome,) = take_in(own, "96")
    assert outcome.verdict == "published_with_warnings", outcome.finding_lines
    assert personal_rows(own, CUSTOMER) == {("(erased)", None, None, None)}
    # What was refused on the way is loaded by nobody: the daily upkeep removes it.
    erase_again(own, quiet)
    assert NATIONAL_ID.encode() not in stored_bytes(own)
    assert [result.text for result in check_laws(own) if not result.holds] == []


def test_an_erasure_leaves_what_a_night_has_only_just_kept(
    own: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The night goes on once the erasure has come to its end, or waits for the night."""
    take_in(own, "96")
    third = repay(first_delivery("96", "2025-09-28").next("2025-09-29"), 1, 1_000_000).next("2025-09-30")
    third.revision, third.supersedes = 2, "0" * 64
    third.rows["customers"][2]["residence"] = "left"
    third.write(Path(own.settings.landing))
    mark = tmp_path / "mark"
    monkeypatch.setenv("WAREHOUSE_FAULT", "after hashing=wait")
    monkeypatch.setenv("WAREHOUSE_FAULT_MARK", str(mark))
    with ThreadPoolExecutor(2) as pool, own.connect("admin", autocommit=True) as watch:
        night = pool.submit(take_in, own, "96")
        wait_until(mark.exists, night.done)
        erasure = pool.submit(erase, own, CUSTOMER, "lan", "request 17", quiet)
        wait_until(lambda: erasure.done() or watch.execute(WAITS).fetchone() is not None)
        mark.unlink()
        assert [outcome.verdict for outcome in night.result()] == ["published_with_warnings"]
        erasure.result()
    erase_again(own, quiet)
    assert NATIONAL_ID.encode() not in stored_bytes(own)
    assert [result.text for result in check_laws(own) if not result.holds] == []


@pytest.mark.parametrize("form", [{"compression": "zip"}, {"encoding": "utf-16"}, {"format": "ods"}], ids=str)
def test_a_file_in_a_form_that_nobody_reads_is_removed_with_the_first_erasure(
    own: Warehouse, form: dict[str, str]
) -> None:
    """Nobody can say whom it names; its delivery is held, and the branch sends another."""
    held = first_delivery("04")
    held.payloads["customers"] = to_csv("customers", held.rows["customers"]).decode().encode("utf-16")
    held.resources["customers"] = {"compression": None, **form}
    held.write(Path(own.settings.landing))
    assert [outcome.verdict for outcome in take_in(own, "04")] == ["held"]
    proof = erase(own, CUSTOMER, "lan", "request 17", quiet)
    assert proof.holds, proof.text
    assert "004180000002".encode("utf-16-le") not in stored_bytes(own)
    assert [result.text for result in check_laws(own) if not result.holds] == []


def test_the_same_bytes_sent_again_are_a_duplicate_and_stay_erased(own: Warehouse) -> None:
    erase(own, CUSTOMER, "lan", "request 17", quiet)
    landing = Path(own.settings.landing)
    again = first_delivery("96", "2025-09-28")
    again.revision, again.supersedes = 2, "0" * 64
    again.write(landing)
    take_in(own, "96")
    erase_again(own, quiet)
    assert NATIONAL_ID.encode() not in stored_bytes(own)


def test_bytes_that_come_back_with_a_second_look_at_a_folder_do_not_stay(own: Warehouse) -> None:
    """A landing that is copied anew has other times: every folder in it is looked at again, and its bytes are kept."""
    erase(own, CUSTOMER, "lan", "request 17", quiet)
    for file in Path(own.settings.landing).rglob("*.gz"):
        os.utime(file, (0, 0))
    take_in(own, "96")
    with own.connect("admin") as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("update meta.deliveries set received_at = received_at - interval '1 month'")
    erase_again(own, quiet, since=clock() - dt.timedelta(days=7))
    assert NATIONAL_ID.encode() not in stored_bytes(own)
    assert [result.text for result in check_laws(own) if not result.holds] == []
    restage_first(own)
    assert personal_rows(own, CUSTOMER) == {("(erased)", None, None, None)}


def test_the_statistics_of_the_rows_name_nobody_either(own: Warehouse) -> None:
    def statistics() -> str:
        with own.connect("admin") as connection:
            rows = connection.execute("select s::text from pg_stats as s where schemaname = 'personal'").fetchall()
        return "\n".join(row for (row,) in rows)

    assert NATIONAL_ID in statistics()
    erase(own, CUSTOMER, "lan", "request 17", quiet)
    found = statistics()
    assert not any(value in found for value in (NAME, NATIONAL_ID, PHONE))
    assert "Nguyễn Thị Số 3" in found


def test_an_erasure_does_not_wait_for_a_branch_that_is_slow(own: Warehouse) -> None:
    """Whoever receives next would stand in line behind it: one that hangs would keep every branch from delivering."""
    with own.connect("loader") as slow:
        slow.execute("select pg_advisory_xact_lock_shared(hashtext('receiving'))")
        said: list[str] = []
        assert not erase(own, CUSTOMER, "lan", "request 17", said.append).holds
        assert "a night is receiving; what belongs to no delivery on record is removed next time" in said
    assert erase(own, CUSTOMER, "lan", "request 17", quiet).holds


def test_a_person_whom_only_a_held_delivery_named_is_erased(own: Warehouse) -> None:
    """The rows of a held delivery are dropped with its verdict, its bytes stay."""
    held = first_delivery("04")
    held.resources["deposits"] = {"controlTotals": {"balance_vnd": 1}}
    held.write(Path(own.settings.landing))
    assert [outcome.verdict for outcome in take_in(own, "04")] == ["held"]
    assert personal_rows(own, "C0400002") == set()
    log = own.settings.home / "airflow" / "logs" / "task.log"
    log.parent.mkdir(parents=True)
    log.write_text("a careless print: 004180000002\n", encoding="utf-8")
    proof = erase(own, "C0400002", "lan", "request 18", quiet)
    assert proof.holds, proof.text
    assert b"004180000002" not in stored_bytes(own)
    assert log.read_text(encoding="utf-8") == "a careless print: ***\n"


def test_a_restored_database_learns_who_was_erased_since_the_backup(own: Warehouse, tmp_path: Path) -> None:
    erase(own, CUSTOMER, "lan", "request 17", quiet)
    with own.connect("admin") as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("delete from meta.erasures")
        connection.execute("update personal.customers_rows set phone = %s where customer_id = %s", [PHONE, CUSTOMER])
    erase_again(own, quiet)
    with own.connect("admin") as connection:
        assert count_rows(connection, [CUSTOMER]) == 0


def test_the_stored_bytes_pass_a_second_door(own: Warehouse, tmp_path: Path) -> None:
    """What deriving a quarter again, and rebuilding a warehouse from its store, begin with (laws 7 and 11)."""
    with own.connect("loader") as connection:
        rows = connection.execute("select branch_code, business_date::text, revision, descriptor_sha256 from meta.deliveries "
                                  "order by business_date").fetchall()  # fmt: skip
    store = Store(own.settings.store)
    untouched = [store.path(row[3]).read_bytes() for row in rows]
    assert [as_kept(store, content) for content in untouched] == untouched
    erase(own, CUSTOMER, "lan", "request 17", quiet)
    second = new_warehouse(own, tmp_path / "second")
    for row in rows:
        delivery = dict(zip(("branch_code", "business_date", "revision", "descriptor_sha256"), row, strict=True))
        lay_out(store, delivery, Path(second.settings.landing))
    assert [outcome.verdict for outcome in take_in(second, "96")] == ["published", "published"]
    assert personal_rows(second, CUSTOMER) == {("(erased)", None, None, None)}
    assert totals(second) == totals(own)
    remove_warehouse(second)


def test_a_log_that_names_the_person_is_found_and_masked(own: Warehouse) -> None:
    log = own.settings.home / "airflow" / "logs" / "task.log"
    log.parent.mkdir(parents=True)
    log.write_text(f"a careless print: {PHONE} of {NAME}\n", encoding="utf-8")
    proof = erase(own, CUSTOMER, "lan", "request 17", quiet)
    assert next(place for place in proof.places if place.name.startswith("logs")).before == 1
    assert log.read_text(encoding="utf-8") == "a careless print: *** of ***\n"


def test_what_cannot_be_cleaned_makes_the_proof_fail(own: Warehouse) -> None:
    report = own.settings.home / "reports" / "board.pdf"
    report.parent.mkdir(parents=True)
    report.write_bytes(f"%PDF {NATIONAL_ID}".encode())
    proof = erase(own, CUSTOMER, "lan", "request 17", quiet)
    assert not proof.holds
    assert "still there" in proof.text


def test_nobody_is_erased_whom_the_books_do_not_know(own: Warehouse) -> None:
    with pytest.raises(WarehouseError, match="knows the customer C1"):
        erase(own, "C1", "lan", "request 17", quiet)


def test_the_command_asks_for_a_reason(
    own: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environment(own).items():
        monkeypatch.setenv(name, value)
    assert cli.main(["erase", CUSTOMER]) == 64
    assert cli.main(["erase", CUSTOMER, "--reason", "request 17"]) == 0
    assert "is erased" in capsys.readouterr().out


def test_every_load_asks_for_the_list(own: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without asking, the person would be back: the check above can fail."""
    erase(own, CUSTOMER, "lan", "request 17", quiet)
    monkeypatch.setattr("ingestion.load.forget_erased", lambda *_: 0)
    landing = Path(own.settings.landing)
    corrected = first_delivery("96", "2025-09-28").next("2025-10-01")
    corrected.previous = "2025-09-29"
    corrected.write(landing)
    take_in(own, "96")
    assert len(personal_rows(own, CUSTOMER)) == 2
    (broken,) = [result for result in check_laws(own) if not result.holds]
    assert (broken.number, len(broken.violations)) == (12, 2)
    assert broken.violations[0] == "customer C9600002: 1 rows hold a personal value again."
    assert NAME not in broken.text
