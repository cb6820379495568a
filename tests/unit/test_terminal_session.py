"""A terminal's session: what each event does in each phase, and what may never happen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from broker.messages import PersonNews
from broker.messages.copies import CopyCounts
from broker.messages.terminals import (
    IdentifyAnswer,
)
from terminal_bridge.events import (
    Answered,
    CardRemoved,
    CardSeen,
    CopyWanted,
    Digit,
    Disable,
    EdgeBack,
    EdgeLost,
    Enable,
    EnrolWanted,
    Event,
    Keep,
    Key,
    News,
    NoAnswer,
    PasswordTyped,
    PinBeside,
    PinTyped,
    PowerBack,
    PrinterTrouble,
    Pulses,
    ReleaseWanted,
    SessionShown,
    TimeUp,
)
from terminal_bridge.phases import (
    NOTHING,
    Beginning,
    Choosing,
    Copying,
    Ending,
    Enrolling,
    Habits,
    Identified,
    Identifying,
    Idle,
    OpenCopy,
    Release,
    Releasing,
    Settled,
    Terminal,
    Who,
    within,
)
from terminal_bridge.session import step
from tests.unit.session_lab import (
    NAMES,
    Bench,
    copy_of,
    copy_state,
    identity,
    ok,
    refused,
    session_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

ANA = CardSeen("0417", b"ana")
BEA = CardSeen("0533", b"bea")
COPIER = Habits(printer="copier-1", run_out=2.0, run_out_most=30.0, idle=60.0)
PANEL = replace(COPIER, at_card="choose")


def mono(pages: int) -> CopyCounts:
    """Return so many monochrome pages."""
    return CopyCounts(monochrome=pages)


def copying(habits: Habits = COPIER, *, left: int = 100) -> Bench:
    """Return a bench at which somebody copies."""
    bench = Bench(habits)
    bench.happens(EdgeBack())
    bench.happens(ANA)
    bench.happens(Answered(bench.asked.number, identity()))
    if habits.at_card == "choose":
        bench.happens(CopyWanted())
    bench.happens(Answered(bench.asked.number, copy_state(left=left)))
    assert bench.is_in(Copying)
    return bench


def pin_needed() -> Bench:
    """Return a bench whose edge wants the PIN beside the card."""
    bench = Bench(COPIER)
    bench.happens(EdgeBack())
    bench.happens(ANA)
    bench.happens(Answered(bench.asked.number, refused("pin-needed")))
    return bench


def phases() -> dict[str, Bench]:
    """Return a bench in each phase."""
    found: dict[str, Bench] = {}
    idle = Bench(COPIER)
    idle.happens(EdgeBack())
    found["idle"] = idle
    looking = Bench(COPIER)
    looking.happens(EdgeBack())
    looking.happens(ANA)
    found["identifying"] = looking
    found["pin needed"] = pin_needed()
    panel = Bench(PANEL)
    panel.happens(EdgeBack())
    panel.happens(ANA)
    panel.happens(Answered(panel.asked.number, identity()))
    found["identified"] = panel
    choosing = Bench(PANEL)
    choosing.terminal = panel.terminal
    choosing.happens(Key("release-all"))
    found["choosing"] = choosing
    enrolling = Bench(PANEL)
    enrolling.terminal = panel.terminal
    enrolling.happens(EnrolWanted())
    found["enrolling"] = enrolling
    entering = Bench(PANEL)
    entering.terminal = enrolling.terminal
    entering.happens(CardSeen("0999", b"new"))
    found["entering"] = entering
    releasing = Bench(PANEL)
    releasing.terminal = panel.terminal
    releasing.happens(ReleaseWanted((Release(NAMES, "copier-1"), Release(NAMES, "copier-1"))))
    found["releasing"] = releasing
    beginning = Bench(PANEL)
    beginning.terminal = panel.terminal
    beginning.happens(CopyWanted())
    found["beginning"] = beginning
    found["copying"] = copying()
    ending = copying()
    ending.happens(Key("stop"))
    found["ending"] = ending
    over = copying()
    over.happens(Key("sign-off"))
    over.happens(TimeUp(), 2.0)
    over.happens(Answered(over.asked.number, copy_state(settled=True, go_on=False)))
    found["settled"] = over
    stays = copying(PANEL)
    stays.happens(Key("stop"))
    stays.happens(TimeUp(), 2.0)
    stays.happens(Answered(stays.asked.number, copy_state(settled=True, go_on=False)))
    found["settled, goes on"] = stays
    return found


NEWS = PersonNews(session=session_of("ana"), what="settled", text="Printed.")
EVENTS: Mapping[str, Event] = {
    "the same card": ANA,
    "another card": BEA,
    "card removed": CardRemoved(),
    "PIN": PinTyped("bea", "1234"),
    "password": PasswordTyped("bea", "secret"),
    "PIN beside the card": PinBeside("1234"),
    "digit": Digit("1"),
    "enter": Key("enter"),
    "clear": Key("clear"),
    "sign-off": Key("sign-off"),
    "stop": Key("stop"),
    "release-all": Key("release-all"),
    "touch": Key("touch"),
    "copy": CopyWanted(),
    "release": ReleaseWanted((Release(NAMES, "copier-1"),)),
    "new card wanted": EnrolWanted(),
    "session": SessionShown(session_of("bea")),
    "answered, not ours": Answered(999, ok()),
    "no answer, not ours": NoAnswer(999),
    "edge lost": EdgeLost(),
    "edge back": EdgeBack(),
    "time up early": TimeUp(),
    "printer trouble": PrinterTrouble("The paper is jammed."),
    "trouble over": PrinterTrouble(""),
    "pulses": Pulses(mono(3)),
    "power back": PowerBack((OpenCopy(copy_of(7), mono(2)),)),
    "news": News(NEWS),
    "signed off there": News(NEWS.model_copy(update={"what": "signed-off"})),
}
#: phase → event → phase after it; what is not named stays in its phase.
TABLE: dict[str, dict[str, type]] = {
    "idle": {
        "the same card": Identifying,
        "another card": Identifying,
        "PIN": Identifying,
        "password": Identifying,
        "session": Identifying,
    },
    "identifying": {"edge lost": Settled},
    "pin needed": {
        "the same card": Identifying,
        "another card": Identifying,
        "PIN": Identifying,
        "password": Identifying,
        "session": Identifying,
        "PIN beside the card": Identifying,
        "clear": Idle,  # of nothing
        "sign-off": Idle,
        "stop": Idle,
        "edge lost": Settled,
    },
    "identified": {
        "the same card": Idle,  # shown again: good-bye
        "another card": Identifying,
        "PIN": Identifying,
        "password": Identifying,
        "session": Identifying,
        "sign-off": Idle,
        "signed off there": Idle,
        "release-all": Choosing,
        "copy": Beginning,
        "release": Releasing,
        "new card wanted": Enrolling,
    },
    "enrolling": {
        "PIN": Identifying,
        "password": Identifying,
        "session": Identifying,
        "sign-off": Idle,
        "signed off there": Idle,
        "stop": Identified,
        "edge lost": Identified,
        "copy": Beginning,
        "release": Releasing,
    },
    "entering": {},
    "choosing": {},
    "releasing": {},
    "beginning": {},
    "copying": {
        "the same card": Ending,
        "another card": Ending,  # who pays never changes: this one is ended first
        "PIN": Ending,
        "password": Ending,
        "session": Ending,
        "signed off there": Ending,
        "sign-off": Ending,
        "stop": Ending,
        "edge lost": Ending,
        "printer trouble": Ending,
        "power back": Ending,  # the machine stands still: nobody copies any more
    },
    "ending": {},
    "settled": {
        "the same card": Identifying,
        "another card": Identifying,
        "PIN": Identifying,
        "password": Identifying,
        "session": Identifying,
    },
    "settled, goes on": {
        "the same card": Idle,
        "another card": Identifying,
        "PIN": Identifying,
        "password": Identifying,
        "session": Identifying,
        "sign-off": Idle,
        "signed off there": Idle,
        "touch": Identified,
        "release-all": Choosing,
        "copy": Beginning,
        "release": Releasing,
        "new card wanted": Enrolling,
    },
}


@pytest.mark.parametrize("name", TABLE)
def test_each_event_has_its_answer_in_each_phase(name: str) -> None:
    """Every pair of phase and event leads where the table says, and fails nowhere."""
    found = {}
    for what, event in EVENTS.items():
        bench = phases()[name]
        before = type(bench.terminal.phase)
        bench.happens(event)
        if (after := type(bench.terminal.phase)) is not before:
            found[what] = after
    assert TABLE[name] == found


def test_a_copy_from_card_to_settlement() -> None:
    """Card, money, machine, count, stop, settle: in this order, each once."""
    bench = copying()
    assert bench.let()
    bench.happens(Pulses(mono(1)), 1.0)
    assert bench.asked.fields["counts"]["monochrome"] == 1
    bench.happens(Answered(bench.asked.number, copy_state(counts=mono(1), left=99)))
    assert bench.shown[-1].copy is not None
    assert mono(1) == bench.shown[-1].copy.counts
    bench.happens(ANA, 1.0)
    assert not bench.let()
    bench.happens(Pulses(mono(2)), 1.0)  # the page it was at
    assert mono(2) == bench.durable[copy_of(1)].counts
    bench.happens(TimeUp(), 2.0)
    assert bench.asked.method == "copy-end"
    assert bench.asked.fields["counts"]["monochrome"] == 2
    done = copy_state(counts=mono(2), settled=True, go_on=False)
    bench.happens(Answered(bench.asked.number, done))
    assert not bench.durable
    assert bench.methods() == ["identify", "copy-begin", "copy-count", "copy-end", "sign-off"]
    bench.happens(TimeUp(), COPIER.shown)
    assert bench.is_in(Idle)


def test_machine_is_let_only_after_the_copy_is_durable_here() -> None:
    """A power cut right after the machine was let leaves the copy's name in the file."""
    bench = copying()
    kinds = [type(action) for action in bench.actions]
    assert kinds.index(Keep) < kinds.index(Enable)


