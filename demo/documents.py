"""Sample documents made at run time: good ones of every kind, and broken ones of every kind."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pikepdf
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

A4 = (595.0, 842.0)
A3 = (842.0, 1191.0)


def pdf(
    path: Path,
    pages: int,
    *,
    colour: Collection[int] = (),
    size: tuple[float, float] = A4,
) -> Path:
    """Write a PDF; the pages numbered in `colour` (from 1) have a red square, others a black one.

    `size` is in points.
    """
    with _document(pages, colour, size) as document:
        document.save(path)
    return path


def _document(pages: int, colour: Collection[int], size: tuple[float, float]) -> pikepdf.Pdf:
    document = pikepdf.new()
    for number in range(1, pages + 1):
        paint = b"1 0 0 rg" if number in colour else b"0 g"
        page = document.add_blank_page(page_size=size)
        # the width of the square differs, so that no two pages are the same
        square = b"%s 72 72 %d 200 re f" % (paint, 100 + number % 300)
        page.Contents = document.make_stream(square)
    return document


def postscript(path: Path, pages: int, *, colour: Collection[int] = ()) -> Path:
    """Write a PostScript document of A4 pages."""
    lines = ["%!PS-Adobe-3.0", f"%%Pages: {pages}", "%%EndComments"]
    lines += ["<< /PageSize [595 842] >> setpagedevice"]
    for number in range(1, pages + 1):
        paint = "1 0 0 setrgbcolor" if number in colour else "0 setgray"
        lines += [f"%%Page: {number} {number}", paint, "72 72 200 200 rectfill", "showpage"]
    path.write_text("\n".join([*lines, "%%EOF", ""]))
    return path


def picture(path: Path, *, colour: bool = True, kind: str = "JPEG", frames: int = 1) -> Path:
    """Write a JPEG, PNG, GIF or TIFF of 480 by 640 pixels; TIFF and GIF may have several frames."""
    shade = (200, 30, 30) if colour else (90, 90, 90)
    images = [Image.new("RGB", (480, 640), shade) for _ in range(frames)]
    for number, image in enumerate(images):
        image.paste((20, 20, 20), (20, 20, 100 + number, 100))
    more = {"save_all": True, "append_images": images[1:]} if frames > 1 else {}
    images[0].save(path, kind, **more)
    return path


def text(path: Path, lines: int) -> Path:
    """Write plain text of so many short lines."""
    path.write_text("".join(f"Line {number} of a plain text.\n" for number in range(1, lines + 1)))
    return path


def empty(path: Path) -> Path:
    """Write nothing."""
    path.write_bytes(b"")
    return path


def truncated(path: Path, pages: int, keep: float = 0.9) -> Path:
    """Write the first part of a PDF: its cross-reference table is missing."""
    whole = _bytes(pages)
    path.write_bytes(whole[: int(len(whole) * keep)])
    return path


def broken_xref(path: Path, pages: int) -> Path:
    """Write a PDF whose cross-reference table points to the wrong places."""
    whole = _bytes(pages, classic=True)
    at = whole.rindex(b"xref\n", 0, whole.rindex(b"startxref"))
    table = whole[at:].replace(b"00000 n", b"00000 n").split(b"\n")
    moved = [b"0000000007" + line[10:] if line.endswith(b" n ") else line for line in table]
    path.write_bytes(whole[:at] + b"\n".join(moved))
    return path


def lying_count(path: Path, pages: int, claimed: int) -> Path:
    """Write a PDF whose /Count says `claimed` though it has `pages` pages."""
    whole = _bytes(pages, classic=True)
    truth, lie = b"/Count %d" % pages, b"/Count %d" % claimed
    if whole.count(truth) != 1:
        raise ValueError("this document does not have exactly one /Count")
    # the table of positions may end up wrong by a digit: readers repair that, as they do in life
    path.write_bytes(whole.replace(truth, lie))
    return path


def encrypted(path: Path, pages: int, *, user: str = "secret") -> Path:
    """Write a PDF that asks for a password; with `user` empty everybody may read and print it."""
    with _document(pages, (), A4) as document:
        document.save(path, encryption=pikepdf.Encryption(owner="owner", user=user))
    return path


def vast_page(path: Path) -> Path:
    """Write a PDF whose page is 350 metres wide: drawing it would take 90 GB."""
    with _document(1, (), A4) as document:
        document.pages[0].MediaBox = pikepdf.Array([0, 0, 1_000_000, 1_000_000])
        document.save(path)
    return path


def endless_tree(path: Path) -> Path:
    """Write a PDF whose page tree contains itself."""
    with _document(1, (), A4) as document:
        document.Root.Pages.Kids.append(document.Root.Pages)
        document.save(path)
    return path


def huge(path: Path, megabytes: int = 100) -> Path:
    """Write a PDF of two pages that is so big, most of it an attachment."""
    filling = bytes(1 << 20)
    with _document(2, (2,), A4) as document:
        for number in range(megabytes):
            stream = document.make_stream(filling + number.to_bytes(4))
            document.Root[f"/Filling{number}"] = document.make_indirect(stream)
        document.save(
            path, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none
        )
    return path


def _bytes(pages: int, *, classic: bool = False) -> bytes:
    mode = pikepdf.ObjectStreamMode.disable if classic else pikepdf.ObjectStreamMode.preserve
    out = io.BytesIO()
    with _document(pages, (), A4) as document:
        document.save(out, object_stream_mode=mode)
    return out.getvalue()
