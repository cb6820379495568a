"""What a pop-up's windows show: plain values and sentences in the person's language; pure.

Names of documents come from whoever printed them. They are made harmless here: one line, no control
or direction characters; and windows show them as plain text.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from config.policy.money import Money
from terminal_bridge.popup import sentences

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from broker.messages import AccountAmount
    from broker.messages.terminals import (
        BalanceAnswer,
        WalletHere,
    )
    from terminal_bridge.popup.rows import JobRow
    from terminal_bridge.popup.states import Desk, Note, Question
    from terminal_bridge.words import Words

Tone: TypeAlias = Literal["good", "waiting", "trouble", "unknown"]

#: Jobs in the window; a list beyond it says how many more there are.
SHOWN: Final = 50
_NAME: Final = 80
_TEXT: Final = 400
_REASONS: Final = 4
#: Unicode categories of what is not to be seen, or turns the writing round.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})
#: What programs that show notes might take for markup.
_ENTITY: Final = re.compile(r"&(?=#?\w+;)")


@dataclass(frozen=True, slots=True)
class BalanceLine:
    """One account."""

    label: str
    amount: str
    elsewhere: str = ""
    """The site's own words on where the rest is."""


@dataclass(frozen=True, slots=True)
class JobLine:
    """One job that waits."""

    job: UUID
    name: str
    detail: str
    """Pages, colour, when."""
    price: str
    remark: str
    """What has to be known before it is printed; often nothing."""
    tone: Tone
    can_release: bool


@dataclass(frozen=True, slots=True)
class NoteLine:
    """One thing that happened."""

    time: str
    title: str
    text: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class QuestionView:
    """What has to be decided on one job."""

    job: UUID
    title: str
    name: str
    text: str
    """What a rule asks, in its own words."""
    facts: tuple[tuple[str, str], ...]
    """Label and value: pages, cost, changes."""
    reasons: tuple[str, ...]
    """How the cost came to be."""
    printers: tuple[tuple[str, str], ...]
    """Where it can be printed: id and name; empty: there is no choice."""
    printer: str
    accounts: tuple[tuple[str, str], ...]
    """What can be charged: key (empty: the person's own) and name; empty: no choice."""
    account: str
    ready: bool
    """It can be answered now."""
    busy: str
    """What is being done; empty: nothing."""
    trouble: str
    """Why the last answer did not do it."""
    until: float | None
    """Seconds on the shell's clock when it closes; None: not by itself."""
    more: str
    """How many wait behind it."""


@dataclass(frozen=True, slots=True)
class View:
    """Everything."""

    language: str
    person: str
    tone: Tone
    status: str
    detail: str
    balances: tuple[BalanceLine, ...]
    jobs: tuple[JobLine, ...]
    more: str
    """How many jobs are not shown."""
    empty: str
    """What stands where jobs will be; empty: there are some."""
    notes: tuple[NoteLine, ...]
    """The newest first."""
    question: QuestionView | None
    tip: str
    """One line for the tray's icon."""
    online: bool
    """Jobs can be released and thrown away now."""


def view_of(desk: Desk, words: Words, *, now: float, clock: datetime) -> View:
    """Return what is shown.

    Args:
        desk: what is known.
        words: the person's language.
        now: seconds, on the shell's clock.
        clock: the same moment, in the place's time.
    """
    tone, status, detail = sentences.status(desk, words, clock)
    jobs = tuple(desk.jobs.values())
    rest = len(jobs) - SHOWN
    balances = tuple(_balances(desk.balance, words))
    online = desk.here and desk.who is not None
    say = words.gettext
    return View(
        language=words.language,
        person=line(desk.who.display if desk.who else "", _NAME),
        tone=tone,
        status=status,
        detail=line(detail, _TEXT),
        balances=balances,
        jobs=tuple(_job(each, words, clock) for each in jobs[:SHOWN]),
        more=words.ngettext("%(num)s more job", "%(num)s more jobs", rest) % {"num": rest}
        if rest > 0
        else "",
        empty=""
        if jobs
        else say("What you print to a queue of this site waits here until you release it.")
        if online
        else say("Your jobs show up here as soon as your site can be reached."),
        notes=tuple(note_line(each, words, now=now, clock=clock) for each in reversed(desk.notes)),
        question=_question(desk, desk.questions[0], words) if desk.questions else None,
        tip=harmless(" · ".join(filter(None, (_first(balances), status)))),
        online=online,
    )


def note_line(note: Note, words: Words, *, now: float, clock: datetime) -> NoteLine:
    """Say one thing that happened."""
    tone, title, text = sentences.note(note, words)
    when = clock - timedelta(seconds=max(0.0, now - note.at))
    return NoteLine(words.clock(when, clock), line(title, 2 * _NAME), line(text, _TEXT), tone)


