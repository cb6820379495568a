"""Rules: those in force, checked and tried out before they are put there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self
from uuid import UUID  # noqa: TC003  pydantic reads it at run time

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from central.acts import rules as acts
from central.rehearsal import Described
from central.rights import Right
from central.store import rules as store
from central.store.ledger import Refused
from central.web.answers import Answer
from central.web.api.table import Call, Example, Given, Line, Route, UserName, Words
from central.web.jobs import known as known_job
from central.web.paging import TEXT, Asked
from config.ids import NodeId  # noqa: TC001  pydantic reads it at run time
from config.policy.rules import RULES_BYTES, Rule, RuleSet

if TYPE_CHECKING:
    from central.rehearsal import Trial as Tried
    from central.store.books import Transaction


class Rules(Answer):
    """A set of rules."""

    version: int
    """Decisions name it; 0: there are none."""
    rules: tuple[Rule, ...]
    """In the order in which they are asked."""


class RulesText(Given):
    """Rules as people write them."""

    text: Annotated[str, StringConstraints(max_length=RULES_BYTES, pattern=TEXT)]
    """`[[rules]]` in TOML, or `{"rules": […]}` in JSON."""
    form: Literal["toml", "json"] = "toml"
    """Of the text."""


class NewRules(RulesText):
    """Rules to be put in force at every site."""

    why: Words = ""
    """What for; kept in their history."""


class Fault(Answer):
    """Something that is wrong, or looks wrong."""

    text: str
    """What, in words."""
    number: int | None
    """The rule's place, from 1; null: the set as a whole."""
    name: str | None
    """The rule's name, if it has one."""
    field: str | None
    """Dotted, such as `when.pages.min`."""
    line: int | None
    """Of the text, from 1."""
    refuses: bool
    """False: only a warning."""


class Checked(Answer):
    """Rules, looked at."""

    usable: bool
    """Whether they could be put in force."""
    faults: tuple[Fault, ...]
    """What is wrong, and what looks wrong."""


class InForce(Rules):
    """Rules that were put in force."""

    new: bool
    """False: they were in force already."""
    deaf: tuple[NodeId, ...]
    """Edges whose program knows no rules."""


class Thought(Given):
    """A job that somebody thinks of."""

    user: UserName
    """Whose."""
    printer: NodeId
    """Device id."""
    pages: Annotated[int, Field(ge=1, le=100_000)]
    """Sides of the document."""
    color_pages: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Of these, in colour."""
    copies: Annotated[int, Field(ge=1, le=9999)] = 1
    """How many."""
    two_sided: bool = False
    """Printed on both sides."""
    name: Line = ""
    """The document's."""
    queue: Line = ""
    """Where it was printed to."""
    service: Literal["print", "copy"] = "print"
    """Printed, or copied at the machine."""
    at: AwareDatetime | None = None
    """When; null: now."""


class Trying(Given):
    """What to try, and on what."""

    rules: RulesText | None = None
    """Null: those in force."""
    job: UUID | None = None
    """A past job; this or `thought`."""
    thought: Thought | None = None
    """A job that somebody thinks of."""

    @model_validator(mode="after")
    def _one_job(self) -> Self:
        if (self.job is None) == (self.thought is None):
            raise ValueError("give a job, or one that is thought of")
        return self


class Trial(Answer):
    """What rules would do to a job."""

    refused: str | None
    """Why it would not be printed; null: it would."""
    printer: str
    """Where it would come out."""
    price: str | None
    """What it would cost."""
    charge: str | None
    """The account that a rule would charge; null: their own."""
    conversions: dict[str, str]
    """IPP attributes that rules would change."""
    questions: tuple[str, ...]
    """What would be asked first."""
    tags: tuple[str, ...]
    """What the job would be marked with."""


def show(tx: Transaction, call: Call[None, Asked]) -> Rules:
    """Show the rules that sites decide by."""
    del call
    found = store.in_force(tx)
    if not isinstance(found, RuleSet):
        return Rules(version=store.next_version(tx) - 1, rules=())
    return Rules(version=found.version, rules=found.rules)


