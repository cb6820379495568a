"""What a route is: a line that says its method, address, right, shapes and an example."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from inspect import cleandoc
from typing import TYPE_CHECKING, Annotated, Any, Final, Generic, Literal, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from central.rights import SITES_RIGHTS, Right
from central.sealing import Sealer
from central.web.paging import TEXT, Asked
from central.web.problems import NotFound
from config.policy.money import MICROS_BOUND, Money, Unit
from config.settings_directory_services import GuestSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from central.acts.by import By
    from central.store.books import Books, Transaction
    from central.store.ledger import Refused
    from central.web.reading import Caller
    from config.settings import CentralSettings
    from config.settings_directory_services import LdapSettings

B = TypeVar("B")
Q = TypeVar("Q")

AtLength: TypeAlias = "Callable[[Books, Call[Any, Any]], BaseModel | Refused]"
Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]


class NoRight(TypeError):
    """A route does not say what it needs."""


# ── shapes that many routes share ───────────────────────────────────────────────────────────


class Given(BaseModel):
    """What every body shares: nothing is in it that is not known here, a sentence per field."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


#: A line of text without the character that PostgreSQL cannot keep.
Line = Annotated[str, StringConstraints(max_length=255, pattern=TEXT)]
#: Words that people read.
Words = Annotated[str, StringConstraints(max_length=1000, pattern=TEXT)]
#: Words that must be there.
Reason = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=TEXT)]
UserName = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=TEXT)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=130, pattern=TEXT)]


class Sum(Given):
    """An amount in one unit."""

    micros: Annotated[int, Field(strict=True, ge=-MICROS_BOUND, le=MICROS_BOUND)]
    """Millionths of the unit."""
    unit: Unit
    """ISO 4217 code, or `page`."""

    @property
    def money(self) -> Money:
        """The amount."""
        return Money(self.micros, self.unit)


class Positive(Sum):
    """An amount above nothing."""

    micros: Annotated[int, Field(strict=True, gt=0, le=MICROS_BOUND)]
    """Millionths of the unit."""


class Why(Given):
    """A reason."""

    reason: Reason
    """Why; it is kept with the act."""


#: Bytes of a body, unless a route takes more: rules are the longest there is.
BODY_MOST: Final = 256 * 1024


# ── routes ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Desk:
    """What acts need beside the books."""

    credentials: Path | None = None
    """The broker's file of secrets; None: acts that write it are refused."""
    guests: GuestSettings = field(default_factory=GuestSettings)
    """Whether there are guests, and for how long."""
    services: tuple[LdapSettings, ...] = ()
    """Directory services that people come from."""
    sealer: Sealer | None = None
    """Knows marks of codes and hides secrets; None: acts that need it are refused."""
    private_webhooks: bool = False
    """Whether webhooks may go to machines of the house, also by `http://`."""
    zone: tzinfo = UTC
    """The organisation's, for what is printed."""
    dice: Callable[[int], bytes] = os.urandom
    """Randomness."""

    @classmethod
    def of(cls, settings: CentralSettings, dice: Callable[[int], bytes] = os.urandom) -> Desk:
        """Return what the settings say."""
        secret = (settings.web.secret or settings.broker.secret).get_secret_value()
        return cls(
            settings.credentials,
            settings.guests,
            tuple(settings.ldap),
            Sealer(secret, dice),
            bool(settings.webhooks.allow_private),
            ZoneInfo(settings.zone),
            dice,
        )


