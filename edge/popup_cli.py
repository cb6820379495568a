"""`printmesh edge popup`: enrol pop-ups of people's workstations, list them, take them back.

Works on the file that the site's broker reads, whether the edge runs or not.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from socket import getfqdn
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from edge.popup_authority import own_authority
from edge.showing import console, errors

if TYPE_CHECKING:
    from broker.credentials import CredentialFile
    from config.settings import EdgeSettings

_EVERYWHERE: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  compared with
_HERE_ONLY: Final = frozenset({"127.0.0.1", "::1", "localhost"})
#: Crockford's letters: none of them is taken for another.
_LETTERS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_LENGTH: Final = 8


def popup(
    user: Annotated[
        str | None, typer.Argument(help="Whose pop-up to enrol, by user name; none: list them.")
    ] = None,
    config: Annotated[
        Path,
        typer.Option("--config", "-c", help="Settings of this edge.", envvar="PRINTMESH_CONFIG"),
    ] = Path("edge.toml"),
    *,
    node: Annotated[
        str | None, typer.Option("--node", help="The pop-up's id, such as desk-7; else a new one.")
    ] = None,
    host: Annotated[
        str | None,
        typer.Option("--host", help="Name of this machine as workstations reach it."),
    ] = None,
    authority: Annotated[
        Path | None,
        typer.Option(help="PEM of the authority behind the site broker's certificate."),
    ] = None,
    revoke: Annotated[
        str | None, typer.Option("--revoke", help="Take this pop-up's credential back, by its id.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON for machines.")] = False,
) -> None:
    """Enrol a person's pop-up and print its token; without USER list them; --revoke ends one.

    The token is shown once; `printmesh popup --token` takes it. A revoked pop-up is cut off within
    seconds.
    """
    from broker.credentials import CredentialFile  # noqa: PLC0415  keeps --help fast
    from config.settings import EdgeSettings, load  # noqa: PLC0415
    from edge.site_broker import terminals_file  # noqa: PLC0415

    settings = load(EdgeSettings, config)
    file = CredentialFile(terminals_file(settings))
    if user and revoke:
        _wrong("USER or --revoke, not both")
    if revoke:
        _revoke(file, revoke, as_json=as_json)
    elif user:
        _enrol(settings, file, user, node, host, authority, as_json=as_json)
    else:
        _list(settings, file, as_json=as_json)


def _enrol(
    settings: EdgeSettings,
    file: CredentialFile,
    user: str,
    node: str | None,
    host: str | None,
    authority: Path | None,
    *,
    as_json: bool,
) -> None:
    from pydantic import ValidationError  # noqa: PLC0415  keeps --help fast

    from broker.topics import Party  # noqa: PLC0415
    from config.popup_token import PopupToken, written  # noqa: PLC0415

    site = settings.site_broker
    if site.tls_client_ca is not None:
        _wrong("site_broker.tls_client_ca asks a certificate of every terminal; a pop-up has none")
    if site.port == 0:
        _wrong("site_broker.port = 0 takes another port each time; name one in the settings")
    name = node or f"popup-{''.join(secrets.choice(_LETTERS) for _ in range(_LENGTH))}"
    if name in {*_taken(settings), *(each.name for each in file.entries())}:
        _wrong(f"{name} is another node's id already; choose one with --node, or none")
    where = host or (getfqdn() if site.host in _EVERYWHERE else site.host)
    known = _known(settings, user)
    fields = {
        "host": where,
        "port": site.port,
        "node": name,
        "tls": site.tls_certificate is not None,
        "authority": _authority(site.tls_certificate, authority),
    }
    try:  # nothing is entered that cannot be handed out
        PopupToken.model_validate({**fields, "secret": "x" * 43})
    except ValidationError as error:
        first = error.errors()[0]
        _wrong(
            f"{'.'.join(map(str, first['loc']))}: {first['msg']}, given {first['input']!r}"[:300]
        )
    secret = file.add(name, Party.NODE, person=user)
    token = written(PopupToken.model_validate({**fields, "secret": secret}))
    if as_json:
        console().print_json(data={"node": name, "user": user, "token": token})
        return
    # to standard output nothing but the token: it is put into a file or a mail from there
    typer.echo(token)
    said = [
        f"This is {user}'s pop-up {name}; it reaches the site at {where}:{site.port}.",
        "On the workstation: printmesh popup --token - (and paste it there).",
        "Whoever has this token is taken for that person. It is not shown again.",
    ]
    if known is not None:
        said.append(known)
    if where in _HERE_ONLY:
        said.append("The site's broker listens on this machine only: see site_broker.host.")
    elif not fields["tls"]:
        said.append(
            "Without site_broker.tls_certificate everybody on that network can read it all."
        )
    for line in said:
        errors().print(line, markup=False, soft_wrap=True)


def _known(settings: EdgeSettings, user: str) -> str | None:
    """Ask the running edge whether it knows a user; return what there is to say about it.

    Raises:
        typer.Exit: it does not know them.
    """
    import asyncio  # noqa: PLC0415  keeps --help fast

    from broker.messages import BalanceRequest  # noqa: PLC0415
    from config import logs  # noqa: PLC0415
    from edge.asking import NoAnswer, ask  # noqa: PLC0415

    logs.configure("edge", "error")
    try:
        reply = asyncio.run(ask(settings, "balance", BalanceRequest, {"person": {"user": user}}))
    except NoAnswer:
        return f"The edge does not answer now, so nobody looked whether it knows {user}."
    if reply.status == "refused":
        _wrong(f"nobody here is called {user}; people are entered at the centre", status=3)
    return None


def _authority(certificate: Path | None, given: Path | None) -> str | None:
    """Return the authority a pop-up has to be told: as given, or one that signed itself."""
    if certificate is None:
        return None
    path = given or certificate
    try:
        text = path.read_text(encoding="ascii")
        return own_authority(text) if given is None else text
    except (OSError, UnicodeDecodeError, ValueError) as error:
        _wrong(f"{path}: {error}")


def _taken(settings: EdgeSettings) -> tuple[str, ...]:
    from edge.asking import OPERATOR  # noqa: PLC0415  keeps --help fast
    from edge.site_broker import DESK  # noqa: PLC0415

    site, people = settings.site_broker, settings.terminals
    return (OPERATOR, DESK, settings.node, *site.vouching, *people.shared, *people.bound)


def _list(settings: EdgeSettings, file: CredentialFile, *, as_json: bool) -> None:
    from rich.table import Table  # noqa: PLC0415  keeps --help fast
    from rich.text import Text  # noqa: PLC0415

    rows = [
        *((name, user, "settings") for name, user in settings.terminals.bound.items()),
        *((each.name, each.person, "enrolled") for each in file.entries() if each.person),
    ]
    if as_json:
        console().print_json(data=[{"node": n, "user": u, "by": by} for n, u, by in rows])
        return
    if not rows:
        console().print("No pop-ups yet; `printmesh edge popup USER` enrols one.")
        return
    table = Table("pop-up", "user", "by", box=None)
    for row in rows:
        table.add_row(*map(Text, row))
    console().print(table)


def _revoke(file: CredentialFile, node: str, *, as_json: bool) -> None:
    entry = next((each for each in file.entries() if each.name == node and each.person), None)
    if entry is None or not file.remove(node):
        _wrong(f"there is no pop-up {node}; `printmesh edge popup` lists them")
    if as_json:
        console().print_json(data={"node": node, "user": entry.person, "revoked": True})
        return
    text = f"{entry.person}'s pop-up {node} is let in no more; a running one is cut off in seconds."
    console().print(text, markup=False, soft_wrap=True)


def _wrong(what: str, *, status: int = 2) -> NoReturn:
    errors().print(f"printmesh edge: {what}", style="red", markup=False, soft_wrap=True)
    raise typer.Exit(status)
