"""What the fleet's pages ask of the books: streams, what was put aside, a node's day, pages."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from central.acts import nodes as acts
from central.acts.by import By
from central.store import aside_list, facts, funds, node_day, node_streams, nodes, quarantine
from central.store.exposure import at_site, exposure
from central.store.meters import Place
from central.store.printer_figures import impressions_on
from tests.integration.books_lab import MORNING, MemoryEdge, open_account, open_books
from tests.integration.fleet_lab import print_one
from tests.integration.meters_lab import meters, reading

if TYPE_CHECKING:
    from central.store.books import Books

DAY = timedelta(days=1)


def filled() -> tuple[Books, MemoryEdge, MemoryEdge]:
    """Return books with two edges; the first put three charges aside, in two streams' order."""
    books = open_books()
    north, south = MemoryEdge(books), MemoryEdge(books, "south")
    north.join()
    south.join()
    open_account(books, top_up="20.00")
    with books.write() as tx:
        funds.park_free(tx, frozenset({"north"}))
    north.listen()
    for edge, count in ((north, 2), (south, 1)):
        for _ in range(count):
            (good,) = edge.say(edge.charge(10_000))[-1:]
            edge.journal["ledger"].pop()
            bad = json.loads(str(good.data))
            bad["data"]["printer"] = "?"
            edge.say_text(json.dumps(bad))
        edge.send(edge.journal["ledger"])
    return books, north, south


def test_what_was_put_aside_is_listed_by_pages_and_sites() -> None:
    """Each once, over pages of any length; those that were seen to only when asked for."""
    books, *_ = filled()
    with books.read() as tx:
        whole = aside_list.page(tx)
        found, after = [], None
        while part := aside_list.page(tx, limit=1, after=after):
            found += part
            stream, _, seq = part[-1].id.partition(".")
            after = int(stream), int(seq)
        assert found == whole
        assert [each.node for each in whole] == ["north", "north", "south"]
        assert aside_list.page(tx, {"south"}) == whole[2:]
        assert node_streams.aside(tx) == {"north": {"ledger": 2}, "south": {"ledger": 1}}
    with books.write() as tx:
        done = quarantine.dismiss(tx, whole[0].id, author="eva", reason="a test")
        assert isinstance(done, quarantine.Done)
    with books.read() as tx:
        assert aside_list.page(tx) == whole[1:]
        seen = aside_list.page(tx, also_mended=True)
        assert [(each.id, each.author) for each in seen][:2] == [
            (whole[0].id, "eva"),
            (whole[1].id, ""),
        ]
        assert node_streams.aside(tx, {"north"}) == {"north": {"ledger": 1}}


def test_streams_say_what_waits_on_either_side() -> None:
    """Up: what it said it has and did not come. Down: what it did not confirm."""
    books, north, _ = filled()
    north.say(*(north.charge(10_000) for _ in range(4)))
    with books.write() as tx:
        assert isinstance(nodes.accept(tx, "north", north.birth(None)), nodes.Accepted)
    with books.read() as tx:
        wired = node_streams.of(tx, "north")
    lines = {(each.direction, each.name): each for each in wired.streams}
    assert lines["up", "ledger"].waiting == 4
    assert lines["up", "ledger"].aside == 2
    assert lines["up", "jobs"].waiting == 0
    assert lines["down", "ledger"].waiting == lines["down", "ledger"].sent > 0
    with books.read() as tx:
        assert node_streams.of(tx, "nobody").streams == ()


def test_a_nodes_day_tells_what_happened_in_its_order() -> None:
    """Births, acts where they may be told, what was put aside, meters; nothing that is older."""
    books, north, _ = filled()
    north.send(north.say(reading(0, *meters(total=5), continues=False), name="jobs"), name="jobs")
    with books.write() as tx:
        acts.new_secret(tx, By("web:ada"), "north")
    with books.read() as tx:
        since = tx.now - DAY
        found = node_day.of(tx, "north", since, silent=True, acts=True)
        fewer = node_day.of(tx, "north", since, silent=False, acts=False)
        none = node_day.of(tx, "north", tx.now, silent=True, acts=True)
    assert [each.at for each in found] == sorted(each.at for each in found)
    assert {each.what for each in found} == {"entered", "born", "heard", "aside", "read", "act"}
    assert {each.what for each in fewer} == {"entered", "born", "aside", "read"}
    assert none == []


def test_pages_of_a_day_are_each_printers_own() -> None:
    """By site and device, on that day; the sum of what was billed there."""
    books, north, _ = filled()
    for days, device in ((0, "north-1"), (0, "north-1"), (1, "north-1"), (0, "north-2")):
        print_one(north, device, MORNING - days * DAY)
    more = True
    while more:
        with books.write() as tx:
            more = facts.step(tx, 1000).more
    asked = [Place("north", "north-1"), Place("north", "north-2"), Place("south", "north-1")]
    with books.read() as tx:
        found = impressions_on(tx, MORNING.date(), asked)
        assert impressions_on(tx, MORNING.date(), []) == {}
    assert found == {asked[0]: 12, asked[1]: 6}


def test_one_sites_exposure_is_its_line_of_the_whole() -> None:
    """Worked out alone or with all others, it is the same."""
    books, *_ = filled()
    with books.read() as tx:
        for each in exposure(tx).sites:
            known = nodes.find(tx, each.node)
            assert known is not None
            assert at_site(tx, known) == each
