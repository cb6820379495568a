"""What happens to nodes and what acts on them would mean, in the reader's language."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from central.web.pages.fleet_views import ROLES
from central.web.pages.sentences import mark
from central.web.pages.views import Step
from config.policy.money import Money
from config.policy.roles import ROLES as TABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from central.acts.consequences import Consequence
    from central.store.node_day import Moment
    from central.store.nodes import NodeRecord
    from central.store.terms import Wish
    from central.web.pages.views import Tone
    from central.web.pages.visit import Visit
    from config.policy.money import Unit

NOTHING: Final = mark("nothing")
#: What was done to a node, as the audit keeps it → in words.
_ACTS: Final[Mapping[str, str]] = {
    "node add": mark("Entered"),
    "node set": mark("Called otherwise"),
    "node enrol": mark("A one-time code was made"),
    "node free": mark("Listened to again"),
    "node secret": mark("A new secret for the broker was made"),
    "node revoke": mark("The secret was taken away"),
    "node resync": mark("The whole directory is to be sent again"),
    "role": mark("Another role was wished"),
    "write-off": mark("Written off"),
    "fork resolve": mark("The fork is to be booked"),
}


# ── a day ───────────────────────────────────────────────────────────────────────────────────


def steps(visit: Visit, moments: Iterable[Moment]) -> tuple[Step, ...]:
    """Return moments of a node as a time line, the newest first."""
    found = [
        Step(visit.local(each.at), label, detail, tone)
        for each in moments
        for label, detail, tone in _step(visit, each)
    ]
    return tuple(reversed(found))


def _step(visit: Visit, each: Moment) -> Iterator[tuple[str, str, Tone]]:
    told = each.detail
    match each.what:
        case "born":
            yield visit.say(_PLAIN["born"][0]), str(told["software"]), "good"
        case "wished":
            said = visit.say(
                mark("Is to be %(role)s from its own word on"), role=_role(visit, told)
            )
            yield said, _face(told["author"]), "waiting"
        case "taken":
            yield (
                visit.say(mark("Said that it is %(role)s now"), role=_role(visit, told)),
                "",
                "good",
            )
        case "aside":
            yield (
                visit.say_of(
                    "%(num)s event was put aside and waits",
                    "%(num)s events were put aside and wait",
                    told["count"],
                ),
                "",
                "trouble",
            )
        case "read":
            yield (
                visit.say_of(
                    "The meter was read for the end of the day",
                    "%(num)s meters were read for the end of the day",
                    told["count"],
                ),
                visit.words.day(date.fromisoformat(told["day"])),
                "good",
            )
        case "act":
            if told["act"] != "role":  # its terms tell of it
                said = visit.say(_ACTS[told["act"]]) if told["act"] in _ACTS else told["act"]
                yield said, _face(told["author"]), "unknown"
        case _:
            sentence, tone = _PLAIN[told.get("kind", each.what)]
            yield visit.say(sentence), "", tone


#: Moments that are told by one sentence.
_PLAIN: Final[Mapping[str, tuple[str, Tone]]] = {
    "entered": (mark("Entered here"), "good"),
    "born": (mark("On line, and introduced itself"), "good"),
    "heard": (mark("Heard for the last time"), "waiting"),
    "fork": (mark("Its journal has forked"), "trouble"),
    "write-off": (mark("Its journal was written off"), "trouble"),
}


def _role(visit: Visit, told: Mapping[str, str]) -> str:
    return visit.say(ROLES.get(told["role"], told["role"]))


def _face(author: str) -> str:
    """Return who it was, without through which face."""
    return author.partition(":")[2] or author


# ── what an act would mean ──────────────────────────────────────────────────────────────────


def sums(visit: Visit, money: Mapping[Unit, int]) -> str:
    """Write sums of several units."""
    found = [Money(micros, unit) for unit, micros in sorted(money.items()) if micros]
    return visit.words.moneys(found) if found else visit.say(NOTHING)


def accounts(visit: Visit, told: Consequence) -> str:
    """Write how much of how many accounts sits at a node."""
    return visit.say_of(
        "%(sum)s of %(num)s account",
        "%(sum)s of %(num)s accounts",
        told.accounts,
        sum=sums(visit, told.money),
    )


def meant(visit: Visit, act: str, known: NodeRecord, told: Consequence) -> tuple[str, ...]:
    """Return what an act on a node would mean, each a sentence with its number.

    Args:
        visit: whose language.
        act: `write-off`, `enrol`, `free`, `secret`, `revoke`, `resync`.
        known: the node.
        told: as `consequences` found it.
    """
    return tuple(_MEANT[act](visit, known, told))


def _of_write_off(visit: Visit, known: NodeRecord, told: Consequence) -> Iterator[str]:
    if told.accounts:
        said = mark("%(what)s go back to people, paid by the house.")
        yield visit.say(said, what=accounts(visit, told))
    else:
        yield visit.say(mark("No money of people sits there."))
    yield visit.say_of(
        "%(num)s event that it had said it has is not here: lost if it never comes back.",
        "%(num)s events that it had said it has are not here: lost if it never comes back.",
        told.events,
    )
    yield visit.say(
        mark(
            "Under way there: %(running)s printing, %(held)s held. Nothing more is known of them."
        ),
        running=visit.words.number(told.running),
        held=visit.words.number(told.held),
    )
    yield visit.say(
        mark("%(node)s is given nothing any more; a new machine begins with a one-time code."),
        node=known.site,
    )


def _of_enrolment(visit: Visit, known: NodeRecord, told: Consequence) -> Iterator[str]:
    yield visit.say(
        mark("A code lets one new journal in, once. A code that was made before is void.")
    )
    if known.state != "active":
        yield visit.say(
            mark("It is not listened to now (%(why)s); it is from then on."), why=known.reason
        )
    if known.incarnation is not None:
        yield visit.say(
            mark("When the new journal comes, the old one is not spoken with any more.")
        )
    if told.accounts:
        yield visit.say(mark("%(what)s sit there."), what=accounts(visit, told))


def _of_freeing(visit: Visit, known: NodeRecord, told: Consequence) -> Iterator[str]:
    yield visit.say(mark("It is not listened to because: %(why)s"), why=known.reason)
    yield visit.say(
        mark("It is listened to at its next birth, and what is wrong with it shows again.")
    )
    if told.accounts:
        yield visit.say(mark("%(what)s sit there."), what=accounts(visit, told))


def _of_secret(visit: Visit, known: NodeRecord, told: Consequence) -> Iterator[str]:
    del told
    yield visit.say(
        mark("%(node)s cannot connect from its next connection on, until it has the new secret."),
        node=known.site,
    )
    if known.kind == "edge":
        yield visit.say(
            mark("The site goes on alone meanwhile, as its role lets it; nothing is lost.")
        )


def _of_revoking(visit: Visit, known: NodeRecord, told: Consequence) -> Iterator[str]:
    yield visit.say(
        mark("%(node)s cannot connect any more, until it is given a new secret."), node=known.site
    )
    if told.accounts:
        said = mark(
            "%(what)s sit there and stay there: a machine that goes on alone may still spend it. "
            "If it is lost, write it off too."
        )
        yield visit.say(said, what=accounts(visit, told))


def _of_resync(visit: Visit, known: NodeRecord, told: Consequence) -> Iterator[str]:
    del known, told
    yield visit.say(
        mark(
            "Every person, card, price and rule is sent again and put in place of what it has, at "
            "once."
        )
    )
    yield visit.say(mark("Money, jobs and streams are not touched."))


_MEANT: Final = {
    "write-off": _of_write_off,
    "enrol": _of_enrolment,
    "free": _of_freeing,
    "secret": _of_secret,
    "revoke": _of_revoking,
    "resync": _of_resync,
}


def of_role(visit: Visit, known: NodeRecord, wish: Wish, told: Consequence) -> tuple[str, ...]:
    """Return what another role, or other leave, would mean for a site."""
    return tuple(_of_role(visit, known, wish, told))


def _of_role(visit: Visit, known: NodeRecord, wish: Wish, told: Consequence) -> Iterator[str]:
    line, say = TABLE[wish.role], visit.say
    yield say(
        mark("Its role is %(now)s; it is to be %(then)s."),
        now=say(ROLES.get(known.role, known.role)),
        then=say(ROLES[wish.role]),
    )
    yield say(
        mark("Jobs wait for their owner there; terminals are served.")
        if line.holds
        else mark("Jobs print at once there; nothing is held for an owner, no terminal is served.")
    )
    yield say(
        mark("Rules decide and convert.")
        if line.rules
        else mark("No rules: jobs are counted and billed.")
    )
    yield say(
        mark("It goes on while the line is down.")
        if line.alone
        else mark("While the line is down it prints nothing: jobs stay held.")
    )
    if line.standing:
        yield say(mark("Money is parked there."))
    else:
        yield say(mark("No money is parked there: each job asks for its own."))
        if told.accounts:
            yield say(mark("%(what)s come back."), what=accounts(visit, told))
    yield from _leave(visit, wish)
    if wish.offline_seconds is not None:
        hours = visit.words.number(wish.offline_seconds // 3600)
        yield say(mark("After %(num)s h without the centre it releases nothing."), num=hours)
    if not line.holds and told.held:
        yield visit.say_of(
            "%(num)s job that waits there can still be released.",
            "%(num)s jobs that wait there can still be released.",
            told.held,
        )
    if told.running:
        yield visit.say_of(
            "The role is taken when %(num)s job under way is settled.",
            "The role is taken when %(num)s jobs under way are settled.",
            told.running,
        )


def _leave(visit: Visit, wish: Wish) -> Iterator[str]:
    line = TABLE[wish.role]
    if line.past_allocation == "never" or not wish.uncovered:
        yield visit.say(mark("Nothing is ever charged past what sits there."))
        return
    while_ = (
        mark("While it is cut off, charges may go past what sits there: up to %(sum)s outstanding.")
        if line.past_allocation == "alone"
        else mark("Charges may go past what sits there at any time: up to %(sum)s outstanding.")
    )
    for cap in wish.uncovered:
        if cap.site is None:
            yield visit.say(mark("Charges may go past what sits there without any limit."))
        else:
            yield visit.say(while_, sum=visit.words.money(Money(cap.site, cap.unit)))
        if cap.user is not None:
            said = mark("On one account up to %(sum)s.")
            yield visit.say(said, sum=visit.words.money(Money(cap.user, cap.unit)))
    yield visit.say(mark("That is exposure until it is collected."))
