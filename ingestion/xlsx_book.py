"""Open an XLSX workbook safely: its sheets, shared strings and which cell styles show dates.

The zip directory is checked before anything is unpacked, parts are only ever streamed, and XML with a document type
(entities that grow, references to files) is refused.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import IO
from xml.parsers import expat

from contract.errors import DamagedInputError, UnsafeInputError
from ingestion.streams import ALWAYS_ALLOWED_BYTES, MAX_RATIO

MAX_PARTS = 1000
MAX_UNPACKED_BYTES = 1 << 30
MAX_STRINGS_BYTES = 64 << 20
"""Shared strings are the one part that is held in memory."""
CHUNK_BYTES = 1 << 16
MAIN = ("http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://purl.oclc.org/ooxml/spreadsheetml/main")
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
BUILTIN_DATES = {*range(14, 18), 22, *range(27, 37), *range(50, 59)}
BUILTIN_TIMES = {*range(18, 22), *range(45, 48)}
BUILTIN_PERCENTS = {9, 10}
ELAPSED = re.compile(r"\[[hms]+\]")
NOT_A_PLACEHOLDER = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')

Attributes = dict[str, str]
Start = Callable[[str, Attributes], None]


class Style(Enum):
    """What a number means by the format of its cell."""

    NUMBER = "number"
    DATE = "date"
    TIME = "time"
    PERCENT = "percent"


@dataclass(frozen=True)
class Sheet:
    """A worksheet: its name and its part of the package."""

    name: str
    part: str


def damaged(problem: str) -> DamagedInputError:
    """Return the error of a workbook that cannot be read."""
    return DamagedInputError(f"The workbook {problem}", remedy="Save it again as a plain .xlsx, or send CSV.")


class Book:
    """An open workbook. Errors of every method: DamagedInputError, UnsafeInputError."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        with _zip_errors():
            self._zip = zipfile.ZipFile(file)
            require_safe(self._zip, size)
            self.uses_1904 = False
            self.sheets: list[Sheet] = []
            workbook = self._find_workbook()
            self._parts, kinds = self._relations(workbook)
            self._read_workbook(workbook)
            self.strings = self._read_strings(next((part for part, kind in kinds if kind == "sharedStrings"), None))
            self.styles = self._read_styles(next((part for part, kind in kinds if kind == "styles"), None))

    def parse(self, part: str, parser: expat.XMLParserType) -> Iterator[None]:
        """Feed a part to `parser` chunk by chunk, yielding after each."""
        with _zip_errors(), self._zip.open(part) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                parser.Parse(chunk, False)
                yield
            parser.Parse(b"", True)
            yield

    def _parse_all(self, part: str, parser: expat.XMLParserType) -> None:
        for _ in self.parse(part, parser):
            pass

    def _find_workbook(self) -> str:
        for part, kind in self._relations("")[1]:
            if kind == "officeDocument":
                return part
        raise damaged("names no workbook part")

    def _relations(self, part: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
        """Return the parts that `part` refers to, by id, and each with the last word of its type."""
        folder, name = posixpath.split(part)
        by_id: dict[str, str] = {}
        kinds: list[tuple[str, str]] = []

        def start(tag: str, attributes: Attributes) -> None:
            if tag.endswith("}Relationship") and attributes.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", ""))).lstrip("/")
                by_id[attributes.get("Id", "")] = target
                kinds.append((target, attributes.get("Type", "").rpartition("/")[2]))

        self._parse_all(posixpath.join(folder, "_rels", f"{name}.rels"), make_parser(start))
        return by_id, kinds

    def _read_workbook(self, part: str) -> None:
        def start(tag: str, attributes: Attributes) -> None:
            match local_name(tag):
                case "workbookPr":
                    self.uses_1904 = attributes.get("date1904") in ("1", "true")
                case "sheet":
                    relation = next((value for key, value in attributes.items() if key.endswith("}id")), "")
                    self.sheets.append(Sheet(attributes.get("name", ""), self._parts.get(relation, "")))

        self._parse_all(part, make_parser(start))
        if not self.sheets:
            raise damaged("has no sheet")

    def _read_strings(self, part: str | None) -> list[str]:
        strings: list[str] = []
        if part is None:
            return strings
        text = TextCollector()

        def end(tag: str) -> None:
            if local_name(tag) == "si":
                strings.append(text.take())
            text.end(local_name(tag))

        parser = make_parser(lambda tag, _: text.start(local_name(tag)), end, text.add)
        self._parse_all(part, parser)
        return strings

    def _read_styles(self, part: str | None) -> list[Style]:
        styles: list[Style] = []
        codes: dict[str, str] = {}
        inside: list[str | None] = []

        def start(tag: str, attributes: Attributes) -> None:
            inside.append(local_name(tag))
            if inside[-1] == "numFmt":
                codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
            elif inside[-2:] == ["cellXfs", "xf"]:
                number = attributes.get("numFmtId", "0")
                styles.append(find_style(number, codes.get(number)))

        if part is not None:
            self._parse_all(part, make_parser(start, lambda _: inside.__delitem__(-1)))
        return styles


class TextCollector:
    """Gathers the text of `t` elements, leaving out the phonetic hints (`rPh`) beside it."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._collects = False
        self._is_hint = False

    def start(self, name: str | None) -> None:
        """Note the start of an element."""
        if name == "rPh":
            self._is_hint = True
        self._collects = name == "t" and not self._is_hint

    def end(self, name: str | None) -> None:
        """Note the end of an element."""
        self._collects = False
        if name == "rPh":
            self._is_hint = False

    def add(self, text: str) -> None:
        """Add text, if it belongs to the value."""
        if self._collects:
            self._parts.append(text)

    def take(self) -> str:
        """Return the text gathered, and begin anew."""
        text = "".join(self._parts)
        self._parts = []
        return unescape(text)


def unescape(text: str) -> str:
    """Return the text with the character for each `_xHHHH_`, as the standard writes what XML cannot hold.

    Two escapes that are the halves of one character are joined; half a character by itself stays in the text.
    """
    if "_x" not in text:
        return text
    halves = ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def show_halves(text: str) -> str:
    """Return the text with U+FFFD for each half of a character that stands by itself."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def find_style(number: str, code: str | None) -> Style:
    """Return what a number format means: its id, and its code where the workbook defines one."""
    identity = int(number) if number.isascii() and number.isdecimal() else 0
    if code is None:
        if identity in BUILTIN_PERCENTS:
            return Style.PERCENT
        return Style.DATE if identity in BUILTIN_DATES else Style.TIME if identity in BUILTIN_TIMES else Style.NUMBER
    if ELAPSED.search(code.lower()):
        return Style.TIME
    shown = NOT_A_PLACEHOLDER.sub("", code).lower()
    if "%" in shown:
        return Style.PERCENT
    letters = set(shown) - set("general") if "general" in shown else set(shown)
    if letters & set("yd") or ("m" in letters and not letters & set("hs")):
        return Style.DATE
    return Style.TIME if letters & set("hms") else Style.NUMBER


def local_name(tag: str) -> str | None:
    """Return the name of a spreadsheet element without its namespace; None for an element of another one."""
    namespace, _, name = tag.rpartition("}")
    return name if namespace in MAIN else None


def make_parser(
    start: Start, end: Callable[[str], None] | None = None, text: Callable[[str], None] | None = None
) -> expat.XMLParserType:
    """Return an XML parser that calls these, and refuses a document type."""

    def refuse(*_: object) -> None:
        raise damaged("has XML with a document type")

    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    return parser


def require_safe(archive: zipfile.ZipFile, size: int) -> None:
    parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    allowed = min(MAX_UNPACKED_BYTES, max(ALWAYS_ALLOWED_BYTES, size * MAX_RATIO))
    strings = sum(part.file_size for part in parts if part.filename.lower().endswith("sharedstrings.xml"))
    if len(parts) > MAX_PARTS or unpacked > allowed or strings > MAX_STRINGS_BYTES:
        raise UnsafeInputError(
            f"The workbook of {size} bytes unpacks to {len(parts)} parts with {unpacked} bytes",
            remedy="Send the data as CSV.",
        )
    names = [part.filename for part in parts]
    if len(set(names)) < len(names) or any(part.flag_bits & 1 for part in parts):
        raise damaged("has a part twice, or is encrypted")
    if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
        raise damaged("is packed in an unusual way")


@contextmanager
def _zip_errors() -> Iterator[None]:
    try:
        yield
    except KeyError as error:
        raise damaged(f"lacks a part: {error.args[0]}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        raise damaged(f"cannot be unpacked: {error}") from error
    except expat.ExpatError as error:
        raise damaged(f"has XML that is not well formed: {error}") from error