def test_refused_copy_never_lets_the_machine() -> None:
    """Who may not pay is told why, and signed off."""
    bench = Bench(COPIER)
    bench.happens(EdgeBack())
    bench.happens(ANA)
    bench.happens(Answered(bench.asked.number, identity()))
    bench.happens(Answered(bench.asked.number, refused()))
    assert Enable not in map(type, bench.actions)
    assert bench.shown[-1].text == "it is no-money"
    assert bench.asked.method == "sign-off"


def test_a_budget_that_is_used_at_once_never_lets_the_machine() -> None:
    """A copy that begins with nothing to copy on, or of no kind made here, is ended at once."""
    for state in (copy_state(go_on=False), copy_state(settled=True), copy_state(left=0)):
        bench = Bench(COPIER)
        bench.happens(EdgeBack())
        bench.happens(ANA)
        bench.happens(Answered(bench.asked.number, identity()))
        bench.happens(Answered(bench.asked.number, state))
        assert Enable not in map(type, bench.actions)
        assert bench.asked.method == "copy-end"


def test_lost_edge_stops_the_machine_at_once_and_counts_are_reported_later() -> None:
    """Pages made around the cut are durable here and told when the edge is back."""
    bench = copying()
    bench.happens(Pulses(mono(3)), 1.0)
    actions = bench.happens(EdgeLost())
    assert actions[0] == Disable()
    bench.happens(NoAnswer(bench.asked.number))
    bench.happens(Pulses(mono(4)), 0.5)
    bench.happens(TimeUp(), 2.0)
    assert bench.shown[-1].screen == "kept"
    assert mono(4) == bench.durable[copy_of(1)].counts
    bench.happens(EdgeBack(), 60.0)
    assert bench.asked.method == "copy-end"
    assert bench.asked.fields["counts"]["monochrome"] == 4
    bench.happens(Answered(bench.asked.number, copy_state(counts=mono(4), settled=True)))
    assert not bench.durable


