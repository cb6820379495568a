"""Draws one page of a document small; runs in a process of its own, like counting."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import pypdfium2
from PIL import Image, ImageOps

from edge.printing.counting import UnreadableDocumentError
from edge.printing.formats import PDF, PICTURES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Octets of a picture: 40 KB in base64, so that it fits a message beside everything else.
OCTETS: Final = 30_000
#: A page is drawn at most so many times as high as it may be wide.
_HIGHEST: Final = 2
_COLOURS: Final = (64, 16)
_QUALITIES: Final = (60, 35)


def draw(path: Path, kind: str, page: int, width: int) -> tuple[str, bytes]:
    """Return media type and octets of a picture of one page.

    Args:
        path: the document; only read.
        kind: its MIME type, by content.
        page: which, from 1.
        width: pixels at most; the height is at most twice that.

    Raises:
        UnreadableDocumentError: there is no picture of it; the text is for people.
    """
    if kind == PDF:
        return _fitting(_page(path, page, width))
    if kind in PICTURES:
        if page > 1:
            raise UnreadableDocumentError("a picture has one page")
        return _fitting(_picture(path, width))
    raise UnreadableDocumentError("there is no preview of documents of this kind")


def _page(path: Path, number: int, width: int) -> Image.Image:
    try:
        with pypdfium2.PdfDocument(path) as document:
            if number > len(document):
                raise UnreadableDocumentError(f"this document has {len(document)} pages")
            page = document[number - 1]
            wide, high = page.get_size()
            scale = min(width / max(wide, 1), _HIGHEST * width / max(high, 1))
            drawn: Image.Image = page.render(scale=scale).to_pil().convert("RGB")
            return _within(drawn, width)
    except pypdfium2.PdfiumError as error:
        raise UnreadableDocumentError("this page cannot be drawn") from error


def _picture(path: Path, width: int) -> Image.Image:
    try:
        with Image.open(path) as image:
            image.draft("RGB", (width, _HIGHEST * width))
            layer = ImageOps.exif_transpose(image).convert("RGBA")
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise UnreadableDocumentError("this picture cannot be drawn") from error
    small = _within(layer, width)
    return Image.alpha_composite(Image.new("RGBA", small.size, "white"), small).convert("RGB")


def _within(image: Image.Image, width: int) -> Image.Image:
    image.thumbnail((width, _HIGHEST * width))
    return image


def _fitting(image: Image.Image) -> tuple[str, bytes]:
    """Encode a picture as well as it fits."""
    while True:
        for kind, octets in _encodings(image):
            if len(octets) <= OCTETS:
                return f"image/{kind.lower()}", octets
        image = image.resize((max(1, image.width // 2), max(1, image.height // 2)))


def _encodings(image: Image.Image) -> Iterator[tuple[str, bytes]]:
    yield "PNG", _encoded(image, "PNG", optimize=True)
    for colours in _COLOURS:
        yield "PNG", _encoded(image.quantize(colours), "PNG", optimize=True)
    for quality in _QUALITIES:
        yield "JPEG", _encoded(image, "JPEG", quality=quality)


def _encoded(image: Image.Image, kind: str, **options: Any) -> bytes:  # noqa: ANN401  Pillow's own
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
