"""Sending a document from a browser: taken or refused in words, followed until a site has it."""

from __future__ import annotations

import io
import shutil
import stat
import subprocess
import textwrap
import zipfile
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from central.acts import uploads as acts
from central.store import nodes, uploads
from central.uploads.confined import without_network
from config.settings_uploads import UploadSettings
from tests.integration.pages_lab import ADDRESS, PERSON, browser, enter, signed_in
from tests.integration.portal_lab import SITE, Portal, open_portal

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from central.store.uploads import Upload
    from tests.integration.pages_lab import Browser

pytestmark = pytest.mark.sqlite_only("pages are no question of SQL; their acts are tried on both")

PDF = b"%PDF-1.7\n" + b"x" * 2000


def opened(path: Path, **uploading: Any) -> Portal:  # noqa: ANN401  settings are anything
    """Return Ana's site, whose program takes documents."""
    portal = open_portal(path, wire=acts.WIRE)
    settings = portal.lab.centre.settings
    given = UploadSettings(office="").model_copy(update=uploading)
    web = settings.web.model_copy(update={"uploads": given})
    portal.lab.centre.settings = settings.model_copy(update={"web": web})
    return portal


async def send(
    visitor: Browser, content: bytes = PDF, name: str = "Thesis.pdf", **fields: str
) -> httpx.Response:
    """Send a file with the form of the last page."""
    answer = await visitor.client.post(
        "/me/print",
        data={"token": visitor.token, "site": SITE, **fields},
        files={"file": (name, content, "application/x-whatever")},
        headers={"origin": ADDRESS, "sec-fetch-site": "same-origin"},
    )
    if "<html" in answer.text:
        visitor.page = answer.text
    return answer


def documents(portal: Portal, user: str = PERSON) -> list[Upload]:
    """Return what somebody has sent."""
    with portal.lab.books.read() as tx:
        return uploads.of(tx, user)


def lying(path: Path) -> list[Path]:
    """Return the files of documents."""
    return list((path / "uploads").glob("*")) if (path / "uploads").exists() else []


async def test_a_document_is_sent_and_followed(tmp_path: Path) -> None:
    """From the list of what waits; then it is on its way, and at last it waits at its site."""
    portal = opened(tmp_path)
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/jobs")
        assert 'href="/me/print"' in ana.page
        await ana.get("/me/print")
        assert "West Wing" in ana.text()
        answer = await send(
            ana,
            copies="2",
            sides="two-sided-long-edge",
            mode="monochrome",
            name="C:\\a\\Thesis.pdf",
        )
        assert answer.headers["location"] == "/me/sent"
        (sent,) = documents(portal)
        assert (sent.name, sent.kind, sent.node) == ("Thesis.pdf", "pdf", SITE)
        asked = {"copies": 2, "sides": "two-sided-long-edge", "print_color_mode": "monochrome"}
        assert sent.options == asked
        (file,) = lying(tmp_path)
        assert file.read_bytes() == PDF
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        shown = await ana.get("/me/sent")
        assert "1 document is on its way. " in ana.text()
        assert "It is on its way to West Wing." in ana.text()
        assert shown.headers["refresh"]
        await ana.get("/me/jobs")
        assert "On their way" in ana.text()
        with portal.lab.books.write() as tx:
            assert uploads.end(tx, sent, "held", job=uuid4())
        shown = await ana.get("/me/sent")
        assert "It is at West Wing and waits for you there." in ana.text()
        assert "refresh" not in shown.headers


async def test_a_site_that_works_alone_is_waited_for_visibly(tmp_path: Path) -> None:
    """The form says so before, the page after; and what is not fetched is taken back."""
    portal = opened(tmp_path)
    portal.heard(linked=False)
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/print")
        assert "West Wing (works alone now)" in ana.text()
        assert "waits here for the line, 4 hours at most" in ana.text()
        assert (await send(ana)).status_code == 303
        await ana.get("/me/sent")
        assert "West Wing works alone now. It waits here for the line, until" in ana.text()
        (sent,) = documents(portal)
        answer = await ana.post(f"/me/sent/{sent.id}/withdraw")
        assert answer.status_code == 303
        assert lying(tmp_path) == []
        await ana.get("/me/sent")
        assert "You took it back." in ana.text()
        await ana.post(f"/me/sent/{sent.id}/withdraw")
        await ana.get("/me/sent")
        assert "It is not here any more." in ana.text()


