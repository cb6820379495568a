"""Pages of the fleet: each says what is so, to whom it may; each act does what it said it would."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from broker.credentials import CredentialFile
from central.store import audit, closures, nodes, quarantine, terms
from tests.integration.fleet_lab import Fleet, open_fleet
from tests.integration.pages_lab import PERSON, browser, signed_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.integration.pages_lab import Browser

pytestmark = pytest.mark.sqlite_only("the pages ask what the stores' own tests ask on both")
PAGES = (
    "/sites",
    "/sites/north",
    "/printers",
    "/printers/north/north-1",
    "/nodes",
    "/nodes/north",
    "/nodes/~aside",
)
ACTS = ("enrol", "secret", "revoke", "free", "resync", "write-off")


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """Fill books."""
    return open_fleet(tmp_path)


@pytest_asyncio.fixture
async def ada(fleet: Fleet) -> AsyncIterator[Browser]:
    """Sign an administrator in; north is heard just before."""
    async with signed_in(fleet.lab, "ada") as found:
        fleet.heard()
        yield found


async def test_sites_say_how_their_lines_are(fleet: Fleet, ada: Browser) -> None:
    """The first sentence counts them; each row has its line, what waits, and the worst case."""
    await ada.get("/sites")
    said = ada.text()
    assert "1 of 4 sites linked." in said
    assert "1 is not listened to." in said
    assert "1 was never on line." in said
    assert re.search(r"South Annex south working alone .* 4 events waiting · worst case €50", said)
    await ada.get("/sites?state=linked")
    assert "South Annex" not in ada.text()
    assert "North Library" in ada.text()
    del fleet


async def test_a_site_shows_money_exposure_printers_and_its_day(fleet: Fleet, ada: Browser) -> None:
    """What sits there, what it may come to, who needs a hand, what happened."""
    await ada.get("/sites/south")
    said = ada.text()
    assert said.count("South Annex works alone.") >= 1
    assert "€50.00 could still be charged" in said
    assert "Is to be remote from its own word on" in said
    await ada.get("/sites/north")
    said = ada.text()
    assert "North Library is linked. 1 of its 4 printers needs a hand." in said
    assert "Paper jam in tray 2" in said
    assert "1 event was put aside and waits" in said
    del fleet


async def test_printers_are_found_by_what_is_wrong(fleet: Fleet, ada: Browser) -> None:
    """By state and site, by supply; a row shows the pages of the day."""
    await ada.get("/printers")
    assert "1 of 5 printers needs a hand. 1 does not answer." in ada.text()
    assert "At 1 a supply ends within a week." in ada.text()
    row = re.search(r'north-2".*?</tr>', ada.page, re.DOTALL)
    assert row is not None
    assert re.search(r'data-label="Pages today"[^>]*>\s*6\s*<', row[0])
    await ada.get("/printers?state=week")
    rows = re.findall(r'href="/printers/(\w+/[\w-]+)"', ada.page)
    assert rows == ["north/north-3"]
    await ada.get("/printers?site=south")
    assert re.findall(r'href="/printers/(\w+/[\w-]+)"', ada.page) == ["south/south-1"]
    answer = await ada.get("/printers?as=csv")
    assert answer.text.count("\n") == 6
    del fleet


async def test_a_printer_shows_supplies_counters_and_its_days(fleet: Fleet, ada: Browser) -> None:
    """Days left, the machine's counter against what was billed, and its jobs."""
    await ada.get("/printers/north/north-3")
    said = ada.text()
    assert "Library 3: ready. Black toner lasts 4 more days." in said
    assert "Thesis.pdf" in said
    await ada.get("/printers/north/north-1")
    said = ada.text()
    assert "prtMarkerLifeCount" in said
    assert "30" in said.partition("What it counted, and what was billed")[2]
    answer = await ada.post("/printers/north/north-1/read")
    assert answer.status_code == 303
    await ada.get("/printers/north/north-1")
    assert "Its edge was asked." in ada.text()
    fleet.lab.later(minutes=10)
    await ada.post("/printers/north/north-1/read")
    await ada.get("/printers/north/north-1")
    assert "The site is not linked" in ada.text()


