"""The blocking rules and warnings of contract section 5, in SQL. Each writes every offending row to meta.findings.

Each file in `ingestion/sql/` is one rule: a query that returns findings (dataset, row_no, column_name, rule, severity,
value, message) and returns nothing where the rule holds. Values of one row alone are judged by `expectations/`.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import sql

from contract.findings import as_printable
from contract.model import Dataset, load_datasets
from ingestion.references import find_references
from warehouse.connect import Connection

TIE_OUTS = (
    ("ledger_tie_out", ("loan_book", "ledger_balances")),
    ("deposit_tie_out", ("capital_positions", "deposits")),
)


@dataclass(frozen=True)
class Counts:
    """Errors hold a delivery, warnings travel with it."""

    errors: int
    warnings: int


def find_dataset_violations(
    connection: Connection, delivery_id: int, unreadable: Collection[str], proven: Collection[str] = ()
) -> None:
    """Write the findings of every rule between the datasets of one loaded delivery.

    Rules that would read a dataset in `unreadable` are left out: its own findings hold the delivery already. So are the
    references of columns (`dataset.column`) in `proven`: the load saw that they hold (`ingestion.references`).
    """
    # Of rows just loaded PostgreSQL has no statistics, takes them for one, and joins thousands row by row.
    connection.execute("set local enable_nestloop = off")
    # And groups for so many that to sum them in several processes would not pay.
    connection.execute("set local parallel_tuple_cost = 0")
    for dataset in load_datasets().values():
        if dataset.name not in unreadable:
            _find_broken_references(connection, delivery_id, dataset, unreadable, proven)
    for rule, names in TIE_OUTS:
        if not set(names) & set(unreadable):
            _find(connection, delivery_id, None, rule, {name: table(name, delivery_id) for name in names})
    if "customers" not in unreadable:
        rows = sql.Identifier("personal", f"customers_d{delivery_id}")
        date = _literal(_one(connection, "business_date", delivery_id))
        _find(connection, delivery_id, None, "birth_dates", {"rows": rows, "business_date": date})
    if "offices" not in unreadable:
        _find_open_offices(connection, delivery_id)
    _find_events_without_interval(connection, delivery_id, unreadable)


def measure_opening(connection: Connection, delivery_id: int, opening: list[int]) -> Counts:
    """Measure a loaded delivery against the deliveries that it follows and return the count of findings.

    Roll-forward errors and the warnings that need history; written to meta.findings with `opening`.
    """
    full = [dataset.name for dataset in load_datasets().values() if dataset.kind == "full"]
    parts = {
        "delivery": _literal(delivery_id),
        "opening": sql.SQL(", ").join(map(_literal, opening)),
        # The leaves by name: also those of a delivery that is held, which are never part of the table.
        "loan_book": table("loan_book", delivery_id),
        "loan_transactions": table("loan_transactions", delivery_id),
        "opening_loans": sql.SQL(" union all ").join(
            sql.SQL("select * from {}").format(table("loan_book", opened)) for opened in opening
        ),
        "opening_balances": _opening_balances(opening),
        "full_datasets": _literal(full),
    }
    connection.execute(
        "delete from meta.findings where delivery_id = %s and opening = %s::bigint[]", [delivery_id, opening]
    )
    for rule in ("roll_forward_loans", "roll_forward_capital", "large_change", "new_programme_source"):
        _find(connection, delivery_id, opening, rule, parts)
    return count_findings(connection, delivery_id, opening)


def _opening_balances(opening: list[int]) -> sql.Composable:
    """The balances before, by contract and customer; summed only where several branches were merged (twice as slow)."""
    query = "select contract_no, customer_id, in_term_vnd, overdue_vnd, frozen_vnd from {}"
    loans = sql.SQL(" union all ").join(sql.SQL(query).format(table("loan_book", opened)) for opened in opening)
    if len(opening) == 1:
        return loans
    sums = "select contract_no, customer_id, sum(in_term_vnd) as in_term_vnd, sum(overdue_vnd) as overdue_vnd, sum(frozen_vnd) as frozen_vnd "
    return sql.SQL(sums + "from ({}) as loans group by contract_no, customer_id").format(loans)


def count_findings(connection: Connection, delivery_id: int, opening: list[int] | None) -> Counts:
    """Count the findings of one origin: the intake (`opening` None) or one opening."""
    row = connection.execute(
        "select count(*) filter (where severity = 'error'), count(*) filter (where severity = 'warning') "
        "from meta.findings where delivery_id = %s and opening is not distinct from %s::bigint[]",
        [delivery_id, opening],
    ).fetchone()
    assert row is not None
    return Counts(*row)


def table(dataset: str, delivery_id: int) -> sql.Identifier:
    """The rows of one delivery while it is being validated."""
    return sql.Identifier("raw", f"{dataset}_d{delivery_id}")


def _find_broken_references(
    connection: Connection,
    delivery_id: int,
    dataset: Dataset,
    unreadable: Collection[str],
    proven: Collection[str],
) -> None:
    references = []
    for column, reference in find_references(dataset):
        if reference.dataset in unreadable or f"{dataset.name}.{column.name}" in proven:
            continue
        is_ours = reference.dataset in load_datasets()
        references.append({
            "dataset": _literal(dataset.name),
            "rows": table(dataset.name, delivery_id),
            "column": sql.Identifier(column.name),
            "column_name": _literal(column.name),
            "referenced": table(reference.dataset, delivery_id) if is_ours else sql.Identifier("meta", reference.dataset),
            "referenced_name": _literal(reference.dataset if is_ours else f"the bank's list of {reference.dataset}"),
            "referenced_column": sql.Identifier(reference.column),
        })  # fmt: skip
    if references and _is_any_broken(connection, table(dataset.name, delivery_id), references):
        for parts in references:
            _find(connection, delivery_id, None, "foreign_key", parts)


def _is_any_broken(connection: Connection, rows: sql.Composable, references: list[dict[str, sql.Composable]]) -> bool:
    """Whether any of the references of a dataset points nowhere: one pass over its rows for all of them."""
    joins, misses = [], []
    for number, parts in enumerate(references):
        named = {"f": sql.Identifier(f"f{number}"), **parts}
        joins.append(sql.SQL("left join {referenced} as {f} on r.{column} = {f}.{referenced_column}").format(**named))
        misses.append(sql.SQL("(r.{column} is not null and {f}.{referenced_column} is null)").format(**named))
    query = sql.SQL("select 1 from {} as r {} where {}").format(
        rows, sql.SQL(" ").join(joins), sql.SQL(" or ").join(misses)
    )
    return _is_any(connection, query)


def _find_open_offices(connection: Connection, delivery_id: int) -> None:
    row = connection.execute(
        "select business_date, array(select office ->> 'officeCode' from jsonb_array_elements(descriptor -> 'offices') as office) "
        "from meta.deliveries where delivery_id = %s",
        [delivery_id],
    ).fetchone()
    assert row is not None
    # No code of an office has a character that is replaced here.
    listed = [as_printable(code) for code in row[1]]
    parts = {"offices": table("offices", delivery_id), "business_date": _literal(row[0]), "listed": _literal(listed)}
    parts["listed"] = sql.SQL("{}::text[]").format(parts["listed"])
    _find(connection, delivery_id, None, "open_offices", parts)


def _find_events_without_interval(connection: Connection, delivery_id: int, unreadable: Collection[str]) -> None:
    row = connection.execute(
        "select previous_business_date, working_day from meta.deliveries where delivery_id = %s", [delivery_id]
    ).fetchone()
    assert row is not None
    if row[0] is None:
        problem = "A first delivery (previousBusinessDate null) has no events: send the header only, or name the date it follows."
    elif not row[1]:
        problem = "workingDay is false, so there can be no events: leave them out, or set workingDay to true."
    else:
        return
    for dataset in load_datasets().values():
        if dataset.kind == "events" and dataset.name not in unreadable:
            parts = {
                "dataset": _literal(dataset.name),
                "rows": table(dataset.name, delivery_id),
                "problem": _literal(problem),
            }
            _find(connection, delivery_id, None, "events_without_interval", parts)


def _find(
    connection: Connection, delivery_id: int, opening: list[int] | None, rule: str, parts: Mapping[str, sql.Composable]
) -> None:
    query = sql.SQL(_read(rule)).format(**parts)
    if not _is_any(connection, query):
        return
    statement = sql.SQL(
        "insert into meta.findings (delivery_id, opening, dataset, row_no, column_name, rule, severity, value, message) "
        "select {}, {}::bigint[], f.* from ({}) as f"
    )
    connection.execute(statement.format(_literal(delivery_id), _literal(opening), query))


def _is_any(connection: Connection, query: sql.Composable) -> bool:
    """Whether the query returns a row. Asked first, for mostly there is none, and an INSERT is never run in parallel."""
    return connection.execute(sql.SQL("select count(*) from ({}) as f").format(query)).fetchone() != (0,)


@functools.cache
def _read(rule: str) -> Any:
    return (Path(__file__).parent / "sql" / f"{rule}.sql").read_text()


def _literal(value: object) -> sql.Composable:
    return sql.Literal(value)


def _one(connection: Connection, column: str, delivery_id: int) -> Any:
    query = sql.SQL("select {} from meta.deliveries where delivery_id = %s").format(sql.Identifier(column))
    row = connection.execute(query, [delivery_id]).fetchone()
    assert row is not None
    return row[0]