def test_a_second_card_ends_the_copy_before_its_person_is_asked_for() -> None:
    """Pages that run out after the second card are still the first person's."""
    bench = copying()
    bench.happens(BEA)
    bench.happens(Pulses(mono(1)))
    bench.happens(TimeUp(), 2.0)
    done = copy_state(counts=mono(1), settled=True, go_on=False)
    bench.happens(Answered(bench.asked.number, done))
    methods = ["identify", "copy-begin", "copy-end", "sign-off", "identify"]
    assert methods == bench.methods()
    assert bench.asked.fields == {"card": "0533"}


def test_second_card_may_be_refused() -> None:
    """Where the site says so, who is signed in goes on."""
    bench = copying(replace(COPIER, second_card="refuse"))
    bench.happens(BEA)
    assert bench.is_in(Copying)
    assert bench.let()


def test_spent_budget_stops_the_machine() -> None:
    """The edge's word that the budget is used is carried out before anything else."""
    bench = copying()
    bench.happens(Pulses(mono(3)), 1.0)
    spent = copy_state(counts=mono(3), go_on=False)
    assert bench.happens(Answered(bench.asked.number, spent))[0] == Disable()


def test_machine_stops_by_itself_where_the_edge_is_slow() -> None:
    """More pages than were left at the edge's last word stop the machine until it says more."""
    bench = copying(left=5)
    bench.happens(Pulses(mono(4)), 1.0)
    assert bench.let()
    bench.happens(Pulses(mono(5)), 0.01)
    assert not bench.let()
    bench.happens(Answered(bench.asked.number, copy_state(counts=mono(4), left=8)))
    assert bench.let()


