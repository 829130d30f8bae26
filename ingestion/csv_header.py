"""The header row: exactly the dataset's column names, in any order (extract contract, section 3)."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from contract.findings import LONGEST_VALUE, MASK, Severity, finding, has_errors, join_findings
from contract.model import Dataset
from ingestion.csv_records import has_bad_structure, skip_initial_space, split_first_record
from ingestion.dialect import CsvDialect

DELIMITERS = {";": "semicolons", ",": "commas", "\t": "tabs", "|": "vertical bars"}
"""What spreadsheets and databases put between values."""
NAME = re.compile(r"[a-z_]+[0-9]{0,2}")
"""Small letters, as the columns of the contract: no person's name, telephone, identity card or date is written so."""


@dataclass(frozen=True)
class Header:
    """The labels as they stand in the file, and what is wrong with them."""

    labels: tuple[str, ...]
    findings: pa.Table

    @property
    def is_usable(self) -> bool:
        """Whether the rows can be read by these labels."""
        return not has_errors(self.findings)


def read_header(data: bytes, dataset: Dataset, dialect: CsvDialect) -> tuple[Header, bytes]:
    """Return the header at the start of `data` (UTF-8) and the bytes after it."""
    if not dialect.has_header:
        return Header(dataset.column_names, join_findings([])), data
    record, rest = split_first_record(data, dialect)
    if dialect.skip_initial_space:
        record = skip_initial_space(record, dialect)
    if has_bad_structure(record, dialect):
        message = "The header row is not well-formed CSV: write the column names on one line, separated by commas."
        return Header((), finding(dataset.name, "source-error", message)), rest
    return check_labels(_split(record.decode(), dialect), dataset), rest


def check_labels(labels: Sequence[str], dataset: Dataset) -> Header:
    """Return the labels with a finding for each one that is missing, doubled, blank (errors) or extra (warning)."""
    name, expected = dataset.name, dataset.column_names
    if not any(labels):
        return Header((), finding(name, "blank-header", "The header row is blank: write the column names there."))
    counts = Counter(labels)
    missing = [column for column in expected if column not in counts]
    found = [finding(name, "missing-label", _missing_message(column, labels), column=column) for column in missing]
    if len(missing) == len(expected):
        # without a header the labels are the first row's values, which may be personal data
        message = "None of the column names is in the first row: write the header row, in the encoding declared."
        if sign := next((sign for sign in DELIMITERS if _names_columns(labels, sign, expected)), None):
            message = (
                f"The column names are separated by {DELIMITERS[sign]}: declare that delimiter in the dialect, "
                "or use the one declared (by default the comma)."
            )
        return Header((), join_findings([finding(name, "source-error", message), *found]))
    for label, count in counts.items():
        if label == "":
            message = "A column has no name: write its name in the header row, or leave the column out."
            found.append(finding(name, "blank-label", message))
        elif count > 1:
            message = f"The header row names this column {count} times: leave one."
            found.append(finding(name, "duplicate-label", message, column=_shown(label, dataset)))
        elif label not in expected:
            message = "The contract does not know this column; it is ignored. Leave it out."
            found.append(
                finding(name, "extra-label", message, column=_shown(label, dataset), severity=Severity.WARNING)
            )
    return Header(tuple(labels), join_findings(found))


def _names_columns(labels: Sequence[str], sign: str, expected: Sequence[str]) -> bool:
    return any(name in expected for label in labels if sign in label for name in label.split(sign))


def _missing_message(column: str, labels: Sequence[str]) -> str:
    near = [label for label in labels if "".join(label.split()).casefold() == column.casefold()]
    if near:
        return f"The column is missing; the header has {near[0]!r} instead: write the name exactly as {column!r}."
    return f"The column is missing: add {column!r} to the header row and its values to every row."


def _shown(label: str, dataset: Dataset) -> str:
    """Return the label short and without control characters: it goes into reports, a page among them.

    Beside personal data one that is not written as a column's name is masked: where the header's line end was lost, the
    values of the first row stand in it.
    """
    if dataset.pii_columns and not NAME.fullmatch(label):
        return MASK
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", "\ufffd", label)[:LONGEST_VALUE]


def _split(record: str, dialect: CsvDialect) -> list[str]:
    reader = csv.reader(
        [record],
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        doublequote=dialect.double_quote,
        escapechar=dialect.escape,
        strict=True,
    )
    return next(reader, [])
