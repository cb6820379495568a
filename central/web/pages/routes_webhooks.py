"""Other programs that are told what happens: which, whether it arrives, and what went wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from central.acts import webhooks as acts
from central.rights import Right
from central.store import webhooks
from central.store.ledger import Refused
from central.store.webhooks import Message, Wanted
from central.web.export import Kind
from central.web.pages import addresses, lists, sentences
from central.web.pages.lists import Cell, Column, Filter, ListOf, Query, Rows
from central.web.pages.sentences import mark
from central.web.pages.table import Nav, Page
from central.web.pages.views import Chip, Choice, Empty, Notice
from central.webhooks import signing
from central.webhooks.addresses import target_of
from central.webhooks.filling import AHEAD
from central.webhooks.kinds import KINDS, TEST
from config.policy.money import Money

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.responses import Response

    from central.store.books import Transaction
    from central.store.webhooks import Subscription
    from central.web.pages.forms import Wrong
    from central.web.pages.lists import ListView
    from central.web.pages.table import Endpoint
    from central.web.pages.views import Tone
    from central.web.pages.visit import Visit


#: What each kind of event is, for people.
WORDS: Final = {
    "job.held": mark("A job waits at a site"),
    "job.refused": mark("A job may not be printed"),
    "job.released": mark("A job or a copy was begun"),
    "job.settled": mark("A job was printed and counted"),
    "job.canceled": mark("A job was thrown away"),
    "job.flagged": mark("Somebody should look at a job"),
    "money.booked": mark("Money went from one account to another"),
    "alert.raised": mark("A trouble is told of"),
    "alert.cleared": mark("A trouble is over"),
    "node.linked": mark("A node is heard again"),
    "node.cut_off": mark("A node is heard no more"),
    "refund.asked": mark("Somebody asks for money back"),
    "refund.settled": mark("Such a request was settled"),
    TEST: mark("A try"),
}
_STATES: Final[dict[str, tuple[Tone, str]]] = {
    "waiting": ("waiting", mark("waits")),
    "arrived": ("good", mark("arrived")),
    "left-out": ("unknown", mark("left out")),
}


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is told."""

    name: str
    url: str
    events: tuple[str, ...]
    above: str
    """Money from this amount on only; empty: all."""
    people: bool
    state: Chip
    why: str
    """What is wrong; empty: nothing."""
    next_at: datetime | None
    waiting: int
    more: bool
    """More than that waits in the books."""
    arrived_at: datetime | None
    paused: bool
    stuck: bool
    """The message in front did not arrive."""


@dataclass(frozen=True, slots=True)
class Told:
    """The page."""

    programs: tuple[Program, ...]
    troubled: int
    """That are not told at present."""
    list: ListView
    empty: Empty
    events: tuple[Choice, ...]
    name: str = ""
    url: str = ""
    above: str = ""
    people: bool = False
    wrong: Wrong = field(default_factory=dict)
    sends: bool = True
    """False: the settings say that nothing is sent."""


