"""The steps of a night for one branch. Each asks the database what is to be done, does it, and may be repeated or run
twice at once: PostgreSQL decides who works on a delivery.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from contract.errors import WarehouseError
from ingestion.landing import Folder, Landing, without_password
from ingestion.publish import resolve
from ingestion.receive import Arrival, find_settled, receive_folder
from pipeline.intake import drop_held, measure_with, stage_with
from pipeline.outcomes import Outcome, arrival_outcome, delivery_outcome, tell_branch, turn_outcome
from pipeline.pause import paused_branches
from warehouse.connect import Warehouse
from warehouse.faults import reach


@dataclass(frozen=True)
class Selection:
    """Which deliveries to look at: None means all."""

    branch: str | None = None
    business_date: dt.date | None = None

    def takes(self, folder: Folder) -> bool:
        """True when the folder's names match."""
        return self.business_date is None or folder.business_date == self.business_date.isoformat()


def find_branches(warehouse: Warehouse) -> list[str]:
    """Return the branches that have something to do: a folder not seen as it is now, or work left unfinished.

    That a held delivery still has its rows is unfinished, too. Branches that are paused have nothing to do.
    """
    landing = Landing(warehouse.settings.landing)
    with warehouse.connect("loader") as connection:
        settled = set(connection.execute("select path, fingerprint from meta.arrivals where verdict <> 'waiting'"))
        unfinished = {row[0] for row in connection.execute(
            """
            select distinct d.branch_code from meta.deliveries as d
            left join meta.intakes as i on i.delivery_id = d.delivery_id
            left join meta.loads as held on held.delivery_id = d.delivery_id and i.errors > 0
            left join meta.weighed_intakes as w on w.delivery_id = i.delivery_id and w.evaluated_at = i.evaluated_at
            where d.duplicate_of is null
                and (w.delivery_id is null or i.could_not_run is not null or held.delivery_id is not null)
            """
        )}  # fmt: skip
        paused = paused_branches(connection)
    folders, unreadable = _list_all(landing)
    if not folders and not unreadable:
        _require_landing(warehouse, landing)
    _note_what_is_gone(warehouse, landing, folders, unreadable)
    seen = {folder.branch_code for folder in folders if (folder.path, folder.fingerprint) not in settled}
    return sorted((seen | unreadable | unfinished) - paused)


def _list_all(landing: Landing) -> tuple[list[Folder], set[str]]:
    """The folders of all branches, and the branches whose folders cannot be read: their own steps say why, and stop no other."""
    folders: list[Folder] = []
    unreadable: set[str] = set()
    for code in landing.branches():
        try:
            folders += landing.folders(code)
        except WarehouseError:
            unreadable.add(code)
    return folders, unreadable


def _require_landing(warehouse: Warehouse, landing: Landing) -> None:
    """Raise WarehouseError where the landing that somebody named is not there; one's own appears with the first delivery."""
    if warehouse.settings.landing != str(warehouse.settings.home / "landing") and not landing.is_there():
        raise WarehouseError(
            f"The landing {without_password(landing.url)} cannot be read: there is no such folder or bucket",
            remedy="Check WAREHOUSE_LANDING, or --landing, and that the disk is mounted (docs/landing.md).",
        )


def _note_what_is_gone(
    warehouse: Warehouse, landing: Landing, folders: Iterable[Folder], unreadable: Collection[str]
) -> None:
    """Note which folders that were refused or are waited for lie in the landing no more: nobody has to see to them.

    So with those of another landing: the night that looks there again sees them again.
    """
    there = {folder.path for folder in folders}
    unseen = tuple(f"{landing.root}/{code}/" for code in unreadable)
    with warehouse.connect("loader") as connection:
        known = connection.execute(
            "select path, gone_at is null from meta.arrivals where verdict in ('refused', 'waiting')"
        ).fetchall()
        changed = [path for path, was_there in known if was_there != (path in there) and not path.startswith(unseen)]
        if changed:
            connection.execute(
                "update meta.arrivals set gone_at = case when gone_at is null then now() end where path = any(%s)",
                [changed],
            )


def look_again(
    warehouse: Warehouse, codes: Collection[str], selection: Selection | None = None
) -> dict[str, list[Arrival]]:
    """Return what is known of the folders of each of these branches in which nothing is new, by one query for all.

    A branch of which a folder is not settled is left out: it has something to do. So is one that cannot be looked at, or told.
    """
    landing = Landing(warehouse.settings.landing)
    folders = {}
    for code in codes:
        with contextlib.suppress(WarehouseError):
            folders[code] = _list_folders(landing, code, selection)
    with warehouse.connect("loader") as connection:
        settled = find_settled(connection, [folder for found in folders.values() for folder in found])
    known = {
        code: [settled[folder.path] for folder in found]
        for code, found in folders.items()
        if all(folder.path in settled for folder in found)
    }
    for code, arrivals in list(known.items()):
        try:
            _tell_of_refusals(warehouse, arrivals)
        except OSError:
            del known[code]
    return known


def verify_branch(warehouse: Warehouse, branch_code: str, selection: Selection | None = None) -> list[Arrival]:
    """Look at every folder of the branch, oldest first; keep and register what is new."""
    landing = Landing(warehouse.settings.landing)
    folders = _list_folders(landing, branch_code, selection)
    with warehouse.connect("loader") as connection:
        settled = find_settled(connection, folders)
    arrivals = [settled.get(folder.path) or receive_folder(warehouse, landing, folder) for folder in folders]
    _tell_of_refusals(warehouse, arrivals)
    _tell_of_repeats(warehouse, [arrival for arrival in arrivals if arrival.folder.path not in settled])
    return arrivals


def _list_folders(landing: Landing, branch_code: str, selection: Selection | None) -> list[Folder]:
    wanted = selection or Selection()
    return [folder for folder in landing.folders(branch_code) if wanted.takes(folder)]


def _tell_of_refusals(warehouse: Warehouse, arrivals: Iterable[Arrival]) -> None:
    for arrival in arrivals:
        if arrival.verdict == "refused":
            tell_branch(warehouse.settings.outbox, arrival_outcome(arrival))


def _tell_of_repeats(warehouse: Warehouse, arrivals: Iterable[Arrival]) -> None:
    """What was said of other content under their numbers does not hold any more."""
    with warehouse.connect("loader") as connection:
        for arrival in arrivals:
            if arrival.verdict == "duplicate" and arrival.delivery_id is not None:
                stands = delivery_outcome(connection, arrival.delivery_id)
                is_its_own = stands.revision == arrival.folder.revision
                tell_branch(warehouse.settings.outbox, stands if is_its_own else arrival_outcome(arrival))


def publish_branch(warehouse: Warehouse, branch_code: str) -> list[Outcome]:
    """Bring the ledger up to date for the branch and its relatives; return every delivery whose verdict turned."""
    turned: list[Outcome] = []
    with warehouse.connect("loader") as connection:
        starts = connection.execute(
            "select valid_from from meta.branches where branch_code = %s", [branch_code]
        ).fetchall()
        for (valid_from,) in starts:
            turns = resolve(connection, (branch_code, valid_from), measure_with(warehouse), stage_with(warehouse))
            outcomes = [turn_outcome(connection, turn) for turn in turns]
            # Before the commit: what the ledger says has turned is not told again by the next night.
            for outcome in outcomes:
                tell_branch(warehouse.settings.outbox, outcome)
            reach("before the commit that makes visible", branch_code)
            connection.commit()
            reach("after the commit that makes visible", branch_code)
            turned += outcomes
            drop_held(connection, (branch_code, valid_from))
    return turned