@pytest.mark.parametrize("event", [PrinterTrouble("The paper is jammed."), Key("stop")])
def test_who_cannot_begin_again_is_signed_off(event: Event) -> None:
    """Where a copy begins by the card only, its end is the end: the next swipe is a new copy."""
    bench = copying()
    bench.happens(event)
    bench.happens(TimeUp(), 2.0)
    bench.happens(Answered(bench.asked.number, copy_state(settled=True, go_on=False)))
    assert bench.asked.method == "sign-off"
    bench.happens(PrinterTrouble(""))
    bench.happens(ANA)
    bench.happens(Answered(bench.asked.number, identity()))
    assert bench.asked.method == "copy-begin"


def test_money_set_aside_for_who_has_left_is_given_back() -> None:
    """A copy that begins after its person left is ended without letting the machine."""
    bench = Bench(COPIER)
    bench.happens(EdgeBack())
    bench.happens(ANA)
    bench.happens(Answered(bench.asked.number, identity()))
    begin = bench.asked
    bench.happens(ANA)
    bench.happens(Answered(begin.number, copy_state()))
    assert Enable not in map(type, bench.actions)
    assert bench.asked.method == "copy-end"


def test_power_back_reports_what_was_open() -> None:
    """Copies of before the power cut are told to the edge, one after the other, then forgotten."""
    bench = Bench(COPIER)
    bench.happens(PowerBack((OpenCopy(copy_of(1), mono(3)), OpenCopy(copy_of(2), mono(1)))))
    assert not bench.asks
    bench.happens(EdgeBack())
    bench.happens(NoAnswer(bench.asked.number))
    assert bench.wake_at == bench.now + COPIER.again
    bench.happens(TimeUp(), COPIER.again)
    bench.happens(Answered(bench.asked.number, copy_state(1, settled=True)))
    assert str(copy_of(2)) == bench.asked.fields["copy_id"]
    assert bench.asked.fields["why"] == "after a restart"
    bench.happens(Answered(bench.asked.number, refused("not-found")))
    assert not bench.durable
    assert bench.wake_at is None


