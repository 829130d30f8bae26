"""The suites: what follows from the contract, then the sentences of `suites/<dataset>.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from contract.errors import WarehouseError
from contract.model import load_datasets
from expectations.derived import TAGS, derive_statements
from expectations.statements import Check, ExpectationSeverity, Statement, Suite

FOLDER = Path(__file__).parent / "suites"
DEFAULT_RULE = "constraint-error"


@cache
def load_suite(name: str) -> Suite:
    """Return the suite of the dataset called `name`. Errors: KeyError (no such dataset), WarehouseError (bad file)."""
    dataset = load_datasets()[name]
    path = FOLDER / f"{name}.yaml"
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        _require_keys(document, {"about", "statements"})
        written = [_read_statement(entry) for entry in document["statements"]]
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise WarehouseError(
            f"The suite {path.name} cannot be used: {error!r}",
            remedy="Correct the file; the other suites beside it show the form.",
            dataset=name,
        ) from error
    statements = (*derive_statements(dataset), *written)
    names = [statement.name for statement in statements]
    if len(set(names)) < len(names):
        raise WarehouseError(f"The suite {path.name} names a statement twice", remedy="Rename one.", dataset=name)
    columns = (*TAGS, *(column.name for column in dataset.raw_columns))
    return Suite(name, document["about"], columns, statements)


def _read_statement(entry: Mapping[str, Any]) -> Statement:
    _require_keys(entry, {"name", "sentence", "severity", "checks"}, {"rule", "joins"})
    severity = ExpectationSeverity(entry["severity"])
    rule = entry.get("rule", DEFAULT_RULE)
    if (severity is ExpectationSeverity.WARNING) == (rule == DEFAULT_RULE):
        raise ValueError(f"{entry['name']}: a warning, and only a warning, has a rule of ours")
    checks = tuple(_read_check(check) for check in entry["checks"])
    return Statement(entry["name"], entry["sentence"], severity, checks, rule, entry.get("joins", "").strip())


def _read_check(entry: Mapping[str, Any]) -> Check:
    _require_keys(entry, {"column", "holds", "mend"}, {"value"})
    return Check(entry["column"], entry["holds"].strip(), entry["mend"], entry.get("value"))


def _require_keys(entry: Mapping[str, Any], required: set[str], optional: set[str] | None = None) -> None:
    missing, unknown = required - set(entry), set(entry) - required - (optional or set())
    if missing or unknown:
        raise ValueError(f"missing {sorted(missing)}, not understood {sorted(unknown)}")
