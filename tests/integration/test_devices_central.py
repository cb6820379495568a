"""What edges tell of their devices, at the centre: the newest is kept, changes go to the feed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import OperationalError

from broker import topics
from broker.codec import Received, decode, encode
from broker.directory import PrinterRow
from broker.messages import (
    DeviceState,
    DeviceTrouble,
    FeedAlert,
    FeedDevice,
    FeedNode,
    Meter,
    Supply,
)
from central.app import troubles
from central.coordinator import Coordinator
from central.devices import FRESH, MOST, WRITE_EVERY
from central.fleet import Fleet
from central.mailboxes import MOST_STATES, Mail, Mailboxes
from central.store import device_list, devices, directory, nodes
from central.store.meters import Place
from config.ids import uuid7
from tests.integration.api_lab import app_of, caller, fill, read
from tests.integration.books_lab import Clock, Dice, MemoryEdge, open_books
from tests.integration.meters_lab import DEVICE, Site, meters, reading

if TYPE_CHECKING:
    from pathlib import Path

    from broker.messages import Message
    from central.fleet import Say
    from central.store.books import Books

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PLACE = Place("north", "lobby")


class Centre:
    """A coordinator whose messages can be read, and a clock for it."""

    def __init__(self, books: Books) -> None:
        """Go on line."""
        self.books = books
        self.now = 0.0
        self.mind = Coordinator(Fleet(books, clock=Clock(), dice=Dice()))
        session = uuid7(NOW, bytes(10))
        self.mind.connected(session, self.now)

    def hears(self, *states: DeviceState | bytes, node: str = "north") -> list[Message]:
        """Hear retained states; return what was said of it."""
        mails = []
        for state in states:
            device = state.device if isinstance(state, DeviceState) else "lobby"
            payload = (
                encode(state, source=node, id_=uuid7(NOW, bytes(10)), now=NOW)
                if isinstance(state, DeviceState)
                else state
            )
            mails.append(Mail(node, topics.DEVICE.of(node=node, device=device), payload))
        return told(self.mind.heard(mails, self.now))

    def passes(self, seconds: float) -> list[Message]:
        """Let time pass; return what was said."""
        self.now += seconds
        return told(self.mind.look(self.now))

    def kept(self) -> dict[Place, DeviceState]:
        """Return what the books have."""
        with self.books.read() as tx:
            return {each.place: each.state for each in devices.every(tx)}


def told(says: list[Say]) -> list[Message]:
    """Return what is on the feed about devices and troubles."""
    found = []
    for say in says:
        if "/feed/" not in say.topic:
            continue
        read_ = decode(say.payload, topics.FEED.messages)
        assert isinstance(read_, Received)
        if not isinstance(read_.message, FeedNode):
            found.append(read_.message)
    return found


def lobby(**changes: object) -> DeviceState:
    """Return how the printer is."""
    fields: dict[str, object] = {
        "device": "lobby",
        "name": "Lobby",
        "state": "idle",
        "updated_at": NOW,
        "answers": True,
        "supplies": (Supply(key="1", name="Black", color="black", level=40, state="ok"),),
        "meters": (Meter(name="total", value=1000, source="snmp:prtMarkerLifeCount"),),
    }
    return DeviceState.model_validate(fields | changes)


JAM = DeviceTrouble(code="jam", severity="critical", detail="Paper is jammed", since=NOW)


@pytest.fixture
def centre() -> Centre:
    """Return a centre that has accepted one edge."""
    books = open_books()
    MemoryEdge(books).join()
    return Centre(books)


def test_a_change_is_told_at_once_and_written_within_ten_seconds(centre: Centre) -> None:
    """The feed has what people look at; the books have the whole state."""
    (feed,) = centre.hears(lobby())
    assert feed == FeedDevice(
        node="north",
        device="lobby",
        name="Lobby",
        state="idle",
        answers=True,
        updated_at=NOW,
    )
    centre.passes(0.25)
    assert centre.kept() == {PLACE: lobby()}
    jammed = lobby(state="stopped", troubles=(JAM,), updated_at=NOW + timedelta(seconds=1))
    (feed,) = centre.hears(jammed)
    assert isinstance(feed, FeedDevice)
    assert feed.troubles == (JAM,)
    centre.passes(1)
    assert centre.kept() == {PLACE: lobby()}
    centre.passes(WRITE_EVERY)
    assert centre.kept() == {PLACE: jammed}


def test_levels_and_meters_move_without_a_word(centre: Centre) -> None:
    """They are kept, and the feed is silent."""
    low = DeviceTrouble(code="toner-low", severity="warning", detail="Black: 40 %", since=NOW)
    centre.hears(lobby(troubles=(low,)))
    moved = lobby(
        supplies=(Supply(key="1", name="Black", level=39),),
        troubles=(low.model_copy(update={"detail": "Black: 39 %"}),),
        updated_at=NOW + timedelta(seconds=9),
    )
    assert centre.hears(moved) == []
    centre.passes(WRITE_EVERY)
    assert centre.kept() == {PLACE: moved}


def test_retained_states_come_again_without_a_flood(centre: Centre) -> None:
    """A coordinator that starts again says nothing and writes nothing that it knows."""
    states = [lobby(), lobby(device="cellar", name="Cellar")]
    centre.hears(*states)
    centre.passes(WRITE_EVERY)
    with centre.books.read() as tx:
        written = [each.at for each in devices.every(tx)]
    again = Centre(centre.books)
    assert again.hears(*states) == []
    again.passes(WRITE_EVERY)
    with centre.books.read() as tx:
        assert [each.at for each in devices.every(tx)] == written


def test_a_state_that_only_grows_older_is_written_now_and_then(centre: Centre) -> None:
    """When it was last heard stays roughly right, for a fraction of the writes."""
    centre.hears(lobby())
    centre.passes(WRITE_EVERY)
    soon = lobby(updated_at=NOW + timedelta(seconds=FRESH - 1))
    centre.hears(soon)
    centre.passes(WRITE_EVERY)
    assert centre.kept() == {PLACE: lobby()}
    later = lobby(updated_at=NOW + timedelta(seconds=FRESH))
    centre.hears(later)
    centre.passes(WRITE_EVERY)
    assert centre.kept() == {PLACE: later}


def test_a_node_that_is_not_accepted_is_not_believed(centre: Centre) -> None:
    """What it told is kept and passed on once its journal is, and not before."""
    assert centre.hears(lobby(), node="south") == []
    centre.passes(WRITE_EVERY)
    assert centre.kept() == {}
    south = MemoryEdge(centre.books, "south")
    south.join()
    (feed,) = centre.passes(WRITE_EVERY)
    assert isinstance(feed, FeedDevice)
    assert feed.node == "south"
    assert set(centre.kept()) == {Place("south", "lobby")}
    with centre.books.write() as tx:
        nodes.set_state(tx, "south", "parked", "test")


def test_books_that_cannot_be_written_are_told_of(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Monitors hear of a full disk as long as nothing can be written, and no longer."""

    def full(*_: object) -> None:
        raise OperationalError("UPDATE", None, OSError("database or disk is full"))

    fleet = centre.mind.fleet
    centre.hears(lobby())
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(devices, "put", full)
        (alert,) = centre.passes(WRITE_EVERY)
    assert isinstance(alert, FeedAlert)
    assert alert.note.code == "books"
    assert [said for said in troubles(fleet, online=True) if "cannot be written" in said]
    centre.passes(WRITE_EVERY)
    assert troubles(fleet, online=True) == []
    assert centre.kept() == {PLACE: lobby()}


