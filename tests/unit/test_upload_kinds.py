"""What an upload is, is what its content says; what nobody could print is refused at the door."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.uploads.kinds import HEAD, NotTaken, Recognised, recognise


def png(width: int, height: int) -> bytes:
    """Return the beginning of a picture of that size; its pixels are never looked at."""
    about = struct.pack(">II", width, height) + b"\x08\x02\0\0\0"
    chunk = b"IHDR" + about
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", len(about))
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
    )


def jpeg(width: int, height: int) -> bytes:
    """Return a JPEG's beginning: a comment, then the frame."""
    comment = b"\xff\xfe" + struct.pack(">H", 2 + 70_000 % 65_000) + b"c" * (70_000 % 65_000)
    return (
        b"\xff\xd8"
        + comment
        + b"\xff\xc2"
        + struct.pack(">HBHHB", 11, 8, height, width, 1)
        + b"\x01\x11\0"
    )


def tiff(*sizes: tuple[int, int], order: str = "<") -> bytes:
    """Return a TIFF with a directory for each size."""
    made = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    for n, (width, height) in enumerate(sizes):
        following = 0 if n == len(sizes) - 1 else len(made) + 2 + 24 + 4
        made += struct.pack(f"{order}H", 2)
        made += struct.pack(f"{order}HHII", 256, 4, 1, width)
        made += struct.pack(f"{order}HHII", 257, 4, 1, height)
        made += struct.pack(f"{order}I", following)
    return made


def packed(**entries: bytes) -> bytes:
    """Return a ZIP archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return out.getvalue()


def word() -> bytes:
    """Return what Word's documents look like from outside."""
    return packed(**{"[Content_Types]_dot_xml": b"<Types/>", "word__document_dot_xml": b"<w/>"})


def open_document() -> bytes:
    """Return what LibreOffice's documents look like from outside."""
    return packed(mimetype=b"application/vnd.oasis.opendocument.text", content_dot_xml=b"<c/>")


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

TAKEN = [
    ("thesis.pdf", b"%PDF-1.7\n", "pdf"),
    ("no ending", b"%PDF-1.7\n", "pdf"),
    ("photo.PNG", png(4000, 3000), "png"),
    ("photo.jpg", jpeg(4000, 3000), "jpeg"),
    ("scan.tif", tiff((2480, 3508)), "tiff"),
    ("scan.tiff", tiff((10, 10), (2480, 3508), order=">"), "tiff"),
    ("notes.txt", "Grüße, ça va?\n".encode(), "text"),
    ("notes.md", b"\xef\xbb\xbf# with a mark\n", "text"),
    # a sequence of UTF-8 that the end of what is looked at cuts in two
    ("long.txt", ("a" * (HEAD - 1) + "é" * 10).encode(), "text"),
    ("letter.docx", word(), "office"),
    ("letter.odt", open_document(), "office"),
    ("letter.doc", OLE + b"\0" * 900 + "WordDocument".encode("utf-16-le"), "office"),
    ("letter.rtf", b"{\\rtf1\\ansi hello}", "office"),
]
REFUSED = [
    ("empty.pdf", b"", "empty"),
    # a page of the web, whatever it is called
    ("invoice.pdf", b"<!DOCTYPE html><html><body>pay</body></html>", "web-page"),
    ("invoice.txt", b"  <html>", "web-page"),
    ("picture.png", b"%PDF-1.7\n", "not-that"),
    ("thesis.pdf", b"just text\n", "not-that"),
    ("thesis.pdf", png(10, 10), "not-that"),
    # nothing is drawn, nothing is unpacked: its head says how large it would be
    ("bomb.png", png(60_000, 60_000), "pixels"),
    ("bomb.jpg", jpeg(60_000, 60_000), "pixels"),
    ("bomb.tif", tiff((10, 10), (60_000, 60_000)), "pixels"),
    ("nothing.png", png(0, 7), "unknown"),
    ("cut.jpg", b"\xff\xd8\xff\xe0", "unknown"),
    ("cut.tif", b"II*\0", "unknown"),
    # its directories lead in a circle
    ("circle.tif", b"II*\0" + struct.pack("<IHI", 8, 0, 8), "unknown"),
    ("program", b"\x7fELF\x02\x01\x01\0", "unknown"),
    ("things.zip", packed(a=b"b"), "unknown"),
    # an archive that says it is a document of somebody's, in something else than ODF
    ("things.epub", packed(mimetype=b"application/epub+zip"), "unknown"),
    ("cut.docx", word()[:60], "unknown"),
    ("mail.msg", OLE + b"\0" * 900 + "__nameid_version1.0".encode("utf-16-le"), "unknown"),
    ("old.txt", "Grüße".encode("latin-1"), "encoding"),
    ("wide.txt", "Grüße".encode("utf-16"), "encoding"),
    ("raw.txt", b"\x1b%-12345X@PJL\n", "unknown"),
]


@pytest.mark.parametrize(("name", "content", "kind"), TAKEN, ids=lambda each: str(each)[:20])
def test_what_can_be_printed_is_taken(name: str, content: bytes, kind: str) -> None:
    """By its content, also where its name says nothing."""
    assert recognise(io.BytesIO(content), name) == Recognised(kind)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "content", "why"), REFUSED, ids=lambda each: str(each)[:20])
def test_what_cannot_is_not(name: str, content: bytes, why: str) -> None:
    """And the reason is the right one."""
    assert recognise(io.BytesIO(content), name) == NotTaken(why)  # type: ignore[arg-type]


@given(st.sampled_from([each[1] for each in TAKEN]), st.integers(0, 200), st.binary(max_size=64))
def test_nothing_breaks_it(content: bytes, cut: int, after: bytes) -> None:
    """Whatever follows a good beginning, there is an answer."""
    found = recognise(io.BytesIO(content[:cut] + after), "document")
    assert isinstance(found, Recognised | NotTaken)
