"""What a document is, by its content alone, and whether that is what it says it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.printing.formats import HEAD, disagreement, recognise

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (b"%!PS-Adobe-3.0\n", "application/postscript"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"GIF89a", "image/gif"),
        (b"II*\0", "image/tiff"),
        (b"MM\0*", "image/tiff"),
        (b"RaS2PwgRaster\0", "image/pwg-raster"),
        (b"UNIRAST\0\0", "image/urf"),
        ("Grüße\n".encode(), "text/plain"),
        (b"a\tb\x0cpage two", "text/plain"),  # tabs and form feeds belong to text
        (b"x" * (HEAD - 1) + "é".encode(), "text/plain"),  # a letter cut in two
        (b"Gr\xfc\xdfe", None),  # not UTF-8: CUPS would print something else
        (b"\x1b%-12345X@PJL\x00", None),
        (b"PK\x03\x04", None),
        (b"", None),
    ],
)
def test_recognised(head: bytes, kind: str | None, tmp_path: Path) -> None:
    """The first bytes decide; a name or a declaration never does."""
    path = tmp_path / "innocent.pdf"
    path.write_bytes(head)

    assert recognise(path) == kind


@pytest.mark.parametrize(
    ("found", "declared", "says"),
    [
        ("application/pdf", None, None),
        ("application/pdf", "application/pdf", None),
        ("text/plain", "application/x-shell", None),  # CUPS prints these as plain text
        ("text/plain", "text/html", None),
        ("application/pdf", "application/postscript", "it says it is a PostScript document"),
        ("application/pdf", "text/plain", "but it is a PDF document"),
        ("application/pdf", "application/vnd.cups-raw", "raw"),  # lp -o raw: past all filters
        ("application/pdf", "application/octet-stream", "cannot tell"),
        (None, "application/pdf", "no kind of document"),
    ],
)
def test_disagreement(found: str | None, declared: str | None, says: str | None) -> None:
    """A document that is not what the spooler takes it for is refused with a reason."""
    problem = disagreement(found, declared)

    assert (problem is None) == (says is None)
    assert says is None or says in str(problem)
