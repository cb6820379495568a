"""Jobs: what somebody of the house does about one that needs a look, or that names too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from central.acts.by import signed
from central.store import audit, jobs, privacy
from central.store.ledger import Refused

if TYPE_CHECKING:
    from uuid import UUID

    from central.acts.by import By
    from central.job_fold import JobRecord
    from central.store.books import Transaction


def clear_flag(tx: Transaction, by: By, id_: UUID, *, reason: str) -> JobRecord | Refused:
    """Say that a flagged job has been looked at; its figures and its money stay as they are."""
    found = jobs.find(tx, id_)
    if found is None:
        return Refused(f"there is no job {id_}")
    if found.flag is None:
        return Refused("nothing is flagged about this job")
    if not reason.strip():
        return Refused("say what came of it; it is kept")
    jobs.set_flag(tx, id_, None)
    audit.note(
        signed(tx, by),
        author=by.author,
        act="job clear-flag",
        target=str(id_),
        detail={"reason": " ".join(reason.split())},
        before=found.flag,
    )
    return found


def hide_name(tx: Transaction, by: By, id_: UUID, *, reason: str) -> JobRecord | Refused:
    """Take a document's name out of its job and of the event that told it, on somebody's wish."""
    found = jobs.find(tx, id_)
    if found is None:
        return Refused(f"there is no job {id_}")
    if not found.name or found.service == "copy":
        return Refused("no document's name is kept with this job")
    if not reason.strip():
        return Refused("say why; it is kept")
    privacy.forget_name(tx, found.node, id_)
    # what it was called is not written down once more
    audit.note(
        signed(tx, by),
        author=by.author,
        act="job hide-name",
        target=str(id_),
        detail={"reason": " ".join(reason.split())},
    )
    return found
