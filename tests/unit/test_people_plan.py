"""Promises of planning an import: who comes, changes, leaves and returns, and who is left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.importing.plan import CardHeld, Habits, Known, Plan, Refusal, Wanted, plan

SOURCE = "ldap:school"
HABITS = Habits(SOURCE)
#: Somebody of the source's own.
ANA = Known("ana", SOURCE, "1", "Ana", "ana@example.org", "Art", (), (), enabled=True, ended="")


def known(n: int, **changes: object) -> Known:
    """Return somebody of the source's own."""
    return replace(ANA, name=f"user{n}", source_id=f"id{n}", **changes)  # type: ignore[arg-type]


def told(who: Known, **changes: object) -> Wanted:
    """Return what a source tells of somebody who is as the books have them."""
    same = Wanted(
        who.name,
        f"entry of {who.name}",
        who.source_id,
        who.display,
        who.email,
        who.department,
        who.told_groups,
    )
    return replace(same, **changes)  # type: ignore[arg-type]


def names(plan_: Plan) -> dict[str, list[str]]:
    """Return who is in which part of a plan."""
    return {
        "adds": [each.name for each in plan_.adds],
        "changes": [each.name for each in plan_.changes],
        "returns": [each.name for each in plan_.returns],
        "disables": [each.name for each in plan_.disables],
        "refused": [each.name for each in plan_.refusals],
    }


NOBODY = names(Plan(SOURCE))


@pytest.mark.parametrize(
    ("current", "wanted", "differs"),
    [
        # nothing changed, nothing done
        ([ANA], [told(ANA)], {}),
        # new
        ([ANA], [told(ANA), Wanted("ben", "b", "2")], {"adds": ["ben"]}),
        # another name to read
        ([ANA], [told(ANA, display="Ana S.")], {"changes": ["ana"]}),
        # gone
        ([ANA, known(2)], [told(known(2))], {"disables": ["ana"]}),
        # gone before: nothing is done twice
        ([replace(ANA, enabled=False, ended="left"), known(2)], [told(known(2))], {}),
        # there again
        ([replace(ANA, enabled=False, ended="left")], [told(ANA)], {"returns": ["ana"]}),
        # somebody here disabled her: the source has no say in it
        ([replace(ANA, enabled=False)], [told(ANA)], {}),
        # shut out at the source
        ([ANA], [told(ANA, enabled=False)], {"disables": ["ana"]}),
        # shut out and unknown
        ([], [Wanted("ben", "b", "2", enabled=False)], {}),
        # she is called something else now
        ([ANA], [told(ANA, name="ana.silva")], {"changes": ["ana"]}),
        # and that name is somebody's
        (
            [ANA, known(2)],
            [told(ANA, name="user2"), told(known(2))],
            {"refused": ["user2"]},
        ),
        # her name was given to somebody else: money does not go over
        ([ANA], [told(ANA, source_id="9")], {"refused": ["ana"]}),
        # twice the name, twice the id
        (
            [],
            [Wanted("ben", "a", "1"), Wanted("ben", "b", "2")],
            {"adds": ["ben"], "refused": ["ben"]},
        ),
        (
            [],
            [Wanted("ben", "a", "1"), Wanted("bob", "b", "1")],
            {"adds": ["ben"], "refused": ["bob"]},
        ),
        # somebody entered her by hand
        ([replace(ANA, source="local", source_id="")], [told(ANA)], {"refused": ["ana"]}),
        # what the source does not tell stays
        ([ANA], [Wanted("ana", "a", "1")], {}),
    ],
)
def test_who_is_where(
    current: list[Known], wanted: list[Wanted], differs: dict[str, list[str]]
) -> None:
    """Each row is a case of life."""
    assert names(plan(current, wanted, HABITS)) == NOBODY | differs


def test_the_brake_waits_for_more_than_a_tenth_and_five() -> None:
    """Few may go, many may not: then the plan says the number, and nothing else is different."""
    everybody = [known(n) for n in range(50)]
    five = plan(everybody, [told(each) for each in everybody[5:]], HABITS)
    six = plan(everybody, [told(each) for each in everybody[6:]], HABITS)
    assert (len(five.disables), five.brake) == (5, None)
    assert six.brake is not None
    assert (six.brake.leaving, six.brake.of) == (6, 50)
    few = plan(everybody[:6], [told(each) for each in everybody[:2]], HABITS)
    assert (len(few.disables), few.brake) == (4, None)


