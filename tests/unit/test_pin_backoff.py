"""Wrong PINs: so many and no more, for each person, card and terminal, whatever restarts."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.proving import Proof, Proving, Right, Subject, Wrong
from edge.store import books as books_room
from edge.store.database import EdgeDatabase
from edge.store.errors import StoreUnwritableError
from edge.store.journal import Journal
from edge.store.memory_disk import MemoryDisk
from edge.store.tries import PinTries
from edge.tries import PIN_LIMITS, Permitted, PinTry, Wait, pin_permission
from tests.unit.edge_lab import NOW

PIN = "2468"


class Quick:
    """Checks in no time: the hash is the secret itself."""

    def __init__(self) -> None:
        self.looked = 0

    async def right(self, hashed: str, secret: str) -> bool:
        """Say whether it is the one."""
        self.looked += 1
        await asyncio.sleep(0)
        return hashed == secret and bool(hashed)


class Door:
    """A journal, clocks to turn, and what is tried."""

    def __init__(self) -> None:
        self.disk = MemoryDisk()
        self.wall = NOW
        self.seconds = 0.0
        self.secrets = Quick()
        self.open()

    def open(self) -> None:
        """Begin, with what is on the disk."""
        database = EdgeDatabase(Journal(self.disk), indexes=books_room.INDEXES)
        self.tries = PinTries(database)
        self.proving = Proving(
            self.tries,
            self.secrets,  # type: ignore[arg-type]  # a fake of the same shape
            clock=lambda: self.wall,
            monotonic=lambda: self.seconds,
        )

    def crash(self) -> None:
        """Lose the process; the wall clock stays."""
        self.disk = self.disk.crash(lambda _: 0)
        self.seconds = 0.0
        self.open()

    async def try_(
        self, secret: str, user: str = "ana", card: str = "", terminal: str = "panel"
    ) -> Proof:
        """Try a PIN; everybody has the same."""
        return await self.proving.prove(PIN, secret, Subject(user, card, terminal))


async def test_five_wrong_pins_and_then_a_wait_that_ends() -> None:
    """Each answer says how many are left; the right one is not looked at while waiting."""
    door = Door()
    left = [await door.try_("0000") for _ in range(5)]
    assert left == [Wrong(4), Wrong(3), Wrong(2), Wrong(1), Wrong(0)]
    looked = door.secrets.looked
    waits = await door.try_(PIN)
    assert waits == Wait("user", timedelta(minutes=15))
    assert door.secrets.looked == looked
    door.seconds += 15 * 60
    assert await door.try_(PIN) == Right()


async def test_the_wait_survives_a_restart_and_a_clock_set_back() -> None:
    """Neither a pulled plug nor the year 1970 gives back a try."""
    door = Door()
    for _ in range(5):
        await door.try_("0000")
    door.wall -= timedelta(days=365)
    door.crash()
    assert isinstance(await door.try_(PIN), Wait)


async def test_a_try_is_durable_before_the_pin_is_looked_at() -> None:
    """Pulling the plug while it is checked costs the try."""
    door = Door()

    class Dead(Exception):
        """The process ends here."""

    async def dies(hashed: str, secret: str) -> bool:
        door.disk = door.disk.crash(lambda _: 0)
        raise Dead

    door.secrets.right = dies  # type: ignore[method-assign]
    with pytest.raises(Dead):
        await door.try_("0000")
    door.secrets = Quick()
    door.open()
    assert len(door.tries.tries()) == 1
    assert await door.try_("0000") == Wrong(3)


async def test_on_a_full_disk_nothing_is_tried() -> None:
    """What cannot be counted is not looked at."""
    door = Door()
    door.disk.space = 0
    with pytest.raises(StoreUnwritableError):
        await door.try_(PIN)
    assert door.secrets.looked == 0


async def test_many_at_once_get_no_more_tries() -> None:
    """The tries are counted before anybody waits."""
    door = Door()
    answers = await asyncio.gather(*(door.try_("0000") for _ in range(50)))
    assert sum(isinstance(each, Wrong) for each in answers) == 5
    assert door.secrets.looked == 5


async def test_the_right_pin_costs_no_try() -> None:
    """Whoever signs in fifty times an hour is let in."""
    door = Door()
    for _ in range(50):
        assert await door.try_(PIN) == Right()
    assert door.tries.tries() == []


async def test_names_are_one_whatever_their_case_and_unknown_ones_count() -> None:
    """`Ana ` and `ana` are the same person; nobody's name is told from somebody's."""
    door = Door()
    for name in ("ana", "Ana", "ANA", "ana ", " aNa"):
        await door.try_("0000", user=name)
    assert isinstance(await door.try_(PIN), Wait)
    proofs = [await door.proving.prove("", PIN, Subject("zed", "", "other")) for _ in range(6)]
    assert proofs[4] == Wrong(0)
    assert isinstance(proofs[5], Wait)


async def test_a_terminal_has_its_own_bound() -> None:
    """Whoever tries one PIN on everybody's name is stopped; another terminal goes on."""
    door = Door()
    answers = [await door.try_("0000", user=f"user{number}") for number in range(25)]
    assert [type(each) for each in answers] == [Wrong] * 20 + [Wait] * 5
    assert await door.try_(PIN, user="ana", terminal="other") == Right()


async def test_a_card_has_its_own_bound() -> None:
    """A found card is tried five times, at whatever terminals."""
    door = Door()
    for number in range(5):
        await door.try_("0000", user=f"u{number}", card="c" * 64, terminal=f"t{number}")
    found = await door.try_(PIN, user="u9", card="c" * 64, terminal="t9")
    assert isinstance(found, Wait)
    assert found.whose == "card"


async def test_names_are_not_kept_as_they_were_typed() -> None:
    """Somebody who types the PIN for the name leaves it in no journal."""
    door = Door()
    await door.try_("0000", user="2468")
    assert [each.user for each in door.tries.tries()] != ["2468"]
    assert not any(b"2468" in door.disk.content(name) for name in door.disk.names())


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.integers(0, 20)), max_size=120
    )
)
def test_no_window_ever_holds_more_tries_than_its_limit(
    asked: list[tuple[str, str, int]],
) -> None:
    """Whoever asks whenever: permitted tries never exceed any limit of person or terminal."""
    made: list[PinTry] = []
    now = NOW
    for user, terminal, minutes in asked:
        now += timedelta(minutes=minutes)
        wish = PinTry(user, "", terminal, now)
        match pin_permission(made, wish):
            case Permitted(left=left):
                assert left >= 0
                made.append(wish)
            case Wait(rest=rest):
                assert rest > timedelta(0)
                later = PinTry(user, "", terminal, now + rest)
                assert isinstance(pin_permission(made, later), Permitted)
    for whose in ("user", "terminal"):
        for limit in PIN_LIMITS[whose]:
            for one in made:
                same = [
                    each
                    for each in made
                    if getattr(each, whose) == getattr(one, whose)
                    and timedelta(0) <= one.at - each.at < limit.window
                ]
                assert len(same) <= limit.tries
