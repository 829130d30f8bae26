"""Text arrives as the letters that the branch meant, in each encoding that may be declared."""

from __future__ import annotations

import unicodedata

import pytest

from ingestion.csv_blocks import is_utf8
from tests.support.reading import NAMES, file_of, read, row_of

NOTE = "Tổ tiết kiệm và vay vốn xã Đất Mũi, Nguyễn Thị Ớt"
NOTE_PLACE = NAMES.index("note")


def in_windows_1258(text: str) -> bytes:
    """Write text as Vietnamese Windows does: the base letter with its hat or horn, then the tone as a mark."""
    out = b""
    for char in unicodedata.normalize("NFC", text):
        try:
            out += char.encode("cp1258")
        except UnicodeEncodeError:
            out += encode_split(char)
    return out


def encode_split(char: str) -> bytes:
    parts = unicodedata.normalize("NFD", char)
    tone = next(mark for mark in parts if mark in "\u0300\u0301\u0303\u0309\u0323")
    return unicodedata.normalize("NFC", parts.replace(tone, "")).encode("cp1258") + tone.encode("cp1258")


@pytest.mark.parametrize("declared", ["windows-1258", "Windows-1258", "cp1258"])
def test_windows_1258_is_normalised_without_a_warning(declared: str) -> None:
    data = in_windows_1258(file_of(row_of({"note": f'"{NOTE}"'})).decode())
    found = read(data, encoding=declared)
    assert (found.findings, found.rows[0][NOTE_PLACE]) == ([], NOTE)
    assert unicodedata.is_normalized("NFC", found.rows[0][NOTE_PLACE] or "")


def test_utf8_declared_as_windows_1258_is_noticed() -> None:
    data = file_of(row_of({"note": f'"{NOTE}"'}), row_of({"id": "A2"}))
    assert (None, None, "encoding-error") in read(data, encoding="windows-1258").errors


def test_line_in_utf8_is_noticed_among_those_in_windows_1258() -> None:
    data = in_windows_1258(file_of(row_of({"note": f'"{NOTE}"'}), row_of({"id": "A2"})).decode())
    found = read(data + row_of({"id": "A3", "note": "xã Đất Mũi"}).encode(), encoding="windows-1258")
    assert found.errors == [(3, None, "encoding-error")]


def test_windows_1258_declared_as_utf8_is_noticed_row_by_row() -> None:
    data = in_windows_1258(
        file_of(row_of({"note": f'"{NOTE}"'}), row_of({"id": "A2", "note": "x", "name": "y"})).decode()
    )
    assert read(data).errors == [(1, None, "encoding-error")]


def test_byte_that_windows_1258_does_not_have_is_noticed() -> None:
    data = in_windows_1258(file_of(row_of(), row_of({"id": "A2", "note": "@"})).decode()).replace(b"@", b"\xd2\x8a")
    assert read(data, encoding="windows-1258").errors == [(2, None, "encoding-error")]


def test_plain_ascii_is_the_same_in_every_encoding() -> None:
    data = file_of(row_of({"note": "x", "name": "y"}))
    rows = [read(data, encoding=encoding).rows for encoding in ("utf-8", "utf-8-sig", "windows-1258")]
    assert rows[0] == rows[1] == rows[2] != []


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""])
def test_utf_8_sig_is_read_with_and_without_its_mark(mark: bytes) -> None:
    found = read(mark + file_of(row_of()), encoding="utf-8-sig")
    assert (found.findings, len(found.rows)) == ([], 1)


def test_only_the_first_byte_order_mark_is_one() -> None:
    found = read(b"\xef\xbb\xbf\xef\xbb\xbf" + file_of(row_of()), encoding="utf-8-sig")
    assert ("id", "missing-label") in [(column, rule) for _, column, rule in found.errors]


def test_text_that_only_looks_decomposed_to_another_encoding_is_kept() -> None:
    found = read(file_of(row_of({"note": "Ă¡ ế ₫"})))
    assert (found.findings, found.rows[0][NOTE_PLACE]) == ([], "Ă¡ ế ₫")


def test_what_is_utf8_is_what_pythons_decoder_takes() -> None:
    for first in range(0x80, 0x100):
        for second in range(0x70, 0x100):
            for rest in (b"", b"a", b"\x80", b"\xbf\xbf", b"\x80\x80\x80"):
                for data in (bytes([first, second]) + rest, b"Nguyen Van " + bytes([first, second]) + rest + b",F\n"):
                    assert is_utf8(data) == is_decodable(data), data


def is_decodable(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
