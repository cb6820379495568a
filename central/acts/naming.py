"""How people and accounts may be called: what every face checks before it asks for more."""

from __future__ import annotations

import re
from typing import Final

from central.store.ledger import Refused

_ACCOUNT: Final = re.compile(r"[a-z]+:[^\s@]{1,120}")
_USER: Final = re.compile(r"[^\s@:/]{1,110}")
_GROUP_LONGEST: Final = 120
_EMAIL: Final = re.compile(r"[^\s@]{1,64}@[^\s@]{1,253}")
_LANGUAGE: Final = re.compile(r"[a-z]{2}")
_TEXT_LONGEST: Final = 255


def user_name(text: str) -> str | Refused:
    """Return a user name as it is kept: in lower case, as CUPS compares them."""
    if not _USER.fullmatch(text) or not text.isprintable():
        return Refused(
            f"{text!r} is no user name; it is 1 to 110 characters without spaces, @, : and /"
        )
    return text.lower()


def account_key(text: str) -> str | Refused:
    """Return an account's key as it is kept."""
    if not _ACCOUNT.fullmatch(text) or not text.isprintable():
        return Refused(f"{text!r} is no account; write it like user:ana or department:physics")
    return text


def group(text: str) -> str | Refused:
    """Return a group's name as it is kept."""
    name = " ".join(text.split())
    if not 0 < len(name) <= _GROUP_LONGEST or not name.isprintable():
        return Refused(f"{text!r} is no group; its name has 1 to {_GROUP_LONGEST} characters")
    return name


def email(text: str) -> str | Refused:
    """Return an address as it is kept; empty: none."""
    given = text.strip().lower()
    if given and (not _EMAIL.fullmatch(given) or not given.isprintable()):
        return Refused(f"{text!r} is no address for e-mail; write it like ana@example.org")
    return given


def language(text: str) -> str | Refused:
    """Return a language as it is kept; empty: any."""
    if text and not _LANGUAGE.fullmatch(text):
        return Refused(f"{text!r} is no language; give two letters like fr (ISO 639-1), or none")
    return text


def line(text: str, what: str) -> str | Refused:
    """Return a line of text as it is kept: what people are called, their department."""
    given = " ".join(text.split())
    if len(given) > _TEXT_LONGEST or not given.isprintable():
        return Refused(f"a {what} is one line of up to {_TEXT_LONGEST} characters")
    return given
