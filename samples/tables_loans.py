"""Files about money lent: the loan book, its transactions, the ledger that ties to it, and the risk decisions."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa

from samples.columns import Column, blank, pick, write_codes, write_days, write_integers, write_moments
from samples.fit import BoolArray, IntArray
from samples.flows import BUCKETS, CHANNELS, KIND, KINDS, POINT, is_kind
from samples.places import MERGER_DAY
from samples.programmes import CODES, ORGANISATIONS, PROGRAMMES, PURPOSES, SOURCES, list_rates
from samples.sources import CENTRAL, read_sources
from samples.tables_static import Columns, write_hamlets
from samples.world import World

_METHODS = ("entrusted", "direct")
_NO_ORGANISATION = ORGANISATIONS.index("NONE")
_REASONS = ("K1", "K2", "K3", "K4a", "K4b", "K4c", "K5")
_MEASURES = {"extension": "extend", "to_frozen": "freeze", "from_frozen": "unfreeze", "write_off": "write_off"}


def write_loan_book(world: World, day: date, covered: BoolArray) -> Columns:
    """Loans with a balance at the close of the day."""
    book, people, land, state = world.book, world.people, world.land, world.states[day]
    chosen = np.flatnonzero(state.is_open & covered[world.place_of_loan])
    number, customer = pa.array(chosen), book.customer[chosen]
    group, place = people.group[customer], people.place[customer]
    is_direct = group < 0
    contract_rates, overdue_rates = list_rates()
    rate = book.rate_place[chosen]
    return {
        "contract_no": world.contract_codes.take(number),
        "customer_id": world.customer_codes.take(pa.array(customer)),
        "office_code": pick(world.office_codes, world.office_of_customer[customer]),
        "commune_code": pick(world.commune_codes(day), place),
        "hamlet_code": write_hamlets(world, place, np.where(is_direct, 0, land.group_hamlet[group])),
        "point_code": pick(land.point_codes, np.where(is_direct, -1, land.point_of_place[place])),
        "group_code": pick(land.group_codes, group),
        "organisation_code": pick(ORGANISATIONS, np.where(is_direct, _NO_ORGANISATION, land.group_organisation[group])),
        "programme_code": pick(CODES, book.programme[chosen]),
        "source_code": pick(SOURCES, read_sources(book.source, day)[chosen]),
        "method": pick(_METHODS, is_direct.astype(np.int64)),
        "purpose_code": _write_purposes(world, chosen),
        "disbursed_on": write_days(book.disbursed_on[chosen]),
        "maturity_on": write_days(book.maturity_on[chosen]),
        "extended_to": write_days(state.extended_to[chosen]),
        "rate_pct": pick(contract_rates, rate),
        "overdue_rate_pct": pick(overdue_rates, rate),
        "approved_vnd": write_integers(book.approved[chosen]),
        "disbursed_vnd": write_integers(state.disbursed[chosen]),
        "in_term_vnd": write_integers(state.in_term[chosen]),
        "overdue_vnd": write_integers(state.overdue[chosen]),
        "frozen_vnd": write_integers(state.frozen[chosen]),
        "interest_due_vnd": write_integers(state.interest_due[chosen]),
        "interest_overdue_vnd": write_integers(state.interest_overdue[chosen]),
        "overdue_since": write_days(state.overdue_since[chosen]),
        "oldest_unpaid_due_on": write_days(state.unpaid_since[chosen]),
        "frozen_until": write_days(state.frozen_until[chosen]),
        "is_restructured": write_integers(~np.isnat(state.extended_to[chosen])),
    }


def _write_purposes(world: World, chosen: IntArray) -> Column:
    """One of the programme's purposes, changing from loan to loan; a few are not recorded."""
    options = np.array([[PURPOSES.index(p.purposes[n % len(p.purposes)]) for n in range(12)] for p in PROGRAMMES])
    purpose = options[world.book.programme[chosen], chosen % 12]
    return pick(PURPOSES, np.where(chosen % 41 == 3, -1, purpose))