REFUSALS = {
    "over-limit": "Too many of your documents wait there.",
    "no-hold": "Documents cannot wait at this site.",
    "damaged": "It did not arrive as it was sent.",
    "spooler-refused": "The site could not take it.",
    "<b>": "The site could not take it.",
}


async def test_a_refusal_is_told_in_words(tmp_path: Path) -> None:
    """Ours where we know why; the site's own beside where we do not."""
    portal = opened(tmp_path)
    async with signed_in(portal.lab, PERSON) as ana:
        for code, said in REFUSALS.items():
            await ana.get("/me/print")
            await send(ana)
            sent = documents(portal)[0]
            with portal.lab.books.write() as tx:
                uploads.end(tx, sent, "refused", code=code, detail="<script>its words</script>")
            await ana.get("/me/sent")
            assert said in ana.text()
            assert "<script>its words" not in ana.page


HOSTILE = [
    (b"", "empty.pdf", "Choose a file that is not empty."),
    (b"<!doctype html><script>alert(1)</script>", "invoice.pdf", "This is a web page."),
    (b"MZ\x90\0\x03\0\0\0", "setup.exe", "no kind of document"),
    (b"PK\x03\x04" + b"\0" * 60, "things.zip", "no kind of document"),
    (PDF, "photo.png", "does not hold what its name says"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "x.doc", "no kind of document"),
    (b"{\\rtf1 hello}", "letter.rtf", "Office documents cannot be sent here."),
    (b"Gr\xfc\xdfe", "old.txt", "not in UTF-8"),
    (
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (60_000).to_bytes(4) * 2 + b"\x08\x02\0\0\0",
        "bomb.png",
        "too many pixels",
    ),
]


async def test_what_cannot_be_printed_is_refused(tmp_path: Path) -> None:
    """Beside the field, with what to do; nothing is kept."""
    portal = opened(tmp_path)
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/print")
        for content, name, said in HOSTILE:
            answer = await send(ana, content, name, copies="3")
            assert answer.status_code == 422, name
            assert said in ana.text(), name
            assert 'value="3"' in ana.page
    assert documents(portal) == []
    assert lying(tmp_path) == []


@pytest.mark.parametrize(
    ("settings", "fields", "said"),
    [
        ({"largest": 1 << 16}, {"content": PDF * 50}, "too large"),
        ({}, {"site": "nowhere"}, "Nothing can be sent to this site now."),
        ({}, {"site": ""}, "Nothing can be sent to this site now."),
        ({}, {"copies": "0"}, "Copies are a number from 1"),
        ({}, {"copies": "<b>1</b>"}, "Copies are a number from 1"),
        ({"files": 1}, {"before": 1}, "Many of your documents are on their way already."),
    ],
)
async def test_there_are_bounds(
    tmp_path: Path, settings: dict[str, Any], fields: dict[str, Any], said: str
) -> None:
    """Of a file, of a person; and a choice that is none changes nothing."""
    portal = opened(tmp_path, **settings)
    before = fields.get("before", 0)
    fields = {name: value for name, value in fields.items() if name != "before"}
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/print")
        for _ in range(before):
            await send(ana)
        answer = await send(ana, **fields)
        assert answer.status_code == 422
        assert said in ana.text()
    assert len(documents(portal)) == len(lying(tmp_path)) == before


