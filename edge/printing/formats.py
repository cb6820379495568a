"""Recognises what a document is by its first bytes, and says how the spooler will take it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

PDF: Final = "application/pdf"
POSTSCRIPT: Final = "application/postscript"
TEXT: Final = "text/plain"
PWG_RASTER: Final = "image/pwg-raster"
URF: Final = "image/urf"
PICTURES: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/tiff"})
"""One picture on one page: CUPS turns only the first frame into a page, whatever number-up or
page-ranges say, because it does so behind the filter that imposes pages."""
RASTERS: Final = frozenset({PWG_RASTER, URF})

#: How much of a document is looked at.
HEAD: Final = 4096
_MAGIC: Final = (
    (b"%PDF-", PDF),
    (b"%!", POSTSCRIPT),
    (b"\x04%!", POSTSCRIPT),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"RaS2PwgRaster", PWG_RASTER),
    (b"UNIRAST\0", URF),
)
#: Control characters that no plain text has.
_NOT_TEXT: Final = re.compile(rb"[\x00-\x07\x0b\x0e-\x1a\x1c-\x1f\x7f]")
#: What CUPS calls the kinds of text that it prints as plain text.
_TEXTS: Final = re.compile(r"text/.*|application/x-(csource|cshell|perl|shell)")
#: The longest incomplete UTF-8 sequence at the end of the head.
_TAIL: Final = 3

_NAMES: Final = {
    PDF: "a PDF document",
    POSTSCRIPT: "a PostScript document",
    TEXT: "plain text",
    PWG_RASTER: "a PWG raster document",
    URF: "a URF raster document",
}


def recognise(path: Path) -> str | None:
    """Return a document's MIME type by its content; None for an empty or unknown one."""
    with path.open("rb") as document:
        head = document.read(HEAD)
    for magic, mime in _MAGIC:
        if head.startswith(magic):
            return mime
    return TEXT if head and _is_text(head) else None


def _is_text(head: bytes) -> bool:
    if _NOT_TEXT.search(head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(head) - _TAIL and len(head) == HEAD
    return True


def disagreement(found: str | None, declared: str | None) -> str | None:
    """Say for people why a document that is `found` cannot be printed as `declared`.

    The spooler filters a document by what it takes it for; where that is not what the document is,
    nobody can say what would come out.

    Args:
        found: the MIME type by content.
        declared: document-format of the job; None when nobody declared any.
    """
    if found is None:
        return "this is no kind of document that can be counted"
    taken = TEXT if declared is not None and _TEXTS.fullmatch(declared) else declared
    if taken in {None, found}:
        return None
    if taken == "application/octet-stream":
        return "the spooler cannot tell what kind of document this is"
    if taken == "application/vnd.cups-raw":
        return "raw printer data cannot be counted"
    return f"it says it is {_name(taken)}, but it is {_name(found)}"


def _name(mime: str | None) -> str:
    return _NAMES.get(mime or "", mime or "unknown")
