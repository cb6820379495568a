"""Guests: people for a time, let in at the desk where the settings allow them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from central import pins
from central.acts import guests
from central.rights import Right
from central.store.ledger import Refused
from central.web.pages import people_words, sentences
from central.web.pages.sentences import mark
from central.web.pages.table import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from central.acts.guests import Guest
    from central.store.books import Transaction
    from central.web.pages.forms import Wrong
    from central.web.pages.visit import Visit
    from config.settings_directory_services import GuestSettings


@dataclass(frozen=True, slots=True)
class Inviting:
    """The form."""

    display: str
    email: str
    until: str
    """Their last day, as fields of days have it."""
    longest: int
    """Days that a guest stays at most."""
    asking: bool = False
    """People may ask by themselves, and some may wait."""
    wrong: Wrong = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Invited:
    """What is handed over; shown once."""

    read: str
    name: str
    pin: str
    until: datetime
    base: str


def settings_of(visit: Visit) -> GuestSettings:
    """Return what is said of guests.

    Raises:
        HTTPException: 404, there are none.
    """
    found = visit.centre.settings.guests
    if not found.enabled:
        raise HTTPException(404, sentences.NO_PAGE)
    return found


async def ask(visit: Visit) -> Response:
    """Show the form."""
    settings = settings_of(visit)
    view = Inviting("", "", usual_day(visit, settings), settings.longest.days, settings.ask)
    return visit.page("people-guest.html", view)


async def invite(visit: Visit) -> Response:
    """Enter a guest, with a PIN by chance."""
    settings, form, by = settings_of(visit), visit.form, visit.by
    display, email, day = form.text("display", 255), form.text("email", 400), form.text("until", 10)
    until, why = last_day(visit, settings, day)
    wrong: Wrong = {"until": why} if why else {}
    pin = pins.new_pin(visit.centre.dice)
    phc = await visit.centre.passwords.hashed(pin) if not wrong else ""

    def act(tx: Transaction) -> Guest | Refused:
        return guests.invite(
            tx,
            by,
            settings,
            display=display,
            email=email,
            sponsor=visit.name,
            until=until,
            pin=phc,
            dice=visit.centre.dice,
        )

    done = None if wrong else await visit.write(act)
    if isinstance(done, Refused):
        wrong["email"] = done.reason
    if wrong or done is None or isinstance(done, Refused):
        view = Inviting(display, email, day, settings.longest.days, settings.ask, wrong)
        return visit.page("people-guest.html", view, status=422)
    return shown(visit, done, pin)


def usual_day(visit: Visit, settings: GuestSettings) -> str:
    """Return the last day of a guest of whom nobody says otherwise, as fields of days have it."""
    return visit.local(visit.now + settings.usual - timedelta(seconds=1)).date().isoformat()


def last_day(visit: Visit, settings: GuestSettings, day: str) -> tuple[datetime | None, str]:
    """Return when a guest is disabled whose last day was typed; or what is wrong with it."""
    try:
        last = datetime.strptime(day, "%Y-%m-%d").date()  # noqa: DTZ007  a day has no zone
        until = datetime.combine(last + timedelta(days=1), time(), visit.centre.zone)
    except (ValueError, OverflowError):
        return None, visit.say(mark("This is no day."))
    if not visit.now < until <= visit.now + settings.longest + timedelta(days=1):
        return None, visit.say(mark("That day is over, or too far away."))
    # the last day that is allowed is over when the longest stay is
    return min(until, visit.now + settings.longest), ""


def shown(visit: Visit, guest: Guest, pin: str) -> Response:
    """Show what is handed over to a guest."""
    row, base = guest.row, people_words.address_of(guest.row.name)
    made = Invited(row.display or row.name, row.name, pin, visit.local(guest.until), base)
    return visit.page("people-guest-made.html", made)


PAGES: Final = (
    Page("/people/:guest", ask, Right.HELP_PEOPLE),
    Page("/people/:guest", invite, Right.HELP_PEOPLE, methods=("POST",)),
)
