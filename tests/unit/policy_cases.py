"""Cases for tests of rules and decisions: Ana, her job, two printers, and prices in euros."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from config.policy.accounts import Account
from config.policy.actions import Then
from config.policy.conditions import Case, Purse, When
from config.policy.decisions import Document, Person, PolicyView, ReleaseRequest
from config.policy.jobs import ColorMode, Figures, JobAttributes, Sides, figures
from config.policy.money import Money
from config.policy.rules import Place, PointOfPrint, Rule, RuleSet
from config.policy.tariffs import Tariff, TariffLine

CENT = 10_000
EUR = 100 * CENT
#: A Wednesday, 11:00 in Madrid.
NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
TARIFF = Tariff(
    version=2,
    unit="EUR",
    effective_from=datetime(2026, 1, 1, tzinfo=UTC),
    lines=(
        TariffLine(color="monochrome", per_impression=5 * CENT),
        TariffLine(color="color", per_impression=20 * CENT),
        TariffLine(printer="copier", color="monochrome", per_impression=2 * CENT),
        TariffLine(printer="copier", color="color", per_impression=10 * CENT),
    ),
)
PRINTERS = {
    "desk": PointOfPrint(tags=("library",)),
    "copier": PointOfPrint(tags=("copier", "hall")),
}
NO_PURSE = Purse(None, 0)
PLACE = Place(PRINTERS, TARIFF, lambda _: Purse("EUR", 0))


def rule(name: str, /, then: dict[str, Any], **when: Any) -> Rule:  # noqa: ANN401  any condition
    """Make a rule of its conditions and actions."""
    return Rule(name=name, when=When.model_validate(when), then=Then.model_validate(then))


def rules(*each: Rule, version: int = 7) -> RuleSet:
    """Make a set."""
    return RuleSet(version=version, rules=each)


def case(pages: int = 10, colour: int = 0, **changes: Any) -> Case:  # noqa: ANN401  any field
    """Make what conditions see: a job of so many pages, the first ones in colour."""
    attributes = changes.pop("attributes", JobAttributes(job_name="Thesis.pdf"))
    made = Case(
        user="ana",
        groups=("students",),
        queue="pull",
        printer="desk",
        tags=("library",),
        service="print",
        attributes=attributes,
        figures=on_paper(pages, colour, attributes),
        pages=pages,
        document_format="application/pdf",
        name=attributes.job_name,
        purse=Purse("EUR", 3 * EUR),
        now=NOW,
        zone=UTC,
    )
    return replace(made, **changes)


def on_paper(pages: int, colour: int, attributes: JobAttributes) -> Figures:
    """Count a document whose first pages are in colour."""
    return figures(pages, range(1, colour + 1), attributes, document_media="iso_a4")


def asked(pages: int = 10, colour: int = 0, **changes: Any) -> ReleaseRequest:  # noqa: ANN401
    """Make a request for Ana's job at the desk's printer."""
    attributes = changes.pop("attributes", JobAttributes(job_name="Thesis.pdf"))
    made = ReleaseRequest(
        user="ana",
        service="print",
        figures=on_paper(pages, colour, attributes),
        printer="desk",
        queue="pull",
        attributes=attributes,
        document=Document(pages, "application/pdf"),
    )
    return replace(made, **changes)


def seen(by: RuleSet | None = None, **changes: Any) -> PolicyView:  # noqa: ANN401  any field
    """Make a view: Ana has 2.00 as a grant and 3.00 of her own, a department, and a quota."""
    keys = ("grant:ana", "user:ana", "department:physics", "project:apollo")
    made = PolicyView(
        person=Person(
            "ana",
            ("grant:ana",),
            groups=("students",),
            wallets=(("grant:ana", "user:ana"),),
            choices=("department:physics",),
        ),
        tariff=TARIFF,
        printer_known=True,
        accounts={key: Account("EUR") for key in keys}
        | {"quota:ana": Account("page"), "quota:ana.color": Account("page", counts="color")},
        available={
            "grant:ana": Money(2 * EUR, "EUR"),
            "user:ana": Money(3 * EUR, "EUR"),
            "department:physics": Money(50 * EUR, "EUR"),
            "quota:ana": Money(100_000_000, "page"),
            "quota:ana.color": Money(5_000_000, "page"),
        },
        rules=by,
        printers=PRINTERS,
        now=NOW,
    )
    return replace(made, **changes)


actions = st.fixed_dictionaries(
    {},
    optional={
        "monochrome": st.sampled_from([True]),
        "two_sided": st.sampled_from([True]),
        "copies_max": st.integers(1, 5),
        "factor": st.integers(0, 3000),
        "tags": st.lists(st.sampled_from("abc"), min_size=1, max_size=2),
        "redirect": st.sampled_from([{"tag": "copier"}, {"printer": "desk"}, {"tag": "library"}]),
        "confirm": st.just("Sure?"),
        "charge": st.sampled_from(["project:a", "department:physics"]),
    },
).filter(bool) | st.just({"deny": "no"})
conditions = st.fixed_dictionaries(
    {},
    optional={
        "color": st.booleans(),
        "impressions": st.integers(0, 60).map(lambda low: {"min": low}),
        "copies": st.integers(1, 6).map(lambda high: {"max": high}),
        "sides": st.sampled_from(["one-sided", "two-sided"]),
        "printers": st.sampled_from([["desk"], ["copier"]]),
        "groups": st.sampled_from([["students"], ["staff"]]),
    },
)


@st.composite
def rule_sets(draw: st.DrawFn) -> RuleSet:
    """Draw up to six rules."""
    count = draw(st.integers(0, 6))
    return rules(*(rule(f"r{each}", draw(actions), **draw(conditions)) for each in range(count)))


attributes = st.builds(
    JobAttributes,
    copies=st.integers(1, 6),
    sides=st.sampled_from(Sides),
    number_up=st.sampled_from([1, 2, 4]),
    print_color_mode=st.sampled_from(ColorMode),
)
