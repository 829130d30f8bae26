"""The auditor over time: roll-forward between deliveries and the warnings of section 5, from the contract alone."""

from __future__ import annotations

import pandas as pd

from tests.samples.auditing import CAPS, EVENTS, KEYS, RATES, TERMS, Sent

CONTRACT = ["contract_no", "customer_id"]
# kind -> {bucket of the event ("*": any): {balance: sign}}, section 5 rule 2.
EFFECTS = {
    "disbursement": {"": {"in_term": 1}},
    "principal": {b: {b: -1} for b in ("in_term", "overdue", "frozen")},
    "to_overdue": {"": {"in_term": -1, "overdue": 1}},
    "from_overdue": {"": {"in_term": 1, "overdue": -1}},
    "to_frozen": {b: {b: -1, "frozen": 1} for b in ("in_term", "overdue")},
    "from_frozen": {b: {b: 1, "frozen": -1} for b in ("in_term", "overdue")},
    "write_off": {b: {b: -1} for b in ("in_term", "overdue", "frozen")},
    "transfer_in": {b: {b: 1} for b in ("in_term", "overdue", "frozen")},
    "transfer_out": {b: {b: -1} for b in ("in_term", "overdue", "frozen")},
    "interest": {"": {}},
    "extension": {"": {}},
}


def find_roll_forward_faults(earlier: list[Sent], later: Sent) -> list[str]:
    """Opening of the branch and its predecessors + events = closing, per contract and capital position."""
    flows = later.files["loan_transactions"].assign(vnd=later.money("loan_transactions", "amount_vnd"))
    faults = []
    if set(zip(flows["kind"], flows["bucket"], strict=True)) - {(k, b) for k, by in EFFECTS.items() for b in by}:
        faults.append("loan_transactions: a bucket that the kind does not have")
    for balance in ("in_term", "overdue", "frozen"):
        opening = pd.concat(
            sent.files["loan_book"].assign(vnd=sent.money("loan_book", f"{balance}_vnd")) for sent in earlier
        )
        closing = later.files["loan_book"].assign(vnd=later.money("loan_book", f"{balance}_vnd"))
        sign = pd.Series(
            [EFFECTS[k].get(b, {}).get(balance, 0) for k, b in zip(flows["kind"], flows["bucket"], strict=True)],
            index=flows.index, dtype="int64",
        )  # fmt: skip
        moved = flows.assign(vnd=flows["vnd"] * sign).groupby(CONTRACT)["vnd"].sum()
        expected = opening.groupby(CONTRACT)["vnd"].sum().add(moved, fill_value=0)
        gap = closing.groupby(CONTRACT)["vnd"].sum().sub(expected, fill_value=0)
        if gap.ne(0).any():
            faults.append(f"{balance} does not roll forward for {int(gap.ne(0).sum())} contracts")
    return faults + _find_capital_faults(earlier, later) + _find_event_faults(earlier[0], later)


def _find_capital_faults(earlier: list[Sent], later: Sent) -> list[str]:
    key = ["source_code", "office_code"]
    opening = pd.concat(
        sent.files["capital_positions"].assign(vnd=sent.money("capital_positions", "balance_vnd")) for sent in earlier
    )
    closing = later.files["capital_positions"].assign(vnd=later.money("capital_positions", "balance_vnd"))
    moves = later.files["capital_transactions"]
    sign = moves["kind"].map({"received": 1, "returned": -1, "reallocated_in": 1, "reallocated_out": -1, "decision": 0})
    moves = moves.assign(vnd=(later.money("capital_transactions", "amount_vnd") * sign).astype("int64"))
    expected = opening.groupby(key)["vnd"].sum().add(moves.groupby(key)["vnd"].sum(), fill_value=0)
    gap = closing.groupby(key)["vnd"].sum().sub(expected, fill_value=0)
    return ["capital does not roll forward"] if gap.ne(0).any() else []


