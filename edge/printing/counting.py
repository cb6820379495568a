"""Counts the pages of a document and which of them have colour; runs in a process of its own.

A document may be hostile, so nothing here is called in the edge itself: see `counter`.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pikepdf
import pypdfium2
from PIL import Image, ImageChops

from config.errors import PrintmeshError
from config.policy.media import SIZES, media_of_size
from edge.printing.formats import PDF, PICTURES, POSTSCRIPT, PWG_RASTER, TEXT, URF
from edge.printing.options import TEXT_LAYOUT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

#: A page is drawn at this scale (10.8 dots per inch) and has colour if somewhere two of its
#: channels differ by more than this of 255: black ink and anti-aliasing stay below.
SCALE: Final = 0.15
DIFFERENCE: Final = 10
_SAMPLE: Final = (600, 600)
_POINTS_PER_HUNDREDTH: Final = 72 / 2540
_FILTERS: Final = "/usr/lib/cups/filter"


class UnreadableDocumentError(PrintmeshError):
    """A document that cannot be counted; the text is for people."""


@dataclass(frozen=True, slots=True)
class Count:
    """What is in a document."""

    pages: int
    colour_pages: frozenset[int]
    """Numbers from 1."""
    media: str | None
    """Class of the first page; None for a kind that takes the size of the paper."""


def count(path: Path, kind: str, work: Path, paper: str, orientation: int | None) -> Count:
    """Count a document.

    Args:
        path: the document; only read.
        kind: its MIME type, by content.
        work: an empty directory for what it is turned into.
        paper: class of the paper that plain text is laid out for.
        orientation: the job's orientation-requested, if any; plain text breaks pages by it.

    Raises:
        UnreadableDocumentError: it cannot be counted.
    """
    if kind == PDF:
        return _pdf(path, work, "PDF document")
    if kind in PICTURES:
        return _picture(path)
    made = work / "made.pdf"
    if kind == POSTSCRIPT:
        what = "PostScript program"
        _convert([*_GHOSTSCRIPT, "-o", str(made), str(path)], work, None, {}, what)
        return _pdf(made, work, what)
    environ = {"PPD": str(_paper(work, paper)), "CONTENT_TYPE": kind}
    if kind == TEXT:
        options = dict(TEXT_LAYOUT)
        if orientation is not None:
            options["orientation-requested"] = orientation
        words = " ".join(f"{name}={value}" for name, value in options.items())
        _filter("texttopdf", words, path, made, environ, "text")
        with pikepdf.open(made) as document:  # the filter's own, and it writes black alone
            return Count(len(document.pages), frozenset(), None)
    if kind in {PWG_RASTER, URF}:
        _filter("rastertopdf", "", path, made, environ, "raster document")
        return _pdf(made, work, "raster document")
    raise UnreadableDocumentError(f"documents of the kind {kind} are not counted")


# ── PDF ─────────────────────────────────────────────────────────────────────────────────────


def _pdf(path: Path, work: Path, what: str) -> Count:
    """Count the pages by walking the page tree (qpdf, as CUPS does), never by /Count."""
    try:
        with pikepdf.open(path) as document:
            pages = len(document.pages)
            if not pages:
                raise UnreadableDocumentError(f"this {what} has no pages")
            media = _page_media(document.pages[0])
            drawable = _drawable(path, pages)
            if drawable is None or document.get_warnings():
                # counted right, but will CUPS print it? Its filters mend less than we do
                _printable(path, work, what)
                mended = work / "mended.pdf"
                document.save(mended)
                drawable = _drawable(mended, pages)
    except pikepdf.PasswordError as error:
        raise UnreadableDocumentError(
            "this PDF document is locked with a password; print it without one"
        ) from error
    except pikepdf.PdfError as error:
        raise UnreadableDocumentError(_BROKEN.format(what)) from error
    if drawable is None:
        raise UnreadableDocumentError(_BROKEN.format(what))
    with drawable:
        return Count(pages, frozenset(_colour_pages(drawable)), media)


_BROKEN: Final = "this {} is damaged beyond repair; save it again and print that"


def _printable(path: Path, work: Path, what: str) -> None:
    """Put a damaged document through the filter that CUPS will put it through."""
    try:
        _filter("pdftopdf", "", path, work / "filtered.pdf", {}, what)
    except UnreadableDocumentError as error:
        raise UnreadableDocumentError(_BROKEN.format(what)) from error


def _page_media(page: pikepdf.Page) -> str:
    left, bottom, right, top = (float(edge) for edge in page.mediabox)
    unit = float(page.obj.get("/UserUnit", 1))
    return media_of_size(abs(right - left) * unit, abs(top - bottom) * unit)


def _drawable(path: Path, pages: int) -> pypdfium2.PdfDocument | None:
    """Open a document with PDFium; None if it cannot, or believes in another number of pages."""
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError:
        return None
    if len(document) == pages:
        return document
    document.close()
    return None


def _colour_pages(document: pypdfium2.PdfDocument) -> Iterator[int]:
    for number in range(1, len(document) + 1):
        try:
            page = document[number - 1]
            bitmap = page.render(scale=SCALE)
        except pypdfium2.PdfiumError as error:
            raise UnreadableDocumentError(
                f"page {number} of this document cannot be drawn"
            ) from error
        if has_colour(bitmap.to_pil()):
            yield number
        bitmap.close()
        page.close()


def has_colour(image: Image.Image) -> bool:
    """Say whether two channels differ visibly anywhere in an image."""
    if image.mode in {"1", "L", "LA", "I", "I;16", "F"}:
        return False
    red, green, blue = image.convert("RGB").split()
    pairs = ((red, green), (green, blue), (red, blue))
    differences = (ImageChops.difference(one, other).histogram() for one, other in pairs)
    return any(any(histogram[DIFFERENCE + 1 :]) for histogram in differences)


# ── pictures ────────────────────────────────────────────────────────────────────────────────


def _picture(path: Path) -> Count:
    """Count a picture: one page, as large as the paper; further frames are not printed."""
    try:
        with Image.open(path) as image:
            image.draft("RGB", _SAMPLE)
            image.thumbnail(_SAMPLE)
            if image.mode in {"P", "PA", "LA", "RGBA"} or "transparency" in image.info:
                layer = image.convert("RGBA")
                paper = Image.new("RGBA", layer.size, "white")
                coloured = has_colour(Image.alpha_composite(paper, layer))
            else:
                coloured = has_colour(image)
    except Image.DecompressionBombError as error:
        raise UnreadableDocumentError("this picture has too many pixels to be counted") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise UnreadableDocumentError("this picture is damaged or not complete") from error
    return Count(1, frozenset({1} if coloured else ()), None)


# ── what is turned into PDF first ───────────────────────────────────────────────────────────

_GHOSTSCRIPT: Final = [
    *("gs", "-q", "-dSAFER", "-dBATCH", "-dNOPAUSE", "-dNOPROMPT"),
    *("-sDEVICE=pdfwrite", "-sstdout=%stderr"),
]


def _filter(
    name: str, options: str, path: Path, made: Path, environ: dict[str, str], what: str
) -> None:
    """Run a filter of CUPS as CUPS does (filter(7)): what it makes here it makes at release."""
    command = [f"{_FILTERS}/{name}", "1", "edge", "document", "1", options, str(path)]
    _convert(command, made.parent, made, environ, what)


def _convert(
    command: Sequence[str], work: Path, made: Path | None, environ: dict[str, str], what: str
) -> None:
    surroundings = {
        "PATH": os.defpath,
        "LC_ALL": "C.UTF-8",
        "CHARSET": "utf-8",
        "HOME": str(work),
        "TMPDIR": str(work),
        **environ,
    }
    with (made or work / "said").open("wb") as out:
        done = subprocess.run(  # noqa: S603  no shell, fixed programs, the path is ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.DEVNULL,
            env=surroundings,
            cwd=work,
            check=False,
        )
    if done.returncode:
        raise UnreadableDocumentError(f"this {what} stops with an error")


def _paper(work: Path, media: str) -> Path:
    """Write a printer description with one size of paper: the filters take the size from it."""
    width, height = (round(each * _POINTS_PER_HUNDREDTH) for each in SIZES[media])
    path = work / "paper.ppd"
    path.write_text(
        '*PPD-Adobe: "4.3"\n*FormatVersion: "4.3"\n*FileVersion: "1"\n*LanguageVersion: English\n'
        '*LanguageEncoding: ISOLatin1\n*PCFileName: "PAPER.PPD"\n*Product: "(Paper)"\n'
        '*PSVersion: "(3010) 0"\n*Manufacturer: "Printmesh"\n*ModelName: "Paper"\n'
        '*ShortNickName: "Paper"\n*NickName: "Paper"\n*ColorDevice: True\n'
        "*OpenUI *PageSize: PickOne\n*DefaultPageSize: Only\n"
        f'*PageSize Only: "<</PageSize[{width} {height}]>>setpagedevice"\n*CloseUI: *PageSize\n'
        "*OpenUI *PageRegion: PickOne\n*DefaultPageRegion: Only\n"
        f'*PageRegion Only: "<</PageSize[{width} {height}]>>setpagedevice"\n'
        "*CloseUI: *PageRegion\n*DefaultImageableArea: Only\n"
        f'*ImageableArea Only: "0 0 {width} {height}"\n*DefaultPaperDimension: Only\n'
        f'*PaperDimension Only: "{width} {height}"\n'
    )
    return path
