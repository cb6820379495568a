"""Pages as lines of tables: where each is, what it needs, what answers. None is without a right."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from central.rights import Right
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from starlette.responses import Response

    from central.web.pages.visit import Visit

Endpoint: TypeAlias = "Callable[[Visit], Awaitable[Response]]"

#: Octets of a form: more is nobody's typing.
BODY_MOST: Final = 65_536


class NoRight(PrintmeshError):
    """A page that says not what it needs, or stands where another one does: nothing is served."""


@dataclass(frozen=True, slots=True)
class Nav:
    """A page's place among the ways to go."""

    label: str
    """Marked for translators (`sentences.mark`); one or two words."""
    icon: str
    """Of `icons.html`."""
    order: int
    """From the top."""
    phone: bool = False
    """It stands in the bottom bar of a phone too; at most four of anybody's do."""


@dataclass(frozen=True, slots=True)
class Page:
    """One address, and what answers there."""

    path: str
    """Starlette's: `/people/{user}`."""
    endpoint: Endpoint
    right: Right
    """What whoever asks must have, at some site at least. What is shown or changed is checked
    again, as the object it is: `visit.check(right, site)`."""
    methods: tuple[str, ...] = ("GET",)
    """POST changes something: its form is checked for where it comes from, and for its token."""
    nav: Nav | None = None
    """None: it is reached from others."""
    half_way: bool = False
    """It is open to who has shown the password and not the second factor yet."""
    body_most: int = BODY_MOST
    """Octets of a body at most."""
    files: int = 0
    """Files of a form at most."""

    @property
    def section(self) -> str:
        """The first part of its path, which says where in the navigation one is."""
        return "/" + self.path.split("/")[1]


def checked(pages: Iterable[Page]) -> tuple[Page, ...]:
    """Return pages that may be served, in an order that no table has a say in.

    Raises:
        NoRight: one says not what it needs, or an address could mean two of them.
    """
    return _checked(tuple(pages))


@functools.lru_cache(maxsize=8)
def _checked(pages: tuple[Page, ...]) -> tuple[Page, ...]:
    """Compare each with each, once for a table: it is most of what making the pages takes."""
    known = sorted(dict.fromkeys(pages), key=lambda page: (_order(page.path), page.methods))
    for page in known:
        if not isinstance(page.right, Right):
            raise NoRight(f"the page {page.path} does not say which right it needs")
    for page, other in itertools.combinations(known, 2):
        shared = {*page.methods} & {*other.methods}
        if shared and _meet(page.path, other.path):
            raise NoRight(
                f"{page.path} and {other.path} both answer {min(shared)} at some address, so one "
                f"hides things of the other; a word that no thing is called begins with ~"
            )
    return tuple(known)


#: A part of a path that begins so is never what a thing is called: no hole takes it.
_NO_NAMES: Final = ("~", ":")


def _order(path: str) -> tuple[tuple[bool, str], ...]:
    """Words before holes: whoever looks from the top takes the first page that fits."""
    return tuple((_is_hole(each), each) for each in path.split("/"))


def _is_hole(part: str) -> bool:
    return part.startswith("{")


def _meet(one: str, two: str) -> bool:
    """Say whether some address is meant by both."""
    for first, second in itertools.zip_longest(one.split("/"), two.split("/")):
        if first is None or second is None:
            return False
        if first.endswith(":path}") or second.endswith(":path}"):
            # it takes all that follows
            return True
        words = [each for each in (first, second) if not _is_hole(each)]
        if len(words) == 1 and words[0].startswith(_NO_NAMES):
            return False
        if len({*words}) > 1:
            return False
    return True
