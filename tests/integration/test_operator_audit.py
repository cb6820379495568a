"""What operators looked at, at a site: among the acts of the organisation, once."""

from __future__ import annotations

from uuid import UUID

from broker.messages import OperatorLooked
from central.store import audit
from tests.integration.books_lab import MORNING, MemoryEdge, open_books

JOB = UUID(int=7)


def test_a_look_is_an_act_of_who_looked() -> None:
    """A list of everybody's is an act to the site, a page one to its owner; said twice, once."""
    books = open_books()
    north = MemoryEdge(books)
    north.join()
    looked = {"user": "olga", "terminal": "panel", "looked_at": MORNING}
    told = [
        OperatorLooked(owner=None, **looked),
        OperatorLooked(owner="Ana", job=JOB, **looked),
    ]
    envelopes = north.say(*told, name="jobs")
    done = north.send(envelopes, name="jobs")
    assert done.quarantined == ()
    with books.read() as tx:
        acts = [each for each in audit.acts(tx) if each.author == "olga"]
    assert [(each.act, each.target) for each in acts] == [
        ("jobs listed", "node:north"),
        ("page looked at", "person:ana"),
    ]
    assert acts[1].detail["job"] == str(JOB)
    assert acts[0].detail["terminal"] == "panel"
    books.close()