@dataclass(frozen=True, slots=True)
class Once:
    """A secret that is shown once."""

    name: str
    secret: str
    rotated: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A message in the list."""

    message: Message
    program: str


# ── the list of messages ────────────────────────────────────────────────────────────────────


def _read(tx: Transaction, query: Query) -> Rows[Row]:
    called = {each.n: each.name for each in webhooks.every(tx)}
    n = None
    if wanted := query.filters.get("program"):
        n = next((number for number, name in called.items() if name == wanted), -1)
    found = webhooks.last(
        tx,
        n=n,
        before=addresses.before(query.after),
        limit=query.limit + 1,
        troubled=bool(query.filters.get("trouble")),
    )
    shown = found[: query.limit]
    rows = tuple(Row(each, called.get(each.webhook, "")) for each in shown)
    return Rows(rows, str(shown[-1].n) if len(found) > query.limit else "")


def _event(visit: Visit, kind: str) -> str:
    return visit.say(WORDS[kind]) if kind in WORDS else kind


def _state(visit: Visit, state: str) -> Chip:
    tone, word = _STATES[state]
    return Chip(tone, visit.say(word))


def _came_of_it(visit: Visit, one: Message) -> Cell:
    tries = visit.say_of("tried once", "tried %(num)s times", one.tries)
    took = "" if one.took is None else f"{visit.words.number(one.took)} ms"
    note = ", ".join(part for part in (tries if one.tries > 1 else "", took) if part)
    return Cell("" if one.status is None else str(one.status), note)


_COLUMNS: Final = (
    Column[Row](
        "at",
        mark("When"),
        lambda row, visit: Cell(when=visit.local(row.message.made_at)),
        lambda row: row.message.made_at,
        Kind.MOMENT,
    ),
    Column[Row](
        "program", mark("Program"), lambda row, _: Cell(row.program), lambda row: row.program
    ),
    Column[Row](
        "event",
        mark("What it tells"),
        lambda row, visit: Cell(_event(visit, row.message.kind), row.message.kind),
        lambda row: row.message.kind,
    ),
    Column[Row](
        "state",
        mark("State"),
        lambda row, visit: Cell(chip=_state(visit, row.message.state)),
        lambda row: row.message.state,
    ),
    Column[Row](
        "status",
        mark("Answer"),
        lambda row, visit: _came_of_it(visit, row.message),
        lambda row: row.message.status,
        Kind.NUMBER,
        number=True,
    ),
    Column[Row](
        "trouble",
        mark("What went wrong"),
        lambda row, _: Cell(row.message.trouble),
        lambda row: row.message.trouble,
        wide=True,
    ),
    Column[Row](
        "id",
        mark("Id of the message"),
        lambda row, _: Cell(row.message.id),
        lambda row: row.message.id,
        wide=True,
    ),
)

LIST: Final = ListOf(
    "webhook-messages",
    _COLUMNS,
    _read,
    Right.CHANGE_SETTINGS,
    filters=(
        Filter("program", mark("Program")),
        Filter("trouble", mark("Only with trouble"), "switch"),
    ),
)


# ── the page ────────────────────────────────────────────────────────────────────────────────


async def show(visit: Visit) -> Response:
    """Show who is told, and what came of it lately."""
    if (fetched := lists.file(visit, LIST)) is not None:
        return fetched
    return await _shown(visit, {})


async def _shown(visit: Visit, wrong: Wrong, status: int = 200) -> Response:
    query = lists.query_of(visit, LIST)

    def look(tx: Transaction) -> tuple[tuple[Program, ...], Rows[Row]]:
        programs = tuple(_program(tx, visit, each) for each in webhooks.every(tx))
        return programs, _read(tx, query)

    programs, rows = await visit.read(look)
    form = visit.form
    chosen = form.every("events")
    nothing = Empty(
        "waiting",
        visit.say(mark("Nothing was told yet")),
        visit.say(mark("Each message stands here, with what was answered and what went wrong.")),
    )
    view = Told(
        programs,
        sum(each.paused or each.stuck for each in programs),
        lists.shown(visit, LIST, query, rows, empty=nothing),
        Empty(
            "next",
            visit.say(mark("No program is told what happens")),
            visit.say(
                mark(
                    "An accounting system, a chat, a monitor: each can be told of jobs, money, "
                    "troubles and requests the moment they are in the books."
                )
            ),
            command="printmesh central webhook add erp https://… --event job.settled",
        ),
        tuple(Choice(each, visit.say(WORDS[each]), chosen=each in chosen) for each in KINDS),
        form.text("name", 32),
        form.text("url", 2000),
        form.text("above", 40),
        form.ticked("people"),
        wrong,
        visit.centre.settings.webhooks.enabled,
    )
    return visit.page("webhooks.html", view, status=status)


def _program(tx: Transaction, visit: Visit, one: Subscription) -> Program:
    target = target_of(one.wanted.url, plain=True)
    waiting = webhooks.waits(tx, one.n)
    front = webhooks.waiting(tx, one.n, 1)
    stuck = one.failures > 0 and bool(front)
    paused = one.state == "paused"
    if paused:
        chip = Chip("trouble", visit.say(mark("paused")))
    elif stuck:
        chip = Chip("waiting", visit.say(mark("tried again")))
    else:
        chip = Chip("good", visit.say(mark("told")))
    least = one.wanted.above
    currency = visit.centre.settings.currency
    return Program(
        one.name,
        target if isinstance(target, str) else target.shown,
        tuple(_event(visit, each) for each in one.wanted.kinds),
        "" if least is None else visit.words.money(Money(least, currency)),
        one.wanted.people,
        chip,
        one.why if paused else (front[0].trouble if stuck else ""),
        None if one.next_at is None or paused else visit.local(one.next_at),
        waiting,
        waiting >= AHEAD,
        None if one.arrived_at is None else visit.local(one.arrived_at),
        paused,
        stuck,
    )


# ── acts ────────────────────────────────────────────────────────────────────────────────────


async def add(visit: Visit) -> Response:
    """Enter a program; its secret is on the answer and nowhere else."""
    form, by, wrong = visit.form, visit.by, dict[str, str]()
    settings = visit.centre.settings
    kinds = acts.kinds_of(form.every("events"))
    if isinstance(kinds, Refused):
        wrong["events"] = visit.say(mark("Choose one kind of event at least."))
    above = None
    if form.text("above", 40):
        money = form.money("above", settings.currency, visit.words)
        if money is None or money.micros <= 0:
            wrong["above"] = visit.say(mark("That is no amount."))
        else:
            above = money.micros
    if wrong or isinstance(kinds, Refused):
        return await _shown(visit, wrong, 422)
    name, url = form.text("name", 32), form.text("url", 2000)
    wanted = Wanted(name, url, kinds, above, form.ticked("people"))
    secret = signing.new_secret(visit.centre.dice)
    plain = bool(settings.webhooks.allow_private)
    done = await visit.write(
        lambda tx: acts.add(tx, by, wanted, secret, visit.centre.sealer, plain=plain)
    )
    if isinstance(done, Refused):
        return await _shown(visit, {"url": done.reason}, 422)
    return visit.page("webhook-made.html", Once(name, secret, rotated=False))


async def rotate(visit: Visit) -> Response:
    """Sign with another secret, shown once; the old one signs as well for a day."""
    by, name = visit.by, visit.form.text("name", 32)
    secret = signing.new_secret(visit.centre.dice)

    def act(tx: Transaction) -> Subscription | Refused:
        return acts.rotate(tx, by, name, secret, visit.centre.sealer, until=tx.now + acts.BOTH)

    done = await visit.write(act)
    if isinstance(done, Refused):
        return _back(visit, done, "")
    return visit.page("webhook-made.html", Once(name, secret, rotated=True))


async def try_out(visit: Visit) -> Response:
    """Send a message that tells nothing."""
    by, name = visit.by, visit.form.text("name", 32)
    done = await visit.write(lambda tx: acts.try_out(tx, by, name))
    return _back(visit, done, mark("It is sent; what comes of it stands below in a moment."))


async def pause(visit: Visit) -> Response:
    """Tell a program nothing for now."""
    by, name = visit.by, visit.form.text("name", 32)
    done = await visit.write(lambda tx: acts.pause(tx, by, name))
    return _back(visit, done, mark("It is paused; what happens waits for it."))


async def resume(visit: Visit) -> Response:
    """Go on; from where it stopped, past one message, or from now."""
    by, name, how = visit.by, visit.form.text("name", 32), visit.form.text("how", 20)
    done = await visit.write(
        lambda tx: acts.resume(tx, by, name, skip=how == "skip", from_now=how == "from-now")
    )
    refused = done if isinstance(done, Refused) else None
    return _back(visit, refused, mark("It is told again."))


async def remove(visit: Visit) -> Response:
    """Tell a program nothing more."""
    by, name = visit.by, visit.form.text("name", 32)
    done = await visit.write(lambda tx: acts.remove(tx, by, name))
    return _back(visit, done, mark("It is told nothing more."))


def _back(visit: Visit, refused: Refused | None, good: str) -> Response:
    if refused is not None:
        return visit.go("/webhooks", Notice("trouble", visit.say(sentences.SORRY), refused.reason))
    return visit.go("/webhooks", visit.told("good", good))


def _post(path: str, endpoint: Endpoint) -> Page:
    return Page(path, endpoint, Right.CHANGE_SETTINGS, methods=("POST",))


PAGES: Final = (
    Page("/webhooks", show, Right.CHANGE_SETTINGS, nav=Nav(mark("Webhooks"), "plug", 830)),
    _post("/webhooks/add", add),
    _post("/webhooks/rotate", rotate),
    _post("/webhooks/try", try_out),
    _post("/webhooks/pause", pause),
    _post("/webhooks/resume", resume),
    _post("/webhooks/remove", remove),
)
