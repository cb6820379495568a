"""Held jobs handled from afar: released, priced or thrown away at their sites, at once or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import UUID  # noqa: TC003  pydantic reads it at run time

from pydantic import AwareDatetime, Field

from central.acts import wishes as acts
from central.acts.wishes import NotSent
from central.rights import Right
from central.store.ledger import Refused
from central.web import jobs
from central.web.answers import Answer
from central.web.api.table import Call, Example, Given, Route, act
from central.web.problems import NotFound
from config.ids import NodeId  # noqa: TC001  pydantic reads it at run time
from config.policy.jobs import COPIES_MAX, ColorMode, Sides

if TYPE_CHECKING:
    from central.acts.wishes import What
    from central.store.books import Transaction
    from central.web.paging import Asked

_WHY: Final = {
    "no-job": "the job does not wait any more",
    "alone": "its site works alone; only there can anything be done about it",
    "old": "its site's program is too old for this",
    "printer": "there is no such printer at its site",
    "too-many": "too many wishes for this person within a minute",
}


class Wish(Answer):
    """What a site was asked to do with a held job, and how far that is."""

    wish: UUID
    """Names it: ask how far it is."""
    job: UUID
    """job-uuid."""
    node: NodeId
    """The edge that does it."""
    what: Literal["release-job", "cancel-job", "quote-job"]
    """Print it, throw it away, or say what it would come to."""
    state: Literal["waiting", "sent", "accepted", "executing", "successful", "failed", "expired"]
    """How far it is."""
    detail: str
    """For people."""
    result: dict[str, Any]
    """What the site answered."""
    expires_at: AwareDatetime | None
    """Not begun after this."""


class Quoting(Given):
    """How a held job would be printed."""

    printer: NodeId
    """Device id, of a printer of its site."""
    copies: Annotated[int, Field(strict=True, ge=1, le=COPIES_MAX)] | None = None
    """Null: as it came."""
    sides: Sides | None = None
    """Null: as it came."""
    print_color_mode: ColorMode | None = None
    """Null: as it came."""


class Releasing(Quoting):
    """How a held job is printed."""

    confirmed: bool = False
    """Its owner said yes to what a rule asks."""


def release(tx: Transaction, call: Call[Releasing, Asked]) -> Wish | Refused:
    """Have a held job printed at its site, charged to who sent it as if they stood there.

    `/jobs/{uuid}/wishes/{wish}` tells how far it is. Nothing waits for a site that works alone.
    """
    return _wished(tx, call, "release-job", confirmed=call.body.confirmed)


def quote(tx: Transaction, call: Call[Quoting, Asked]) -> Wish | Refused:
    """Have a site say what a held job would come to; nothing is printed."""
    return _wished(tx, call, "quote-job")


def cancel(tx: Transaction, call: Call[None, Asked]) -> Wish | Refused:
    """Have a held job thrown away at its site."""
    return _wished(tx, call, "cancel-job")


def wish(tx: Transaction, call: Call[None, Asked]) -> Wish:
    """Show how far a wish for a job is."""
    found = jobs.known(tx, call, call.path["uuid"])
    return _wish(tx, call.path["uuid"], call.path["wish"], found.job.user)


# ── inside ──────────────────────────────────────────────────────────────────────────────────


def _wished(
    tx: Transaction, call: Call[Any, Any], what: What, *, confirmed: bool = False
) -> Wish | Refused:
    found = jobs.known(tx, call, call.path["uuid"])
    more: dict[str, Any] = {}
    if call.body is not None:
        changes = call.body.model_dump(
            mode="json", include={"copies", "sides", "print_color_mode"}, exclude_none=True
        )
        more = {"printer": call.body.printer, "changes": changes, "confirmed": confirmed}
    user = found.job.user
    done = acts.wish(tx, call.by, what, call.path["uuid"], user=user, **more)
    if isinstance(done, NotSent):
        return Refused(_WHY[done.why])
    return _wish(tx, call.path["uuid"], done, user)


def _wish(tx: Transaction, job: UUID, id_: UUID, user: str) -> Wish:
    found = acts.mine(tx, id_, user)
    if found is None or found.args.get("job") != str(job):
        raise NotFound(f"Nobody wished {id_} of this job.")
    return Wish.model_validate(
        {
            "wish": found.id,
            "job": job,
            "node": found.node,
            "what": found.what,
            "state": found.state,
            "detail": found.detail,
            "result": found.data,
            "expires_at": found.expires_at,
        }
    )


_WISH: Final = {
    "wish": "019aaba6-0b12-7000-8000-00000000000c",
    "job": "019aaba6-0b12-7000-8000-000000000006",
    "node": "north",
    "what": "release-job",
    "state": "waiting",
    "detail": "",
    "result": {},
    "expires_at": "2026-11-22T08:01:00Z",
}
_AT: Final = {"printer": "north-1"}
_ONE: Final = "/jobs/{uuid}"
_RIGHT: Final = Right.HANDLE_JOBS

ROUTES: Final = (
    act(f"{_ONE}/release", _RIGHT, release, Example(_WISH, _AT), takes=Releasing, gives=Wish),
    act(
        f"{_ONE}/quote",
        _RIGHT,
        quote,
        Example({**_WISH, "what": "quote-job"}, {**_AT, "copies": 2}),
        takes=Quoting,
        gives=Wish,
    ),
    act(f"{_ONE}/cancel", _RIGHT, cancel, Example({**_WISH, "what": "cancel-job"}), gives=Wish),
    Route(
        method="GET",
        path=f"{_ONE}/wishes/{{wish}}",
        right=_RIGHT,
        do=wish,
        gives=Wish,
        example=Example(_WISH),
    ),
)
