"""A document sent from a browser: from a phone and a desk, light and dark, until a site has it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from central.acts import uploads as acts
from central.store import uploads
from config.settings_uploads import UploadSettings
from demo import documents
from tests.acceptance.browsing import PHONE, browser, window
from tests.acceptance.test_centre_portal import DESKTOP, look, portal_served, sign_in
from tests.integration.pages_lab import PERSON
from tests.integration.portal_lab import SITE, Portal

if TYPE_CHECKING:
    from central.store.uploads import End

LOOKS = ((DESKTOP, "light", "en-GB"), (PHONE, "dark", "de-DE"))


def became(portal: Portal, name: str, state: End | None, code: str = "") -> None:
    """Enter a document that became something."""
    with portal.lab.books.write() as tx:
        kept = {"file": "0" * 32, "octets": 1, "sha256": "0" * 64, "options": {}}
        ends = tx.now + UploadSettings().kept
        id_ = uploads.enter(tx, user=PERSON, node=SITE, name=name, kind="pdf", ends_at=ends, **kept)
        found = uploads.find(tx, id_)
        assert found is not None
        if state is not None:
            uploads.end(tx, found, state, job=uuid4(), code=code)


async def test_a_document_is_sent_from_a_browser(tmp_path: Path) -> None:
    """With two touches and a file; a mistake is told beside it; it is followed until it waits."""
    good = documents.pdf(tmp_path / "Thesis, last version.pdf", 3)
    bad = tmp_path / "invoice.pdf"
    bad.write_text("<!doctype html><p>pay</p>")
    async with portal_served(tmp_path, wire=acts.WIRE) as (portal, address, _), browser() as it:
        for size, scheme, locale in LOOKS:
            async with window(it, size, color_scheme=scheme, locale=locale) as seen:
                await sign_in(seen, address)
                await look(seen, address, "/me/print", Path(f"upload-form-{scheme}.png"))
                await seen.page.set_input_files("#f-file", bad)
                await seen.page.click("main button.main")
                await seen.page.locator(".row.wrong").wait_for()
                # the browser's own line about the status is no fault of the page
                seen.faults.clear()
                await look(seen, address, "", Path(f"upload-wrong-{scheme}.png"))
                await seen.page.set_input_files("#f-file", good)
                await seen.page.click("main button.main")
                await seen.page.wait_for_url("**/me/sent")
                assert "Thesis, last version.pdf" in await seen.text()
                if size == PHONE:
                    became(portal, "Notes of the meeting.docx", "held")
                    became(portal, "Poster.png", "refused", "over-limit")
                    became(portal, "Yesterday's letter with quite a long name.odt", "expired")
                    became(portal, "Mistake.pdf", "withdrawn")
                    portal.heard(linked=False)
                await look(seen, address, "/me/sent", Path(f"upload-sent-{scheme}.png"))
                live = [each for each in _mine(portal) if each.live]
                async with seen.page.expect_response(lambda said: "/withdraw" in said.url):
                    await seen.page.click(".held form button >> nth=0")
                assert len([each for each in _mine(portal) if each.live]) == len(live) - 1


def _mine(portal: Portal) -> list[uploads.Upload]:
    with portal.lab.books.read() as tx:
        return uploads.of(tx, PERSON)