def line(text: str, most: int) -> str:
    """Return a text on one line, of what can be seen, at most so long."""
    seen = "".join(" " if unicodedata.category(each) in _UNSEEN else each for each in text)
    whole = " ".join(seen.split())
    return whole if len(whole) <= most else f"{whole[: most - 1]}…"


def harmless(text: str) -> str:
    """Return a text without what the desktop's own notes or tips might take for markup."""
    return _ENTITY.sub("＆", text.replace("<", "‹").replace(">", "›"))  # noqa: RUF001  meant


# ── parts ───────────────────────────────────────────────────────────────────────────────────


def _balances(balance: BalanceAnswer | None, words: Words) -> Iterable[BalanceLine]:
    seen: set[str] = set()
    lists = () if balance is None else (*balance.lists, balance.choices)
    for wallet in (each for one in lists for each in one):
        if wallet.account in seen:
            continue
        seen.add(wallet.account)
        amount = sentences.wallet(wallet, words)
        yield BalanceLine(_account(wallet, words), amount, line(wallet.elsewhere or "", _TEXT))


def _first(balances: tuple[BalanceLine, ...]) -> str:
    return balances[0].amount if balances else ""


def _account(wallet: WalletHere, words: Words) -> str:
    return line(sentences.account(wallet.account, words), _NAME)


def _job(row: JobRow, words: Words, clock: datetime) -> JobLine:
    outlook = row.outlook
    tone, remark = sentences.remark(row, words)
    priced = outlook is not None and outlook.price is not None
    return JobLine(
        job=row.job,
        name=line(row.name, _NAME) or words.gettext("Document without a name"),
        detail=sentences.job(row, words, clock),
        price=_price(outlook.price or (), words) if outlook is not None and priced else "",
        remark=line(remark, _TEXT),
        tone=tone,
        can_release=row.phase == "held",
    )


def _price(amounts: tuple[AccountAmount, ...], words: Words) -> str:
    return words.moneys(Money(each.micros, each.unit) for each in amounts)


def _question(desk: Desk, question: Question, words: Words) -> QuestionView:
    say, quote = words.gettext, question.quote
    waiting = len(desk.questions) - 1
    online = desk.here and desk.who is not None
    able = quote is None or quote.allowed or quote.question is not None
    trouble = sentences.trouble(question, words)
    if quote is not None and not able:
        trouble = trouble or sentences.refused(quote.reason or "", quote.refusal or "", words)
    return QuestionView(
        job=question.job,
        title=say("A question before this is printed") if question.asked else say("Print this?"),
        name=line(question.name, _NAME) or say("Document without a name"),
        text=line(question.text, _TEXT),
        facts=tuple(_facts(question, words)),
        reasons=tuple(line(each.text, _TEXT) for each in quote.because[-_REASONS:])
        if quote and not quote.price
        else (),
        printers=_printers(desk),
        printer=question.printer or "",
        accounts=_accounts(desk, words),
        account=question.account or "",
        ready=online and not question.busy and question.printer is not None and able,
        busy=sentences.busy(question.busy, words),
        trouble=line(trouble, _TEXT),
        until=question.until,
        more=words.ngettext(
            "%(num)s more question waits", "%(num)s more questions wait", waiting
        ) % {"num": waiting}
        if waiting
        else "",
    )  # fmt: skip


def _facts(question: Question, words: Words) -> Iterable[tuple[str, str]]:
    say, quote, row = words.gettext, question.quote, question.row
    impressions = quote.impressions if quote and quote.impressions is not None else None
    if impressions is None and row is not None:
        impressions = row.impressions
    colored = quote.color_impressions if quote else row.color_impressions if row else None
    sheets = quote.sheets if quote else row.sheets if row else None
    if impressions is not None:
        yield say("Pages"), sentences.pages(impressions, colored, sheets, words)
    if quote is None:
        yield say("Cost"), say("being looked up …") if not question.trouble else say("not known")
    elif quote.price or quote.allowed:
        yield say("Cost"), _price(quote.price, words)
    if quote is not None and quote.conversions:
        changes = ", ".join(
            sentences.conversion(key, value, words) for key, value in quote.conversions.items()
        )
        yield say("Will be printed"), line(changes, _TEXT)


def _printers(desk: Desk) -> tuple[tuple[str, str], ...]:
    here = desk.site.printers if desk.site is not None else ()
    return tuple((each.printer, line(each.name, _NAME)) for each in here)


def _accounts(desk: Desk, words: Words) -> tuple[tuple[str, str], ...]:
    choices = desk.balance.choices if desk.balance is not None else ()
    named = [
        (each.account, f"{_account(each, words)} · {sentences.wallet(each, words)}")
        for each in choices
        if each.enabled
    ]
    return (("", words.gettext("My own money")), *named) if named else ()
