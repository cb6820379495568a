"""Tables over SNMP against every kind of agent: bounded, whole or said not to be, never endless."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from edge.devices.objects import Kind, Objects
from edge.devices.walking import GEN_ERR, NO_SUCH_NAME, TOO_BIG, Bounds, Said, Walk
from edge.devices.words import NoAnswer, Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.devices.oids import Oid, Value

HERE = Target("192.0.2.1", 161, "lab")
NAMES: Oid = (1, 3, 6, 1, 4, 1, 9, 1)
COUNTS: Oid = (1, 3, 6, 1, 4, 1, 9, 2)
AFTER: Oid = (1, 3, 6, 1, 4, 1, 9, 3, 0)
SILENT = NoAnswer("192.0.2.1 does not answer")


@dataclass
class Agent:
    """Answers from a tree, as RFC 3416 says, but for what a test orders."""

    tree: dict[Oid, Value]
    version_1: bool = False
    longest: int = 10_000
    """Bindings that one answer holds; more is tooBig."""
    no_bulk: bool = False
    deaf_after: int = 10_000
    """Answers nothing after so many questions."""
    asked: list[tuple[Kind, int]] = field(default_factory=list)

    def bulk(self, target: Target) -> bool:
        """Tell whether it speaks GetBulk."""
        return not self.version_1

    async def ask(
        self, target: Target, kind: Kind, oids: Sequence[Oid], rows: int = 1
    ) -> Said | NoAnswer:
        """Answer."""
        self.asked.append((kind, len(oids)))
        if len(self.asked) > self.deaf_after:
            return SILENT
        if kind == "get":
            if self.version_1 and (gone := [o for o in oids if o not in self.tree]):
                return Said(NO_SUCH_NAME, list(oids).index(gone[0]) + 1, ())
            bound = [(oid, self.tree.get(oid)) for oid in oids]
        else:
            if kind == "bulk" and self.no_bulk:
                return Said(GEN_ERR, 0, ())
            bound, last = [], list(oids)
            for _ in range(rows):
                for place, oid in enumerate(last):
                    after = min((each for each in self.tree if each > oid), default=None)
                    if after is None and self.version_1:
                        return Said(NO_SUCH_NAME, place + 1, ())
                    bound.append((after or oid, None if after is None else self.tree[after]))
                    last[place] = after or oid
        return Said(TOO_BIG, 0, ()) if len(bound) > self.longest else Said(0, 0, tuple(bound))


def tree(rows: int) -> dict[Oid, Value]:
    """Return a table of two columns, and what comes after it."""
    found: dict[Oid, Value] = {(*NAMES, row): f"row {row}".encode() for row in range(1, rows + 1)}
    found |= {(*COUNTS, row): row for row in range(1, rows + 1)}
    return found | {AFTER: 1}


def whole(rows: int) -> dict[Oid, Value]:
    """Return what a walk of both columns finds."""
    return {oid: value for oid, value in tree(rows).items() if oid != AFTER}


async def walked(agent: object, bounds: Bounds | None = None) -> Walk | NoAnswer:
    """Walk both columns."""
    return await Objects(agent).walk(HERE, (NAMES, COUNTS), bounds)  # type: ignore[arg-type]


async def test_a_table_is_read_whole_by_every_version() -> None:
    """Version 1 has no bulk and says the end as an error; the rows are the same."""
    for agent in (Agent(tree(40)), Agent(tree(40), version_1=True)):
        walk = await walked(agent)
        assert isinstance(walk, Walk)
        assert (dict(walk.values), walk.broken) == (whole(40), None)
    alone = Agent(whole(3), version_1=True)  # the table is the last thing it has
    walk = await walked(alone)
    assert isinstance(walk, Walk)
    assert (dict(walk.values), walk.broken) == (whole(3), None)


async def test_an_agent_with_small_datagrams_is_asked_for_less() -> None:
    """TooBig makes questions smaller, down to one column at a time."""
    for longest in (7, 2, 1):
        walk = await walked(Agent(tree(30), longest=longest))
        assert isinstance(walk, Walk)
        assert (dict(walk.values), walk.broken) == (whole(30), None)


async def test_an_agent_that_stumbles_over_bulk_is_asked_row_by_row() -> None:
    """GenErr to GetBulk is answered with GetNext."""
    walk = await walked(Agent(tree(5), no_bulk=True))
    assert isinstance(walk, Walk)
    assert (dict(walk.values), walk.broken) == (whole(5), None)


async def test_a_walk_that_breaks_off_says_so() -> None:
    """What came is kept, and that it is not all is said."""
    walk = await walked(Agent(tree(200), deaf_after=2))
    assert isinstance(walk, Walk)
    assert walk.broken == SILENT.reason
    assert 0 < len(walk.values) < 400


async def test_silence_from_the_start_is_no_empty_table() -> None:
    """Nobody may take silence for a machine without supplies."""
    assert await walked(Agent(tree(5), deaf_after=0)) == SILENT


async def test_a_table_without_end_ends() -> None:
    """An agent that always has one more row is left at the bound."""

    class Endless(Agent):
        async def ask(
            self, target: Target, kind: Kind, oids: Sequence[Oid], rows: int = 1
        ) -> Said | NoAnswer:
            self.asked.append((kind, len(oids)))
            return Said(0, 0, tuple(((*oid[:8], oid[8] + 1 if oid[8:] else 1), 1) for oid in oids))

    agent = Endless({})
    walk = await walked(agent, Bounds(values=100))
    assert isinstance(walk, Walk)
    assert walk.broken is not None
    assert len(walk.values) == 100
    assert len(agent.asked) <= 51


async def test_going_in_circles_ends() -> None:
    """An answer that is not after its question is not followed."""

    class Circling(Agent):
        async def ask(
            self, target: Target, kind: Kind, oids: Sequence[Oid], rows: int = 1
        ) -> Said | NoAnswer:
            return Said(0, 0, tuple(((*oid[:8], 1), 1) for oid in oids))

    walk = await walked(Circling({}))
    assert isinstance(walk, Walk)
    assert walk.broken is not None
    assert "circles" in walk.broken


async def test_single_objects_are_read_where_one_is_missing() -> None:
    """Version 1 answers nothing when one object is missing; the others are read all the same."""
    wanted = [(*NAMES, row) for row in range(60)]
    for agent in (Agent(tree(50)), Agent(tree(50), version_1=True)):
        got = await Objects(agent).get(HERE, wanted)
        assert got == {(*NAMES, row): f"row {row}".encode() for row in range(1, 51)}


async def test_too_many_objects_for_a_datagram_are_asked_in_parts() -> None:
    """TooBig halves a question."""
    wanted = [(*COUNTS, row) for row in range(1, 31)]
    assert await Objects(Agent(tree(30), longest=5)).get(HERE, wanted) == {
        (*COUNTS, row): row for row in range(1, 31)
    }


async def test_an_error_without_a_place_is_no_answer() -> None:
    """GenErr at nothing ends a question; noAccess is a refusal."""

    def always(status: int) -> Objects:
        class Stubborn(Agent):
            async def ask(
                self, target: Target, kind: Kind, oids: Sequence[Oid], rows: int = 1
            ) -> Said | NoAnswer:
                return Said(status, 0, ())

        return Objects(Stubborn({}))

    for status, refused in ((GEN_ERR, False), (TOO_BIG, False), (6, True), (16, True), (77, False)):
        got = await always(status).get(HERE, [AFTER])
        walk = await always(status).walk(HERE, [NAMES])
        assert isinstance(got, NoAnswer)
        assert isinstance(walk, NoAnswer)
        assert (got.refused, walk.refused) == (refused, refused)


async def test_an_error_in_the_middle_is_a_gap() -> None:
    """One column ends in an error of the agent: the others are whole, and it is said."""

    class Failing(Agent):
        async def ask(
            self, target: Target, kind: Kind, oids: Sequence[Oid], rows: int = 1
        ) -> Said | NoAnswer:
            for place, oid in enumerate(oids):
                if oid == (*NAMES, 3):
                    return Said(GEN_ERR, place + 1, ())
            return await super().ask(target, kind, oids, rows)

    walk = await walked(Failing(tree(5), version_1=True))
    assert isinstance(walk, Walk)
    assert len(walk.values) == 8
    assert walk.broken is not None


async def test_what_nobody_asked_for_is_not_kept() -> None:
    """An answer full of other objects fills no memory."""

    class Chatty(Agent):
        async def ask(
            self, target: Target, kind: Kind, oids: Sequence[Oid], rows: int = 1
        ) -> Said | NoAnswer:
            return Said(0, 0, (*(((1, 3, 99, each), 1) for each in range(500)), (AFTER, 7)))

    assert await Objects(Chatty({})).get(HERE, [AFTER]) == {AFTER: 7}


_OID = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(lambda tail: (*NAMES[:7], *tail))
_SAID = st.builds(
    Said,
    st.sampled_from([0, 0, 0, TOO_BIG, NO_SUCH_NAME, GEN_ERR, 6, 99]),
    st.integers(-2, 5),
    st.lists(st.tuples(_OID, st.none() | st.integers() | st.binary(max_size=5)), max_size=9).map(
        tuple
    ),
)


@given(st.lists(_SAID | st.just(SILENT), min_size=1, max_size=30))
async def test_no_answers_make_a_walk_endless(answers: list[Said | NoAnswer]) -> None:
    """Whatever comes, again and again, a walk and a question end, and nothing is raised."""
    asked = 0

    class Anything(Agent):
        async def ask(
            self, target: Target, kind: Kind, oids: Sequence[Oid], rows: int = 1
        ) -> Said | NoAnswer:
            nonlocal asked
            asked += 1
            return answers[asked % len(answers)]

    objects = Objects(Anything({}))
    await objects.walk(HERE, (NAMES, COUNTS))
    await objects.get(HERE, [(*NAMES, 1), (*COUNTS, 1), AFTER])
    assert asked < 400