def check(tx: Transaction, call: Call[RulesText, Asked]) -> Checked:
    """Read and check rules; nothing is changed."""
    found = acts.read(tx, call.body.text, call.body.form)
    return Checked(
        usable=found.rules is not None,
        faults=tuple(
            Fault(
                text=each.text,
                number=each.number,
                name=each.name,
                field=each.field,
                line=each.line,
                refuses=each.refuses,
            )
            for each in found.faults
        ),
    )


def put(tx: Transaction, call: Call[NewRules, Asked]) -> InForce | Refused:
    """Put rules in force at every site, in place of those there are."""
    rules = _usable(tx, call.body)
    if isinstance(rules, Refused):
        return rules
    done = acts.put_in_force(tx, call.by, rules, why=call.body.why)
    if isinstance(done, Refused):
        return done
    return InForce(version=done.rules.version, rules=done.rules.rules, new=done.new, deaf=done.deaf)


def try_out(tx: Transaction, call: Call[Trying, Asked]) -> Trial | Refused:
    """Say what rules would do to a past job, or to one that somebody thinks of."""
    body = call.body
    rules: RuleSet | None
    if body.rules is None:
        now = store.in_force(tx)
        rules = now if isinstance(now, RuleSet) else None
    else:
        given = _usable(tx, body.rules)
        if isinstance(given, Refused):
            return given
        rules = given
    if body.job is not None:
        job = known_job(tx, call, body.job, Right.SEE_JOBS).job.job
        found = acts.try_job(tx, rules, job)
    elif body.thought is not None:
        found = acts.try_described(tx, rules, _described(tx, body.thought))
    return found if isinstance(found, Refused) else _trial(found)


def _described(tx: Transaction, given: Thought) -> Described:
    return Described(
        given.user.lower(),
        acts.groups_of(tx, given.user),
        given.printer,
        given.pages,
        given.color_pages,
        given.copies,
        given.two_sided,
        given.name,
        given.queue,
        service=given.service,
        at=given.at,
    )


def _usable(tx: Transaction, given: RulesText) -> RuleSet | Refused:
    found = acts.read(tx, given.text, given.form)
    if found.rules is not None:
        return found.rules
    wrong = [each for each in found.faults if each.refuses]
    return Refused("; ".join(f"{each.name or 'the rules'}: {each.text}" for each in wrong[:10]))


def _trial(found: Tried) -> Trial:
    return Trial(
        refused=found.refused,
        printer=found.printer,
        price=found.price,
        charge=found.charge,
        conversions={each.attribute: each.value for each in found.conversions},
        questions=found.questions,
        tags=found.tags,
    )


_RULE: Final = {
    "name": "students print on both sides",
    "when": {"groups": ["students"]},
    "then": {"two_sided": True},
}
_TEXT: Final = """[[rules]]
name = "students print on both sides"
when.groups = ["students"]
then.two_sided = true
"""
_TRIAL: Final[dict[str, Any]] = {
    "refused": None,
    "printer": "north-1",
    "price": "0.50 EUR",
    "charge": None,
    "conversions": {"sides": "two-sided-long-edge"},
    "questions": [],
    "tags": [],
}
_THOUGHT: Final = {"user": "ana", "printer": "north-1", "pages": 10}

ROUTES: Final = (
    Route(
        method="GET",
        path="/rules",
        right=Right.SEE_RULES,
        do=show,
        gives=Rules,
        tagged=True,
        example=Example({"version": 7, "rules": [_RULE]}),
    ),
    Route(
        method="PUT",
        path="/rules",
        right=Right.CHANGE_RULES,
        do=put,
        takes=NewRules,
        gives=InForce,
        row=show,
        state_wanted=True,
        example=Example(
            {"version": 8, "rules": [_RULE], "new": True, "deaf": []},
            {"text": _TEXT, "why": "less paper"},
        ),
    ),
    Route(
        method="POST",
        path="/rules/check",
        right=Right.SEE_RULES,
        do=check,
        reads=True,
        takes=RulesText,
        gives=Checked,
        example=Example({"usable": True, "faults": []}, {"text": _TEXT}),
    ),
    Route(
        method="POST",
        path="/rules/try",
        right=Right.SEE_RULES,
        do=try_out,
        reads=True,
        names=True,
        takes=Trying,
        gives=Trial,
        example=Example(_TRIAL, {"rules": {"text": _TEXT}, "thought": _THOUGHT}),
    ),
)
