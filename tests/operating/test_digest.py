"""One digest a run, over real SMTP and HTTP: what it says, to whom, and that it is said once."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.errors import WarehouseError
from pipeline.after import MARTS_FOLLOW, end_run, find_failed_tasks, told_night
from pipeline.board import read_board
from pipeline.board_text import board_lines
from pipeline.deadline import ZONE
from pipeline.digest import tell_digest
from pipeline.nights import record_run
from pipeline.telling import name, read_targets
from tests.operating.conftest import MORNING, without_one_dong
from tests.operating.receivers import Hook, Mailbox, mail_server, web_server
from tests.support.deliveries import first_delivery
from tests.support.door import take_in
from tests.support.warehouses import copy_warehouse, new_warehouse, remove_warehouse
from warehouse.connect import Warehouse

LONG_AGO = dt.datetime(2025, 9, 1, tzinfo=dt.UTC)
LATER = dt.datetime(2099, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def copied(morning: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """The morning, to be told of: a copy, for telling leaves a record."""
    found = copy_warehouse(morning, tmp_path_factory.mktemp("told"))
    yield found
    remove_warehouse(found)


@pytest.fixture
def own(copied: Warehouse) -> Warehouse:
    """The same, with nothing told yet."""
    with copied.connect("admin") as connection:
        connection.execute("delete from meta.digests")
    return copied


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    with mail_server() as box:
        address = f"smtp://127.0.0.1:{box.port}/?from=warehouse@bank.vn&to=ops@bank.vn,head@bank.vn"
        monkeypatch.setenv("WAREHOUSE_DIGEST", address)
        yield box


@pytest.fixture
def hook() -> Iterator[Hook]:
    with web_server() as found:
        yield found


def test_a_mail_says_what_was_held_late_and_missing(own: Warehouse, mailbox: Mailbox) -> None:
    assert tell_digest(own, "run 1", LONG_AGO, now=MORNING)
    (message,) = mailbox.messages
    assert mailbox.envelopes == [("<warehouse@bank.vn>", ["<ops@bank.vn>", "<head@bank.vn>"])]
    assert message["Subject"] == (
        "Warehouse, night of 2025-09-30: NOT GOOD (2 published, 1 held, 1 refused, 1 missing, 1 late)"
    )
    text = message.get_content()
    for line in (
        "01 Hà Nội: held. 2 finding(s) hold the delivery; see the feedback.",
        "11 Điện Biên: refused. The bytes of offices.csv.gz do not have the declared hash",
        "24 Bắc Ninh: missing, 4.0 h late. Nothing has been delivered for this date.",
        "04 Cao Bằng: published, 3.3 h late.",
        "01 Hà Nội: published -> held",
    ):
        assert line in text
    assert "96 Cà Mau" not in text


def test_a_run_is_told_of_once_and_a_quiet_one_not_at_all(own: Warehouse, mailbox: Mailbox) -> None:
    assert tell_digest(own, "run 1", LONG_AGO, now=MORNING)
    assert tell_digest(own, "run 1", LONG_AGO, now=MORNING) == []
    assert tell_digest(own, "run 2", LATER, now=MORNING) == []
    assert len(mailbox.messages) == 1


def test_the_first_run_after_the_deadline_has_the_last_word(own: Warehouse, mailbox: Mailbox) -> None:
    assert tell_digest(own, "before", LONG_AGO, now=MORNING.replace(hour=7))
    assert "expected" in mailbox.messages[0]["Subject"]
    # Nothing has turned since, but now it is known who is missing.
    assert tell_digest(own, "after", LATER, now=MORNING.replace(hour=8, minute=5))
    assert "1 missing" in mailbox.messages[1]["Subject"]
    assert tell_digest(own, "an hour later", LATER, now=MORNING.replace(hour=9)) == []


def test_the_last_word_is_about_the_date_that_is_due_whatever_has_come_of_the_next(
    own: Warehouse, mailbox: Mailbox, tmp_path: Path
) -> None:
    eager = copy_warehouse(own, tmp_path / "eager")
    first_delivery("22", "2025-10-01").write(Path(eager.settings.landing))
    take_in(eager, "22")
    assert tell_digest(eager, "the last word", LONG_AGO, now=MORNING)
    assert mailbox.messages[0]["Subject"] == (
        "Warehouse, night of 2025-09-30: NOT GOOD (2 published, 1 held, 1 refused, 1 missing, 1 late)"
    )
    remove_warehouse(eager)


def test_what_is_wrong_with_the_next_date_is_no_remark_beside_the_last_word(
    warehouse: Warehouse, mailbox: Mailbox, tmp_path: Path
) -> None:
    """Where one night a day runs, in the evening, every digest is the last word on the date before."""
    own = new_warehouse(warehouse, tmp_path / "evening")
    first = first_delivery("96", "2025-09-30")
    first.write(Path(own.settings.landing))
    without_one_dong(first.next("2025-10-01")).write(Path(own.settings.landing))
    take_in(own, "96")
    assert tell_digest(own, "the evening", LONG_AGO, now=MORNING.replace(hour=20))
    assert mailbox.messages[0]["Subject"] == (
        "Warehouse, night of 2025-09-30: NOT GOOD (1 published, 1 late, 1 open on other dates)"
    )
    remove_warehouse(own)


def test_the_last_word_is_the_same_for_who_could_not_be_told_at_once(
    own: Warehouse, hook: Hook, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    eager = copy_warehouse(own, tmp_path / "eager")
    first_delivery("22", "2025-10-01").write(Path(eager.settings.landing))
    take_in(eager, "22")
    monkeypatch.setenv("WAREHOUSE_DIGEST", f"http://127.0.0.1:{hook.port}/one")
    assert tell_digest(eager, "the last word", LONG_AGO, now=MORNING)
    monkeypatch.setenv("WAREHOUSE_DIGEST", f"http://127.0.0.1:{hook.port}/one http://127.0.0.1:{hook.port}/two")
    assert tell_digest(eager, "the last word", LONG_AGO, now=MORNING)
    (_, _, told), (_, _, repeated) = hook.posts
    assert told["business_date"] == repeated["business_date"] == "2025-09-30"
    remove_warehouse(eager)


def test_warnings_are_counted_by_kind(own: Warehouse, mailbox: Mailbox) -> None:
    with own.connect("loader") as connection:
        connection.execute(
            "insert into meta.findings (delivery_id, dataset, rule, severity, message) select delivery_id, 'loan_book', "
            "'rate-outside-programme', 'warning', 'x' from meta.visible_deliveries, generate_series(1, 3) "
            "where business_date = '2025-09-30'"
        )
    tell_digest(own, "run 1", LONG_AGO, now=MORNING)
    assert "rate-outside-programme (loan_book): 6 in 2 deliveries" in mailbox.messages[0].get_content()


def test_a_killed_task_is_told(own: Warehouse, mailbox: Mailbox) -> None:
    states = {"branch.load_0": "success", "branch.load_1": "failed", "branch.publish_1": "upstream_failed",
              "report_verdicts": "failed", "find_branches": "success"}  # fmt: skip
    failed = find_failed_tasks(states, ["58", "96"])
    tell_digest(own, "run 9", LATER, failed, now=MORNING.replace(hour=9))
    told = mailbox.messages[0].get_content().replace("\r\n", "\n").split("\n\n")[1]
    assert told.splitlines() == [
        "Tasks that failed or were killed",
        "  branch.load [96 Cà Mau] failed or was killed; its log in Airflow says why",
    ]


def test_a_killed_night_is_told_until_one_has_ended_since(own: Warehouse, mailbox: Mailbox) -> None:
    with own.connect("admin") as connection:
        before = connection.execute("select coalesce(max(night_id), 0) from meta.nights").fetchone()
        connection.execute("insert into meta.nights (started_by) values ('command line')")
    try:
        told = [bool(tell_digest(own, f"run {n}", LATER, now=MORNING)) for n in (1, 2)]
        began = dt.datetime.now(dt.UTC)
        record_run(own, "run 3", began, [])
        told += [bool(tell_digest(own, f"run {n}", since, now=MORNING)) for n, since in ((3, began), (4, LATER))]
        assert told == [True, True, True, False]
        assert all("was killed" in message.get_content() for message in mailbox.messages)
        lines = list(board_lines(read_board(own, MORNING)))
        with own.connect("admin") as connection:
            row = connection.execute(
                "select min(started_at), max(ended_at) from meta.nights where night_id > %s", before
            )
            started, ended = row.fetchone() or (None, None)
        assert f"; one has ended at {ended.astimezone(ZONE):%H:%M}" in lines[2]
        assert f"{started.astimezone(ZONE):%H:%M} by command line was killed" in lines[2]
    finally:
        with own.connect("admin") as connection:
            connection.execute("delete from meta.nights where night_id > %s", before)


def test_a_webhook_gets_one_document(own: Warehouse, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_DIGEST", f"http://127.0.0.1:{hook.port}/hooks/secret")
    sent = tell_digest(own, "run 1", LONG_AGO, now=MORNING)
    ((path, kind, document),) = hook.posts
    assert (path, kind) == ("/hooks/secret", "application/json; charset=utf-8")
    assert (document["verdict"], document["business_date"]) == ("bad", "2025-09-30")
    assert "Hà Nội" in document["text"]
    assert len(document["parts"]["Held or refused"]) == 2
    assert sent == [f"http://127.0.0.1:{hook.port}"]


def test_what_a_receiver_does_not_take_is_sent_again(own: Warehouse, mailbox: Mailbox) -> None:
    mailbox.refuses = True
    with pytest.raises(WarehouseError, match="did not take the digest"):
        tell_digest(own, "run 1", LONG_AGO, now=MORNING)
    mailbox.refuses = False
    assert tell_digest(own, "run 1", LONG_AGO, now=MORNING)


def test_a_receiver_that_is_dead_silences_no_other(own: Warehouse, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_DIGEST", f"http://127.0.0.1:1/dead http://127.0.0.1:{hook.port}/alive")
    for _ in range(3):  # as often as Airflow tries
        with pytest.raises(WarehouseError, match=r"http://127\.0\.0\.1:1 did not take the digest"):
            tell_digest(own, "run 1", LONG_AGO, now=MORNING)
    assert tell_digest(own, "an hour later", LONG_AGO, now=MORNING) == []
    assert [path for path, _, _ in hook.posts] == ["/alive"], "and nobody is told twice because of it"
    monkeypatch.setenv("WAREHOUSE_DIGEST", f"http://127.0.0.1:{hook.port}/alive http://127.0.0.1:{hook.port}/again")
    assert tell_digest(own, "run 1", LONG_AGO, now=MORNING) == [f"http://127.0.0.1:{hook.port}"]
    assert [path for path, _, _ in hook.posts] == ["/alive", "/again"]


def test_a_person_whom_the_mail_server_does_not_know_has_not_been_told(own: Warehouse, mailbox: Mailbox) -> None:
    mailbox.unknown = "head@bank.vn"
    with pytest.raises(WarehouseError, match=r"did not take the digest.*head@bank\.vn"):
        tell_digest(own, "run 1", LONG_AGO, now=MORNING)
    assert mailbox.envelopes == [("<warehouse@bank.vn>", ["<ops@bank.vn>"])]


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_webhook_that_sends_one_elsewhere_has_not_taken_the_digest(
    own: Warehouse, hook: Hook, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    hook.status, hook.elsewhere = status, f"http://127.0.0.1:{hook.port}/login"
    monkeypatch.setenv("WAREHOUSE_DIGEST", f"http://127.0.0.1:{hook.port}/hooks/secret")
    with pytest.raises(WarehouseError, match=f"did not take the digest.*{status}"):
        tell_digest(own, "run 1", LONG_AGO, now=MORNING)


def test_a_night_is_good_even_when_the_receiver_is_no_web_server(
    own: Warehouse, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_DIGEST", f"http://127.0.0.1:{mailbox.port}/")
    said: list[str] = []
    with told_night(own, said.append):
        pass
    assert any("nobody was told" in line and "BadStatusLine" in line for line in said)


def test_what_nobody_could_be_told_is_told_by_the_next_run_and_nothing_twice(
    warehouse: Warehouse, mailbox: Mailbox, tmp_path: Path
) -> None:
    own = new_warehouse(warehouse, tmp_path / "away")
    first = first_delivery("96", "2025-09-29")
    first.write(Path(own.settings.landing))
    take_in(own, "96")
    assert tell_digest(own, "the last word", LONG_AGO, now=MORNING)
    first.next("2025-09-30").write(Path(own.settings.landing))
    take_in(own, "96")
    mailbox.refuses = True
    with pytest.raises(WarehouseError):
        tell_digest(own, "the night", LONG_AGO, now=MORNING)
    mailbox.refuses = False
    assert tell_digest(own, "an hour later", LATER, now=MORNING)
    # It began before that verdict, too: a night by hand beside Airflow's.
    assert tell_digest(own, "beside it", LONG_AGO, now=MORNING) == []
    remove_warehouse(own)


def test_a_night_is_good_even_when_nobody_can_be_told(own: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_DIGEST", "http://127.0.0.1:1/nobody")
    said: list[str] = []
    with told_night(own, said.append):
        pass
    assert any("nobody was told" in line for line in said)


def test_a_run_is_told_of_even_when_its_pages_cannot_be_written(
    own: Warehouse, mailbox: Mailbox, tmp_path: Path
) -> None:
    (tmp_path / "a file").touch()
    nowhere = dataclasses.replace(own.settings, home=tmp_path / "a file")
    with pytest.raises(NotADirectoryError):
        end_run(dataclasses.replace(own, settings=nowhere), "run 5", LONG_AGO, [])
    assert len(mailbox.messages) == 1


def test_of_a_run_whose_marts_are_still_to_be_made_it_is_not_said_that_they_lack(
    warehouse: Warehouse, mailbox: Mailbox, tmp_path: Path
) -> None:
    """A run of Airflow's is told of before the marts are made; where they are not made for an hour, that is said."""
    own = new_warehouse(warehouse, tmp_path / "followed")
    first_delivery("96").write(Path(own.settings.landing))
    take_in(own, "96")
    end_run(own, "run 1", LONG_AGO, [])
    late = dt.datetime.now(dt.UTC) + MARTS_FOLLOW
    assert tell_digest(own, "run 2", LONG_AGO, ["a task failed"], now=late, marts_follow=MARTS_FOLLOW)
    assert tell_digest(own, "a night by hand", LONG_AGO, ["a task failed"])
    said = ["have not followed" in message.get_content() for message in mailbox.messages]
    assert said == [False, True, True]
    remove_warehouse(own)


