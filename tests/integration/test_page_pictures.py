"""Pages drawn by the real program: small and right, whatever a document holds."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from demo import documents
from edge.ports import Drawn, Unreadable
from edge.printing.drawing import DocumentDrawer
from edge.printing.formats import recognise
from edge.printing.preview import OCTETS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

RED = (255, 0, 0)


@pytest.fixture
async def drawer(tmp_path: Path) -> AsyncIterator[DocumentDrawer]:
    """Start a drawing program on first use, end it after the test."""
    made = DocumentDrawer(tmp_path / "work")
    yield made
    await made.close()


async def drawn(drawer: DocumentDrawer, path: Path, page: int = 1, width: int = 160) -> Image.Image:
    """Draw a page, and read the picture."""
    found = await drawer(path, recognise(path) or "", page, width)
    assert isinstance(found, Drawn), found
    assert len(found.image) <= OCTETS
    image = Image.open(io.BytesIO(found.image))
    assert found.media_type == f"image/{(image.format or '').lower()}"
    return image.convert("RGB")


async def test_the_page_that_is_asked_for(drawer: DocumentDrawer, tmp_path: Path) -> None:
    """As wide as asked for, upright, with what is on that page."""
    path = documents.pdf(tmp_path / "a.pdf", 3, colour={2})
    for page, red in ((1, False), (2, True)):
        image = await drawn(drawer, path, page)
        assert (image.width, image.height) == (160, 227)
        assert (RED in {colour for _, colour in image.getcolors(1 << 16) or ()}) is red


async def test_pictures_are_drawn_as_they_are(drawer: DocumentDrawer, tmp_path: Path) -> None:
    """JPEG, PNG, TIFF, GIF, within the width; what has much detail still fits a message."""
    for kind in ("JPEG", "PNG", "TIFF", "GIF"):
        image = await drawn(drawer, documents.picture(tmp_path / kind, kind=kind))
        assert (image.width, image.height) == (160, 213)
    noise = tmp_path / "noise.png"
    Image.effect_noise((900, 900), 120).convert("RGB").save(noise)
    assert (await drawn(drawer, noise, width=480)).width <= 480


async def test_a_page_of_any_shape_stays_small(drawer: DocumentDrawer, tmp_path: Path) -> None:
    """A ribbon of paper, high or wide, is no picture of a million pixels."""
    for size in ((20.0, 14000.0), (14000.0, 20.0)):
        image = await drawn(drawer, documents.pdf(tmp_path / "r.pdf", 1, size=size))
        assert image.width <= 160
        assert image.height <= 320


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda p: documents.text(p, 3), "no preview"),
        (lambda p: documents.pdf(p, 3), "has 3 pages"),
        (documents.picture, "has one page"),
        (lambda p: documents.encrypted(p, 5), "cannot be drawn"),
    ],
)
async def test_what_cannot_be_drawn_is_said(
    drawer: DocumentDrawer, tmp_path: Path, make: Callable[[Path], Path], says: str
) -> None:
    """A sentence for people, and the next page is drawn."""
    path = make(tmp_path / "document")
    found = await drawer(path, recognise(path) or "", 4, 160)
    assert isinstance(found, Unreadable)
    assert says in found.reason
    await drawn(drawer, documents.pdf(tmp_path / "good.pdf", 1))


async def test_a_vast_page_ends_only_its_own_drawing(
    drawer: DocumentDrawer, tmp_path: Path
) -> None:
    """350 metres of paper are a small picture, or none: nothing else breaks."""
    found = await drawer(documents.vast_page(tmp_path / "v.pdf"), "application/pdf", 1, 160)
    assert isinstance(found, Drawn | Unreadable)
    await drawn(drawer, documents.pdf(tmp_path / "good.pdf", 1))
