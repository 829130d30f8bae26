"""Small hand-made deliveries: a valid one to begin with, to be changed by a test and written as a branch would.

Written from the extract contract alone; it shares nothing with the code under test.
"""

from __future__ import annotations

import copy
import csv
import datetime as dt
import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = dict[str, Any]

COLUMNS: dict[str, str] = {
    "offices": "office_code name kind commune_code opened_on closed_on",
    "transaction_points": "point_code office_code commune_code name day_of_month is_primary status opened_on closed_on",
    "savings_groups": "group_code office_code commune_code hamlet_code point_code organisation_code leader_customer_id members "
    "founded_on grade graded_month status",
    "customers": "customer_id office_code full_name birth_date sex ethnic_code national_id phone commune_code hamlet_code "
    "group_code beneficiary_class residence changed_at",
    "loan_book": "contract_no customer_id office_code commune_code hamlet_code point_code group_code organisation_code "
    "programme_code source_code method purpose_code disbursed_on maturity_on extended_to rate_pct overdue_rate_pct "
    "approved_vnd disbursed_vnd in_term_vnd overdue_vnd frozen_vnd interest_due_vnd interest_overdue_vnd overdue_since "
    "oldest_unpaid_due_on frozen_until is_restructured",
    "loan_transactions": "txn_id contract_no customer_id office_code value_date posted_at kind bucket amount_vnd "
    "programme_code source_code commune_code reverses_txn_id point_code channel",
    "capital_positions": "source_code office_code balance_vnd",
    "capital_transactions": "entry_id source_code office_code value_date kind amount_vnd decision_no programme_code commune_code",
    "deposits": "kind office_code commune_code accounts balance_vnd",
    "ledger_balances": "account_code office_code programme_code bucket closing_vnd",
    "plan_targets": "plan_id version indicator scope_kind scope_code programme_code source_code period_start due_on "
    "target_value unit decided_on decision_no valid_from",
    "eligible_demand": "case_id kind programme_code commune_code as_of status need_vnd contract_no customer_id",
    "absconded_cases": "case_id customer_id office_code commune_code left_on address_known management_status recovered_vnd "
    "closed_on updated_at",
    "risk_decisions": "decision_id contract_no customer_id measure reason_code principal_vnd interest_vnd decided_on "
    "decision_no effective_to",
    "inspections": "inspection_id body level inspected_on commune_code organisation_code groups_checked households_checked "
    "findings misuse_cases fixed_on",
}
KEYS = {
    "offices": ["office_code"], "transaction_points": ["point_code"], "savings_groups": ["group_code"],
    "customers": ["customer_id"], "loan_book": ["contract_no", "customer_id"], "loan_transactions": ["txn_id"],
    "capital_positions": ["source_code", "office_code"], "capital_transactions": ["entry_id"],
    "deposits": ["kind", "office_code", "commune_code"],
    "ledger_balances": ["account_code", "office_code", "programme_code"], "plan_targets": ["plan_id", "version"],
    "eligible_demand": ["case_id"], "absconded_cases": ["case_id"], "risk_decisions": ["decision_id"],
    "inspections": ["inspection_id"],
}  # fmt: skip
MONEY = {
    "loan_book": ["approved_vnd", "disbursed_vnd", "in_term_vnd", "overdue_vnd", "frozen_vnd", "interest_due_vnd", "interest_overdue_vnd"],
    "loan_transactions": ["amount_vnd"], "capital_positions": ["balance_vnd"], "capital_transactions": ["amount_vnd"],
    "deposits": ["balance_vnd"], "ledger_balances": ["closing_vnd"], "eligible_demand": ["need_vnd"],
    "absconded_cases": ["recovered_vnd"], "risk_decisions": ["principal_vnd", "interest_vnd"],
}  # fmt: skip
EVENTS = ("loan_transactions", "capital_transactions", "risk_decisions")

COMMUNES = {"96": "31825", "58": "22741", "04": "01273"}
"""A commune of each branch that is valid on the dates used here."""