async def test_names_of_documents_are_only_text(tmp_path: Path) -> None:
    """Whatever a browser calls a file: one line, no path, no markup."""
    portal = opened(tmp_path)
    names = ["../../etc/passwd", "<img src=x onerror=1>.pdf", "a\r\nb.pdf", "é" * 400, "..", ""]
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/print")
        for name in names:
            assert (await send(ana, name=name or "x", content=PDF)).status_code in {303, 422}
        await ana.get("/me/sent")
        assert "<img src=x" not in ana.page
    found = {each.name for each in documents(portal)}
    assert "passwd" in found
    assert all("/" not in each and "\n" not in each and len(each.encode()) <= 255 for each in found)


async def test_a_body_beyond_all_bounds_is_not_read(tmp_path: Path) -> None:
    """Nor is one from another page, or from nobody."""
    portal = opened(tmp_path)
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/print")
        answer = await ana.client.post(
            "/me/print",
            data={"token": ana.token, "site": SITE},
            files={"file": ("a.pdf", PDF)},
            headers={"origin": "https://elsewhere.example", "sec-fetch-site": "cross-site"},
        )
        assert answer.status_code == 403
        answer = await send(ana, token="0" * 64)
        assert answer.status_code == 403
    async with browser(portal.lab) as nobody:
        await nobody.get("/sign-in")
        answer = await send(nobody)
        assert answer.status_code in {303, 403}
    assert lying(tmp_path) == []


async def test_somebody_elses_document_is_no_page(tmp_path: Path) -> None:
    """Not to see, not to take back, for nobody."""
    portal = opened(tmp_path)
    enter(portal.lab.books, "eve")
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/print")
        await send(ana, name="Secret.pdf")
    (sent,) = documents(portal)
    for name in ("eve", "ada"):
        async with signed_in(portal.lab, name) as other:
            await other.get("/me/sent")
            assert "Secret" not in other.page
            await other.get("/me/print")
            await other.post(f"/me/sent/{sent.id}/withdraw")
    assert documents(portal)[0].live
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/print")
        assert (await ana.post("/me/sent/nonsense/withdraw")).status_code == 404
        assert (await ana.get(f"/me/sent/{sent.id}")).status_code == 404


async def test_without_a_site_or_switched_off_nothing_is_offered(tmp_path: Path) -> None:
    """An older program takes none: the page says what to do instead. Off, there is no page."""
    portal = opened(tmp_path)
    with portal.lab.books.write() as tx:
        nodes.set_state(tx, SITE, "parked", "for a test")
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/print")
        assert "No site takes documents from here" in ana.text()
    (tmp_path / "off").mkdir()
    off = opened(tmp_path / "off", enabled=False)
    async with signed_in(off.lab, PERSON) as ana:
        assert (await ana.get("/me/print")).status_code == 404
        assert (await ana.get("/me/sent")).status_code == 404
        await ana.get("/me/jobs")
        assert "/me/print" not in ana.page


# ── office documents ────────────────────────────────────────────────────────────────────────


def program(path: Path, body: str) -> str:
    """Return a program that stands for LibreOffice: it is called as that is."""
    file = path / "soffice"
    file.write_text("#!/bin/sh\n" + textwrap.dedent(body))
    file.chmod(0o755)
    return str(file)


#: Finds the directory for what is made as LibreOffice does.
WHERE = """
while [ "$1" != --outdir ]; do shift; done
made="$2"; from="$3"
"""


async def made(tmp_path: Path, body: str, **settings: Any) -> tuple[Portal, Browser]:  # noqa: ANN401
    """Send a letter to a centre with a program like that."""
    portal = opened(tmp_path, office=program(tmp_path, WHERE + body), **settings)
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/print")
        assert "office document" in ana.text()
        await send(ana, b"{\\rtf1 hello}", "letter.rtf")
        return portal, ana


