"""Changing a person: what is so of them, whether they may print, their name, taking them out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from central.acts import naming, people
from central.acts.people import Wishes
from central.rights import EVERYWHERE, Right
from central.store import cards, nodes, staff, wallets
from central.store.ledger import Refused
from central.store.lists import balances
from central.web.pages import people_words, sentences
from central.web.pages.people_words import address_of
from central.web.pages.routes_people import lines_of, wrong_fields
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Choice, Consequence, Notice
from config.policy.money import Money

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from broker.directory import UserRow
    from central.store.books import Transaction
    from central.store.person import Person
    from central.web.pages.forms import Wrong
    from central.web.pages.visit import Visit


@dataclass(frozen=True, slots=True)
class Changing:
    """The form."""

    name: str
    read: str
    base: str
    source: str
    """Who tells of them; empty: somebody here."""
    display: str
    email: str
    department: str
    groups: str
    until: str
    """Their last day, as fields of days have it."""
    delegates: str
    languages: tuple[Choice, ...]
    sites: tuple[Choice, ...]
    """At which they handle other people's jobs."""
    wrong: Wrong = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Naming:
    """The form for another name."""

    name: str
    base: str
    typed: str = ""
    wrong: Wrong = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Confirming:
    """What an act comes to."""

    consequence: Consequence
    base: str
    read: str


# ── what is so of them ──────────────────────────────────────────────────────────────────────


async def ask(visit: Visit) -> Response:
    """Show the form."""
    return visit.page("person-change.html", await visit.read(lambda tx: _form(tx, visit)))


def _form(tx: Transaction, visit: Visit) -> Changing:
    who, row = people_words.there(tx, visit)
    until = who.about.expires_at
    # the day that is over at midnight is the last one
    last = None if until is None else visit.local(until) - timedelta(seconds=1)
    told = who.about.source in {"local", "guest"}
    return Changing(
        who.name,
        who.read,
        address_of(who.name),
        "" if told else people_words.source_word(visit, who.about.source),
        who.display,
        who.about.email,
        who.about.department,
        "\n".join(who.groups),
        "" if last is None else last.date().isoformat(),
        "\n".join(row.delegates),
        _languages(visit, row.language),
        _sites(tx, visit, row.operates),
    )


def _languages(visit: Visit, chosen: str) -> tuple[Choice, ...]:
    any_ = Choice("", visit.say(mark("as the machine")), chosen=not chosen)
    offered = dict.fromkeys((*visit.centre.settings.web.languages, *filter(None, [chosen])))
    return (any_, *(Choice(each, each, chosen=each == chosen) for each in offered))


def _sites(tx: Transaction, visit: Visit, chosen: tuple[str, ...]) -> tuple[Choice, ...]:
    every = Choice(EVERYWHERE, visit.say(mark("all sites")), chosen=EVERYWHERE in chosen)
    edges = [each for each in nodes.every(tx) if each.kind == "edge"]
    return (
        every,
        *(Choice(each.id, each.site or each.id, chosen=each.id in chosen) for each in edges),
    )


async def change(visit: Visit) -> Response:
    """Change what was typed."""
    form, by = visit.form, visit.by
    shown = await visit.read(lambda tx: _form(tx, visit))
    wrong = wrong_fields(visit, shown.name, form.text("email", 400))
    until = _until(visit, form.text("until", 10), wrong, was=shown.until)
    operates = form.every("operates")
    wishes = Wishes(
        display=form.text("display", 300),
        email=form.text("email", 400),
        department=form.text("department", 300),
        groups=lines_of(form.text("groups", 20_000)),
        language=form.text("language", 2),
        delegates=lines_of(form.text("delegates", 20_000).lower()),
        operates=(EVERYWHERE,) if EVERYWHERE in operates else operates,
        expires_at=until,
        lasting=not form.text("until", 10),
    )

    def act(tx: Transaction) -> people.Changed | Refused:
        return people.change(tx, by, shown.name, wishes)

    done = None if wrong else await visit.write(act)
    if isinstance(done, people.Changed):
        said = mark("It is changed.") if done.fields else mark("Nothing is another than before.")
        return visit.go(shown.base, visit.told("good" if done.fields else "unknown", said))
    if isinstance(done, Refused):
        wrong[""] = done.reason
    kept = Changing(
        shown.name,
        shown.read,
        shown.base,
        shown.source,
        wishes.display or "",
        wishes.email or "",
        wishes.department or "",
        form.text("groups", 20_000),
        form.text("until", 10),
        form.text("delegates", 20_000),
        tuple(Choice(c.value, c.label, chosen=c.value == wishes.language) for c in shown.languages),
        tuple(Choice(c.value, c.label, chosen=c.value in operates) for c in shown.sites),
        wrong,
    )
    return visit.page("person-change.html", kept, status=422)