@dataclass
class Delivery:
    """One delivery, to be changed freely before `write`. `rows` by dataset; `manifest` overrides descriptor properties."""

    branch: str
    date: str
    previous: str | None
    rows: dict[str, list[Row]]
    revision: int = 1
    supersedes: str | None = None
    working_day: bool = True
    manifest: dict[str, Any] = field(default_factory=dict)
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    payloads: dict[str, bytes] = field(default_factory=dict)

    def next(self, date: str) -> Delivery:
        """The following delivery: the same state, nothing having happened."""
        rows = copy.deepcopy(self.rows)
        for name in EVENTS:
            rows[name] = []
        return Delivery(self.branch, date, self.date, rows)

    def revise(self, supersedes: str | None = None) -> Delivery:
        """The next revision of the same content."""
        changed = copy.deepcopy(self)
        changed.revision, changed.supersedes = self.revision + 1, supersedes or "0" * 64
        return changed

    def folder(self, landing: Path) -> Path:
        return landing / self.branch / self.date / f"r{self.revision}"

    def write(self, landing: Path) -> Path:
        """Write the delivery below `landing`, descriptor last, and return its folder."""
        folder = self.folder(landing)
        folder.mkdir(parents=True, exist_ok=True)
        resources = []
        for name in COLUMNS:
            if name not in self.rows and name not in self.payloads:
                continue
            stored = self.payloads.get(name) or gzip.compress(to_csv(name, self.rows[name]), 1, mtime=0)
            path = f"{name}.csv.gz"
            resource = {
                "name": name, "path": path, "format": "csv", "encoding": "utf-8", "compression": "gz", "bytes": len(stored),
                "hash": "sha256:" + hashlib.sha256(stored).hexdigest(), **figures(name, self.rows.get(name, [])),
            }  # fmt: skip
            resource.update(self.resources.get(name, {}))
            (folder / str(resource["path"])).write_bytes(stored)
            resources.append({key: value for key, value in resource.items() if value is not ABSENT})
        (folder / "datapackage.json").write_text(json.dumps(self.descriptor(resources), ensure_ascii=False))
        return folder

    def descriptor(self, resources: list[dict[str, Any]]) -> dict[str, Any]:
        offices = [
            {"officeCode": row["office_code"], "status": "delivered", "reason": None} for row in self.rows["offices"]
        ]
        descriptor = {
            "name": f"extract-{self.branch}-{self.date}", "contractVersion": "1", "branchCode": self.branch,
            "businessDate": self.date, "revision": self.revision, "previousBusinessDate": self.previous,
            "supersedes": self.supersedes, "cobCompletedAt": f"{self.date}T20:00:00+07:00", "workingDay": self.working_day,
            "currencyUnit": "VND", "offices": offices, "resources": resources,
        } | self.manifest  # fmt: skip
        return {key: value for key, value in descriptor.items() if value is not ABSENT}

    def edit(self, dataset: str, row: int, **values: Any) -> Delivery:
        """Change cells of the row with this number (from 1)."""
        self.rows[dataset][row - 1].update(values)
        return self


ABSENT = object()
"""As a property's value: leave the property out."""

Change = Callable[[Delivery], object]


def ordinary_day(days: int) -> str:
    """The date so many days from today, or the one before it where that ends a month: of month-ends everything is kept."""
    day = dt.date.today() + dt.timedelta(days=days)
    return (day - dt.timedelta(days=1) if (day + dt.timedelta(days=1)).day == 1 else day).isoformat()


def to_csv(name: str, rows: list[Row]) -> bytes:
    """Write rows as the contract's CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS[name].split(), lineterminator="\n", extrasaction="raise")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def figures(name: str, rows: list[Row]) -> dict[str, Any]:
    """The control figures of a dataset by the contract's section 2."""
    keys = ["|".join(str(row[key]) for key in KEYS[name]) for row in rows]
    return {
        "rowCount": len(rows),
        "controlTotals": {column: sum(int(row[column] or 0) for row in rows) for column in MONEY.get(name, [])},
        "keyChecksum": sum(zlib.crc32(key.encode()) for key in keys),
    }