def test_pages_after_settlement_began_are_told_as_late() -> None:
    """Pages made while the edge settles are said once more, as a count."""
    bench = copying()
    bench.happens(Key("sign-off"))
    bench.happens(TimeUp(), 2.0)
    end = bench.asked
    bench.happens(Pulses(mono(1)))
    bench.happens(Answered(end.number, copy_state(settled=True, go_on=False)))
    bench.happens(TimeUp(), COPIER.again)
    assert bench.asked.method == "copy-count"
    assert mono(1) == bench.durable[copy_of(1)].counts
    bench.happens(Answered(bench.asked.number, refused("settled")))
    assert not bench.durable


def test_nobody_copies_before_the_last_copy_is_settled() -> None:
    """While the edge has still to hear of a copy's end, none is begun: it could be the same one."""
    bench = Bench(COPIER)
    bench.happens(PowerBack((OpenCopy(copy_of(1)),)))
    bench.happens(EdgeBack())
    bench.happens(NoAnswer(bench.asked.number))
    bench.happens(ANA)
    bench.happens(Answered(bench.asked.number, identity()))
    assert "copy-begin" not in bench.methods()
    assert "not settled yet" in bench.shown[-1].text


@pytest.mark.parametrize("phase", ["choosing", "releasing", "beginning"])
def test_who_is_signed_off_at_the_edge_is_signed_off_here(phase: str) -> None:
    """A session that has ended at the edge ends here, whatever was asked in its name."""
    bench = phases()[phase]
    bench.happens(Answered(bench.terminal.asks, refused("no-identity")))
    bench.happens(TimeUp(), COPIER.shown)
    assert bench.is_in(Idle)


def test_idle_people_are_signed_off() -> None:
    """After a minute without a touch nobody is signed in, sooner where the edge says so."""
    bench = Bench(PANEL)
    bench.happens(EdgeBack())
    bench.happens(ANA)
    bench.happens(Answered(bench.asked.number, identity(idle=20)))
    bench.happens(Key("touch"), 15.0)
    assert bench.wake_at == bench.now + 20
    bench.happens(TimeUp(), 20.0)
    assert bench.is_in(Idle)
    assert bench.asked.method == "sign-off"


def test_removed_card_signs_off_where_cards_stay() -> None:
    """Taking the card away ends the copy; laid down again meanwhile, its person comes back."""
    bench = copying(replace(COPIER, card_stays=True))
    bench.happens(ANA)
    assert bench.let()
    bench.happens(CardRemoved())
    assert not bench.let()
    bench.happens(ANA)
    bench.happens(TimeUp(), 2.0)
    bench.happens(Answered(bench.asked.number, copy_state(settled=True)))
    assert bench.asked.method == "identify"


def test_release_at_card_releases_every_held_job() -> None:
    """A card at a printer prints what waits there, says how much, and signs off."""
    bench = Bench(replace(COPIER, at_card="release"))
    bench.happens(EdgeBack())
    bench.happens(ANA)
    bench.happens(Answered(bench.asked.number, identity()))
    rows = [{"job": str(copy_of(n))} for n in (1, 2)]
    bench.happens(Answered(bench.asked.number, ok({"jobs": rows, "more": False})))
    bench.happens(Answered(bench.asked.number, ok()))
    bench.happens(Answered(bench.asked.number, refused("no-money")))
    assert (bench.shown[-1].number, bench.shown[-1].text) == (1, "it is no-money")
    assert bench.methods() == ["identify", "jobs", "release", "release", "sign-off"]


def test_release_at_card_goes_through_all_pages_of_the_list() -> None:
    """More jobs than one answer holds are all released, in their order."""
    bench = Bench(replace(COPIER, at_card="release"))
    bench.happens(EdgeBack())
    bench.happens(ANA)
    bench.happens(Answered(bench.asked.number, identity()))
    rows = [{"job": str(copy_of(n))} for n in range(1, 5)]
    bench.happens(Answered(bench.asked.number, ok({"jobs": rows[:2], "more": True})))
    assert bench.asked.fields["after"] == str(copy_of(2))
    bench.happens(Answered(bench.asked.number, ok({"jobs": rows[2:], "more": False})))
    for _ in rows:
        bench.happens(Answered(bench.asked.number, ok()))
    released = [ask.fields["job"] for ask in bench.asks if ask.method == "release"]
    assert [row["job"] for row in rows] == released


