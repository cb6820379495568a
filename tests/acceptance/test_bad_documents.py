"""Promise: whatever is sent with lp ends held with a reason or counted right, and blocks nobody."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from broker.messages import Person, ReleaseRequest
from demo import documents
from demo.lp import LpError, run
from tests.acceptance.oracle import paper_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from broker.messages import Reply
    from demo.lab import Lab
    from demo.site import Site

CARD = "04A1B2C3"


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that somebody prints."""

    name: str
    make: Callable[[Path], Path]
    options: Mapping[str, str | int] = field(default_factory=dict)
    impressions: int | None = None
    """What is counted; None: it is held with a reason instead."""
    reason: tuple[str, ...] = ()
    """One of these words is in the reason."""
    lp_may_refuse: bool = False
    """CUPS's own word to the person will do as well."""


def _bytes(content: bytes, path: Path) -> Path:
    path.write_bytes(content)
    return path


def _pdf(pages: int) -> Callable[[Path], Path]:
    return partial(documents.pdf, pages=pages)


CASES = (
    # CUPS takes no file of 0 bytes
    Case("empty", documents.empty, reason=("empty",), lp_may_refuse=True),
    # begins like a PDF, is none
    Case("not-what-it-says", partial(_bytes, b"%PDF-1.7\n" + b"\x00\xffno such thing\n" * 99)),
    # no known format at all
    Case("noise", partial(_bytes, bytes(range(256)) * 40), lp_may_refuse=True),
    Case("truncated", partial(documents.truncated, pages=9), reason=("damaged",)),
    Case("cut-in-half", partial(documents.truncated, pages=9, keep=0.5), reason=("damaged",)),
    Case("broken-xref", partial(documents.broken_xref, pages=4), impressions=4),
    # readers do not agree on it, so what would come out is not known
    Case("lying-count", partial(documents.lying_count, pages=5, claimed=1), reason=("damaged",)),
    Case("encrypted", partial(documents.encrypted, pages=2), reason=("password", "encrypted")),
    # everybody may open it
    Case("owner-locked", partial(documents.encrypted, pages=2, user=""), impressions=2),
    Case("thousand-pages", _pdf(1000), impressions=1000),
    Case("hundred-megabytes", documents.huge, impressions=2),
    Case("copies-0", _pdf(1), {"copies": 0}, lp_may_refuse=True),
    Case("copies-many", _pdf(1), {"copies": 100_000}, reason=("copies",), lp_may_refuse=True),
    Case("ranges-words", _pdf(3), {"page-ranges": "some"}, lp_may_refuse=True),
    Case("ranges-backward", _pdf(3), {"page-ranges": "3-1"}, lp_may_refuse=True),
    Case("ranges-beyond", _pdf(3), {"page-ranges": "7-9"}, reason=("pages asked for",)),
    Case("three-up", _pdf(7), {"number-up": 3}, reason=("number-up",), lp_may_refuse=True),
    Case("sides-nonsense", _pdf(3), {"sides": "three-sided"}, lp_may_refuse=True),
    Case("media-nonsense", _pdf(1), {"media": "wallpaper"}, lp_may_refuse=True),
)


async def new_job(site: Site, before: set[str]) -> dict[str, Any]:
    """Wait for the one job that was not there before, counted or set aside."""
    found: dict[str, Any] = {}

    async def there() -> bool:
        found.update(next((row for row in await site.jobs() if row["job"] not in before), {}))
        return bool(found)

    await site.lab.until_async(there, "the new job", 60)
    return found


async def release(site: Site, job: str) -> Reply:
    """Release at the second printer of the site."""
    person = Person(card=CARD)
    return await site.ask(
        "release", ReleaseRequest, job=UUID(job), printer=f"{site.name}-2", person=person
    )


def refusal(reply: Reply) -> str:
    """Return why it was refused."""
    assert reply.status == "refused"
    assert reply.problem is not None
    return reply.problem.detail


async def settled(site: Site, job: str) -> dict[str, Any]:
    """Wait until a job has ended; return its row."""
    found: dict[str, Any] = {}

    async def ended() -> bool:
        rows = await site.jobs()
        found.update(next(row for row in rows if row["job"] == job))
        return found["phase"] in {"settled", "disputed"}

    await site.lab.until_async(ended, f"job {job} to end", 90)
    return found


async def good_job_prints(site: Site, title: str) -> None:
    """Show that the queue is not blocked: a plain document goes all the way."""
    path = documents.pdf(site.lab.root / f"{title}.pdf", 2)
    await site.print(path, user="ana", title=title)
    row = await site.job(title, "held")
    assert (await release(site, row["job"])).status == "ok"
    assert (await settled(site, row["job"]))["billed"] == 2
    assert paper_of(site.lab, row["job"]) == 2


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_counted_right_or_held_with_a_reason(fleet: Lab, case: Case) -> None:
    """Billed is what came out and what was expected; or a sentence says why nothing will."""
    site = fleet.sites["north"]
    before = {row["job"] for row in await site.jobs()}
    path = case.make(fleet.root / f"{case.name}.pdf")
    title = f"bad-{case.name}"
    try:
        await site.print(path, user="ana", title=title, options=case.options)
    except LpError as no:
        print(case.name, "lp:", no)  # noqa: T201
        assert case.lp_may_refuse
        return
    row = await new_job(site, before)
    reply = await release(site, row["job"])
    print(case.name, row["phase"], row["impressions"], reply.problem)  # noqa: T201
    if case.impressions is None and reply.problem is not None:
        said = reply.problem.detail
        assert any(word in said.lower() for word in case.reason or ("",)), said
        assert said.isprintable()
        assert len(said.split()) > 2
        if row["phase"] == "unreadable":
            assert said == row["problem"]
        assert (await site.job(title))["phase"] == row["phase"]
        assert paper_of(fleet, row["job"]) == 0
        return
    assert reply.status == "ok", reply
    after = await settled(site, row["job"])
    assert after["billed"] == paper_of(fleet, row["job"])
    assert case.impressions in {None, after["billed"]}
    assert not case.reason