def test_nobody_is_told_unless_it_is_set(own: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAREHOUSE_DIGEST", raising=False)
    assert tell_digest(own, "run 1", LONG_AGO, now=MORNING) == []


def test_an_empty_warehouse_has_nothing_to_say(warehouse: Warehouse, mailbox: Mailbox, tmp_path: Path) -> None:
    empty = new_warehouse(warehouse, tmp_path / "empty")
    assert tell_digest(empty, "run 1", LONG_AGO, now=MORNING) == []
    failed = find_failed_tasks({"find_branches": "failed"})
    assert tell_digest(empty, "run 2", LONG_AGO, failed, now=MORNING), (
        "the landing cannot be read, from the first night on"
    )
    remove_warehouse(empty)


def test_receivers_are_read_from_a_file_and_shown_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "digest"
    secret.write_text("smtps://u:pass@mail.bank.vn/?from=a@b.vn&to=c@d.vn https://chat.bank.vn/hooks/token\n")
    monkeypatch.setenv("WAREHOUSE_DIGEST", f"@{secret}")
    assert [name(target) for target in read_targets()] == ["smtps://mail.bank.vn (c@d.vn)", "https://chat.bank.vn"]


@pytest.mark.parametrize(
    "text",
    [
        "mail.bank.vn",
        "ftp://x",
        "smtp://mail.bank.vn",
        "smtp://m/?from=a@b",
        "@/no/file",
        "https://x:y",
        "https://[x",
    ],
)
def test_a_receiver_that_cannot_be_understood_is_an_error(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_DIGEST", text)
    with pytest.raises(WarehouseError):
        read_targets()


def test_a_password_is_not_sent_in_the_clear(own: Warehouse, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_DIGEST", f"smtp://u:secret@127.0.0.1:{mailbox.port}/?from=a@b.vn&to=c@d.vn")
    with pytest.raises(WarehouseError, match="no encryption") as caught:
        tell_digest(own, "run 1", LONG_AGO, now=MORNING)
    assert "secret" not in str(caught.value)
    assert mailbox.messages == []
