"""Who may act on another's job, pure: a delegate whom the owner names, or an operator of the site.

The owner pays, whoever releases; the job's events say who did it, and as what.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from broker.directory import UserRow

Acting: TypeAlias = Literal["delegate", "operator"]
#: Of `UserRow.operates`: at every site.
EVERYWHERE = "*"


def operates(person: UserRow | None, node: str) -> bool:
    """Say whether somebody handles other people's jobs at the site of an edge."""
    return person is not None and person.enabled and bool({node, EVERYWHERE} & {*person.operates})


def acts(person: UserRow | None, owner: UserRow | None, node: str) -> Acting | None:
    """Say as what somebody may act on another's jobs; None: not at all.

    Args:
        person: who asks, as the directory knows them.
        owner: whose jobs; None when the directory does not know them.
        node: the edge.
    """
    if person is None or not person.enabled:
        return None
    if owner is not None and person.name.lower() in map(str.lower, owner.delegates):
        return "delegate"
    return "operator" if operates(person, node) else None
