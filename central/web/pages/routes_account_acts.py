"""What can be done to an account: each act with its consequence in numbers, undone by a new one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from starlette.exceptions import HTTPException

from central.acts import accounts as acts
from central.acts import money
from central.rights import Right
from central.store import account_list, ledger
from central.store.ledger import CENTRE, Refused
from central.web.pages import account_words, ledgers, sentences
from central.web.pages.routes_account import known
from central.web.pages.routes_accounts import NO_AMOUNT, overdraft_of, places_named
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Choice, Consequence, Notice
from config.policy.money import PAGE, Money

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from central.acts.accounts import Leaving
    from central.store.accounts import AccountRecord
    from central.store.books import Transaction
    from central.web.pages.forms import Wrong
    from central.web.pages.ledgers import Names
    from central.web.pages.visit import Visit
    from config.policy.accounts import Counts

Name: TypeAlias = Literal["correct", "freeze", "unfreeze", "close", "merge", "change"]

_CHANGED: Final = mark("Something else was booked on it meanwhile. Look again before you go on.")
_SAY_WHY: Final = mark("Say why; it is kept with the entry.")
_TYPED: Final = mark("Type the word as it is written.")


@dataclass(frozen=True, slots=True)
class Act:
    """One act."""

    title: str
    """As a question; marked, with `%(account)s`."""
    verb: str
    undo: str
    """Empty: it cannot be undone."""
    done: str
    """What is told when it is done."""
    danger: bool = False


ACTS: Final[Mapping[Name, Act]] = {
    "correct": Act(
        mark("Put the balance of %(account)s right?"),
        mark("Book the correction"),
        mark("It is undone by a correction the other way round; both stay in the books."),
        mark("The correction is booked."),
    ),
    "freeze": Act(
        mark("Freeze %(account)s?"),
        mark("Freeze it"),
        mark("It can be used again at any time."),
        mark("The account is frozen."),
    ),
    "unfreeze": Act(
        mark("Let %(account)s be used again?"),
        mark("Let it be used"),
        mark("It can be frozen again at any time."),
        mark("The account is in use again."),
    ),
    "close": Act(
        mark("Close %(account)s for good?"),
        mark("Close it"),
        "",
        mark("The account is closed."),
        danger=True,
    ),
    "merge": Act(
        mark("Make %(account)s part of another account?"),
        mark("Merge it"),
        "",
        mark("The account is part of the other one now."),
        danger=True,
    ),
    "change": Act(
        mark("Change how %(account)s works?"),
        mark("Change it"),
        mark("Each of these can be changed back."),
        mark("The account is changed."),
    ),
}


@dataclass(frozen=True, slots=True)
class ActPage:
    """The page that asks."""

    act: Name
    key: str
    consequence: Consequence
    unit: str
    seen: int
    """The newest entry when it was shown."""
    counts: tuple[Choice, ...]
    """What pages it may count; empty: it is money."""
    fields: Mapping[str, str]
    """As typed, or as it is."""
    unlimited: bool
    wrong: Wrong = field(default_factory=dict)


def _act(visit: Visit) -> Name:
    name = visit.path("act")
    for each in ACTS:
        if each == name:
            return each
    raise HTTPException(404, sentences.NO_PAGE)


def _numbers(
    visit: Visit, act: Name, record: AccountRecord, names: Names, places: dict[str, int]
) -> tuple[str, ...]:
    """Say in numbers what an act would come to."""
    unit = record.unit
    whole = visit.words.money(Money(sum(places.values()), unit))
    where = account_words.where(visit, names, places, unit)
    said = []
    if sum(1 for micros in places.values() if micros) > 1:
        said.append(visit.say(mark("It has %(sum)s: %(where)s."), sum=whole, where=where))
    elif where:
        said.append(visit.say(mark("It has %(where)s."), where=where))
    else:
        said.append(visit.say(mark("It has nothing.")))
    if act == "correct":
        here = visit.words.money(Money(max(0, places.get(CENTRE, 0)), unit))
        said.append(
            visit.say(mark("At most %(sum)s can be taken: what is at the centre."), sum=here)
        )
    return tuple(said)


def _members(visit: Visit, act: Name, leaving: Leaving | Refused) -> tuple[str, ...]:
    if isinstance(leaving, Refused):
        return ()
    said = []
    if leaving.members and act in {"freeze", "close", "merge"}:
        many = leaving.members
        said.append(
            visit.say_of("%(num)s person may choose it.", "%(num)s people may choose it.", many)
        )
    if act == "freeze":
        said.append(visit.say(mark("Nothing is charged to it or granted to it from then on.")))
    if leaving.waiting and act in {"close", "merge"}:
        said.append(
            visit.say_of(
                "What is at %(num)s site follows as it comes back.",
                "What is at %(num)s sites follows as it comes back.",
                len(leaving.waiting),
            )
        )
    return tuple(said)


async def ask(visit: Visit) -> Response:
    """Show what an act would come to."""
    return await _asked(visit, {}, 200)


async def _asked(visit: Visit, wrong: Wrong, status: int) -> Response:
    name, key, form = _act(visit), visit.path("key"), visit.form
    act = ACTS[name]

    def look(
        tx: Transaction,
    ) -> tuple[AccountRecord, Names, dict[str, int], Leaving | Refused, int]:
        record = known(tx, key)
        newest = account_list.entries(tx, key, limit=1)
        return (
            record,
            places_named(tx),
            ledger.places_of(tx, key, record.unit),
            acts.leaving(tx, key),
            newest[0].n if newest else 0,
        )

    record, names, places, leaving, newest = await visit.read(look)
    rules = record.rules
    consequence = Consequence(
        visit.say(act.title, account=rules.label or key),
        (*_numbers(visit, name, record, names, places), *_members(visit, name, leaving)),
        visit.say(act.verb),
        f"/accounts/act/{name}/{ledgers.address_of(key).removeprefix('/accounts/of/')}",
        visit.say(act.undo) if act.undo else "",
        key if act.danger else "",
        danger=act.danger,
    )
    posted = visit.request.method == "POST"
    is_now = {
        "label": rules.label,
        "overdraft": (
            visit.words.money_parts(Money(-rules.floor, record.unit)).number if rules.floor else ""
        ),
        "parent": rules.parent or "",
    }
    typed = ("amount", "reason", "to", "label", "overdraft", "parent")
    view = ActPage(
        name,
        key,
        consequence,
        record.unit,
        newest,
        tuple(
            Choice(each, visit.say(word), chosen=each == rules.counts)
            for each, word in account_words.COUNTS.items()
        )
        if record.unit == PAGE
        else (),
        {each: form.text(each, 300) if posted else is_now.get(each, "") for each in typed},
        form.ticked("unlimited") if posted else rules.unlimited,
        wrong,
    )
    return visit.page("money-account-act.html", view, status=status)


async def carry_out(visit: Visit) -> Response:
    """Do it."""
    name, key, form = _act(visit), visit.path("key"), visit.form
    record = await visit.read(lambda tx: known(tx, key))
    wrong: Wrong = {}
    if ACTS[name].danger and form.text("typed", 200) != key:
        wrong["typed"] = visit.say(_TYPED)
    if name not in {"unfreeze", "change"} and not form.text("reason", 300):
        wrong["reason"] = visit.say(_SAY_WHY)
    amount = Money(0, record.unit)
    if name == "correct":
        amount = form.money("amount", record.unit, visit.words) or amount
        if not amount.micros:
            example = visit.words.money_parts(Money(-500_000, record.unit)).number
            wrong["amount"] = visit.say(NO_AMOUNT, example=example)
    floor = overdraft_of(visit, record.unit, wrong) if name == "change" else 0
    if wrong:
        return await _asked(visit, wrong, 422)
    refused = await visit.write(lambda tx: _do(tx, visit, name, record, amount, floor))
    if refused is not None:
        beside = {"correct": "amount", "close": "to", "merge": "to", "change": "overdraft"}
        return await _asked(visit, {beside.get(name, "reason"): refused.reason}, 422)
    return visit.go(ledgers.address_of(key), Notice("good", visit.say(ACTS[name].done)))


def _do(
    tx: Transaction, visit: Visit, name: Name, record: AccountRecord, amount: Money, floor: int
) -> Refused | None:
    form, by, key = visit.form, visit.by, record.key
    reason, to = form.text("reason", 300), form.text("to", 200)
    done: object
    match name:
        case "correct":
            newest = account_list.entries(tx, key, limit=1)
            if form.text("seen", 20) != str(newest[0].n if newest else 0):
                return Refused(visit.say(_CHANGED))
            done = money.correct(tx, by, key, amount, reason=reason)
        case "freeze":
            done = acts.freeze(tx, by, key, reason=reason)
        case "unfreeze":
            done = acts.unfreeze(tx, by, key, reason=reason)
        case "close":
            done = acts.close(tx, by, key, to=to or None, reason=reason)
        case "merge":
            done = acts.merge(tx, by, key, to, reason=reason)
        case "change":
            rules = replace(
                record.rules,
                label=form.text("label", 200),
                floor=floor,
                parent=form.text("parent", 200) or None,
                unlimited=form.ticked("unlimited"),
                counts=_counts(form.text("counts", 20), record.rules.counts),
            )
            done = acts.change_account(tx, by, key, rules)
    return done if isinstance(done, Refused) else None


def _counts(text: str, before: Counts) -> Counts:
    found: dict[str, Counts] = {
        "impressions": "impressions",
        "color": "color",
        "monochrome": "monochrome",
    }
    return found.get(text, before)


PAGES: Final = (
    Page("/accounts/act/{act}/{key:path}", ask, Right.CHANGE_ACCOUNTS),
    Page("/accounts/act/{act}/{key:path}", carry_out, Right.CHANGE_ACCOUNTS, methods=("POST",)),
)
