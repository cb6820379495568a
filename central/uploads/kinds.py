"""What an uploaded document is, by its content and never by its name; pure.

Also how many pixels a picture says it has, so that one that no site would count is refused at once.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind: TypeAlias = Literal["pdf", "png", "jpeg", "tiff", "text", "office"]
Why: TypeAlias = Literal["empty", "unknown", "web-page", "not-that", "pixels", "encoding"]

#: How much of a document is looked at, a packed office document apart.
HEAD: Final = 64 * 1024
#: Pixels of a picture: beyond that sites say that it cannot be counted.
PIXELS: Final = 178_956_970
#: Entries of a packed document that are looked at.
_ENTRIES: Final = 10_000
_MAGIC: Final[tuple[tuple[bytes, Kind], ...]] = (
    (b"%PDF-", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"{\\rtf", "office"),
)
_PACKED: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: Names within an OLE file, as UTF-16: of Word, Excel and PowerPoint.
_OLE_NAMES: Final = tuple(
    name.encode("utf-16-le") for name in ("WordDocument", "Workbook", "Book", "PowerPoint Document")
)
_OPEN_DOCUMENT: Final = b"application/vnd.oasis.opendocument."
#: Octets of the entry that names the kind of an OpenDocument file.
_TYPE_MOST: Final = 200
_OOXML: Final = ("word/", "xl/", "ppt/")
_WEB: Final = re.compile(rb"\s*(<!doctype html|<html|<head|<body|<script|<\?php)", re.IGNORECASE)
_NOT_TEXT: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_TAIL: Final = 3
#: Endings of names that promise something; a document that is something else is not taken.
_PROMISED: Final[dict[str, frozenset[Kind]]] = {
    "pdf": frozenset({"pdf"}),
    "png": frozenset({"png"}),
    "jpg": frozenset({"jpeg"}),
    "jpeg": frozenset({"jpeg"}),
    "tif": frozenset({"tiff"}),
    "tiff": frozenset({"tiff"}),
    **dict.fromkeys(
        ("doc", "docx", "odt", "rtf", "xls", "xlsx", "ods", "ppt", "pptx", "odp"),
        frozenset[Kind]({"office"}),
    ),
}


@dataclass(frozen=True, slots=True)
class Recognised:
    """What it is."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Why it is not taken."""

    why: Why


def recognise(document: IO[bytes], name: str) -> Recognised | NotTaken:
    """Say what a document is.

    Args:
        document: at any place; only read.
        name: what people call it: where it promises another kind, somebody is mistaken.
    """
    document.seek(0)
    head = document.read(HEAD)
    if not head:
        return NotTaken("empty")
    found = _kind(head, document)
    if isinstance(found, NotTaken):
        return found
    promised = _PROMISED.get(name.rpartition(".")[2].lower())
    if promised is not None and found not in promised:
        return NotTaken("not-that")
    if found in {"png", "jpeg", "tiff"}:
        size = pixels(found, head, document)
        if size is None:
            return NotTaken("unknown")
        if size > PIXELS:
            return NotTaken("pixels")
    return Recognised(found)


def _kind(head: bytes, document: IO[bytes]) -> Kind | NotTaken:
    known = next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)
    if known is not None:
        return known
    if head.startswith(_PACKED):
        return "office" if _is_packed_office(document) else NotTaken("unknown")
    if head.startswith(_OLE):
        document.seek(0)
        return "office" if _has_ole_names(document) else NotTaken("unknown")
    if head.startswith(_UTF16):
        return NotTaken("encoding")
    return NotTaken("unknown") if _NOT_TEXT.search(head) else _text(head)


def _text(head: bytes) -> Kind | NotTaken:
    if _WEB.match(head.removeprefix(b"\xef\xbb\xbf")):
        return NotTaken("web-page")
    try:
        head.decode()
    except UnicodeDecodeError as error:
        if not (error.start >= len(head) - _TAIL and len(head) == HEAD):
            return NotTaken("encoding")
    return "text"