def test_a_plan_is_told_from_another_of_the_same_size() -> None:
    """So that what was looked at is what is done."""
    everybody = [known(n) for n in range(3)]
    here = [told(each) for each in everybody]
    plans = [plan(everybody, here[:n] + here[n + 1 :], HABITS) for n in (0, 0, 1)]
    assert plans[0].fingerprint == plans[1].fingerprint
    assert plans[0].fingerprint != plans[2].fingerprint


def test_an_empty_source_is_a_wrong_one() -> None:
    """Nobody at all is told of: even one who would go sets the brake off."""
    assert plan([ANA], [], HABITS).brake is not None


def test_a_file_that_is_not_whole_makes_nobody_leave() -> None:
    """Who is not in it is no leaver."""
    assert plan([ANA], [], replace(HABITS, whole=False)).disables == ()


def test_who_is_told_of_wrongly_is_not_missing() -> None:
    """An entry that cannot be read is a refusal, and no reason to shut its person out."""
    wrong = [Refusal("entry", "", "no user name", source_id="1")]
    assert plan([ANA], [], HABITS, refused=wrong).disables == ()
    assert plan([ANA], [], HABITS, refused=[Refusal("line 2", "ana", "x")]).disables == ()


def test_groups_that_were_given_here_stay() -> None:
    """The source takes away only what it told before."""
    ana = replace(ANA, groups=("staff", "chess"), told_groups=("staff",))
    (change,) = plan([ana], [told(ana, groups=("teachers",))], HABITS).changes
    assert change.groups == ("chess", "teachers")
    assert plan([ana], [told(ana, groups=("staff",))], HABITS).changes == ()


def test_adopted_people_are_the_sources_from_then_on() -> None:
    """Only when told so; and never from another directory service."""
    local = replace(ANA, source="local", source_id="")
    (change,) = plan([local], [told(ANA)], replace(HABITS, adopt=True)).changes
    assert "source" in change.fields
    other = replace(ANA, source="ldap:other")
    assert names(plan([other], [told(ANA)], replace(HABITS, adopt=True)))["refused"] == ["ana"]


def test_cards_come_and_go_and_are_never_taken_from_others() -> None:
    """The source's own go when it tells of them no more; a terminal's, others' and blocked stay."""
    held = {
        "old": CardHeld("ana", SOURCE),
        "terminal": CardHeld("ana", ""),
        "bens": CardHeld("ben", ""),
        "blocked": CardHeld("ana", SOURCE, blocked=True),
        "older-name": CardHeld("ana", SOURCE),
    }
    cards = (("new",), ("bens",), ("keyed", "older-name"))
    done = plan([ANA], [told(ANA, cards=cards)], HABITS, held)
    (change,) = done.changes
    assert (change.cards_new, change.cards_gone) == (("new",), ("old",))
    assert [each.why for each in done.refusals] == ["one of their cards belongs to ben"]
    assert plan([ANA], [told(ANA)], HABITS, held).changes == ()


def test_one_card_of_two_people_is_the_firsts() -> None:
    """The other is entered without it, and it is said."""
    wanted = [Wanted("ben", "a", "1", cards=(("c",),)), Wanted("bob", "b", "2", cards=(("c",),))]
    done = plan([], wanted, HABITS)
    assert [each.cards_new for each in done.adds] == [("c",), ()]
    assert names(done)["refused"] == ["bob"]


_PEOPLE = st.integers(0, 12)


@given(st.sets(_PEOPLE), st.sets(_PEOPLE), st.sets(_PEOPLE), st.sets(_PEOPLE))
def test_a_second_import_finds_nothing_to_do(
    ours: set[int], left: set[int], others: set[int], is_told: set[int]
) -> None:
    """Whatever was there: carried out, the same source changes no more; others are untouched."""
    current = [known(n, enabled=n not in left, ended="left" if n in left else "") for n in ours] + [
        replace(known(n), source="local") for n in others - ours
    ]
    wanted = [told(known(n), display="Now") for n in is_told]
    first = plan(current, wanted, HABITS)
    after = {each.name: each for each in current}
    for change in (*first.adds, *first.changes, *first.returns):
        after[change.name] = replace(
            known(0), name=change.wanted.name, source_id=change.wanted.source_id, display="Now"
        )
    for leaver in first.disables:
        after[leaver.name] = replace(leaver, enabled=False, ended="left")
    second = plan(list(after.values()), wanted, HABITS)
    assert second.steps == 0
    untouched = [each for each in current if each.source == "local"]
    assert all(after[each.name] == each for each in untouched)
    assert all(each.source == SOURCE for each in first.disables)
