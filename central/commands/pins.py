"""`pin …` and `password …`: what people prove at a terminal that they are who they say."""

from __future__ import annotations

import os
import sys
from getpass import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from broker.credentials import mint
from central import pins
from central.acts import people
from central.acts.people import WORDS
from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    by,
    console,
    desk,
    done,
    first_line,
    write_json,
)
from central.commands.people import find_user
from central.store import secrets

if TYPE_CHECKING:
    from pathlib import Path

    from central.store.secrets import Which

pin_commands = typer.Typer(no_args_is_help=True, help="PINs for the terminals: set, clear.")
password_commands = typer.Typer(no_args_is_help=True, help="Passwords: set, clear.")

User = Annotated[str, typer.Argument(help="User name, as jobs carry it.")]
Generate = Annotated[bool, typer.Option("--generate", help="Make one by chance; it is shown once.")]


@pin_commands.command("set")
def set_pin(
    user: User, config: Config = None, *, generate: Generate = False, as_json: AsJson = False
) -> None:
    """Set a person's PIN, 4 to 12 digits: asked for here, or the first line of the input."""
    _set(user, "pin", config, generate=generate, as_json=as_json)


@pin_commands.command("clear")
def clear_pin(user: User, config: Config = None) -> None:
    """Take a person's PIN away; sites hear of it at once."""
    _clear(user, "pin", config)


@password_commands.command("set")
def set_password(
    user: User, config: Config = None, *, generate: Generate = False, as_json: AsJson = False
) -> None:
    """Set a person's password, 10 characters or more: asked for, or the input's first line."""
    _set(user, "password", config, generate=generate, as_json=as_json)


@password_commands.command("clear")
def clear_password(user: User, config: Config = None) -> None:
    """Take a person's password away; sites hear of it at once."""
    _clear(user, "password", config)


def _set(user: str, which: Which, config: Path | None, *, generate: bool, as_json: bool) -> None:
    with desk(config) as at:
        with at.books.read() as tx:
            name = find_user(tx, user).name
        if generate:
            secret = pins.new_pin(os.urandom) if which == "pin" else mint()
        elif as_json:
            raise Refusal("--json shows what --generate makes; what is typed is shown nowhere")
        else:
            secret = _asked(which, name)
        # beside the transaction: it takes long, by intention
        phc = secrets.hashed(secret)
        with at.books.write() as tx:
            done(people.set_secret(tx, by(), name, which, phc))
    if as_json:
        write_json({"user": name, which: secret})
    elif generate:
        console.print(f"The {WORDS[which]} of {name}, shown once:\n{secret}", markup=False)
    else:
        console.print(f"{name} has a new {WORDS[which]}.", markup=False)


def _clear(user: str, which: Which, config: Path | None) -> None:
    with desk(config) as at, at.books.write() as tx:
        name = find_user(tx, user).name
        done(people.clear_secret(tx, by(), name, which))
    console.print(f"{name} has no {WORDS[which]} any more.", markup=False)


def _asked(which: Which, name: str) -> str:
    """Return what is typed, twice and without an echo; or the input's first line."""
    if sys.stdin.isatty():
        secret = getpass(f"New {WORDS[which]} of {name}: ")
        if getpass("Once more: ") != secret:
            raise Refusal("the two are not the same; nothing was changed")
    else:
        secret = first_line(pins.PASSWORD_LONGEST + 1)
    if (wrong := people.wrong_secret(which, secret, name)) is not None:
        raise Refusal(wrong.reason)
    return secret