def _find_event_faults(earlier: Sent, later: Sent) -> list[str]:
    faults = []
    for name in ("loan_transactions", "capital_transactions"):
        days = later.files[name]["value_date"]
        if not ((days > earlier.day) & (days <= later.day)).all():
            faults.append(f"{name}: an event outside the interval")
    flows = later.files["loan_transactions"].assign(vnd=later.money("loan_transactions", "amount_vnd"))
    is_reversal = flows["reverses_txn_id"] != ""
    plain = flows[~is_reversal]
    if (plain["vnd"] <= 0).ne(plain["kind"] == "extension").any():
        faults.append("loan_transactions: an amount that is not above 0")
    pairs = flows[is_reversal].merge(plain, left_on="reverses_txn_id", right_on="txn_id", suffixes=("", "_of"))
    same = (pairs["kind"] == pairs["kind_of"]) & (pairs["bucket"] == pairs["bucket_of"])
    if not (same & (pairs["vnd"] == -pairs["vnd_of"])).all():
        faults.append("loan_transactions: a reversal that does not repeat its event")
    if (flows["posted_at"].str[:10] < flows["value_date"]).any():
        faults.append("loan_transactions: posted before its value date")
    return faults


def find_warnings(sent: Sent, known_communes: set[str]) -> list[str]:
    """The warnings of section 5 that one delivery can raise by itself."""
    found = []
    book = sent.files["loan_book"]
    rate, programme = book["rate_pct"].astype(float), book["programme_code"]
    expected = programme.map(RATES)
    if (expected.notna() & (rate != expected)).any():
        found.append("a rate outside its programme's")
    if ((book["overdue_rate_pct"].astype(float) - rate * 1.3).abs() > 1e-4).any():
        found.append("an overdue rate that is not 130 %")
    cap = programme.map(CAPS)
    if (cap.notna() & (sent.money("loan_book", "approved_vnd") > cap * 1_000_000)).any():
        found.append("a loan above its programme's cap")
    lent, due = (pd.to_datetime(book[c], format="%Y-%m-%d", errors="coerce") for c in ("disbursed_on", "maturity_on"))
    months = (due.dt.year - lent.dt.year) * 12 + due.dt.month - lent.dt.month + (due.dt.day > lent.dt.day)
    term = programme.map(TERMS)
    if (term.notna() & (months > term)).any():
        found.append("a term above its programme's")
    if not sent.files["savings_groups"]["members"].astype(int).between(5, 60).all():
        found.append("a group of another size than 5 to 60")
    final = book["extended_to"].where(book["extended_to"] != "", book["maturity_on"])
    if ((final < sent.day) & (sent.money("loan_book", "in_term_vnd") > 0)).any():
        found.append("in term after its final maturity")
    if ((book["frozen_until"] != "") & (book["frozen_until"] < sent.day)).any():
        found.append("frozen past its date")
    for name, frame in sent.files.items():
        if "commune_code" in frame and not set(frame["commune_code"]) - {""} <= known_communes:
            found.append(f"{name}: an unknown commune")
    return found


def find_jumps(earlier: list[Sent], later: Sent) -> list[str]:
    """Rows or outstanding changed by more than a tenth, and programme-source pairs that were not there before."""
    found = []
    for name in sorted(KEYS.keys() - EVENTS):
        before, after = sum(len(sent.files[name]) for sent in earlier), len(later.files[name])
        if abs(after - before) > before / 10:
            found.append(f"{name}: {before} rows became {after}")
    before = sum(int(_sum_outstanding(sent)) for sent in earlier)
    if abs(_sum_outstanding(later) - before) > before / 10:
        found.append("outstanding jumped")
    pair = ["programme_code", "source_code"]
    known = {tuple(row) for sent in earlier for row in sent.files["loan_book"][pair].drop_duplicates().to_numpy()}
    new = {tuple(row) for row in later.files["loan_book"][pair].drop_duplicates().to_numpy()} - known
    return found + [f"a new pair {one}" for one in sorted(new)]


def _sum_outstanding(sent: Sent) -> int:
    return sum(int(sent.money("loan_book", f"{bucket}_vnd").sum()) for bucket in ("in_term", "overdue", "frozen"))
