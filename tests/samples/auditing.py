"""An auditor of deliveries, written from the contract alone with pandas: it shares nothing with the generator.

Each `find_*` returns sentences about what is wrong; an empty list means that the rule holds.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import unicodedata
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

KEYS = {
    "offices": ["office_code"],
    "transaction_points": ["point_code"],
    "savings_groups": ["group_code"],
    "customers": ["customer_id"],
    "loan_book": ["contract_no", "customer_id"],
    "loan_transactions": ["txn_id"],
    "capital_positions": ["source_code", "office_code"],
    "capital_transactions": ["entry_id"],
    "deposits": ["kind", "office_code", "commune_code"],
    "ledger_balances": ["account_code", "office_code", "programme_code"],
    "plan_targets": ["plan_id", "version"],
    "eligible_demand": ["case_id"],
    "absconded_cases": ["case_id"],
    "risk_decisions": ["decision_id"],
    "inspections": ["inspection_id"],
}
EVENTS = {"loan_transactions", "capital_transactions", "risk_decisions"}
OPTIONAL = {
    "closed_on", "hamlet_code", "point_code", "leader_customer_id", "grade", "graded_month", "birth_date", "sex",
    "ethnic_code", "national_id", "phone", "group_code", "purpose_code", "extended_to", "overdue_since",
    "oldest_unpaid_due_on", "frozen_until", "bucket", "reverses_txn_id", "decision_no", "programme_code",
    "commune_code", "source_code", "need_vnd", "contract_no", "customer_id", "organisation_code", "fixed_on",
    "effective_to",
}  # fmt: skip
REQUIRED_HERE = {
    "offices": {"commune_code"},
    "transaction_points": {"point_code", "commune_code"},
    "savings_groups": {"group_code", "commune_code", "organisation_code"},
    "customers": {"customer_id", "commune_code"},
    "loan_book": {"contract_no", "customer_id", "programme_code", "source_code", "commune_code", "organisation_code"},
    "loan_transactions": {"contract_no", "customer_id", "programme_code", "source_code", "commune_code"},
    "capital_positions": {"source_code"},
    "capital_transactions": {"source_code"},
    "deposits": {"commune_code"},
    "ledger_balances": {"programme_code", "bucket"},
    "plan_targets": set(),
    "eligible_demand": {"programme_code", "commune_code"},
    "absconded_cases": {"customer_id", "commune_code"},
    "risk_decisions": {"contract_no", "customer_id", "decision_no"},
    "inspections": {"commune_code"},
}
SIGNED = {("loan_transactions", "amount_vnd"), ("capital_transactions", "amount_vnd")}
AHEAD = {"maturity_on", "extended_to", "frozen_until", "effective_to", "period_start", "due_on", "valid_from"}
WORDS = {
    ("offices", "kind"): "branch_office transaction_office",
    ("transaction_points", "status"): "open closed",
    ("savings_groups", "organisation_code"): "ND PN CCB TN",
    ("savings_groups", "grade"): "T K TB Y",
    ("savings_groups", "status"): "active closed",
    ("customers", "sex"): "M F",
    ("customers", "beneficiary_class"): "poor near_poor escaped_poverty other_policy",
    ("customers", "residence"): "present left deceased unknown",
    ("loan_book", "organisation_code"): "ND PN CCB TN NONE",
    ("loan_book", "source_code"): "TW DP_PROVINCE DP_DISTRICT DP_COMMUNE DP_OTHER",
    ("loan_book", "method"): "entrusted direct",
    ("loan_transactions", "kind"): "disbursement principal interest to_overdue from_overdue to_frozen from_frozen "
    "extension write_off transfer_in transfer_out",
    ("loan_transactions", "bucket"): "in_term overdue frozen",
    ("loan_transactions", "channel"): "point office mobile system",
    ("capital_positions", "source_code"): "TW_BALANCED MOB_ORG MOB_IND MOB_SAVINGS DP_PROVINCE DP_DISTRICT DP_COMMUNE "
    "DP_OTHER",
    ("capital_transactions", "kind"): "decision received returned reallocated_in reallocated_out",
    ("deposits", "kind"): "organisation individual savings_group",
    ("ledger_balances", "bucket"): "in_term overdue frozen",
    ("plan_targets", "indicator"): "outstanding growth_pct overdue_ratio_pct overdue_frozen_ratio_pct "
    "local_capital_received local_capital_share_pct deposits disbursed collected",
    ("plan_targets", "scope_kind"): "branch office commune",
    ("plan_targets", "unit"): "vnd pct count",
    ("eligible_demand", "kind"): "worker_abroad stem_student job water_sanitation social_housing",
    ("eligible_demand", "status"): "identified applied approved disbursed refused not_interested",
    ("absconded_cases", "address_known"): "exact vague none",
    ("absconded_cases", "management_status"): "left settled written_off handed_over returned wilful acknowledged",
    ("risk_decisions", "measure"): "extend freeze unfreeze write_off",
    ("inspections", "body"): "board bank organisation",
    ("inspections", "level"): "province commune",
}
DATE_ENDINGS = ("_on", "_date", "as_of", "_since", "_until", "_to", "valid_from", "_start")
PATTERNS = (
    (("_vnd",), r"\d+"),
    (("_code", "_id", "contract_no"), r"[0-9A-Za-z._-]{1,24}"),
    (("_at",), r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+07:00"),
    (DATE_ENDINGS, r"\d{4}-\d\d-\d\d"),
    (("_pct", "target_value"), r"\d+(\.\d{1,4})?"),
    (("is_primary", "is_restructured"), r"[01]"),
    (
        ("day_of_month", "members", "accounts", "version", "_checked", "findings", "misuse_cases"),
        r"0|[1-9]\d*",
    ),
)
# domain.md, "Programmes": rate, cap in m VND, longest term in months.
RATES = {"1": 6.6, "19": 7.92, "9": 8.25, "2": 6.6, "27": 4.8, "4": 6.6, "6": 9.0, "10": 9.0, "25": 3.0, "26": 6.6}
CAPS = {"1": 100, "19": 100, "9": 100, "3": 100, "6": 25, "10": 100, "25": 77.5, "26": 100}
TERMS = {"3": 120, "6": 60, "12": 300, "25": 180, "26": 120}


@dataclass
class Sent:
    """One delivery read back: the descriptor and its files as text."""

    folder: Path
    descriptor: dict[str, Any]
    files: dict[str, pd.DataFrame]

    @property
    def day(self) -> str:
        """Business date."""
        return str(self.descriptor["businessDate"])

    def money(self, dataset: str, column: str) -> pd.Series[int]:
        """A money column as whole đồng."""
        return self.files[dataset][column].replace("", "0").astype("int64")


def read_delivery(folder: Path) -> Sent:
    """Read a delivery as text: nothing is converted, so nothing is lost."""
    descriptor = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    files = {}
    for resource in descriptor["resources"]:
        text = gzip.decompress((folder / resource["path"]).read_bytes())
        files[resource["name"]] = pd.read_csv(io.BytesIO(text), dtype=str, keep_default_na=False)
    return Sent(folder, descriptor, files)


def find_descriptor_faults(sent: Sent) -> list[str]:
    """Sizes, hashes, row counts, control totals and key checksums, all computed again."""
    faults = []
    folder = sent.folder
    identity = (sent.descriptor["branchCode"], sent.day, f"r{sent.descriptor['revision']}")
    if identity != (folder.parent.parent.name, folder.parent.name, folder.name):
        faults.append("the folder and the manifest disagree")
    if set(sent.files) != set(KEYS):
        faults.append("not all 15 datasets are there")
    for resource in sent.descriptor["resources"]:
        name, stored = resource["name"], (folder / resource["path"]).read_bytes()
        frame = sent.files[name]
        if len(stored) != resource["bytes"] or f"sha256:{hashlib.sha256(stored).hexdigest()}" != resource["hash"]:
            faults.append(f"{name}: bytes or hash")
        if len(frame) != resource["rowCount"]:
            faults.append(f"{name}: row count")
        totals = {c: int(sent.money(name, c).sum()) for c in frame.columns if c.endswith("_vnd")}
        if totals != resource["controlTotals"]:
            faults.append(f"{name}: control totals")
        first, *others = (frame[column] for column in KEYS[name])
        keys = first.str.cat(others, sep="|") if others else first
        if sum(zlib.crc32(key.encode()) for key in keys) != resource["keyChecksum"]:
            faults.append(f"{name}: key checksum")
    offices = sent.files["offices"]
    listed = {office["officeCode"]: office["status"] for office in sent.descriptor["offices"]}
    if listed != dict.fromkeys(offices.loc[offices["closed_on"] == "", "office_code"], "delivered"):
        faults.append("the manifest does not list the open offices")
    return faults


def find_value_faults(sent: Sent) -> list[str]:
    """Section 3: how each type is written, which values may be missing, and no date after the business date."""
    return [
        f"{name}.{column}: {fault}"
        for name, frame in sent.files.items()
        for column in frame.columns
        for fault in _find_column_faults(sent, name, column)
    ]


def _find_column_faults(sent: Sent, name: str, column: str) -> list[str]:
    values = sent.files[name][column]
    given = values[values != ""]
    faults = []
    if len(given) < len(values) and (column not in OPTIONAL or column in REQUIRED_HERE[name]):
        faults.append("a required value is missing")
    if not given.str.fullmatch(_read_pattern(name, column)).all():
        faults.append("written otherwise than its type says")
    if column.endswith("_at") and (given > sent.descriptor["cobCompletedAt"]).any():
        faults.append("later than the close of the day")
    if column.endswith(DATE_ENDINGS) and pd.to_datetime(given, format="%Y-%m-%d", errors="coerce").isna().any():
        faults.append("no such day")
    if column.endswith(DATE_ENDINGS) and column not in AHEAD and (given > sent.day).any():
        faults.append("after the business date")
    if (name, column) in WORDS and not given.isin(WORDS[name, column].split()).all():
        faults.append("an unknown word")
    if not unicodedata.is_normalized("NFC", "\n".join(given)):
        faults.append("not in NFC")
    return faults


def _read_pattern(name: str, column: str) -> str:
    """The way a value of this column is written, as a regular expression."""
    if column == "national_id":
        return r"[^\x00-\x1f]{1,500}"
    if (name, column) in SIGNED:
        return r"-?\d+"
    return next((pattern for endings, pattern in PATTERNS if column.endswith(endings)), r"[^\x00-\x1f]{1,500}")


def find_relation_faults(sent: Sent) -> list[str]:
    """Section 5, rules 1, 3, 4 and 5: keys, references, ledger and deposits, and the dates that go with balances."""
    faults = []
    files = sent.files
    for name, key in KEYS.items():
        if files[name].duplicated(key).any():
            faults.append(f"{name}: keys are not unique")
    references = [
        ("loan_book", "customer_id", "customers", "customer_id"),
        ("loan_book", "office_code", "offices", "office_code"),
        ("loan_book", "group_code", "savings_groups", "group_code"),
        ("loan_book", "point_code", "transaction_points", "point_code"),
        ("savings_groups", "office_code", "offices", "office_code"),
        ("savings_groups", "leader_customer_id", "customers", "customer_id"),
        ("loan_transactions", "office_code", "offices", "office_code"),
        ("loan_transactions", "customer_id", "customers", "customer_id"),
        ("customers", "group_code", "savings_groups", "group_code"),
        ("absconded_cases", "customer_id", "customers", "customer_id"),
    ]
    for name, column, other, target in references:
        given = files[name].loc[files[name][column] != "", column]
        if not given.isin(files[other][target]).all():
            faults.append(f"{name}.{column}: not in {other}")
    buckets = {bucket: sent.money("loan_book", f"{bucket}_vnd") for bucket in ("in_term", "overdue", "frozen")}
    faults += _find_balance_faults(sent, buckets)
    faults += _find_tie_faults(sent, buckets)
    linked = files["eligible_demand"].query("contract_no != ''")
    if len(linked.merge(files["loan_book"], on=["contract_no", "customer_id"])) != len(linked):
        faults.append("eligible_demand: a contract that is not in the loan book")
    return faults


def _find_balance_faults(sent: Sent, buckets: dict[str, pd.Series[int]]) -> list[str]:
    faults = []
    book = sent.files["loan_book"]
    if (sum(buckets.values()) <= 0).any():
        faults.append("loan_book: a loan without a balance")
    if ((buckets["overdue"] > 0) != (book["overdue_since"] != "")).any():
        faults.append("loan_book: overdue_since not exactly where something is overdue")
    if ((buckets["frozen"] > 0) != (book["frozen_until"] != "")).any():
        faults.append("loan_book: frozen_until not exactly where something is frozen")
    if (book["maturity_on"] < book["disbursed_on"]).any():
        faults.append("loan_book: matures before it was lent")
    if ((book["extended_to"] != "") & (book["extended_to"] <= book["maturity_on"])).any():
        faults.append("loan_book: extended to before its maturity")
    if (sent.money("loan_book", "disbursed_vnd") > sent.money("loan_book", "approved_vnd")).any():
        faults.append("loan_book: more lent than approved")
    if (sum(buckets.values()) > sent.money("loan_book", "disbursed_vnd")).any():
        faults.append("loan_book: more outstanding than lent")
    for column in ("overdue_since", "oldest_unpaid_due_on"):
        if ((book[column] != "") & (book[column] < book["disbursed_on"])).any():
            faults.append(f"loan_book.{column}: before the loan was lent")
    return faults


def _find_tie_faults(sent: Sent, buckets: dict[str, pd.Series[int]]) -> list[str]:
    faults = []
    ledger = sent.files["ledger_balances"].assign(vnd=sent.money("ledger_balances", "closing_vnd"))
    for bucket, money in buckets.items():
        lent = sent.files["loan_book"].assign(vnd=money).groupby(["office_code", "programme_code"])["vnd"].sum()
        booked = ledger[ledger["bucket"] == bucket].groupby(["office_code", "programme_code"])["vnd"].sum()
        if lent.sub(booked, fill_value=0).ne(0).any():
            faults.append(f"ledger_balances: {bucket} does not tie to the loan book")
    source = {"organisation": "MOB_ORG", "individual": "MOB_IND", "savings_group": "MOB_SAVINGS"}
    deposits = sent.files["deposits"].assign(vnd=sent.money("deposits", "balance_vnd"))
    held = (
        deposits.assign(source_code=deposits["kind"].map(source)).groupby(["source_code", "office_code"])["vnd"].sum()
    )
    positions = sent.files["capital_positions"].assign(vnd=sent.money("capital_positions", "balance_vnd"))
    mobilised = positions[positions["source_code"].str.startswith("MOB_")]
    if mobilised.groupby(["source_code", "office_code"])["vnd"].sum().sub(held, fill_value=0).ne(0).any():
        faults.append("deposits: not the mobilised capital")
    return faults
