"""What each page shows, as the templates are given it: plain values, nothing to be computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from config.policy.money import Money

#: How a notice is meant: its shape and its word change with it, not its colour alone.
Tone: TypeAlias = Literal["good", "waiting", "trouble", "unknown"]
#: How a job stands.
JobStands: TypeAlias = Literal["held", "printing", "done", "trouble"]
#: How a copy stands.
CopyStands: TypeAlias = Literal["ready", "beginning", "copying", "stopping", "settled", "refused"]


# ── what every page has ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence about what just happened."""

    tone: Tone
    text: str
    """In the reader's language."""
    detail: str = ""
    """The site's own words, in the language its rules are written in; often nothing."""


@dataclass(frozen=True, slots=True)
class Site:
    """The place, and the state of its line."""

    name: str
    """Empty: not known yet."""
    line: Literal["linked", "alone", "out", "gone"]
    """`gone`: this terminal cannot reach its site."""
    since: datetime | None = None
    """In the place's own time."""
    waiting: int = 0
    """Events the centre does not have yet."""
    reason: str = ""
    """Why it is out of service."""


@dataclass(frozen=True, slots=True)
class Guest:
    """Who is signed in."""

    display: str
    operator: bool
    provisional: bool
    """By a card that the centre has not confirmed: a small allowance."""
    balance: Money | None = None
    """What the first wallet has here; None: unlimited or no account."""
    elsewhere: str = ""
    """Where the rest is, as far as the site knows, in the reader's language."""


@dataclass(frozen=True, slots=True)
class Shell:
    """What stands around each page."""

    base: str
    """Path that every address of this terminal begins with, such as `/library-2`."""
    terminal: str
    """Its id."""
    printer: str
    """What people call the machine it stands beside."""
    site: Site
    language: str
    """ISO 639-1."""
    languages: tuple[str, ...]
    screen: bool
    """This is the screen at the machine; False: a phone or somebody's computer."""
    token: str
    """Goes into each form as `token`, so that no other site can send it."""
    idle: int
    """Signed off after so many seconds without a touch."""
    live: str
    """Names the state this page was made of; empty: nothing happens to it, it need not listen."""
    guest: Guest | None = None
    notice: Notice | None = None
    copies: bool = False
    """Copies can be made here now."""
    now: datetime | None = None
    """In the place's own time."""
    theme: Literal["", "light", "dark"] = ""
    """Chosen in this browser; empty: as its system."""


# ── pages ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SignIn:
    """Nobody is signed in: `sign-in.html`."""

    ways: tuple[Literal["card", "pin", "password"], ...]
    user: str = ""
    """As typed before; a wrong PIN does not cost the name."""
    pin_for_card: bool = False
    """A card was read, and its PIN is wanted beside it."""
    phone: str = ""
    """SVG of a QR code that leads a phone here; empty: none."""
    phone_address: str = ""
    """The same to be typed."""
    looking: bool = False
    """A card is being looked up."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What a job would come to."""

    price: tuple[Money, ...] = ()
    """For each account that pays; nothing: free."""
    short: Money | None = None
    """What is missing here."""
    question: str = ""
    """To be answered first, a sentence of the site's rules."""
    refusal: str = ""
    """Why it would be refused, in the reader's language."""
    detail: str = ""
    """The site's own words on that."""
    able: tuple[Machine, ...] = ()
    """Machines of the site that can, where this one cannot."""
    impressions: int | None = None
    sheets: int | None = None
    color: int | None = None
    changed: tuple[str, ...] = ()
    """What rules would change, each a phrase such as `black and white`."""
    because: tuple[str, ...] = ()
    """Why, line by line."""
    elsewhere: str = ""
    """The printer that would print it instead."""

    @property
    def unpriced(self) -> bool:
        """Nobody has said what it costs: that is not free."""
        return bool(self.question) and not self.price and self.impressions is None


@dataclass(frozen=True, slots=True)
class Machine:
    """A printer of the site."""

    id: str
    name: str
    color: bool = True
    two_sided: bool = True


@dataclass(frozen=True, slots=True)
class JobCard:
    """One job in the list."""

    id: str
    name: str
    """Of the document, as its sender called it: text, never markup."""
    received: datetime
    pages: int | None
    copies: int
    color: bool
    two_sided: bool
    state: JobStands
    figure: Figure
    picture: bool
    """A picture of its first page may be asked for."""
    owner: str = ""
    """Whose it is, where it is not the reader's own."""
    note: str = ""
    """How it stands, where it is not simply waiting."""


@dataclass(frozen=True, slots=True)
class Jobs:
    """The list: `jobs.html`."""

    jobs: tuple[JobCard, ...]
    more: bool
    """There are more than are shown."""
    total: tuple[Money, ...]
    """To release all that can be."""
    ready: int
    """How many can be, without a question."""
    whose: tuple[str, ...] = ()
    """Others whose jobs the reader may handle; `*` stands for everybody."""
    of: str = ""
    """Whose these are; empty: the reader's own."""
    first: tuple[JobCard, ...] = ()
    """Those that are drawn: the first few of many, or all."""
    all: bool = False
    """The reader wanted to see all of many."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One value that can be chosen."""

    value: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class JobPage:
    """One job, to be changed, released or deleted: `job.html`."""

    job: JobCard
    copies: int
    sides: tuple[Choice, ...]
    colors: tuple[Choice, ...]
    pages: str
    """Page ranges, such as `1-3, 7`; empty: all."""
    machines: tuple[Choice, ...]
    accounts: tuple[Choice, ...]
    """What may be charged; fewer than two: nothing to choose."""
    of: str = ""
    all: bool = False
    """The reader came from a list of all of many."""
    errors: Mapping[str, str] | None = None
    """By the name of the field."""
    confirm_delete: bool = False


@dataclass(frozen=True, slots=True)
class Wallet:
    """One account of a person."""

    name: str
    here: Money | None
    """None: unlimited, counted only."""
    elsewhere: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class Balance:
    """Money, and the code that brings some: `balance.html`."""

    wallets: tuple[Wallet, ...]
    choices: tuple[Wallet, ...]
    unknown: str = ""
    """Why none of it is known now; empty: it is."""
    code: str = ""
    """As typed before."""
    error: str = ""
    help: str = ""
    """SVG of a QR code to the page where a code is made; empty: none is set."""
    help_address: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """Copies: `copy.html`, and its live part `copy-live.html`."""

    state: CopyStands
    count: int = 0
    cost: tuple[Money, ...] = ()
    left: Money | None = None
    pages_left: int | None = None
    kinds: tuple[tuple[str, int], ...] = ()
    """What was copied, by kind."""
    text: str = ""
    accounts: tuple[Choice, ...] = ()
    question: str = ""


@dataclass(frozen=True, slots=True)
class NewCard:
    """Enter a new card: `card.html`."""

    state: Literal["proof", "waiting", "done", "refused"]
    """`proof`: sign in by PIN or password first."""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Hand:
    """Somebody who is signed in on their phone beside a screen: `hand.html`."""

    code: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Make a browser the screen of this terminal: `pair.html`."""

    error: str = ""
    done: bool = False


@dataclass(frozen=True, slots=True)
class Terminals:
    """The panels of this process: `terminals.html`, without a shell."""

    rows: tuple[tuple[str, str], ...]
    """Path and name."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be done: `problem.html`, without a shell."""

    status: int
    """HTTP's own, for the helpdesk."""
    text: str
    back: str
    """Path to go on from."""
