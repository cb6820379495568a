"""The decision on a job: allowed at a price, denied for a reason, or an answer is needed first.

Silence denies: without a known person, a price, and accounts that cover it, nothing is printed.
Rules come after what stands in the way anyhow, and before the price: it is of what is printed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, assert_never

from config.policy.accounts import Account, Charge, Short, cover
from config.policy.conditions import Case
from config.policy.money import PAGE
from config.policy.paying import (
    Unpayable,
    demands,
    in_line,
    lines_of_charges,
    lines_of_price,
    price_in_pages,
    price_of,
    purse_of,
    uncounted,
)
from config.policy.pricing import Adjustment, NoPrice, Priced
from config.policy.reasons import Conversion, Line, Reason, bounded
from config.policy.rules import (
    Place,
    PointOfPrint,
    Ruled,
    RuleSet,
    Stopped,
    UnreadableRules,
    apply,
)
from config.policy.views import Document, Person, PolicyView, ReleaseRequest, Uncounted

if TYPE_CHECKING:
    from config.ids import AccountKey
    from config.policy.conditions import Purse
    from config.policy.jobs import Figures
    from config.policy.paying import Accounts

__all__ = [
    "Account", "Adjustment", "Allowed", "Ask", "Charge", "Conversion", "Decision", "Denied",
    "Document", "Line", "Person", "PointOfPrint", "PolicyView", "Reason", "ReleaseRequest",
    "RuleSet", "Short", "Uncounted", "UnreadableRules", "decide", "explain",
]  # fmt: skip

#: What may be answered to a rule that wants to be confirmed.
YES_OR_NO = ("yes", "no")
#: Printers named in a sentence; more are counted.
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Allowed:
    """Print it, after holding these charges."""

    price: Priced
    """As converted; in `page` where nobody pays money for it."""
    charges: tuple[Charge, ...]
    """None for a free job. Those of each list sum to what that list has to pay."""
    conversions: tuple[Conversion, ...] = ()
    """To be made before it is printed."""
    printer: str = ""
    """Where; a rule may have chosen another than was asked for."""
    redirected_from: str | None = None
    """The printer that was asked for, when a rule chose another."""
    figures: Figures | None = None
    """What it puts on paper as converted: from here on what was planned."""
    adjustments: tuple[Adjustment, ...] = ()
    """What rules did to the price; settlement does the same to its own."""
    tags: tuple[str, ...] = ()
    """Marks of the job."""
    because: tuple[Line, ...] = ()
    """Why, line by line."""
    rules_version: int = 0
    """The rules it was decided by; 0: none."""


@dataclass(frozen=True, slots=True)
class Denied:
    """Do not print it; it stays held."""

    reason: Reason
    detail: str
    """A sentence for people, with figures."""
    short: Short | None = None
    """With `account-limit-reached`: what is missing where, so that it may be fetched."""
    because: tuple[Line, ...] = ()
    """Why, line by line; the last one is the refusal."""
    rules_version: int = 0
    """The rules it was decided by; 0: none."""
    able: tuple[str, ...] = ()
    """With `printer-cannot`: printers of the site that can, by device id."""


@dataclass(frozen=True, slots=True)
class Ask:
    """The person has to answer first; nothing is charged until then."""

    question: str
    """A sentence for people."""
    choices: tuple[str, ...]
    """What may be answered, at least two."""
    because: tuple[Line, ...] = ()
    """What it would come to, line by line."""
    rules_version: int = 0
    """The rules it was decided by; 0: none."""


Decision = Allowed | Denied | Ask


def decide(request: ReleaseRequest, view: PolicyView) -> Decision:
    """Decide on one release; the first obstacle met is the one told, the person's own first.

    Raises:
        ValueError: a rule asks for the time, and the view has none.
    """
    decision = _decide(request, view)
    version = view.rules.version if isinstance(view.rules, RuleSet) else 0
    because = decision.because
    if isinstance(decision, Denied) and not any(each.code == "refused" for each in because):
        because = (*because, Line("refused", decision.detail))
    return replace(decision, because=bounded(because), rules_version=version)


def explain(decision: Decision) -> list[str]:
    """Say for people, line by line, why a decision is what it is."""
    match decision:
        case Allowed(price=price, printer=printer):
            head = f"allowed at {printer}, {price.total}" if printer else f"allowed, {price.total}"
        case Denied(reason=reason):
            head = f"refused, {reason}"
        case Ask(question=question, choices=choices):
            head = f"asks first: {question} ({' or '.join(choices)})"
        case _:
            assert_never(decision)
    version = f" (rules {decision.rules_version})" if decision.rules_version else ""
    return [head + version, *map(str, decision.because)]


def _decide(request: ReleaseRequest, view: PolicyView) -> Decision:
    figures, person = request.figures, view.person
    if isinstance(figures, Uncounted):
        return Denied(figures.reason, figures.detail)
    who = _who(request.user, person)
    if isinstance(who, Denied):
        return who
    if not figures.impressions:
        detail = "none of the pages asked for are in the document"
        return Denied(Reason.NOTHING_TO_PRINT, detail)
    if not view.printer_known:
        return Denied(Reason.PRINTER_UNKNOWN, f"there is no printer {request.printer!r} here")
    lists = _chosen(request.account, who)
    if isinstance(lists, Denied):
        return lists
    return _rule_and_pay(request, view, _case(request, figures, who, view, lists), lists)


def _rule_and_pay(
    request: ReleaseRequest, view: PolicyView, case: Case, lists: tuple[Accounts, ...]
) -> Decision:
    ruled = _rule(view, case)
    if isinstance(ruled, Denied):
        return ruled
    unable = _unable(view, ruled)
    if unable is not None:
        return unable
    if ruled.charge is not None:
        lists = _instead(ruled.charge, lists)
    return _pay(request, view, ruled, lists)


def _who(user: str | None, person: Person | None) -> Person | Denied:
    if user is None:
        return Denied(Reason.NO_IDENTITY, "the job does not say whose it is")
    if person is None:
        return Denied(Reason.NO_IDENTITY, f"{user!r} is not known here")
    if not person.enabled:
        return Denied(Reason.ACCOUNT_AUTHORIZATION_FAILED, f"{person.name!r} may not print")
    return person


def _chosen(account: AccountKey | None, person: Person) -> tuple[Accounts, ...] | Denied:
    """Return the lists that pay, the first replaced by the account the person wants."""
    lists = person.lists
    if account is None:
        return lists
    if account in person.choices or any(account in each for each in lists[:1]):
        return _instead(account, lists)
    detail = f"{person.name!r} may not charge the account {account}"
    return Denied(Reason.ACCOUNT_AUTHORIZATION_FAILED, detail)


def _instead(account: AccountKey, lists: tuple[Accounts, ...]) -> tuple[Accounts, ...]:
    """Let one account pay instead of the first list; a list that says the same pays once."""
    return tuple(dict.fromkeys(((account,), *lists[1:])))


def _case(
    request: ReleaseRequest,
    figures: Figures,
    person: Person,
    view: PolicyView,
    lists: tuple[Accounts, ...],
) -> Case:
    """Put together what the conditions of rules look at."""
    attributes, document = request.attributes, request.document
    here = view.printers.get(request.printer, PointOfPrint())
    # an older record does not know its document: reckoned so that no page is missed
    reckoned = figures.impressions // attributes.copies * attributes.number_up
    known_format = document.document_format if document else None
    return Case(
        user=person.name,
        groups=person.groups,
        queue=request.queue,
        printer=request.printer,
        tags=here.tags,
        service=request.service,
        attributes=attributes,
        figures=figures,
        pages=document.pages if document else reckoned,
        document_format=known_format or attributes.document_format,
        name=attributes.job_name,
        purse=_purse(lists[0] if lists else (), view),
        now=view.now,
        zone=view.zone,
    )


def _purse(keys: Accounts, view: PolicyView) -> Purse:
    return purse_of(keys, view.accounts, view.balances, view.available)


def _rule(view: PolicyView, case: Case) -> Ruled | Denied:
    """Let the rules convert, redirect and price the job, or deny it."""
    match view.rules:
        case None:
            return Ruled(case)
        case UnreadableRules(detail=detail):
            return Denied(Reason.RULES_UNREADABLE, f"the rules cannot be read here: {detail}")
        case RuleSet() as rules:
            place = Place(view.printers, view.tariff, lambda account: _purse((account,), view))
            ruled = apply(rules, case, place)
            if isinstance(ruled, Stopped):
                refused = Line("refused", ruled.message, ruled.rule)
                because = (*ruled.lines, refused)
                return Denied(Reason.DENIED_BY_RULE, ruled.message, because=because)
            return ruled
    assert_never(view.rules)


def _unable(view: PolicyView, ruled: Ruled) -> Denied | None:
    """Say that the printer cannot print what the rules left, and who can; None when it can."""
    figures, device = ruled.case.figures, ruled.case.printer
    here = view.printers.get(device, PointOfPrint())
    lacks = here.lacks(figures)
    if not lacks:
        return None
    able = tuple(each for each, point in view.printers.items() if point.able(figures))
    names = [view.printers[each].name or each for each in able[:_NAMED]]
    more = [f"{len(able) - len(names)} more"] if len(able) > len(names) else []
    others = f"{' and '.join([', '.join(names), *more])} can" if able else "no printer here can"
    detail = f"{here.name or device} {' and '.join(lacks)}; {others}"
    return Denied(Reason.PRINTER_CANNOT, detail, because=ruled.lines, able=able)


def _pay(
    request: ReleaseRequest, view: PolicyView, ruled: Ruled, lists: tuple[Accounts, ...]
) -> Decision:
    """Price the job as converted, and ask every list for it."""
    case, adjustments = ruled.case, ruled.adjustments
    priced = _priced(view, ruled, lists)
    if isinstance(priced, NoPrice):
        return Denied(Reason.NO_PRICE, priced.detail, because=ruled.lines)
    payers = in_line(lists, view.accounts)
    if isinstance(payers, Unpayable):
        return Denied(payers.reason, payers.detail, because=ruled.lines)
    because = (*ruled.lines, *lines_of_price(priced, payers, adjustments))
    asked = uncounted(payers, case.figures) or demands(payers, case.figures, priced, adjustments)
    if isinstance(asked, Unpayable):
        return Denied(asked.reason, asked.detail, because=because)
    answer = cover(asked, view.available, view.past)
    if isinstance(answer, Short):
        return Denied(Reason.ACCOUNT_LIMIT_REACHED, _told(answer), answer, because)
    because = (*because, *lines_of_charges(payers, answer.charges))
    if ruled.questions and not request.confirmed:
        question = " ".join(text for _, text in ruled.questions)
        return Ask(question, YES_OR_NO, because)
    return Allowed(
        price=priced,
        charges=answer.charges,
        conversions=ruled.conversions,
        printer=case.printer,
        redirected_from=ruled.redirected_from,
        figures=case.figures,
        adjustments=adjustments,
        tags=ruled.tags,
        because=because,
    )


def _priced(view: PolicyView, ruled: Ruled, lists: tuple[Accounts, ...]) -> Priced | NoPrice:
    """Return the price in money, or in pages where every list is known to pay pages."""
    case = ruled.case
    units = {view.accounts[key].unit for keys in lists for key in keys if key in view.accounts}
    if units == {PAGE}:
        return price_in_pages(case.figures, ruled.adjustments)
    if view.tariff is None:
        return NoPrice("no tariff is in force, so the price is not known")
    return price_of(view.tariff, case.service, case.figures, case.printer, ruled.adjustments)


def _told(short: Short) -> str:
    """Say in a sentence what is missing where."""
    of = f" for {short.counts} impressions" if short.counts != "impressions" else ""
    several = "account" if len(short.accounts) == 1 else "accounts"
    who = " and ".join(short.accounts) or short.account
    return f"costs {short.needed}{of}, here are {short.here} of the {several} {who}"
