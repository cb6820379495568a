"""`user`: people, what they may do, who pays for them, and how they are found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from broker.directory import UserRow
from central.acts import openid, people
from central.acts.people import SECRETS, Wishes
from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    account_key,
    by,
    console,
    day_end,
    desk,
    done,
    show,
    unknown,
    user_name,
)
from central.store import directory, person, person_search, wallets
from central.store.person_search import Which

if TYPE_CHECKING:
    from central.store.books import Transaction
    from central.store.person import Person

users = typer.Typer(no_args_is_help=True, help="People: add, list, find, set, rename, remove.")

User = Annotated[str, typer.Argument(help="User name, as jobs carry it.")]
Display = Annotated[str | None, typer.Option("--display", help="What people read.")]
Account = Annotated[
    list[str] | None,
    typer.Option("--account", help="Pays for their jobs; may be given again: all must cover."),
]
Group = Annotated[list[str] | None, typer.Option("--group", help="For rules; may be given again.")]
Email = Annotated[str | None, typer.Option("--email", help="Where they can be written to.")]
Department = Annotated[str | None, typer.Option("--department", help="Whose they are, in reports.")]


@users.command("add")
def add_user(
    name: User,
    config: Config = None,
    *,
    display: Display = None,
    account: Account = None,
    group: Group = None,
    email: Email = None,
    department: Department = None,
) -> None:
    """Enter a person, with an account of their own (user:NAME) unless --account says otherwise."""
    wishes = Wishes(
        display=display,
        groups=group,
        accounts=None if account is None else [account_key(key) for key in account],
        email=email,
        department=department,
    )
    with desk(config) as at, at.books.write() as tx:
        row = done(people.add(tx, by(), user_name(name), wishes, currency=at.settings.currency))
    console.print(f"Entered {row.name}; pays from {', '.join(row.accounts)}.")


# the older name of it
@users.command("change", hidden=True)
@users.command("set")
def set_user(
    name: User,
    config: Config = None,
    *,
    display: Display = None,
    account: Account = None,
    wallet: Annotated[
        list[str] | None,
        typer.Option(
            "--wallet",
            help="Accounts that cover a charge together, the first spent first: "
            "grant:ana,user:ana; may be given again: all lists must cover.",
        ),
    ] = None,
    choice: Annotated[
        list[str] | None,
        typer.Option(
            "--choice",
            help="A department or project to charge instead; may be given again; `none`: none.",
        ),
    ] = None,
    group: Group = None,
    enabled: Annotated[
        bool | None, typer.Option("--enable/--disable", help="Disabled: everything is denied.")
    ] = None,
    language: Annotated[
        str | None,
        typer.Option("--language", help="Of the terminals for them, like fr; `none`: any."),
    ] = None,
    operates: Annotated[
        list[str] | None,
        typer.Option(
            "--operates",
            help="An edge at whose site they handle other people's jobs, '*' for all; may be "
            "given again; `none`: nowhere.",
        ),
    ] = None,
    delegate: Annotated[
        list[str] | None,
        typer.Option(
            "--delegate",
            help="Who may release this person's jobs; may be given again; `none`: nobody.",
        ),
    ] = None,
    email: Email = None,
    department: Department = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", help="Last day before they are disabled, like 2027-07-31; `none`: for ever."
        ),
    ] = None,
) -> None:
    """Change what is given of a person; the rest stays."""
    name = user_name(name)
    if account is not None and wallet is not None:
        raise Refusal("--wallet says who pays, and so does --account; give one of them")
    wishes = Wishes(
        display=display,
        groups=group,
        enabled=enabled,
        language="" if language == "none" else language,
        accounts=None if account is None else [account_key(key) for key in account],
        wallets=None if wallet is None else tuple(map(_wallet, wallet)),
        choices=None if choice is None else [account_key(key) for key in _some(choice)],
        operates=None if operates is None else _some(operates),
        delegates=None if delegate is None else [user_name(each) for each in _some(delegate)],
        email="" if email == "none" else email,
        department="" if department == "none" else department,
        expires_at=None if until in {None, "none"} else day_end(until or ""),
        lasting=until == "none",
    )
    if wishes == Wishes():
        raise Refusal("nothing to change; give --display, --wallet, --group or --disable")
    with desk(config) as at, at.books.write() as tx:
        find_user(tx, name)
        done(people.change(tx, by(), name, wishes, currency=at.settings.currency))
    console.print(f"Changed {name}.")


@users.command("rename")
def rename_user(
    name: User,
    new: Annotated[str, typer.Argument(help="What jobs will carry.")],
    config: Config = None,
) -> None:
    """Call a person something else; accounts, cards, PIN and rights stay theirs.

    What they printed stays under the older name, and so do jobs that wait at the sites.
    """
    with desk(config) as at, at.books.write() as tx:
        before = find_user(tx, name)
        row = done(people.rename(tx, by(), before.name, user_name(new)))
    console.print(f"{before.name} is called {row.name} now.")


@users.command("remove")
def remove_user(name: User, config: Config = None) -> None:
    """Take a person out of the directory; accounts and history stay."""
    with desk(config) as at, at.books.write() as tx:
        name = find_user(tx, name).name
        done(people.remove(tx, by(), name))
    console.print(f"Removed {name} and their cards.")


@users.command("unjoin")
def unjoin_user(name: User, config: Config = None) -> None:
    """Forget who a person is at the provider of OpenID Connect; their sessions end."""
    with desk(config) as at, at.books.write() as tx:
        name = find_user(tx, name).name
        done(openid.part(tx, by(), name))
    console.print(f"{name} is joined with nobody at a provider any more.", markup=False)


@users.command("list")
def list_users(config: Config = None, *, as_json: AsJson = False) -> None:
    """List people."""
    with desk(config) as at, at.books.read() as tx:
        found = [UserRow.model_validate(row) for _, row in directory.live(tx, "user")]
    rows = [
        {
            **row.model_dump(mode="json", exclude=set(SECRETS)),
            "has_pin": bool(row.pin),
            "has_password": bool(row.password),
            "language": row.language,
            "operates": row.operates,
            "delegates": row.delegates,
            "pays_from": [" then ".join(each) for each in wallets.lists_of(row)],
            "wallets": wallets.lists_of(row),
            "choices": row.choices,
        }
        for row in found
    ]
    show(
        rows,
        as_json=as_json,
        columns=("name", "display", "groups", "pays_from", "choices", "enabled"),
        empty="Nobody yet; enter people with `printmesh central user add NAME`.",
    )


@users.command("find")
def find_users(
    text: Annotated[
        str, typer.Argument(help="Beginnings of words of a name, a user name, an address.")
    ] = "",
    config: Config = None,
    *,
    group: Annotated[str | None, typer.Option("--group", help="Only who is in it.")] = None,
    department: Department = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Only of local, csv, guest, oidc or ldap:NAME.")
    ] = None,
    enabled: Annotated[
        bool | None, typer.Option("--enabled/--disabled", help="Only who is so.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", help="So many at most.", min=1)] = 50,
    as_json: AsJson = False,
) -> None:
    """Find people, the likeliest first; without a text, by what people read."""
    which = Which(text, group, department, source, enabled)
    with desk(config) as at, at.books.read() as tx:
        if text.strip():
            found = person_search.suggest(tx, text, limit=limit, which=which)
        else:
            found = person_search.page(tx, which, limit=limit)
        all_ = person_search.count(tx, which)
    columns = ("name", "display", "department", "groups", "source", "enabled")
    show([_listed(each) for each in found], as_json=as_json, columns=columns, empty="Nobody is so.")
    if found and not as_json and all_ > len(found):
        console.print(f"{len(found)} of {all_}; more letters, or --limit, show others.")


def find_user(tx: Transaction, given: str) -> UserRow:
    """Return a person, or refuse with who may have been meant."""
    name = user_name(given)
    row = directory.get(tx, "user", name)
    if row is None:
        known = person.like(tx, name)
        raise unknown("user", name, known, "enter them with `printmesh central user add`")
    return UserRow.model_validate(row)


def _wallet(text: str) -> tuple[str, ...]:
    return tuple(account_key(key.strip()) for key in text.split(",") if key.strip())


def _some(given: list[str]) -> list[str]:
    return [each for each in given if each != "none"]


def _listed(each: Person) -> dict[str, object]:
    about = each.about
    return {
        "name": each.name,
        "display": each.display,
        "email": about.email,
        "department": about.department,
        "groups": each.groups,
        "source": about.source,
        "enabled": each.enabled,
        "ended": about.ended,
        "expires_at": about.expires_at,
        "last_seen": each.last_seen,
    }
