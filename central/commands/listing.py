"""What commands `printmesh central` has: where each is, and its sentence, without loading any.

Loading them all takes a second, most of it the database's library; `--help` and one command need
not wait for the others.
"""

from __future__ import annotations

from importlib import import_module
from typing import Final, NamedTuple

import typer


class Place(NamedTuple):
    """Where a command is."""

    module: str
    """In this package."""
    name: str
    """What it is called there: a function, or an application of several."""
    sentence: str
    """As its own help begins (a test compares)."""


#: In the order of the help.
PLACES: Final = {
    "init": Place(
        "begin",
        "init",
        "Set a new centre up: settings, the coordinator's secret, who may connect, empty books.",
    ),
    "setup": Place(
        "setup",
        "setup",
        "Make what a new centre lacks: its name, the first administrator, the first site.",
    ),
    "staff": Place("staff", "commands", "Staff: add, list, remove, reset-factor."),
    "correct": Place(
        "corrections",
        "correct",
        "Add to an account, or take from what of it is at the centre, by an entry with its reason.",
    ),
    "refund": Place(
        "corrections",
        "refund",
        "Give back what a job cost to those who paid, in proportion; never more than they paid.",
    ),
    "entries": Place(
        "corrections", "entries", "List the entries that touched an account, oldest first."
    ),
    "topup": Place(
        "corrections", "topup", "Put money on an account; it goes on to the sites by itself."
    ),
    "code": Place(
        "codes",
        "code",
        "Post money to a site and show a code of 20 digits that frees it there, line or no line.",
    ),
    "codes": Place(
        "codes",
        "list_codes",
        "List codes that were asked for, newest first; their digits are kept nowhere.",
    ),
    "role": Place(
        "terms",
        "role",
        "Set a site's role and what it may bear; it holds from the edge's own word on.",
    ),
    "exposure": Place(
        "terms",
        "exposure",
        "Show the worst case: what is owed, and what could still be charged past the money.",
    ),
    "migrate": Place(
        "books",
        "migrate",
        "Bring the database to this version's schema; makes it when there is none.",
    ),
    "balance": Place(
        "balances",
        "balance",
        "Show where money sits: at the centre and at each edge, linked or cut off.",
    ),
    "figures": Place(
        "figures",
        "commands",
        "Say what was printed and copied and what it cost, by whom, where and when.",
    ),
    "jobs": Place("books", "jobs", "List jobs as their edges have told of them."),
    "verify": Place(
        "books",
        "verify_books",
        "Re-fold the whole ledger and every chain; exit status 1 on any difference.",
    ),
    "backup": Place(
        "safety", "backup", "Copy the books into one file while they are used, and check the copy."
    ),
    "restore": Place(
        "safety",
        "restore",
        "Build the books anew from a backup and the second log, under the next epoch.",
    ),
    "move-books": Place(
        "moving",
        "move_books",
        "Copy the books to another, empty database, verify them there, and end the old ones.",
    ),
    "write-off": Place(
        "trouble",
        "write_off",
        "Make people whole for what sits at an edge that is lost for good, at the house's cost.",
    ),
    "user": Place("people", "users", "People: add, list, find, set, rename, remove."),
    "guest": Place("guests", "commands", "People for a time: add, extend, list."),
    "import": Place("imports", "commands", "People from elsewhere: csv, ldap, list."),
    "card": Place("cards", "commands", "Cards: add, set, block, unblock, remove, list."),
    "pin": Place("pins", "pin_commands", "PINs for the terminals: set, clear."),
    "password": Place("pins", "password_commands", "Passwords: set, clear."),
    "account": Place(
        "account_ends",
        "commands",
        "Accounts: add, show, list, set, freeze, close, merge, members.",
    ),
    "grant": Place(
        "grants", "commands", "Periodic grants: add, list, show, pause, resume, remove, run."
    ),
    "tariff": Place("things", "tariffs", "What printing costs: set, list, withdraw."),
    "rule": Place(
        "rules", "commands", "What may be printed how: check, try, set, show, history, explain."
    ),
    "node": Place(
        "fleet",
        "fleet",
        "The fleet: add, enrol, free, list and resync nodes; give and revoke secrets.",
    ),
    "dashboard": Place(
        "dashboards", "dashboards", "Who watches and says nothing: add, list, secret, remove."
    ),
    "printer": Place("things", "printers", "Points of print: add, list, remove."),
    "devices": Place(
        "devices",
        "list_devices",
        "List the fleet's devices: state, alerts, supplies with days left, pages today.",
    ),
    "device": Place(
        "devices",
        "commands",
        "One device: cost-centre, large-paper, read.",
    ),
    "reconcile": Place(
        "reconcile",
        "commands",
        "Compare a day's meters of every printer with what was billed, and say what is left.",
    ),
    "token": Place("tokens", "commands", "Who may use the API: add, list, remove."),
    "webhook": Place(
        "webhooks",
        "commands",
        "Programs that are told what happens: add, list, show, test, pause, resume, rotate, …",
    ),
    "second-log": Place("safety", "second_log", "The log beside the books: show, compact."),
    "recovery": Place(
        "recovery",
        "app",
        "After a restore without the second log: who has reported, and going on.",
    ),
    "fork": Place("trouble", "fork", "Journals that were rolled back or cloned."),
    "job": Place(
        "jobs", "commands", "Jobs: show one's whole life, find some; clear flags, hide names."
    ),
    "refund-request": Place(
        "refund_requests",
        "commands",
        "Requests for money back: list, show, ask, settle, decline.",
    ),
    "till": Place(
        "till",
        "commands",
        "The till: open, take, pay-back, reverse, receipt, close, list.",
    ),
    "privacy": Place(
        "privacy",
        "privacy_commands",
        "Documents' names: what is kept of them, and treating old ones.",
    ),
    "retention": Place(
        "privacy",
        "retention_commands",
        "Deleting what has been kept long enough: show, run.",
    ),
    "audit": Place(
        "audit", "commands", "Every administrative act: list, verify, export; never changed."
    ),
    "quarantine": Place("trouble", "aside", "Events that were put aside: show, mend, try again."),
}
#: -1 is an amount here, to be refused as one, and no option.
_WITH_AMOUNTS: Final = {"correct", "topup", "code"}


def add(app: typer.Typer, command: str) -> None:
    """Load a command into an application."""
    place = PLACES[command]
    found = getattr(import_module(f"central.commands.{place.module}"), place.name)
    if isinstance(found, typer.Typer):
        app.add_typer(found, name=command)
        return
    settings = {"ignore_unknown_options": True} if command in _WITH_AMOUNTS else None
    app.command(command, context_settings=settings)(found)


def name(app: typer.Typer, command: str) -> None:
    """Let an application's help name a command that is not loaded."""
    app.command(command, help=PLACES[command].sentence)(_not_loaded)


def _not_loaded() -> None:
    raise NotImplementedError("it was named only")
