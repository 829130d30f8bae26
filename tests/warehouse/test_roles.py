"""Who may touch what (spec/marts.md, Roles), asked of the database itself."""

from __future__ import annotations

import psycopg
import pytest

from warehouse.connect import Role, Warehouse

REFUSED = [
    ("loader", "create table marts.x ()"),
    ("loader", "update meta.ledger set reason = 'x'"),
    ("loader", "delete from meta.deliveries"),
    ("loader", "insert into quarters.quarter_close default values"),
    ("transformer", "delete from raw.loan_book_rows"),
    ("transformer", "select * from personal.customers"),
    ("transformer", "insert into meta.ledger (verdict) values ('published')"),
    ("quarter_keeper", "select * from raw.loan_book"),
    ("quarter_keeper", "create table marts.x ()"),
]
GROUPS = [
    ("bi_reader", "select * from raw.loan_book"),
    ("bi_reader", "select * from personal.customers"),
    ("branch_reader", "select * from raw.customers"),
    ("branch_reader", "select * from meta.findings"),
    ("auditor", "select * from raw.loan_book"),
    ("data_protection", "select * from raw.loan_book"),
]


@pytest.mark.parametrize(("role", "statement"), REFUSED)
def test_a_login_role_is_refused_what_is_not_its_own(warehouse: Warehouse, role: Role, statement: str) -> None:
    with warehouse.connect(role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


@pytest.mark.parametrize(("role", "statement"), GROUPS)
def test_a_group_role_is_refused_what_is_not_its_own(warehouse: Warehouse, role: str, statement: str) -> None:
    with warehouse.connect("admin") as connection:
        connection.execute(f"set role {role}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("data_protection", "select * from personal.customers"),
        ("auditor", "select * from meta.ledger"),
        ("auditor", "select * from meta.findings"),
    ],
)
def test_a_group_role_reads_what_it_is_for(warehouse: Warehouse, role: str, statement: str) -> None:
    with warehouse.connect("admin") as connection:
        connection.execute(f"set role {role}")
        assert connection.execute(statement).fetchall() == []


def test_nobody_changes_the_ledger_not_even_the_administrator(warehouse: Warehouse) -> None:
    for statement in ("update meta.ledger set reason = ''", "delete from meta.ledger", "truncate meta.ledger"):
        with warehouse.connect("admin") as connection, pytest.raises(psycopg.errors.RaiseException, match="only grows"):
            connection.execute(statement)
