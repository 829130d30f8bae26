"""Files about capital, deposits and the registers of the meetings."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa

from samples.capital import CAPITAL_KINDS, CAPITAL_SOURCES, DEPOSIT_KINDS, weigh_deposits
from samples.columns import blank, nothing, pick, write_codes, write_days, write_integers, write_moments
from samples.fit import BoolArray, allocate
from samples.programmes import ORGANISATIONS
from samples.registers import (
    ADDRESSES,
    APPROVED,
    CLOSED_STATUSES,
    DEMAND_KINDS,
    DEMAND_STATUSES,
    DISBURSED,
    OPEN_STATUSES,
)
from samples.stories import NEVER
from samples.tables_static import Columns, find_offices
from samples.world import World

_FIRST_MOBILISED = CAPITAL_SOURCES.index("MOB_ORG")


def write_positions(world: World, day: date, covered: BoolArray) -> Columns:
    """Capital by source and office at the close of the day."""
    balance = world.capital.balance_at(np.datetime64(day))
    offices = np.array(find_offices(world, covered))
    source = np.repeat(np.array(world.capital.sources), offices.size)
    office = np.tile(offices, len(world.capital.sources))
    return {
        "source_code": pick(CAPITAL_SOURCES, source),
        "office_code": pick(world.office_codes, office),
        "balance_vnd": write_integers(balance[source, office]),
    }


def write_capital_transactions(world: World, previous: date | None, day: date, covered: BoolArray) -> Columns:
    """Movements of capital after `previous` up to `day`."""
    capital = world.capital
    inside = np.isin(capital.office, find_offices(world, covered)) & (capital.day <= np.datetime64(day))
    if previous is None:
        inside[:] = False
    else:
        inside &= capital.day > np.datetime64(previous)
    chosen = np.flatnonzero(inside)
    year = day.year
    decision = capital.decision[chosen]
    numbers = write_codes(pick((f"{world.land.unit}-{year}-",), np.zeros(chosen.size, dtype=np.int64)), decision, 3)
    return {
        "entry_id": write_codes(pick((f"V{world.land.unit}{year}",), np.zeros(chosen.size, dtype=np.int64)), chosen, 6),
        "source_code": pick(CAPITAL_SOURCES, capital.source[chosen]),
        "office_code": pick(world.office_codes, capital.office[chosen]),
        "value_date": write_days(capital.day[chosen]),
        "kind": pick(CAPITAL_KINDS, capital.kind[chosen]),
        "amount_vnd": write_integers(capital.amount[chosen]),
        "decision_no": blank(numbers, decision < 0),
        "programme_code": nothing(chosen.size),
        "commune_code": nothing(chosen.size),
    }


def write_deposits(world: World, day: date, covered: BoolArray) -> Columns:
    """Deposits by kind, office and commune: what the mobilised sources hold, to the đồng."""
    balance = world.capital.balance_at(np.datetime64(day))
    codes = np.array(world.commune_codes(day))
    mean = weigh_deposits(world.plan)
    kinds, offices, communes, amounts = [], [], [], []
    for office in find_offices(world, covered):
        places = np.flatnonzero(covered & (world.land.office_of_place == office))
        known, where = np.unique(codes[places], return_inverse=True)
        weights = np.bincount(where, weights=world.land.place_weight[places])
        for kind in range(len(DEPOSIT_KINDS)):
            kinds.append(np.full(known.size, kind))
            offices.append(np.full(known.size, office))
            communes.append(known)
            amounts.append(allocate(int(balance[_FIRST_MOBILISED + kind, office]), weights))
    kind_, amount = np.concatenate(kinds), np.concatenate(amounts)
    accounts = np.where(amount > 0, np.maximum(1, amount // np.array([mean * 200, mean * 4, mean])[kind_]), 0)
    return {
        "kind": pick(DEPOSIT_KINDS, kind_),
        "office_code": pick(world.office_codes, np.concatenate(offices)),
        "commune_code": pa.array(np.concatenate(communes).tolist(), pa.string()),
        "accounts": write_integers(accounts),
        "balance_vnd": write_integers(amount),
    }


def write_demand(world: World, day: date, covered: BoolArray) -> Columns:
    """People entitled, known on the day; a case is disbursed from its loan's day on and names the contract."""
    demand, book = world.demand, world.book
    moment = np.datetime64(day)
    chosen = np.flatnonzero((demand.as_of <= moment) & covered[demand.place])
    loan = demand.loan[chosen]
    is_lent = (loan >= 0) & (book.disbursed_on[loan] <= moment)
    status = np.where(demand.status[chosen] == DISBURSED, np.where(is_lent, DISBURSED, APPROVED), demand.status[chosen])
    contracts = world.contract_codes.take(pa.array(np.maximum(loan, 0)))
    customers = world.customer_codes.take(pa.array(book.customer[np.maximum(loan, 0)]))
    unit = f"N{world.land.unit}"
    return {
        "case_id": write_codes(pick((unit,), np.zeros(chosen.size, dtype=np.int64)), chosen, 7),
        "kind": pick([kind for kind, _ in DEMAND_KINDS], demand.kind[chosen]),
        "programme_code": pick([programme for _, programme in DEMAND_KINDS], demand.kind[chosen]),
        "commune_code": pick(world.commune_codes(day), demand.place[chosen]),
        "as_of": write_days(demand.as_of[chosen]),
        "status": pick(DEMAND_STATUSES, status),
        "need_vnd": write_integers(demand.need[chosen], (status == 0) & (chosen % 3 == 0)),
        "contract_no": blank(contracts, ~is_lent),
        "customer_id": blank(customers, ~is_lent),
    }


