"""Where a person's pop-up keeps its settings, for them only, and how a token becomes them."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from broker.credentials import write_private
from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from config.popup_token import PopupToken

_FILE = "popup.toml"


class NotStored(PrintmeshError):
    """The token could not be written down."""


def directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the person's directory of settings (XDG Base Directory Specification 0.8)."""
    given = environ.get("XDG_CONFIG_HOME", "")
    base = Path(given) if given.startswith("/") else Path.home() / ".config"
    return base / "printmesh"


def settings_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where a person's pop-up has its settings."""
    return directory(environ) / _FILE


def store(token: PopupToken, path: Path) -> None:
    """Write settings of a token, readable by their owner only (0600), in one step.

    Raises:
        NotStored: why not.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        authority = None
        if token.authority is not None:
            # named by what is in it: settings and authority cannot be of two tokens
            name = sha256(token.authority.encode()).hexdigest()[:16]
            authority = path.with_name(f"authority-{name}.pem")
            write_private(authority, token.authority)
        write_private(path, _text(token, authority))
    except OSError as error:
        raise NotStored(f"{error.filename or path}: {error.strerror or error}") from error


def _text(token: PopupToken, authority: Path | None) -> str:
    # JSON's strings are TOML's basic strings
    lines = [
        "# Written by `printmesh popup --token`; whoever reads this is taken for its owner.",
        f"node = {json.dumps(token.node)}",
        f"secret = {json.dumps(token.secret)}",
        "",
        "[broker]",
        f"host = {json.dumps(token.host)}",
        f"port = {token.port}",
        f"tls = {json.dumps(token.tls)}",
    ]
    if authority is not None:
        lines.append(f"tls_ca = {json.dumps(authority.name)}")
    return "\n".join(lines) + "\n"