@pytest.mark.parametrize(
    "title",
    ["two\nlines \x1b[31m" + "ü漢🙂" * 20, "ü漢🙂" * 400 + "\n" + "x" * 500],
    ids=["newline", "4 KB"],
)
async def test_strange_names(fleet: Lab, title: str) -> None:
    """A name with a newline or 4 KB of Unicode is refused by lp, or shown on one line and paid."""
    site = fleet.sites["north"]
    before = {row["job"] for row in await site.jobs()}
    path = documents.pdf(fleet.root / "strange.pdf", 1)
    try:
        await site.print(path, user="ana", title=title)
    except LpError as no:
        print("lp:", no)  # noqa: T201
        assert len(title) > 255
        return
    row = await new_job(site, before)
    print(row["name"])  # noqa: T201
    assert row["name"].isprintable()
    assert (await release(site, row["job"])).status == "ok"
    assert (await settled(site, row["job"]))["billed"] == 1
    assert paper_of(fleet, row["job"]) == 1


async def test_unknown_user(fleet: Lab) -> None:
    """A job in a name nobody has stays held, whoever asks for it."""
    site = fleet.sites["north"]
    path = documents.pdf(fleet.root / "unknown.pdf", 1)
    await site.print(path, user="nobody-here", title="bad-unknown-user")
    row = await site.job("bad-unknown-user", "held")
    reply = await release(site, row["job"])
    assert "no such job of yours" in refusal(reply)
    stranger = Person(user="nobody-here")
    reply = await site.ask(
        "release", ReleaseRequest, job=UUID(row["job"]), printer="north-1", person=stranger
    )
    assert "nobody here is known" in refusal(reply)
    assert paper_of(fleet, row["job"]) == 0


_JOB_IN_TWO_PARTS = """
{ NAME "a job" OPERATION Create-Job GROUP operation-attributes-tag
  ATTR charset attributes-charset utf-8 ATTR naturalLanguage attributes-natural-language en
  ATTR uri printer-uri $uri ATTR name requesting-user-name ana ATTR name job-name TITLE
  STATUS successful-ok EXPECT job-id }
{ NAME "one document" OPERATION Send-Document GROUP operation-attributes-tag
  ATTR charset attributes-charset utf-8 ATTR naturalLanguage attributes-natural-language en
  ATTR uri printer-uri $uri ATTR integer job-id $job-id ATTR name requesting-user-name ana
  ATTR mimeMediaType document-format application/pdf ATTR boolean last-document false
  FILE FIRST STATUS successful-ok }
{ NAME "another" DELAY PAUSE OPERATION Send-Document GROUP operation-attributes-tag
  ATTR charset attributes-charset utf-8 ATTR naturalLanguage attributes-natural-language en
  ATTR uri printer-uri $uri ATTR integer job-id $job-id ATTR name requesting-user-name ana
  ATTR mimeMediaType document-format application/pdf ATTR boolean last-document true
  FILE SECOND STATUS successful-ok }
"""


@pytest.mark.parametrize("pause", [0, 2], ids=["at once", "after it was counted"])
async def test_two_documents_in_one_job(fleet: Lab, pause: int) -> None:
    """A document that is slipped into a job, even after it was counted, is never free paper."""
    site = fleet.sites["north"]
    title = f"bad-two-{pause}"
    steps = fleet.root / f"{title}.test"
    words = {
        "TITLE": title,
        "PAUSE": str(pause),
        "FIRST": str(documents.pdf(fleet.root / "one.pdf", 1)),
        "SECOND": str(documents.pdf(fleet.root / "six.pdf", 6)),
    }
    text = _JOB_IN_TWO_PARTS
    for word, value in words.items():
        text = text.replace(word, value)
    steps.write_text(text)
    uri = f"ipp://localhost:{site.cups.port}/printers/print2me"
    done = await asyncio.to_thread(run, ["ipptool", "-t", uri, str(steps)])
    assert done.returncode == 0, done.stdout + done.stderr
    row = await site.job(title)
    reply = await release(site, row["job"])
    print(row["phase"], row["impressions"], reply.problem)  # noqa: T201
    if reply.status == "ok":
        after = await settled(site, row["job"])
        assert after["billed"] == paper_of(fleet, row["job"]) == 7
    else:
        assert "2 documents" in refusal(reply)
        assert paper_of(fleet, row["job"]) == 0


async def test_afterwards_a_good_job_prints(fleet: Lab) -> None:
    """Nothing of all this blocks the queue behind it."""
    await good_job_prints(fleet.sites["north"], "good-after-bad")