def write_absconded(world: World, day: date, covered: BoolArray) -> Columns:
    """Borrowers who left the locality, as registered by the day."""
    cases, people = world.absconded, world.people
    moment = np.datetime64(day)
    chosen = np.flatnonzero((cases.registered_on <= moment) & covered[people.place[cases.customer]])
    customer, status = cases.customer[chosen], cases.status[chosen]
    is_closed = cases.closed_on[chosen] <= moment
    is_returned = np.isnat(cases.closed_on[chosen]) & (status >= len(OPEN_STATUSES))
    shown = np.where(is_closed | is_returned | (status < len(OPEN_STATUSES)), status, 0)
    updated = np.where(is_closed, cases.closed_on[chosen], cases.registered_on[chosen])
    return {
        "case_id": write_codes(pick((f"B{world.land.unit}",), np.zeros(chosen.size, dtype=np.int64)), chosen, 7),
        "customer_id": world.customer_codes.take(pa.array(customer)),
        "office_code": pick(world.office_codes, world.office_of_customer[customer]),
        "commune_code": pick(world.commune_codes(day), people.place[customer]),
        "left_on": write_days(cases.left_on[chosen]),
        "address_known": pick(ADDRESSES, cases.address[chosen]),
        "management_status": pick(OPEN_STATUSES + CLOSED_STATUSES, shown),
        "recovered_vnd": write_integers(cases.recovered[chosen]),
        "closed_on": write_days(np.where(is_closed, cases.closed_on[chosen], NEVER)),
        "updated_at": write_moments(updated, cases.second[chosen]),
    }


def write_inspections(world: World, day: date, covered: BoolArray) -> Columns:
    """Inspections of this calendar year and the last."""
    found = world.inspections
    moment = np.datetime64(day)
    inside = (found.inspected_on <= moment) & (found.inspected_on >= np.datetime64(f"{day.year - 1}-01-01"))
    chosen = np.flatnonzero(inside & covered[found.place])
    organisation = np.where(found.body[chosen] == 2, found.organisation[chosen], -1)
    unit = f"K{world.land.unit}"
    return {
        "inspection_id": write_codes(pick((unit,), np.zeros(chosen.size, dtype=np.int64)), chosen, 6),
        "body": pick(("board", "bank", "organisation"), found.body[chosen]),
        "level": pick(("commune", "province"), found.is_province[chosen].astype(np.int64)),
        "inspected_on": write_days(found.inspected_on[chosen]),
        "commune_code": pick(world.commune_codes(day), found.place[chosen]),
        "organisation_code": pick(ORGANISATIONS, organisation),
        "groups_checked": write_integers(found.groups[chosen]),
        "households_checked": write_integers(found.households[chosen]),
        "findings": write_integers(found.findings[chosen]),
        "misuse_cases": write_integers(found.misuse[chosen]),
        "fixed_on": write_days(np.where(found.fixed_on[chosen] <= moment, found.fixed_on[chosen], NEVER)),
    }