def test_a_device_that_is_gone_is_forgotten(centre: Centre) -> None:
    """An empty retained message takes it out of the books, and makes room for another."""
    centre.hears(lobby())
    centre.passes(WRITE_EVERY)
    assert centre.hears(b"") == []
    centre.passes(WRITE_EVERY)
    assert centre.kept() == {}
    assert centre.hears(b"") == []


def test_nonsense_is_told_of_and_kept_nowhere(centre: Centre) -> None:
    """Unreadable states, and one that speaks of another device, raise an alert."""
    (alert,) = centre.hears(b"{}")
    assert isinstance(alert, FeedAlert)
    centre.now += 100
    payload = encode(lobby(device="cellar"), source="north", id_=uuid7(NOW, bytes(10)), now=NOW)
    (alert,) = centre.hears(payload)
    assert isinstance(alert, FeedAlert)
    assert "cellar is told of at the place of lobby" in alert.note.detail
    centre.passes(WRITE_EVERY)
    assert centre.kept() == {}


def test_a_node_that_tells_of_too_many_is_bounded(centre: Centre) -> None:
    """It has its first devices, an alert is raised, and memory does not grow."""
    said = [centre.hears(lobby(device=f"d{n}")) for n in range(MOST + 2)]
    assert [type(each[0]) for each in said if each][-1] is FeedAlert
    centre.passes(WRITE_EVERY)
    assert len(centre.kept()) == MOST
    boxes = Mailboxes()
    for n in range(MOST_STATES + 5):
        topic = topics.DEVICE.of(node="north", device=f"d{n % 3}")
        assert boxes.put(Mail("north", topic, b"x" * n))
    assert len(boxes) == 3
    assert sorted(len(mail.payload) for mail in boxes.take()) == [2002, 2003, 2004]


