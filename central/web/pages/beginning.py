"""What is done once before pages are served: the organisation's name, the code of a new centre."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from central.acts import setup
from central.store import organisation
from config.logs import logger

if TYPE_CHECKING:
    from central.web.pages.centre import Centre

_log = logger("central.pages")

#: 100 random bits, in groups that people can type.
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS: Final = 5
_GROUP: Final = 4


def prepare(centre: Centre, port: int) -> None:
    """Read what pages need; make a setup code while nobody looks after this centre.

    Only its hash is kept, so each start makes another one, and the one before is dead.

    Args:
        centre: what pages work with.
        port: the real one.
    """
    with centre.books.read() as tx:
        centre.organisation = organisation.name(tx)
        needed = setup.needed(tx)
    if not needed:
        return
    code = new_code()
    with centre.books.write() as tx:
        organisation.put_code(tx, code)
    web = centre.settings.web
    address = web.outside.replace(":0", f":{port}") if web.port == 0 else web.outside
    _log.info(
        f"nobody looks after this centre yet: open {address}/setup and type {code}, "
        "or run `printmesh central setup`",
        action="setup-code",
    )


def new_code() -> str:
    """Return a code that people can type."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)