async def test_a_node_shows_streams_and_what_was_put_aside(fleet: Fleet, ada: Browser) -> None:
    """Sent, confirmed, waiting; what waits for somebody leads to its page."""
    await ada.get("/nodes")
    assert "1 node is not listened to. 1 event was put aside." in ada.text()
    await ada.get("/nodes/south")
    assert re.search(r"Money, told by the site 4 0 4 0", ada.text())
    await ada.get("/nodes/north")
    assert f"/nodes/~aside/{fleet.aside}" in ada.page
    await ada.get("/nodes/wall")
    assert "wall is a dashboard: it only looks on." in ada.text()
    await ada.get("/nodes/west")
    assert "It is frozen" in ada.text()


# ── what is done ────────────────────────────────────────────────────────────────────────────


async def test_a_code_is_shown_once_and_lets_a_journal_in(fleet: Fleet, ada: Browser) -> None:
    """The page shows it, no other does, and it is the one that the books know."""
    answer = await ada.get("/nodes/east/act/enrol")
    assert "once" in ada.text()
    answer = await ada.post("/nodes/east/act/enrol")
    found = re.search(r'enrolment_code = (?:"|&#34;)([\w-]{20})', answer.text)
    assert found is not None
    assert answer.headers["cache-control"] == "no-store"
    with fleet.lab.books.read() as tx:
        known = nodes.find(tx, "east")
        (act,) = audit.acts(tx, target="east")
    assert known is not None
    assert known.may_enrol
    assert (act.act, act.author) == ("node enrol", "web:ada")
    assert found[1] not in json.dumps(act.detail)
    assert found[1] not in (await ada.get("/nodes/east")).text


async def test_money_at_a_node_stands_against_a_new_journal(fleet: Fleet, ada: Browser) -> None:
    """It is said how much sits there, and that a lost machine is written off first."""
    del fleet
    await ada.get("/nodes/north/act/enrol")
    assert "a new journal would know nothing of it" in ada.text()
    assert "/nodes/north/act/write-off" in ada.page
    answer = await ada.post("/nodes/north/act/enrol")
    assert answer.status_code == 409


async def test_secrets_are_renewed_and_taken_away(fleet: Fleet, ada: Browser) -> None:
    """A new secret is good at once, and none is after it was taken away, for a reason."""
    file = CredentialFile(fleet.lab.centre.settings.credentials)
    await ada.get("/nodes/north/act/secret")
    answer = await ada.post("/nodes/north/act/secret")
    assert re.search(r'secret = (?:"|&#34;)[\w-]{43}', answer.text)
    assert [each.name for each in file.entries()] == ["north"]
    await ada.get("/nodes/north/act/revoke")
    answer = await ada.post("/nodes/north/act/revoke", reason="")
    assert answer.status_code == 422
    assert file.entries()
    answer = await ada.post("/nodes/north/act/revoke", reason="stolen")
    assert answer.status_code == 303
    assert file.entries() == ()


async def test_a_write_off_says_its_sum_and_asks_twice(fleet: Fleet, ada: Browser) -> None:
    """Not while it is linked; then the sum, the events, the name typed; then the books."""
    await ada.get("/nodes/north/act/write-off")
    assert "It is linked: it is not lost." in ada.text()
    assert (await ada.post("/nodes/north/act/write-off", typed="north")).status_code == 409
    with fleet.lab.books.read() as tx:
        there = sum(micros for _, _, micros in nodes.money_at(tx, "south"))
    assert there > 0
    await ada.get("/nodes/south/act/write-off")
    said = ada.text()
    assert f"€{there / 1_000_000:.2f} of 1 account go back to people" in said
    assert "4 events that it had said it has are not here" in said
    answer = await ada.post("/nodes/south/act/write-off", typed="north")
    assert answer.status_code == 422
    answer = await ada.post("/nodes/south/act/write-off", typed="south")
    assert answer.status_code == 303
    with fleet.lab.books.read() as tx:
        assert all(account != "user:ana" for account, _, _ in nodes.money_at(tx, "south"))