@pytest.mark.parametrize(
    ("told", "entered", "node", "name"),
    [
        ("Lobby", None, "north", "Lobby"),  # by its edge
        ("Lobby", "Front hall", "north", "Front hall"),  # the directory wins
        ("Lobby", "", "north", "Lobby"),  # it has no name there
        ("Lobby", "lobby", "north", "Lobby"),  # nor is its id one
        ("Lobby", "Front hall", "south", "Lobby"),  # that one stands elsewhere
        ("", None, "north", "lobby"),  # nobody calls it anything
        (None, "Front hall", "north", "Front hall"),  # it has not told anything yet
    ],
)
def test_some_devices_are_called_as_in_the_list_of_all(
    told: str | None, entered: str | None, node: str, name: str
) -> None:
    """Who asks for some names gets those that lists show."""
    with open_books().write() as tx:
        if told is not None:
            devices.put(tx, {PLACE: lobby(name=told)})
        if entered is not None:
            row = PrinterRow(device="lobby", node=node, name=entered)
            directory.put(tx, "printer", "lobby", row)
        assert devices.names(tx)[PLACE].name == name
        nobody = Place("west", "unheard-of")
        assert devices.names_of(tx, {PLACE, nobody}) == {PLACE: name, nobody: "unheard-of"}


async def test_the_read_interface_lists_devices(tmp_path: Path) -> None:
    """State, supplies, alerts and today's pages, a page at a time."""
    lab = fill(tmp_path)
    centre = Centre(lab.books)
    centre.hears(lobby(troubles=(JAM,)), lobby(device="cellar", name="Cellar", answers=False))
    centre.passes(WRITE_EVERY)
    async with caller(app_of(lab)) as client:
        first = await read(client, "devices", limit=1)
        second = await read(client, "devices", after=str(first["next"]))
    (cellar,), rest = first["items"], second["items"]
    lobby_ = next(each for each in rest if each["device"] == "lobby")
    assert (cellar["device"], cellar["answers"], cellar["alerts"]) == ("cellar", False, [])
    assert lobby_["alerts"][0]["code"] == "jam"
    assert lobby_["supplies"][0]["level"] == 40
    assert lobby_["meters"] == [{"name": "total", "unit": "impressions", "value": 1000}]
    lab.books.close()


def test_pages_today_are_those_since_the_last_day_ended() -> None:
    """By the machine's own meters, of whatever service."""
    site = Site(open_books())
    source = "snmp:prtMarkerLifeCount"
    site.say(reading(0, *meters(total=1000, source=source), continues=False))
    centre = Centre(site.books)
    centre.hears(lobby(device=DEVICE, meters=(Meter(name="total", value=1012, source=source),)))
    centre.passes(WRITE_EVERY)
    with site.books.read() as tx:
        (found,) = device_list.every(tx)
    assert found.pages_today == 12
