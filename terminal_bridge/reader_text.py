"""Writes a reader's settings as TOML, and puts them into a file of settings; pure."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from config.errors import PrintmeshError

if TYPE_CHECKING:
    from config.settings_parts import Part
    from config.terminal_settings import ReaderSettings

_HEADER = re.compile(
    r"^[ \t]*\[{1,2}[ \t]*([A-Za-z0-9_.-]+)[ \t]*\]{1,2}[ \t]*(#.*)?$", re.MULTILINE
)
#: Comments and empty lines before the next table: they are that one's.
_TAIL = re.compile(r"(^[ \t]*(#.*)?\n)*\Z", re.MULTILINE)
_TERMINALS = "terminals"
_READER = "terminals.reader"


class CannotPutError(PrintmeshError):
    """The settings' file is not of a shape in which a reader can be put safely."""


def reader_text(settings: ReaderSettings) -> str:
    """Return `[terminals.reader]` and its tables, with what differs from the defaults."""
    lines = [f"[{_READER}]", *_lines(settings, keep={"kind", "device"})]
    for name in ("framing", "number"):
        inner = _lines(getattr(settings, name))
        if inner:
            lines += ["", f"[{_READER}.{name}]", *inner]
    return "\n".join(lines) + "\n"


def with_reader(text: str, terminal: str, settings: ReaderSettings) -> str:
    """Put a reader into the text of a settings' file, in the place of the terminal's old one.

    Everything else stays letter by letter.

    Raises:
        CannotPutError: there is no such terminal, or anything else would have changed.
    """
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CannotPutError(f"the file is not TOML: {error}") from error
    heads = list(_HEADER.finditer(text))
    bounds = [*(head.start() for head in heads), len(text)]
    pieces = [text[a:b] for a, b in pairwise(bounds)]
    names = [head[1] for head in heads]
    number = next((n for n, piece in enumerate(pieces) if _is(names[n], piece, terminal)), None)
    if number is None:
        raise CannotPutError(f"there is no [[terminals]] with id = {terminal!r}")
    end = number + 1
    while end < len(names) and names[end].startswith(f"{_TERMINALS}."):
        end += 1
    mine = [n for n in range(number + 1, end) if f"{names[n]}.".startswith(f"{_READER}.")]
    after = "\n" if end < len(names) or (mine and mine[-1] < end - 1) else ""
    notes = "".join(tail for n in mine if "#" in (tail := _tail(pieces[n])))
    block = reader_text(settings) + (notes or after)
    kept = {n: piece for n, piece in enumerate(pieces) if n not in mine}
    if mine:
        kept[mine[0]] = block
    else:
        kept[end - 1] = kept[end - 1].rstrip("\n") + "\n\n" + block
    new = text[: bounds[0]] + "".join(kept[n] for n in sorted(kept))
    _check(before, new, terminal, settings)
    return new


def _is(name: str, piece: str, terminal: str) -> bool:
    """Tell whether a piece of the file is the head of this terminal's table."""
    if name != _TERMINALS:
        return False
    try:
        found: object = tomllib.loads(piece)[_TERMINALS][0]["id"]
    except (tomllib.TOMLDecodeError, LookupError, TypeError):
        return False
    return found == terminal


def _tail(piece: str) -> str:
    found = _TAIL.search(piece)
    return found[0] if found else ""


def _check(before: dict[str, Any], text: str, terminal: str, settings: ReaderSettings) -> None:
    """See that nothing changed but the reader."""
    reader = tomllib.loads(reader_text(settings))[_TERMINALS]["reader"]
    rows = before.get(_TERMINALS)
    for each in rows if isinstance(rows, list) else []:
        if isinstance(each, dict) and each.get("id") == terminal:
            each["reader"] = reader
    try:
        after = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CannotPutError(f"the reader cannot be put there ({error}): do it by hand") from error
    if after != before:
        raise CannotPutError("more than the reader would change: put it there by hand")


def _lines(part: Part, keep: set[str] | None = None) -> list[str]:
    """Return `key = value` for each field that is no table and not as by default."""
    lines = []
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if name in {"framing", "number"} or value is None:
            continue
        if name in (keep or ()) or value != field.default:
            lines.append(f"{name} = {_value(value)}")
    return lines


def _value(value: object) -> str:
    if isinstance(value, timedelta):
        return f'"{value // timedelta(milliseconds=1)}ms"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        # JSON's escapes are TOML's; DEL may stand in JSON and not in TOML
        return json.dumps(value).replace("\x7f", "\\u007f")
    return json.dumps(value)
