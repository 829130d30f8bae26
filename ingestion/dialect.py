"""CSV dialects: a Frictionless dialect as declared, turned into what the reader can read exactly.

Each property is acted on, or refused by name; none is ignored. The properties are those of the Frictionless CSV
Dialect (v1) and of the Table Dialect (Data Package v2), flat or inside `csv`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract.errors import DialectError


@dataclass(frozen=True)
class CsvDialect:
    """How the rows are written: one ASCII character each for delimiter, quote, escape and comment."""

    delimiter: str = ","
    quote: str = '"'
    double_quote: bool = True
    escape: str | None = None
    comment: str | None = None
    has_header: bool = True
    skip_initial_space: bool = False
    null_sequence: str | None = None

    @property
    def special_bytes(self) -> bytes:
        """The characters that an escape may stand before."""
        return (self.delimiter + self.quote + (self.escape or "")).encode()


MEANINGLESS: Mapping[str, tuple[Any, ...]] = {
    "lineTerminator": ("\r\n", "\n"),
    "headerRows": ([1],),
    "headerJoin": (" ",),
    "headerCase": (True,),
    "caseSensitiveHeader": (True, False),
    "commentRows": ([],),
    "skipBlankRows": (False,),
}
"""Values that ask for what is done anyway: LF and CRLF are both read, names of columns are always compared exactly."""
CHARACTERS = {"delimiter": "delimiter", "quoteChar": "quote", "escapeChar": "escape", "commentChar": "comment"}
FLAGS = {"doubleQuote": "double_quote", "header": "has_header", "skipInitialSpace": "skip_initial_space"}
SHEET = ("sheetName", "sheetNumber")
"""Properties of a workbook."""
UNSET = ("escapeChar", "commentChar", "nullSequence")
"""Properties that may be null in the descriptor, which says the same as leaving them out."""


def parse_dialect(declared: Mapping[str, Any] | None) -> CsvDialect:
    """Return the dialect that the descriptor declares; the default one for None. Errors: DialectError."""
    if declared is None:
        return CsvDialect()
    if not isinstance(declared, Mapping):
        raise _error(f"is no object but {declared!r}")
    nested = declared.get("csv", {})
    if not isinstance(nested, Mapping) or set(nested) & set(declared):
        raise _error("has a part `csv` that is no object or says something twice")
    settings: dict[str, Any] = {}
    for name, value in {**{k: v for k, v in declared.items() if k not in ("csv", "$schema")}, **nested}.items():
        _take(name, value, settings)
    dialect = CsvDialect(**settings)
    _require_distinct(dialect)
    return dialect


def describe_reading(format: str, encoding: str, dialect: Mapping[str, Any] | None) -> str:
    """Return what is declared of how bytes are read, in one form for all ways to say it; "" for what nothing needs to say."""
    declared = dict(dialect or {})
    sheet = {name: declared.pop(name, None) for name in SHEET} if format == "xlsx" else {}
    parts = {name: value for name, value in sheet.items() if value is not None}
    if format == "csv" and encoding.lower() != "utf-8":
        parts["encoding"] = encoding.lower()
    if format == "parquet":
        parts |= declared
    else:
        try:
            parts |= dict(vars(parse_dialect(declared)).items() - vars(CsvDialect()).items())
        except DialectError as error:
            parts["error"] = str(error)
    return repr(sorted(parts.items())) if parts else ""


def _take(name: str, value: Any, settings: dict[str, Any]) -> None:
    if (name in UNSET and value is None) or (name == "csvddfVersion" and str(value) in ("1", "1.0", "1.2")):
        return
    if name in CHARACTERS:
        settings[CHARACTERS[name]] = _require_character(name, value)
    elif name in FLAGS:
        if not isinstance(value, bool):
            raise _error(f"has {name} {value!r}, which is neither true nor false")
        settings[FLAGS[name]] = value
    elif name == "nullSequence":
        # Beyond ASCII a text has several forms, and the file may be written in another one than the descriptor.
        if not isinstance(value, str) or not value.isascii() or any(char in value for char in "\r\n\0"):
            raise _error(f"has nullSequence {value!r}, which is not ASCII on one line")
        settings["null_sequence"] = value or None
    elif name not in MEANINGLESS:
        raise _error(f"has the property {name!r}, which is not supported")
    elif repr(value) not in map(repr, MEANINGLESS[name]):
        raise _error(f"has {name} {value!r}, which is not supported")


def _require_character(name: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) != 1 or not (value == "\t" or " " <= value <= "~"):
        raise _error(f"has {name} {value!r}, which is not one printable ASCII character")
    if value.isalnum():
        raise _error(f"has {name} {value!r}, a letter or digit")
    return value


def _require_distinct(dialect: CsvDialect) -> None:
    used = [c for c in (dialect.delimiter, dialect.quote, dialect.escape, dialect.comment) if c is not None]
    if len(set(used)) < len(used):
        raise _error("uses one character for two purposes")
    if dialect.skip_initial_space and " " in used:
        raise _error("skips the initial space and gives the space a meaning")
    if dialect.null_sequence is not None and any(char in dialect.null_sequence for char in used):
        raise _error("has a nullSequence with a character that has a meaning of its own")
    if dialect.null_sequence is not None and dialect.skip_initial_space and dialect.null_sequence.startswith(" "):
        raise _error("has a nullSequence with a leading space and skips the initial space")


def _error(problem: str) -> DialectError:
    return DialectError(
        f"The CSV dialect {problem}",
        remedy="Leave the dialect out and write plain CSV: comma, double quotes, one header row.",
    )