async def test_a_role_is_shown_before_it_is_wished(fleet: Fleet, ada: Browser) -> None:
    """What is chosen is in the address and changes nothing; only the button does."""
    await ada.get("/nodes/south/role?role=agent")
    assert "No money is parked there: each job asks for its own." in ada.text()
    answer = await ada.get("/nodes/south/role?role=tracker&cap=10&account=20")
    assert answer.status_code == 422
    await ada.get("/nodes/south/role?role=tracker&cap=10&account=2")
    assert "up to €10.00 outstanding" in ada.text()
    with fleet.lab.books.read() as tx:
        before = terms.newest(tx, "south")
    assert before is not None
    assert before.wish.role == "remote"
    answer = await ada.post("/nodes/south/role", role="tracker", cap="10", account="2", hours="24")
    assert answer.status_code == 303
    with fleet.lab.books.read() as tx:
        found = terms.newest(tx, "south")
    assert found is not None
    assert (found.wish.role, found.wish.offline_seconds) == ("tracker", 86_400)
    assert [(cap.site, cap.user) for cap in found.wish.uncovered] == [(10_000_000, 2_000_000)]
    await ada.get("/nodes/south")
    assert "(is to be tracker)" in ada.text()


async def test_nodes_are_entered_with_settings_shown_once(fleet: Fleet, ada: Browser) -> None:
    """An edge's settings are ready to use; a name that is taken is said beside its field."""
    await ada.get("/nodes/~add")
    answer = await ada.post("/nodes/~add", kind="edge", site="The Attic", node="")
    assert "enrolment_code = " in answer.text
    assert "the-attic" in answer.text
    with fleet.lab.books.read() as tx:
        known = nodes.find(tx, "the-attic")
    assert known is not None
    assert known.site == "The Attic"
    for node in ("north", "No Name!"):
        answer = await ada.post("/nodes/~add", kind="edge", site="x", node=node)
        assert answer.status_code == 422


async def test_what_was_put_aside_is_mended_by_hand(fleet: Fleet, ada: Browser) -> None:
    """The difference is shown first, a reason is asked for, and it is applied once."""
    address = f"/nodes/~aside/{fleet.aside}"
    await ada.get("/nodes/~aside")
    assert address in ada.page
    await ada.get(address)
    await ada.post(f"{address}/replay")
    await ada.get(address)
    assert "It still cannot be booked" in ada.text()
    answer = await ada.post(f"{address}/repair", step="show", event=fleet.meant)
    assert '+  "printer": "north-1"' in answer.text.replace("&#34;", '"')
    answer = await ada.post(f"{address}/repair", step="apply", event=fleet.meant)
    assert answer.status_code == 422
    answer = await ada.post(f"{address}/repair", step="apply", event=fleet.meant, reason="typo")
    assert answer.status_code == 303
    with fleet.lab.books.read() as tx:
        put = quarantine.find(tx, fleet.aside)
    assert put is not None
    assert (put.state, put.author, put.because) == ("repaired", "web:ada", "typo")
    await ada.get(address)
    assert "mended, by web:ada" in ada.text()


async def test_what_was_put_aside_may_be_let_be(fleet: Fleet, ada: Browser) -> None:
    """With what it would mean, and a reason."""
    address = f"/nodes/~aside/{fleet.aside}"
    await ada.get(address)
    assert "What was printed is then not charged to anybody." in ada.text()
    assert (await ada.post(f"{address}/dismiss", reason="")).status_code == 422
    assert (await ada.post(f"{address}/dismiss", reason="test print")).status_code == 303
    await ada.get("/nodes/~aside?all=1")
    assert "let be" in ada.text()


async def test_a_fork_is_looked_at_and_booked(fleet: Fleet, ada: Browser) -> None:
    """The page says that nothing forked, asks the edge for its branch, and books what is known."""
    await ada.get("/nodes/south/fork")
    assert "Nothing has forked here." in ada.text()
    assert "/fork/resolve" not in ada.page
    assert (await ada.post("/nodes/south/fork/resolve")).status_code == 303
    with fleet.lab.books.write() as tx:
        assert closures.of(tx, "south") == []
        nodes.set_state(tx, "south", "frozen", "two branches follow event 1")
    await ada.get("/nodes/south")
    assert "/nodes/south/fork" in ada.page
    await ada.get("/nodes/south/fork")
    assert "South Annex is frozen." in ada.text()
    assert (await ada.post("/nodes/south/fork/look")).status_code == 303
    await ada.get("/nodes/south/fork")
    assert "it answers as soon as it is linked" in ada.text()
    assert "own branch is not here yet." in ada.text()
    assert (await ada.post("/nodes/south/fork/resolve", without="yes")).status_code == 303
    with fleet.lab.books.read() as tx:
        (closed,) = closures.of(tx, "south")
        (act,) = (each for each in audit.acts(tx, target="south") if each.act == "fork resolve")
    assert (closed.step, act.author) == ("booking", "web:ada")
    await ada.get("/nodes/south/fork")
    assert "Both branches are booked." in ada.text()
    assert "/fork/resolve" not in ada.page