@dataclass(frozen=True, slots=True)
class Call(Generic[B, Q]):
    """One request, understood."""

    caller: Caller
    right: Right
    """Which the route needs; the caller has it, at some site at least."""
    by: By
    path: Mapping[str, Any]
    """Parts of the address."""
    body: B
    asked: Q
    """Parameters of the address."""
    desk: Desk
    ready: Any = None
    """What `before` made."""

    @property
    def sites(self) -> frozenset[str] | None:
        """The sites that the caller reaches with the route's right; None: all."""
        return self.caller.scope.sites_of(self.right)

    def reaches(self, site: str, right: Right | None = None) -> bool:
        """Say whether the caller has the route's right, or another one, at a site."""
        return self.caller.scope.may(right or self.right, site)

    def check(self, site: str, missing: str) -> None:
        """Go on only with the right at a site; who has none is not told that there is one.

        Raises:
            NotFound: with the words for what is not there.
        """
        if not self.reaches(site):
            raise NotFound(missing)


@dataclass(frozen=True, slots=True)
class Example:
    """One request and its answer, for the document; a test holds them against the shapes."""

    answer: Mapping[str, Any] | None = None
    body: Mapping[str, Any] | None = None
    asked: Mapping[str, str] = field(default_factory=dict)


def _nothing(_tx: Transaction, _call: Call[Any, Any]) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One thing that can be asked."""

    method: Method
    path: str
    """Below `/api/v1`; parts in braces are those of `PARTS`."""
    right: Right
    do: Callable[[Transaction, Call[Any, Any]], BaseModel | Refused | None] = _nothing
    """In the transaction; its docstring is the document's. None: there is nothing to tell (204)."""
    at_length: AtLength | None = None
    """Instead of `do`: what is too long for one transaction, in several; one such at a time."""
    gives: type[BaseModel] | None = None
    takes: type[BaseModel] | None = None
    asks: type[Asked] = Asked
    status: int = 200
    example: Example = Example()
    reads: bool = False
    """A POST that changes nothing."""
    tries: bool = False
    """A POST that is carried out and undone: it holds the books as acts do, and leaves nothing."""
    before: Callable[[Call[Any, Any]], object] | None = None
    """What takes long and needs no books, such as hashing; a Refused ends it."""
    body_most: int = BODY_MOST
    """Bytes of a body."""
    row: Callable[[Transaction, Call[Any, Any]], BaseModel] | None = None
    """What is changed, as it is now: If-Match is held against its ETag."""
    state_wanted: bool = False
    """If-Match has to be given."""
    tagged: bool = False
    """The answer has an ETag, with which it can be changed."""
    names: bool = False
    """What is sent names things that may not be there."""

    def __post_init__(self) -> None:
        """Refuse a line that says too little.

        Raises:
            NoRight: no right, or one that only pages know.
            TypeError: nothing to do, or twice.
        """
        if not isinstance(self.right, Right) or self.right in {Right.OWN, Right.STAFF}:
            raise NoRight(f"{self.method} {self.path} does not say which right it needs")
        if (self.do is _nothing) is (self.at_length is None):
            raise TypeError(f"{self.method} {self.path} does nothing, or two things")

    @property
    def says(self) -> str:
        """What the document says of it."""
        return cleandoc((self.at_length or self.do).__doc__ or "")

    @property
    def writes(self) -> bool:
        """Whether it changes the books."""
        return self.method != "GET" and not (self.reads or self.tries)

    @property
    def parts(self) -> Sequence[str]:
        """Names of the parts that vary."""
        return [
            each[1:-1].removesuffix(":path") for each in self.path.split("/") if each[:1] == "{"
        ]

    @property
    def documented_path(self) -> str:
        """The address as the document has it."""
        return self.path.replace(":path}", "}")

    @property
    def at_sites(self) -> bool:
        """Whether the right counts site by site."""
        return self.right in SITES_RIGHTS


def act(
    path: str,
    right: Right,
    do: Callable[[Transaction, Call[Any, Any]], BaseModel | Refused | None],
    example: Example,
    *,
    takes: type[BaseModel] | None = None,
    gives: type[BaseModel] | None = None,
) -> Route:
    """Return the line of an act with a name of its own, at the end of its address."""
    return Route(
        method="POST", path=path, right=right, do=do, takes=takes, gives=gives, example=example
    )