def _until(visit: Visit, text: str, wrong: Wrong, *, was: str) -> datetime | None:
    """Return when a last day is over; None: it is not told, or stays what it was."""
    if not text or text == was:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007  a day has no zone
        over = datetime.combine(day + timedelta(days=1), time(), visit.centre.zone)
    except (ValueError, OverflowError):
        wrong["until"] = visit.say(mark("This is no day."))
        return None
    if not visit.now < over < visit.now + timedelta(days=36_500):
        wrong["until"] = visit.say(mark("That day is over, or too far away."))
        return None
    return over


# ── whether they may print; whether they are there ──────────────────────────────────────────


def _not_me(visit: Visit, who: Person) -> None:
    if who.name == visit.name:
        # whoever shut themselves out could not open again
        raise HTTPException(404, sentences.NO_PAGE)


def _numbers(tx: Transaction, visit: Visit) -> tuple[Person, tuple[Money, ...], int, int]:
    """Return who it is, what they have, how many cards, and how many roles."""
    who, row = people_words.there(tx, visit)
    paying = (key for each in wallets.lists_of(row) for key in each)
    own = [key for key in paying if key.partition(":")[0] in people_words.OWN]
    sums: dict[str, int] = {}
    for parts in balances(tx, own).values():
        for part in parts:
            sums[part.unit] = sums.get(part.unit, 0) + part.micros
    money = tuple(Money(micros, unit) for unit, micros in sums.items() if micros)
    _not_me(visit, who)
    return who, money, len(cards.every(tx, who.name)), len(staff.grants(tx, who.name))


async def ask_disable(visit: Visit) -> Response:
    """Say what disabling somebody comes to."""
    who, money, held, roles = await visit.read(lambda tx: _numbers(tx, visit))
    numbers = [
        visit.say(mark("Nothing is printed or copied for them any more; waiting jobs stay held.")),
        visit.say_of("%(num)s card identifies nobody.", "%(num)s cards identify nobody.", held),
    ]
    if money:
        sum_ = visit.words.moneys(money)
        numbers.append(visit.say(mark("They keep %(sum)s; nothing is booked."), sum=sum_))
    if roles:
        numbers.append(visit.say(mark("They have a role here and cannot sign in any more.")))
    view = Consequence(
        visit.say(mark("Disable %(name)s?"), name=who.read),
        tuple(numbers),
        visit.say(mark("Disable them")),
        f"{address_of(who.name)}/disable",
        visit.say(mark("Enable them again, and all is as it was.")),
    )
    return visit.page("person-confirm.html", Confirming(view, address_of(who.name), who.read))


async def disable(visit: Visit) -> Response:
    """Disable somebody."""
    notice = visit.told("good", mark("They are disabled. Linked sites know it already."))
    return await _do(visit, lambda tx, who: people.disable(tx, visit.by, who.name), notice)


async def enable(visit: Visit) -> Response:
    """Let somebody print again."""
    notice = visit.told("good", mark("They may print again."))
    wishes = Wishes(enabled=True)
    return await _do(visit, lambda tx, who: people.change(tx, visit.by, who.name, wishes), notice)


async def _do(
    visit: Visit, act: Callable[[Transaction, Person], object], notice: Notice
) -> Response:
    def do(tx: Transaction) -> tuple[Person, object]:
        who, _ = people_words.there(tx, visit)
        _not_me(visit, who)
        return who, act(tx, who)

    who, done = await visit.write(do)
    if isinstance(done, Refused):
        notice = Notice("trouble", visit.say(sentences.SORRY), done.reason)
    return visit.go(address_of(who.name), notice)