def first_delivery(branch: str = "96", date: str = "2025-09-28", loans: int = 6) -> Delivery:
    """A branch's first delivery: two offices, two groups, `loans` loans of which the second is half overdue."""
    commune = COMMUNES.get(branch, COMMUNES["96"])
    office = f"{branch}0001"
    rows: dict[str, list[Row]] = {name: [] for name in COLUMNS}
    rows["offices"] = [
        _row(
            "offices",
            office_code=f"{branch}000{n}",
            name=f"Phòng giao dịch {n}",
            kind="transaction_office",
            commune_code=commune,
            opened_on="2010-01-01",
        )
        for n in (1, 2)
    ]
    rows["transaction_points"] = [
        _row("transaction_points", point_code=f"P{branch}1", office_code=office, commune_code=commune, name="Điểm giao dịch", day_of_month=12,
             is_primary=1, status="open", opened_on="2012-01-01")
    ]  # fmt: skip
    rows["savings_groups"] = [
        _row("savings_groups", group_code=f"G{branch}{n}", office_code=f"{branch}000{n}", commune_code=commune, organisation_code=organisation,
             members=30, founded_on="2015-05-05", grade="T", graded_month="2023-12", status="active")
        for n, organisation in ((1, "PN"), (2, "ND"))
    ]  # fmt: skip
    for n in range(1, loans + 1):
        place = 1 + n % 2
        rows["customers"].append(_row(
            "customers", customer_id=f"C{branch}{n:05}", office_code=f"{branch}000{place}", full_name=f"Nguyễn Thị Số {n}",
            birth_date="1980-02-03", sex="F", national_id=f"0{branch}180{n:06}", phone=f"09{branch}{n:06}", commune_code=commune,
            group_code=f"G{branch}{place}", beneficiary_class="poor", residence="present", changed_at="2023-01-05T08:00:00+07:00",
        ))  # fmt: skip
        overdue = 5_000_000 if n == 2 else 0
        rows["loan_book"].append(_row(
            "loan_book", contract_no=f"K{branch}{n:06}", customer_id=f"C{branch}{n:05}", office_code=f"{branch}000{place}",
            commune_code=commune, group_code=f"G{branch}{place}", organisation_code="PN" if place == 1 else "ND", programme_code="1",
            source_code="DP_PROVINCE" if n == 3 else "TW", method="entrusted", disbursed_on="2022-03-01", maturity_on="2027-03-01",
            rate_pct="6.6", overdue_rate_pct="8.58", approved_vnd=50_000_000, disbursed_vnd=50_000_000,
            in_term_vnd=40_000_000 + n - overdue, overdue_vnd=overdue, frozen_vnd=0, interest_due_vnd=100_000, interest_overdue_vnd=0,
            overdue_since="2023-08-01" if overdue else "", is_restructured=0,
        ))  # fmt: skip
    rows["capital_positions"] = [
        _row("capital_positions", source_code=source, office_code=office, balance_vnd=balance)
        for source, balance in (
            ("TW_BALANCED", 300_000_000),
            ("MOB_IND", 20_000_000),
            ("MOB_SAVINGS", 10_000_000),
            ("DP_PROVINCE", 45_000_000),
        )
    ]
    rows["deposits"] = [
        _row("deposits", kind=kind, office_code=office, commune_code=commune, accounts=5, balance_vnd=balance)
        for kind, balance in (("individual", 20_000_000), ("savings_group", 10_000_000))
    ]
    delivery = Delivery(branch, date, None, rows)
    tie_ledger(delivery)
    return delivery


def tie_ledger(delivery: Delivery) -> None:
    """Make the general ledger equal to the loan book."""
    sums: dict[tuple[str, str, str], int] = {}
    for loan in delivery.rows["loan_book"]:
        for bucket in ("in_term", "overdue", "frozen"):
            place = (loan["office_code"], loan["programme_code"], bucket)
            sums[place] = sums.get(place, 0) + int(loan[f"{bucket}_vnd"])
    accounts = {"in_term": "2111", "overdue": "2112", "frozen": "2113"}
    delivery.rows["ledger_balances"] = [
        _row(
            "ledger_balances",
            account_code=accounts[bucket],
            office_code=office,
            programme_code=programme,
            bucket=bucket,
            closing_vnd=total,
        )
        for (office, programme, bucket), total in sums.items()
    ]


def repay(delivery: Delivery, row: int, amount: int, *, txn_id: str | None = None) -> Delivery:
    """A repayment of principal in term on the delivery's date: transaction, loan book and ledger move together."""
    loan = delivery.rows["loan_book"][row - 1]
    loan["in_term_vnd"] = int(loan["in_term_vnd"]) - amount
    delivery.rows["loan_transactions"].append(
        transaction(delivery, loan, "principal", amount, bucket="in_term", txn_id=txn_id)
    )
    tie_ledger(delivery)
    return delivery


def transaction(
    delivery: Delivery, loan: Row, kind: str, amount: int, *, bucket: str = "", txn_id: str | None = None
) -> Row:
    """A transaction on the delivery's date."""
    number = len(delivery.rows["loan_transactions"]) + 1
    return _row(
        "loan_transactions", txn_id=txn_id or f"T{delivery.branch}{delivery.date.replace('-', '')}{number:04}",
        contract_no=loan["contract_no"], customer_id=loan["customer_id"], office_code=loan["office_code"], value_date=delivery.date,
        posted_at=f"{delivery.date}T10:00:00+07:00", kind=kind, bucket=bucket, amount_vnd=amount,
        programme_code=loan["programme_code"], source_code=loan["source_code"], commune_code=loan["commune_code"], channel="point",
    )  # fmt: skip


def _row(dataset: str, **values: Any) -> Row:
    return {name: values.get(name, "") for name in COLUMNS[dataset].split()}
