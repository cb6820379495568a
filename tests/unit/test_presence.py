"""Promises of central.presence: who is linked is decided by sessions and silence (PROTOCOL 7)."""

from __future__ import annotations

from uuid import UUID

from central.presence import SILENCE, Presence

OLD, NEW = UUID(int=1), UUID(int=2)


def test_a_born_node_is_linked_until_it_is_silent_too_long() -> None:
    """Liveness is the last message of any kind, not the will."""
    presence = Presence()
    presence.born("north", NEW, 0.0)
    presence.message("north", 10.0)
    assert presence.linked(10.0 + SILENCE) == {"north"}
    assert presence.linked(10.1 + SILENCE) == frozenset()
    presence.message("north", 500.0)
    assert presence.linked(500.0) == {"north"}


def test_an_offline_of_another_session_is_ignored() -> None:
    """A will that comes late does not cut off who has come back."""
    presence = Presence()
    presence.born("north", NEW, 0.0)
    assert not presence.status("north", OLD, 1.0, online=False)
    assert presence.linked(1.0) == {"north"}
    assert presence.status("north", NEW, 2.0, online=False)
    assert presence.linked(2.0) == frozenset()


def test_an_online_without_a_birth_links_nobody() -> None:
    """Nobody is granted anything before heads were compared."""
    presence = Presence()
    assert not presence.status("north", NEW, 0.0, online=True)
    assert presence.linked(0.0) == frozenset()


def test_changes_are_told_once() -> None:
    """Each becoming linked and each cut is reported one time."""
    presence = Presence()
    presence.born("north", NEW, 0.0)
    assert presence.changes(0.0) == {"north": True}
    assert presence.changes(1.0) == {}
    presence.forget_all()
    assert presence.changes(2.0) == {"north": False}