def test_nothing_more_is_released_for_who_has_left() -> None:
    """Signing off between two jobs leaves the second one held."""
    bench = phases()["releasing"]
    release = bench.asked
    bench.happens(Key("sign-off"))
    bench.happens(Answered(release.number, ok()))
    assert bench.asked.method == "sign-off"


def test_answers_that_cannot_be_read_let_nobody_in() -> None:
    """A malformed identity or copy is a no."""
    bench = Bench(COPIER)
    bench.happens(EdgeBack())
    bench.happens(ANA)
    bench.happens(Answered(bench.asked.number, ok({"user": "ana"})))
    assert bench.is_in(Settled)
    bench.happens(ANA)
    bench.happens(Answered(bench.asked.number, identity()))
    bench.happens(Answered(bench.asked.number, ok({"copy_id": "none"})))
    assert not bench.let()


def test_card_numbers_and_pins_are_in_no_repr() -> None:
    """What the session is, hears and asks can be logged."""
    bench = Bench(COPIER)
    bench.happens(EdgeBack())
    bench.happens(CardSeen("99887766", b"marked"))
    bench.happens(CardSeen("99887766", b"marked"))
    text = repr((bench.terminal, bench.actions, PinTyped("ana", "4711"), bench.asked))
    assert not [secret for secret in ("99887766", "4711", "marked") if secret in text]


@pytest.mark.parametrize(
    ("unsaid", "left", "expected"),
    [
        (NOTHING, NOTHING, True),  # nothing was made
        (mono(4), mono(5), True),
        (mono(5), mono(5), False),  # the next one is not covered
        (CopyCounts(color=1), mono(5), False),  # of a kind that is not allowed
        (CopyCounts(monochrome=2, color=1), CopyCounts(monochrome=4, color=2), False),  # ½ + ½
        (CopyCounts(monochrome=2, color=1), CopyCounts(monochrome=5, color=2), True),
    ],
)
def test_kinds_share_what_is_left(unsaid: CopyCounts, left: CopyCounts, *, expected: bool) -> None:
    """Pages of several kinds use up one budget, each by its own share."""
    assert expected == within(unsaid, left)


def test_steps_are_pure() -> None:
    """The same event on the same terminal gives the same, and changes neither."""
    answer = IdentifyAnswer(session=NAMES, user="ana", display="Ana", idle_seconds=60)
    terminal = Terminal(phase=Identified(Who(answer), 10.0), edge=True)
    first, second = (step(terminal, CopyWanted(), 1.0, PANEL) for _ in range(2))
    assert first == second
    assert isinstance(terminal.phase, Identified)


def test_a_new_card_is_entered_and_signs_nobody_else_in() -> None:
    """The card that is waited for goes to `enrol`, whoever's it is; a second one does nothing."""
    bench = phases()["enrolling"]
    bench.happens(BEA)
    assert bench.asked.method == "enrol"
    assert bench.asked.fields["card"] == "0533"
    bench.happens(ANA)
    assert bench.asked.method == "enrol"
    bench.happens(Answered(bench.asked.number, ok({"provisional": True})))
    assert (bench.shown[-1].screen, bench.shown[-1].code) == ("enrolled", "provisional")
    assert "sign-off" not in bench.methods()


def test_a_new_card_is_not_waited_for_for_ever() -> None:
    """After its time a card signs its person in again."""
    bench = phases()["enrolling"]
    bench.happens(TimeUp(), PANEL.enrol)
    assert bench.is_in(Identified)
    bench.happens(BEA)
    assert bench.asked.method == "identify"