def _is_packed_office(document: IO[bytes]) -> bool:
    """Look at the list of what is packed; nothing is unpacked."""
    try:
        with zipfile.ZipFile(document) as packed:
            names = packed.namelist()
            if len(names) > _ENTRIES:
                return False
            if "mimetype" in names:
                about = packed.getinfo("mimetype")
                if about.compress_type != zipfile.ZIP_STORED or about.file_size > _TYPE_MOST:
                    return False
                return packed.read(about).startswith(_OPEN_DOCUMENT)
            return "[Content_Types].xml" in names and any(each.startswith(_OOXML) for each in names)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError):
        return False


def _has_ole_names(document: IO[bytes]) -> bool:
    """Look for the names of Word's, Excel's and PowerPoint's parts, wherever its directory is."""
    before = b""
    while piece := document.read(1 << 20):
        if any(name in before + piece for name in _OLE_NAMES):
            return True
        before = piece[-64:]
    return False


# ── pictures ────────────────────────────────────────────────────────────────────────────────


def pixels(kind: str, head: bytes, document: IO[bytes]) -> int | None:
    """Return how many pixels a picture says it has; None where it does not say so."""
    try:
        if kind == "png":
            if head[12:16] != b"IHDR":
                return None
            width, height = struct.unpack(">II", head[16:24])
        elif kind == "jpeg":
            width, height = _jpeg(document)
        else:
            width, height = _tiff(document)
    except (struct.error, ValueError, OSError):
        return None
    return width * height if width and height else None


#: Start-of-frame markers of JPEG (ITU-T T.81, table B.1), and those without a length.
_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_SEGMENTS: Final = 1000


def _jpeg(document: IO[bytes]) -> tuple[int, int]:
    """Walk the segments to the frame."""
    document.seek(2)
    for _ in range(_SEGMENTS):
        marker = document.read(2)
        while marker[1:] == b"\xff":
            marker = b"\xff" + document.read(1)
        if len(marker) != 2 or marker[0] != 0xFF:  # noqa: PLR2004  a marker is two octets
            break
        if marker[1] in _ALONE:
            continue
        (length,) = struct.unpack(">H", document.read(2))
        if marker[1] in _FRAMES:
            height, width = struct.unpack(">xHH", document.read(5))
            return width, height
        if length < 2:  # noqa: PLR2004  it counts itself
            break
        document.seek(length - 2, io.SEEK_CUR)
    raise ValueError("no frame")


_WIDTH, _HEIGHT = 256, 257
_SHORT: Final = 3
_TAGS: Final = 500
_PAGES: Final = 1000


def _tiff(document: IO[bytes]) -> tuple[int, int]:
    """Return the size of the largest of its pictures (TIFF 6.0, section 2)."""
    largest = (0, 0)
    for width, height in _directories(document):
        if width * height > largest[0] * largest[1]:
            largest = width, height
    return largest


def _directories(document: IO[bytes]) -> Iterator[tuple[int, int]]:
    document.seek(0)
    order = "<" if document.read(2) == b"II" else ">"
    document.seek(4)
    (at,) = struct.unpack(f"{order}I", document.read(4))
    seen: set[int] = set()
    while at and at not in seen and len(seen) < _PAGES:
        seen.add(at)
        document.seek(at)
        (tags,) = struct.unpack(f"{order}H", document.read(2))
        size = {_WIDTH: 0, _HEIGHT: 0}
        for _ in range(min(tags, _TAGS)):
            entry = document.read(12)
            tag, form, _, value = struct.unpack(f"{order}HHII", entry)
            if tag in size:
                (short,) = struct.unpack(f"{order}H", entry[8:10])
                size[tag] = short if form == _SHORT else value
        document.seek(at + 2 + tags * 12)
        (at,) = struct.unpack(f"{order}I", document.read(4))
        yield size[_WIDTH], size[_HEIGHT]
