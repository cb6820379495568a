"""One's own cards and PIN, and the language one is spoken to in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from broker.directory import UserRow
from central import pins
from central.acts import cards as acts
from central.acts import people
from central.rights import Right
from central.store import cards, directory, sign_in_tries
from central.store.ledger import Refused
from central.web.pages import card_views, sentences
from central.web.pages.sentences import mark
from central.web.pages.table import Page
from central.web.pages.views import Choice, Consequence, Notice
from central.web.pages.visit import LANGUAGE

if TYPE_CHECKING:
    from starlette.responses import Response

    from central.signing_in import Whose
    from central.store.books import Transaction
    from central.store.cards import Card
    from central.web.pages.forms import Wrong
    from central.web.pages.visit import Visit

_WRONG_PIN: Final = mark(
    "A PIN is %(least)s to %(most)s digits that do not repeat themselves, nor count up or down."
)
_NOT_SAME: Final = mark("The two are not the same.")
_OLD_WRONG: Final = mark("This is not your password.")
_WAIT: Final = mark("Too many tries. The next one can be made in %(time)s.")


@dataclass(frozen=True, slots=True)
class Cards:
    """The page."""

    cards: tuple[card_views.CardView, ...]
    good: int
    """Of these, how many identify."""
    pin: bool
    """There is a PIN."""
    has_password: bool
    languages: tuple[Choice, ...]
    wrong: Wrong = field(default_factory=dict)


async def show(visit: Visit) -> Response:
    """Show cards, PIN and language."""
    return visit.page("me-cards.html", await visit.read(lambda tx: _cards(tx, visit, {})))


def _cards(tx: Transaction, visit: Visit, wrong: Wrong) -> Cards:
    row = _row(tx, visit)
    found = tuple(card_views.view_of(visit, each) for each in cards.every(tx, row.name))
    offered = visit.centre.settings.web.languages
    any_ = Choice("", visit.say(mark("as the machine")), chosen=not row.language)
    languages = tuple(Choice(each, each, chosen=each == row.language) for each in offered)
    return Cards(
        found,
        sum(each.state == "good" for each in found),
        bool(row.pin),
        bool(row.password),
        (any_, *languages),
        wrong,
    )


def _row(tx: Transaction, visit: Visit) -> UserRow:
    return UserRow.model_validate(directory.get(tx, "user", visit.me.name))


# ── cards ───────────────────────────────────────────────────────────────────────────────────


async def lost(visit: Visit) -> Response:
    """Tell what blocking a card comes to, or do it."""
    key, by = visit.path("key"), visit.by
    card = await visit.read(lambda tx: _own(tx, visit, key))
    if visit.request.method == "POST":
        reason = "its owner lost it"
        done = await visit.write(lambda tx: acts.block(tx, by, card, reason=reason))
        if isinstance(done, Refused):
            return visit.go("/me/cards", visit.told("unknown", mark("It is blocked already.")))
        said = visit.say(mark("The card is blocked. Every site that is linked knows it already."))
        more = visit.say(mark("A site that works alone hears of it before all else."))
        return visit.go("/me/cards", Notice("good", said, more))
    view = Consequence(
        title=visit.say(mark("Block the card %(card)s?"), card=card.shown),
        numbers=(
            visit.say(mark("Whoever holds it can print and copy nothing with it any more.")),
            visit.say(mark("Your money, your documents and your other cards stay as they are.")),
        ),
        verb=visit.say(mark("Block it")),
        action=f"/me/cards/{key}/lost",
        undo=visit.say(mark("Found again? The desk takes the block off.")),
    )
    return visit.page("me-card-lost.html", view)


async def with_pin(visit: Visit) -> Response:
    """Have the PIN wanted beside a card, or not any more."""
    key, by, wanted = visit.path("key"), visit.by, visit.form.ticked("wanted")

    def act(tx: Transaction) -> Card | Refused:
        return acts.want_pin(tx, by, _own(tx, visit, key), wanted=wanted)

    done = await visit.write(act)
    if isinstance(done, Refused):
        return visit.go("/me/cards", visit.told("trouble", mark("Choose a PIN first.")))
    said = mark("This card is good with your PIN only.") if wanted else mark("The card is enough.")
    return visit.go("/me/cards", visit.told("good", said))


def _own(tx: Transaction, visit: Visit, key: str) -> Card:
    """Return a card of one's own.

    Raises:
        HTTPException: 404, there is none; of somebody else's the same is said.
    """
    found = cards.by_key(tx, key)
    if found is None or found.row.user != visit.me.name:
        raise HTTPException(404, sentences.NO_PAGE)
    return found


# ── PIN ─────────────────────────────────────────────────────────────────────────────────────


async def set_pin(visit: Visit) -> Response:
    """Set another PIN; the password is asked for, so a browser left open gives no PIN away."""
    who, form, by = visit.me, visit.form, visit.by
    new = form.text("pin", 64)
    wrong: Wrong = {}
    if pins.wrong_pin(new) is not None:
        wrong["pin"] = visit.say(_WRONG_PIN, least=pins.PIN_SHORTEST, most=pins.PIN_LONGEST)
    elif new != form.text("again", 64):
        wrong["again"] = visit.say(_NOT_SAME)
    row = await visit.read(lambda tx: _row(tx, visit))
    if not wrong and row.password:
        wrong |= await _unproven(visit, row.password)
    if wrong:
        view = await visit.read(lambda tx: _cards(tx, visit, wrong))
        return visit.page("me-cards.html", view, status=422)
    made = await visit.centre.passwords.hashed(new)
    await visit.write(lambda tx: people.set_secret(tx, by, who.name, "pin", made))
    said = visit.say(mark("Your PIN is set. It is good at every site that is linked."))
    return visit.go("/me/cards", Notice("good", said))


async def _unproven(visit: Visit, phc: str) -> Wrong:
    """Return what is wrong with the password that was typed; nothing when it is right."""
    marks: dict[Whose, str] = {"name": visit.centre.sealer.keyed("name", visit.me.name)}
    wait = await visit.write(lambda tx: sign_in_tries.begin(tx, marks))
    if wait is not None:
        return {"old": visit.say(_WAIT, time=visit.words.lasting(wait.rest))}
    checked = await visit.centre.passwords.check(phc, visit.form.text("old", 300))
    if not checked.right:
        return {"old": visit.say(_OLD_WRONG)}
    await visit.write(lambda tx: sign_in_tries.right(tx, marks))
    return {}


# ── language ────────────────────────────────────────────────────────────────────────────────


async def set_language(visit: Visit) -> Response:
    """Have machines, and these pages, speak a language."""
    who, by, wish = visit.me, visit.by, visit.form.text("language", 2)
    if wish and wish not in visit.centre.settings.web.languages:
        return visit.go("/me/cards")
    wishes = people.Wishes(language=wish)
    done = await visit.write(lambda tx: people.change(tx, by, who.name, wishes))
    if isinstance(done, Refused):
        return visit.go("/me/cards", visit.told("trouble", mark("This language is not taken.")))
    if wish:
        visit.choose(LANGUAGE, wish)
    return visit.go("/me/cards", visit.told("good", mark("Your language is kept.")))


PAGES: Final = (
    Page("/me/cards", show, Right.OWN),
    Page("/me/cards/{key}/lost", lost, Right.OWN),
    Page("/me/cards/{key}/lost", lost, Right.OWN, methods=("POST",)),
    Page("/me/cards/{key}/pin", with_pin, Right.OWN, methods=("POST",)),
    Page("/me/pin", set_pin, Right.OWN, methods=("POST",)),
    Page("/me/language", set_language, Right.OWN, methods=("POST",)),
)
