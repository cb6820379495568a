"""The views of the pages, made of what the edge answered: pure, and kind to what is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from config.policy.money import Money
from terminal_bridge.panel import sentences
from terminal_bridge.panel.forms import number_of
from terminal_bridge.panel.sentences import mark
from terminal_bridge.panel.views import (
    Balance,
    Choice,
    Copy,
    Figure,
    JobCard,
    JobPage,
    Jobs,
    Machine,
    Site,
    Wallet,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import tzinfo

    from broker.messages.copies import CopyState
    from broker.messages.terminals import (
        BalanceAnswer,
        QuoteAnswer,
        SiteState,
        WalletHere,
    )
    from terminal_bridge.panel.views import CopyStands, JobStands
    from terminal_bridge.words import Words

_STATES: Final[Mapping[str, JobStands]] = {
    "releasing": "printing",
    "held": "held",
    "unreadable": "trouble",
    "disputed": "trouble",
}
_MONO: Final = "monochrome"
#: As MoneyAtSite names it.
_CENTRE: Final = "centre"
_ONE_SIDED: Final = "one-sided"
_SIDES: Final = ("one-sided", "two-sided-long-edge", "two-sided-short-edge")


def zone_of(site: SiteState | None) -> tzinfo:
    """Return the place's time zone; UTC where it is not known."""
    if site is None:
        return UTC
    try:
        return ZoneInfo(site.zone)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def site_view(site: SiteState | None, *, here: bool) -> Site:
    """Return how the place is.

    Args:
        site: its last word on itself.
        here: the edge can be asked.
    """
    if site is None or not here:
        return Site(site.site if site else "", "gone")
    since = site.since.astimezone(zone_of(site))
    if site.out_of_service:
        return Site(site.site, "out", since, site.waiting, site.out_of_service)
    return Site(site.site, "linked" if site.linked else "alone", since, site.waiting)


def machine_name(site: SiteState | None, printer: str) -> str:
    """Return what people call a printer; its id where the edge has not said."""
    printers = site.printers if site else ()
    return next((each.name for each in printers if each.printer == printer), printer)


def machines(site: SiteState | None, ids: Iterable[str]) -> tuple[Machine, ...]:
    """Return printers by their ids."""
    known = {each.printer: each for each in (site.printers if site else ())}
    return tuple(
        Machine(id_, known[id_].name, color=known[id_].color, two_sided=known[id_].two_sided)
        if id_ in known
        else Machine(id_, id_)
        for id_ in ids
    )


# ── jobs ────────────────────────────────────────────────────────────────────────────────────


def figure_of_row(words: Words, row: Mapping[str, Any], site: SiteState | None) -> Figure:
    """Return what a listed job would come to."""
    outlook = row.get("outlook") or {}
    reason, detail = outlook.get("reason") or "", outlook.get("refusal") or ""
    elsewhere = outlook.get("printer") if outlook.get("redirected_from") else None
    short = outlook.get("short")
    return Figure(
        price=_moneys(outlook.get("price")),
        short=Money(short["micros"], short["unit"]) if short else None,
        question=outlook.get("question") or "",
        refusal=sentences.refusal(words, reason) if detail else "",
        detail=detail,
        able=machines(site, outlook.get("able") or ()),
        impressions=outlook.get("impressions"),
        changed=_changed(words, outlook.get("conversions") or {}),
        elsewhere=machine_name(site, elsewhere) if elsewhere else "",
    )


def figure_of_quote(words: Words, quote: QuoteAnswer, site: SiteState | None) -> Figure:
    """Return what a changed job would come to."""
    return Figure(
        price=tuple(Money(each.micros, each.unit) for each in quote.price),
        short=Money(quote.short.micros, quote.short.unit) if quote.short else None,
        question=quote.question or "",
        refusal=sentences.refusal(words, quote.reason or "") if quote.refusal else "",
        detail=quote.refusal or "",
        able=machines(site, quote.able),
        impressions=quote.impressions,
        sheets=quote.sheets,
        color=quote.color_impressions,
        changed=_changed(words, quote.conversions),
        because=tuple(
            each.text + (f" ({each.rule})" if each.rule else "") for each in quote.because
        ),
    )