async def ask_remove(visit: Visit) -> Response:
    """Say what taking somebody out comes to."""
    who, money, held, roles = await visit.read(lambda tx: _numbers(tx, visit))
    numbers = [
        visit.say(mark("No site knows them any more: nothing is printed or copied for them.")),
        visit.say_of("%(num)s card is forgotten.", "%(num)s cards are forgotten.", held),
    ]
    if money:
        sum_ = visit.words.moneys(money)
        said = mark("%(sum)s stays on their account, and nobody can spend it.")
        numbers.append(visit.say(said, sum=sum_))
    if roles:
        numbers.append(visit.say(mark("Their roles are taken away.")))
    view = Consequence(
        visit.say(mark("Take %(name)s out of the directory?"), name=who.read),
        tuple(numbers),
        visit.say(mark("Take them out")),
        f"{address_of(who.name)}/remove",
        visit.say(mark("Entered again under the same name they have their account again.")),
        type_=who.name,
    )
    return visit.page("person-confirm.html", Confirming(view, address_of(who.name), who.read))


async def remove(visit: Visit) -> Response:
    """Take somebody out."""
    typed = visit.form.text("typed", 200).lower()

    def act(tx: Transaction) -> tuple[Person, object]:
        who, _ = people_words.there(tx, visit)
        _not_me(visit, who)
        return who, people.remove(tx, visit.by, who.name) if typed == who.name else None

    who, done = await visit.write(act)
    if done is None:
        notice = visit.told("trouble", mark("The name was not typed as it is. Nothing is changed."))
        return visit.go(f"{address_of(who.name)}/remove", notice)
    if isinstance(done, Refused):
        notice = Notice("trouble", visit.say(sentences.SORRY), done.reason)
        return visit.go(address_of(who.name), notice)
    said = mark("%(name)s is taken out. Accounts and history stay.")
    return visit.go("/people", visit.told("good", said, name=who.read))


# ── another name ────────────────────────────────────────────────────────────────────────────


async def ask_name(visit: Visit) -> Response:
    """Ask for another user name."""
    who, _ = await visit.read(lambda tx: people_words.there(tx, visit))
    _not_me(visit, who)
    return visit.page("person-rename.html", Naming(who.name, address_of(who.name)))


async def rename(visit: Visit) -> Response:
    """Call somebody something else."""
    typed = visit.form.text("name", 200).lower()
    wrong: Wrong = {}
    if isinstance(naming.user_name(typed), Refused):
        wrong = wrong_fields(visit, typed, "")

    def act(tx: Transaction) -> tuple[Person, UserRow | Refused | None]:
        who, _ = people_words.there(tx, visit)
        _not_me(visit, who)
        return who, None if wrong else people.rename(tx, visit.by, who.name, typed)

    who, done = await visit.write(act)
    if isinstance(done, Refused):
        wrong["name"] = visit.say(mark("There is somebody of this name already."))
    if wrong or done is None or isinstance(done, Refused):
        view = Naming(who.name, address_of(who.name), typed, wrong)
        return visit.page("person-rename.html", view, status=422)
    notice = visit.told("good", mark("They are called %(name)s now."), name=done.name)
    return visit.go(address_of(done.name), notice)


PAGES: Final = (
    Page("/people/{user}/change", ask, Right.CHANGE_PEOPLE),
    Page("/people/{user}/change", change, Right.CHANGE_PEOPLE, methods=("POST",)),
    Page("/people/{user}/disable", ask_disable, Right.CHANGE_PEOPLE),
    Page("/people/{user}/disable", disable, Right.CHANGE_PEOPLE, methods=("POST",)),
    Page("/people/{user}/enable", enable, Right.CHANGE_PEOPLE, methods=("POST",)),
    Page("/people/{user}/remove", ask_remove, Right.CHANGE_PEOPLE),
    Page("/people/{user}/remove", remove, Right.CHANGE_PEOPLE, methods=("POST",)),
    Page("/people/{user}/rename", ask_name, Right.CHANGE_PEOPLE),
    Page("/people/{user}/rename", rename, Right.CHANGE_PEOPLE, methods=("POST",)),
)