# ── who may ─────────────────────────────────────────────────────────────────────────────────


async def test_a_site_administrator_sees_and_runs_own_sites_only(fleet: Fleet) -> None:
    """Sam runs north: south is neither listed nor there, by any address."""
    async with signed_in(fleet.lab, "sam") as sam:
        for path in ("/sites", "/printers", "/nodes"):
            await sam.get(path)
            assert "South" not in sam.text()
            assert "Annex" not in sam.text()
            assert "South" not in (await sam.get(f"{path}?as=csv")).text
        for path in ("/sites/south", "/nodes/south", "/printers/south/south-1", "/nodes/~add"):
            assert (await sam.get(path)).status_code == 404, path
        await sam.get("/printers?site=south")
        assert "south-1" not in sam.page
        assert (await sam.get(f"/nodes/~aside/{fleet.aside}")).status_code == 200
        await sam.get("/nodes/north/act/free")
        for act in ACTS:
            assert (await sam.get(f"/nodes/south/act/{act}")).status_code == 404
            answer = await sam.post(f"/nodes/south/act/{act}", typed="south", reason="x")
            assert answer.status_code == 404, act
        for path in ("/nodes/south/role", "/nodes/south/name", "/nodes/south/fork/resolve"):
            answer = await sam.post(path, role="agent", site="Mine")
            assert answer.status_code == 404, path
        assert (await sam.post("/nodes/north/name", site="The North")).status_code == 303
    with fleet.lab.books.read() as tx:
        north, south = nodes.find(tx, "north"), nodes.find(tx, "south")
    assert north is not None
    assert south is not None
    assert (north.site, south.site) == ("The North", "South Annex")


async def test_who_only_looks_changes_nothing(fleet: Fleet) -> None:
    """An auditor sees every page and no button; what is sent all the same is not done."""
    async with signed_in(fleet.lab, "axel") as axel:
        for path in PAGES:
            assert (await axel.get(path)).status_code == 200, path
            assert "/act/" not in axel.page
        await axel.get(f"/nodes/~aside/{fleet.aside}")
        assert "/repair" not in axel.page
        for act in ACTS:
            answer = await axel.post(f"/nodes/south/act/{act}", typed="south", reason="x")
            assert answer.status_code in {403, 404}, act
        answer = await axel.post(f"/nodes/~aside/{fleet.aside}/dismiss", reason="x")
        assert answer.status_code in {403, 404}
    async with signed_in(fleet.lab, PERSON) as ana, browser(fleet.lab) as nobody:
        for path in PAGES:
            assert (await ana.get(path)).status_code in {303, 403}, path
            assert (await nobody.get(path)).status_code == 303, path


HOSTILE = ("<script>alert(1)</script>", "' OR 1=1 --", "../../etc", "\0", "é" * 300, "%(x)s")


async def test_hostile_values_do_no_harm(fleet: Fleet, ada: Browser) -> None:
    """In every field and filter: shown as text or refused, never run, never a failure."""
    del fleet
    keys = ("q", "state", "site", "node", "kind", "role", "sort", "after", "n")
    for hostile in HOSTILE:
        for path in ("/sites", "/printers", "/nodes", "/nodes/~aside"):
            answer = await ada.get(path, params=dict.fromkeys(keys, hostile))
            assert answer.status_code == 200, (path, hostile)
            assert "<script>alert" not in answer.text
        fields = dict.fromkeys(("role", "cap", "account", "hours"), hostile)
        assert (await ada.get("/nodes/north/role", params=fields)).status_code == 422
        assert (await ada.post("/nodes/north/name", site=hostile)).status_code == 303
        await ada.get("/sites/north")
        assert "<script>alert" not in ada.page
        answer = await ada.post("/nodes/~add", kind=hostile, site=hostile, node=f"!{hostile}")
        assert answer.status_code == 422