def job_card(words: Words, row: Mapping[str, Any], site: SiteState | None, reader: str) -> JobCard:
    """Return one job as it is listed.

    Args:
        words: of the reader's language.
        row: as the edge lists it.
        site: for the names of printers, and its time.
        reader: user name of who reads.
    """
    attributes, phase = row.get("attributes") or {}, str(row.get("phase") or "")
    wanted = dict(attributes) | (row.get("changed") or {})
    color = bool(row.get("color_impressions"))
    owner = str(row.get("user") or "")
    note = ""
    if row.get("problem"):
        note = sentences.refusal(words, "unreadable")
    elif phase == "disputed":
        note = words.gettext("Ask at the desk: what came of this job has to be looked at.")
    elif phase == "releasing":
        note = words.gettext("On its way to the printer.")
    return JobCard(
        id=str(row.get("job") or ""),
        name=str(row.get("name") or "") or words.gettext("Document without a name"),
        received=_moment(row.get("received_at"), site),
        pages=row.get("impressions") or row.get("pages"),
        copies=int(wanted.get("copies") or 1),
        color=color,
        two_sided=str(wanted.get("sides") or _ONE_SIDED) != _ONE_SIDED,
        state=_STATES.get(phase, "done"),
        figure=figure_of_row(words, row, site),
        picture=phase == "held",
        owner="" if owner.lower() == reader.lower() else owner,
        note=note,
    )


def with_figure(card: JobCard, figure: Figure) -> JobCard:
    """Return a job that would come to something else."""
    return replace(card, figure=figure)


def jobs_view(
    cards: tuple[JobCard, ...],
    *,
    more: bool,
    whose: tuple[str, ...] = (),
    of: str = "",
    first: int | None = None,
    all_: bool = False,
) -> Jobs:
    """Return the list.

    Args:
        cards: all that wait; totals are of these.
        more: there are more.
        whose: others whose jobs the reader may handle.
        of: whose these are.
        first: so many are drawn; None: all.
        all_: the reader wanted to see all of many.
    """
    ready = [card for card in cards if releasable(card)]
    total: dict[str, int] = {}
    for card in ready:
        for each in card.figure.price:
            total[each.unit] = total.get(each.unit, 0) + each.micros
    return Jobs(
        cards,
        more,
        tuple(Money(micros, unit) for unit, micros in total.items()),
        len(ready),
        whose,
        of,
        cards[:first],
        all_,
    )


def releasable(card: JobCard) -> bool:
    """Say whether a job would be printed as it is, without a question."""
    return card.state == "held" and not (card.figure.question or card.figure.refusal)


def job_page(
    words: Words,
    card: JobCard,
    row: Mapping[str, Any],
    asked: Mapping[str, str],
    *,
    site: SiteState | None,
    here: str,
    choices: Sequence[WalletHere] = (),
    of: str = "",
    all_: bool = False,
    errors: Mapping[str, str] | None = None,
    confirm_delete: bool = False,
) -> JobPage:
    """Return the page of one job.

    Args:
        words: of the reader's language.
        card: the job, with the figure of what is asked.
        row: as the edge lists it.
        asked: what is typed in the form.
        site: its printers.
        here: id of the machine the panel stands at.
        choices: what else may be charged.
        of: whose list the reader came from.
        all_: and that it showed all of many.
        errors: by field.
        confirm_delete: ask before it is thrown away.
    """
    was = row.get("attributes") or {}
    sides = asked.get("sides") or str(was.get("sides") or _ONE_SIDED)
    mode = asked.get("color") or ("mono" if was.get("print_color_mode") == _MONO else "as-is")
    machine = asked.get("machine") or here
    named = {
        "one-sided": words.gettext("one-sided"),
        "two-sided-long-edge": words.gettext("two-sided"),
        "two-sided-short-edge": words.gettext("two-sided, short edge"),
    }
    # what was made black and white on its way here has no colours left to give
    as_came = was.get("print_color_mode") != _MONO
    colors = [("mono", words.gettext("black and white"))]
    if as_came:
        colors.insert(0, ("as-is", words.gettext("as it is")))
    printers = [(each.printer, each.name) for each in (site.printers if site else ())]
    account = asked.get("account") or ""
    accounts = (
        Choice("", words.gettext("My own"), not account),
        *(
            Choice(each.account, account_name(each), each.account == account)
            for each in choices
            if each.enabled
        ),
    )
    copies = asked.get("copies") or ""
    return JobPage(
        job=card,
        copies=number_of(copies) or int(was.get("copies") or 1),
        sides=tuple(Choice(each, named[each], each == sides) for each in _SIDES),
        colors=tuple(Choice(value, label, value == mode) for value, label in colors),
        pages=asked.get("pages", str(was.get("page_ranges") or "")),
        machines=tuple(Choice(id_, name, id_ == machine) for id_, name in printers),
        accounts=accounts if len(accounts) > 1 else (),
        of=of,
        all=all_,
        errors=errors,
        confirm_delete=confirm_delete,
    )