def write_transactions(world: World, previous: date | None, day: date, covered: BoolArray) -> Columns:
    """Events after `previous` up to `day`; none in a branch's first delivery."""
    flows, book, people, land = world.flows, world.book, world.people, world.land
    chosen = _find_events(world, previous, day, covered)
    loan, days = flows.loan[chosen], flows.day[chosen]
    place = world.place_of_loan[loan]
    # Codes as at the value date: an interval may reach across the merger.
    is_new = days >= np.datetime64(MERGER_DAY)
    before, after = world.commune_codes(date.min), world.commune_codes(MERGER_DAY)
    commune = pick(before + after, place + is_new * len(before))
    own = np.where(days <= np.datetime64("2025-06-30"), book.source[loan], read_sources(book.source, MERGER_DAY)[loan])
    source = np.where(flows.source[chosen] >= 0, flows.source[chosen], own)
    reverses = flows.reverses[chosen]
    second = 7 * 3600 + (people.group[book.customer[loan]] * 61 + chosen % 47) % (9 * 3600)
    second = np.where(reverses >= 0, 17 * 3600 + chosen % 3000, second)
    channel = flows.channel[chosen]
    return {
        "txn_id": _write_txn_ids(world, chosen),
        "contract_no": world.contract_codes.take(pa.array(loan)),
        "customer_id": world.customer_codes.take(pa.array(book.customer[loan])),
        "office_code": pick(world.office_codes, land.office_of_place[place]),
        "value_date": write_days(days),
        "posted_at": write_moments(days, second),
        "kind": pick(KINDS, flows.kind[chosen]),
        "bucket": pick(BUCKETS, flows.bucket[chosen]),
        "amount_vnd": write_integers(flows.amount[chosen]),
        "programme_code": pick(CODES, book.programme[loan]),
        "source_code": pick(SOURCES, source),
        "commune_code": commune,
        "reverses_txn_id": blank(_write_txn_ids(world, np.maximum(reverses, 0)), reverses < 0),
        "point_code": pick(land.point_codes, np.where(channel == POINT, land.point_of_place[place], -1)),
        "channel": pick(CHANNELS, channel),
    }


def _find_events(world: World, previous: date | None, day: date, covered: BoolArray) -> IntArray:
    flows = world.flows
    if previous is None:
        return np.zeros(0, dtype=np.int64)
    inside = (flows.day > np.datetime64(previous)) & (flows.day <= np.datetime64(day))
    return np.flatnonzero(inside & covered[world.place_of_loan[flows.loan]])


def _write_txn_ids(world: World, events: IntArray) -> Column:
    first = str(world.window.first).replace("-", "")
    return write_codes(pick((f"G{world.land.unit}{first}",), np.zeros(events.size, dtype=np.int64)), events, 9)


def write_ledger(world: World, day: date, covered: BoolArray) -> Columns:
    """The general ledger's loan accounts: by bucket and by central or local money, zero balances included."""
    state, book = world.states[day], world.book
    chosen = np.flatnonzero(covered[world.place_of_loan])
    office = world.office_of_customer[book.customer[chosen]]
    is_local = (book.source[chosen] != CENTRAL).astype(np.int64)
    size = (len(world.office_codes), len(CODES), 2)
    place = np.ravel_multi_index((office, book.programme[chosen], is_local), size)
    known = np.unique(place)
    offices, programmes, locals_ = np.unravel_index(known, size)
    accounts = [f"27{bucket + 1}{local + 1}01" for bucket in range(3) for local in range(2)]
    parts = []
    for balance in (state.in_term, state.overdue, state.frozen):
        sums = np.bincount(place, weights=balance[chosen].astype(np.float64), minlength=int(np.prod(size)))
        parts.append(np.round(sums[known]).astype(np.int64))
    bucket = np.repeat(np.arange(3), known.size)
    return {
        "account_code": pick(accounts, bucket * 2 + np.tile(locals_, 3)),
        "office_code": pick(world.office_codes, np.tile(offices, 3)),
        "programme_code": pick(CODES, np.tile(programmes, 3)),
        "bucket": pick(BUCKETS, bucket),
        "closing_vnd": write_integers(np.concatenate(parts)),
    }


def write_risk_decisions(world: World, previous: date | None, day: date, covered: BoolArray) -> Columns:
    """The decision behind each extension, freeze, thaw and write-off of the interval."""
    flows, book, debt = world.flows, world.book, world.debt
    chosen = _find_events(world, previous, day, covered)
    chosen = chosen[is_kind(flows, *_MEASURES)[chosen]]
    loan, kind = flows.loan[chosen], flows.kind[chosen]
    measures = [_MEASURES.get(name, "") for name in KINDS]
    reason = np.where(flows.kind[chosen] == KIND["to_frozen"], 2 + chosen % 5, chosen % 7)
    principal = np.where(kind == KIND["extension"], book.balance[loan], flows.amount[chosen])
    until = np.where(
        kind == KIND["extension"], debt.extended_to[loan],
        np.where(kind == KIND["to_frozen"], debt.frozen_until[loan], np.datetime64("NaT", "D")),
    )  # fmt: skip
    months = flows.day[chosen].astype("datetime64[M]")
    known, places = np.unique(months, return_inverse=True)
    unit = world.land.unit
    return {
        "decision_id": write_codes(pick((f"R{unit}",), np.zeros(chosen.size, dtype=np.int64)), chosen, 9),
        "contract_no": world.contract_codes.take(pa.array(loan)),
        "customer_id": world.customer_codes.take(pa.array(book.customer[loan])),
        "measure": pick(measures, kind),
        "reason_code": pick(_REASONS, reason),
        "principal_vnd": write_integers(principal),
        "interest_vnd": write_integers(principal * 3 // 200),
        "decided_on": write_days(flows.day[chosen]),
        "decision_no": pick([f"{str(month)[5:]}/QĐ-NHCS, {str(month)[:4]}" for month in known], places),
        "effective_to": write_days(until),
    }