async def test_an_office_document_becomes_pdf(tmp_path: Path) -> None:
    """By a program with a home of its own, which nothing of ours is told to; its name stays."""
    said = tmp_path / "said"
    portal, _ = await made(
        tmp_path,
        f"""
        env > {said}; ulimit -a >> {said}; ls -a "$HOME" >> {said}
        (echo '%PDF-1.7'; cat "$from") > "$made/document.pdf"
        """,
    )
    (sent,) = documents(portal)
    assert (sent.name, sent.kind) == ("letter.rtf", "office")
    (file,) = lying(tmp_path)
    assert file.read_bytes() == b"%PDF-1.7\n{\\rtf1 hello}"
    told = said.read_text()
    assert "PRINTMESH" not in told
    assert "PYTHONPATH" not in told
    home = next(each for each in told.splitlines() if each.startswith("HOME="))
    assert "printmesh-office-" in home
    assert not (tmp_path / home.removeprefix("HOME=")).exists()


async def test_it_has_no_network_where_that_can_be(tmp_path: Path) -> None:
    """Only the loopback is there, and that is down."""
    if not without_network():
        pytest.skip("this system lets nobody make namespaces")
    said = tmp_path / "said"
    await made(tmp_path, f"cat /proc/net/dev > {said}; exit 1")
    names = [each.split(":")[0].strip() for each in said.read_text().splitlines()[2:]]
    assert names in ([], ["lo"])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("exit 77", "No PDF could be made of it."),
        ("exit 0", "No PDF could be made of it."),
        # what it makes is looked at: a page, a link to something of ours
        ("echo '<html>' > $made/document.pdf", "No PDF could be made of it."),
        ("ln -s /etc/passwd $made/document.pdf", "No PDF could be made of it."),
        # more than it may write
        ("yes %PDF- | head -c 2000000 > $made/document.pdf || exit 1", "No PDF could be made"),
        # a child that goes on is ended with it
        ("sleep 60 & wait", "took too long"),
    ],
)
async def test_what_goes_wrong_there_is_told(tmp_path: Path, body: str, said: str) -> None:
    """In words that help; nothing is kept, nothing is left running."""
    # whoever is to take too long is not waited for; whoever fails has the time to
    seconds = 1 if said == "took too long" else 60
    portal, ana = await made(
        tmp_path, body, office_seconds=seconds, largest=1 << 18, person=1 << 20, total=1 << 20
    )
    assert said in ana.text()
    assert documents(portal) == []
    assert lying(tmp_path) == []


#: A section whose words are in another file; LibreOffice would ask, or fetch them.
ELSEWHERE = (
    '<text:p>before</text:p><text:section text:name="s"><text:section-source '
    'xlink:type="simple" xlink:href="file://{secret}"/><text:p>as it was</text:p></text:section>'
)


def open_document(body: str) -> bytes:
    """Return a document as LibreOffice writes them."""
    about = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        '<manifest:file-entry manifest:full-path="/" '
        'manifest:media-type="application/vnd.oasis.opendocument.text"/></manifest:manifest>'
    )
    content = (
        "<office:document-content "
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
        'xmlns:xlink="http://www.w3.org/1999/xlink"><office:body><office:text>'
        f"{body}</office:text></office:body></office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("META-INF/manifest.xml", about)
        archive.writestr("content.xml", content)
    return out.getvalue()


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
async def test_the_real_program_reads_nothing_beside_the_document(tmp_path: Path) -> None:
    """A letter becomes PDF; what it would show of another file of ours does not come with it."""
    secret = tmp_path / "secret.txt"
    secret.write_text("TOPSECRET\n")
    portal = opened(tmp_path, office="soffice")
    letter = open_document(ELSEWHERE.format(secret=secret))
    async with signed_in(portal.lab, PERSON) as ana:
        await ana.get("/me/print")
        assert (await send(ana, letter, "letter.odt")).status_code == 303, ana.text()
    (file,) = lying(tmp_path)
    shown = words(file)
    assert "as it was" in shown
    assert "TOPSECRET" not in shown


def words(file: Path) -> str:
    """Return what a PDF says."""
    reading = ["pdftotext", str(file), "-"]
    return subprocess.run(reading, check=True, capture_output=True, text=True).stdout