# ── money ───────────────────────────────────────────────────────────────────────────────────


def account_name(wallet: WalletHere) -> str:
    """Return what people call an account."""
    return getattr(wallet, "label", "") or wallet.account.partition(":")[2] or wallet.account


def elsewhere_of(words: Words, wallet: WalletHere, site: SiteState | None) -> str:
    """Say where the rest of an account sits, and whether it can be fetched."""
    if wallet.unlimited or site is None:
        return ""
    known = []
    for place in wallet.places:
        centre = place.site == _CENTRE
        name = words.gettext(mark("the centre")) if centre else place.name or place.site
        sentence = mark("%(amount)s more at %(place)s")
        if site.linked and not (place.linked or centre):
            sentence = mark("%(amount)s more at %(place)s, which works alone")
        amount = words.money(Money(place.micros, wallet.unit))
        known.append(words.gettext(sentence) % {"amount": amount, "place": name})
    if site.linked:
        return " · ".join(known)
    # as the centre said last: where it is now nobody knows here
    alone = words.gettext(
        mark("What sits elsewhere cannot be fetched while this site works alone.")
    )
    return " · ".join((*known, alone))


def wallet_view(words: Words, wallet: WalletHere, site: SiteState | None) -> Wallet:
    """Return one account."""
    here = None if wallet.unlimited else Money(wallet.here, wallet.unit)
    elsewhere = elsewhere_of(words, wallet, site)
    return Wallet(account_name(wallet), here, elsewhere, wallet.enabled)


def balance_view(
    words: Words, answer: BalanceAnswer, site: SiteState | None, **more: str
) -> Balance:
    """Return the page of somebody's money."""
    wallets = [wallet_view(words, each, site) for some in answer.lists for each in some]
    choices = [wallet_view(words, each, site) for each in answer.choices]
    return Balance(tuple(wallets), tuple(choices), **more)


# ── copies ──────────────────────────────────────────────────────────────────────────────────


def copy_view(
    words: Words,
    state: CopyStands,
    copy: CopyState | None,
    text: str = "",
    *,
    accounts: tuple[Choice, ...] = (),
    question: str = "",
) -> Copy:
    """Return the page of copies.

    Args:
        words: of the reader's language.
        state: as `Copy.state`.
        copy: the edge's last word.
        text: why it stopped or is refused.
        accounts: what may be charged.
        question: to be answered first.
    """
    if copy is None:
        return Copy(state, text=text, accounts=accounts, question=question)
    counts = copy.counts.model_dump()
    kinds = tuple(
        (words.gettext(name), int(counts[kind]))
        for kind, name in sentences.KINDS.items()
        if counts[kind]
    )
    return Copy(
        state,
        count=copy.counts.total,
        cost=tuple(Money(each.micros, each.unit) for each in copy.cost),
        left=Money(copy.left, copy.unit),
        pages_left=copy.pages_left.monochrome,
        kinds=kinds,
        text=text or copy.text,
        accounts=accounts,
        question=question,
    )


# ── parts ───────────────────────────────────────────────────────────────────────────────────


def _moneys(amounts: Any) -> tuple[Money, ...]:  # noqa: ANN401  a list of the wire, or nothing
    return tuple(Money(each["micros"], each["unit"]) for each in amounts or ())


def _changed(words: Words, conversions: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sentences.change(words, name, value) for name, value in conversions.items())


def _moment(text: Any, site: SiteState | None) -> datetime:  # noqa: ANN401  a text of the wire
    try:
        moment = datetime.fromisoformat(str(text))
        return moment.astimezone(zone_of(site))
    except (ValueError, OverflowError):
        return datetime.fromtimestamp(0, zone_of(site))
