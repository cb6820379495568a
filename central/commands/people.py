"""`user` and `topup`: people, what they may do, and what they may spend."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

import typer

from broker.directory import UserRow
from central.commands.desk import (
    AsJson,
    Config,
    Refusal,
    account_key,
    amount,
    author,
    console,
    desk,
    money,
    show,
    unknown,
    user_name,
)
from central.store import accounts, audit, cards, directory, people, wallets
from central.store.accounts import Rules
from central.store.ledger import HOUSE_KINDS, Refused
from config.policy.money import PAGE

if TYPE_CHECKING:
    from central.store.books import Transaction
    from config.policy.accounts import Counts

#: What a person's quota counts, by what follows their name.
_QUOTAS: Final[dict[str, Counts]] = {
    "": "impressions",
    ".color": "color",
    ".mono": "monochrome",
}

#: Hashes: they are shown, kept and said nowhere but in the row.
_SECRETS: Final = {"pin", "password"}
_LANGUAGE: Final = re.compile(r"[a-z]{2}")

users = typer.Typer(no_args_is_help=True, help="People: add, list, set, remove.")

User = Annotated[str, typer.Argument(help="User name, as jobs carry it.")]
Display = Annotated[str | None, typer.Option("--display", help="What people read.")]
Account = Annotated[
    list[str] | None,
    typer.Option("--account", help="Pays for their jobs; may be given again: all must cover."),
]
Group = Annotated[list[str] | None, typer.Option("--group", help="For rules; may be given again.")]


@users.command("add")
def add_user(
    name: User,
    config: Config = None,
    *,
    display: Display = None,
    account: Account = None,
    group: Group = None,
) -> None:
    """Enter a person, with an account of their own (user:NAME) unless --account says otherwise."""
    name = user_name(name)
    keys = [account_key(key) for key in account or [f"user:{name}"]]
    with desk(config) as at, at.books.write() as tx:
        if directory.get(tx, "user", name) is not None:
            raise Refusal(f"there is a user {name!r} already; change them with `user set`")
        for key in keys:
            _open(tx, key, at.settings.currency)
        row = UserRow(
            name=name, display=display or "", groups=tuple(group or ()), accounts=tuple(keys)
        )
        directory.put(tx, "user", name, row)
        detail = {"accounts": keys}
        audit.note(tx, author=author(), act="user add", target=f"person:{name}", detail=detail)
    console.print(f"Entered {name}; pays from {', '.join(keys)}.")


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
) -> None:
    """Change what is given of a person; the rest stays."""
    name = user_name(name)
    if account is not None and wallet is not None:
        raise Refusal("--wallet says who pays, and so does --account; give one of them")
    fields = {"display": display, "groups": group, "enabled": enabled}
    changes: dict[str, object] = {k: value for k, value in fields.items() if value is not None}
    others = (account, wallet, choice, language, operates, delegate)
    if not changes and all(each is None for each in others):
        raise Refusal("nothing to change; give --display, --wallet, --group or --disable")
    if group is not None:
        changes["groups"] = tuple(group)
    if language is not None:
        changes["language"] = _language(language)
    with desk(config) as at, at.books.write() as tx:
        before = find_user(tx, name)
        if operates is not None:
            changes["operates"] = _checked(people.sites(tx, _some(operates)))
        if delegate is not None:
            names = [user_name(each) for each in _some(delegate)]
            changes["delegates"] = _checked(people.delegates(tx, name, names))
        row = before.model_copy(update=changes)
        row = _paying(tx, row, account, wallet, at.settings.currency)
        if choice is not None:
            wanted = [account_key(key) for key in choice if key != "none"]
            chosen = wallets.choose(tx, row, wanted)
            if isinstance(chosen, Refused):
                raise Refusal(chosen.reason)
            row = chosen
        directory.put(tx, "user", name, row)
        changed = {key for key in UserRow.model_fields if getattr(row, key) != getattr(before, key)}
        detail = row.model_dump(mode="json", include=changed, exclude=_SECRETS)
        audit.note(tx, author=author(), act="user set", target=f"person:{name}", detail=detail)
    console.print(f"Changed {name}.")


@users.command("remove")
def remove_user(name: User, config: Config = None) -> None:
    """Take a person out of the directory; accounts and history stay."""
    name = user_name(name)
    with desk(config) as at, at.books.write() as tx:
        find_user(tx, name)
        cards.forget(tx, name)
        directory.remove(tx, "user", name)
        wallets.forget(tx, name)
        people.forget_delegate(tx, name)
        audit.note(tx, author=author(), act="user remove", target=f"person:{name}")
    console.print(f"Removed {name} and their cards.")


@users.command("list")
def list_users(config: Config = None, *, as_json: AsJson = False) -> None:
    """List people."""
    with desk(config) as at, at.books.read() as tx:
        people = [UserRow.model_validate(row) for _, row in directory.live(tx, "user")]
    rows = [
        {
            **row.model_dump(mode="json", exclude=_SECRETS),
            "has_pin": bool(row.pin),
            "has_password": bool(row.password),
            "language": row.language,
            "operates": row.operates,
            "delegates": row.delegates,
            "pays_from": [" then ".join(each) for each in wallets.lists_of(row)],
            "wallets": wallets.lists_of(row),
            "choices": row.choices,
        }
        for row in people
    ]
    show(
        rows,
        as_json=as_json,
        columns=("name", "display", "groups", "pays_from", "choices", "enabled"),
        empty="Nobody yet; enter people with `printmesh central user add NAME`.",
    )


def topup(
    account: Annotated[str, typer.Argument(help="For instance user:ana.")],
    sum_: Annotated[str, typer.Argument(metavar="AMOUNT", help="For instance 5.00.")],
    config: Config = None,
    *,
    note: Annotated[str, typer.Option(help="Kept with the entry.")] = "",
) -> None:
    """Put money on an account; it goes on to the sites by itself."""
    key = account_key(account)
    with desk(config) as at, at.books.write() as tx:
        found = accounts.find(tx, key)
        if found is None:
            known = (each.key for each in accounts.every(tx))
            how = "accounts are opened by `printmesh central user add`"
            raise unknown("account", key, known, how)
        given = amount(sum_, found.unit)
        done = accounts.top_up(tx, key, given, note=note, author=author())
        if isinstance(done, Refused):
            raise Refusal(done.reason)
        whole = sum(each.micros for each in accounts.balances(tx, key))
    console.print(f"{key} got {given}; it has {money(whole, found.unit)}.")


def _open(tx: Transaction, key: str, unit: str) -> None:
    if key.partition(":")[0] in HOUSE_KINDS:
        raise Refusal(f"{key} is the organisation's own; nobody pays from it")
    if accounts.find(tx, key) is None:
        accounts.put(tx, key, unit, floor=0, enabled=True)


def _open_quota(tx: Transaction, key: str, counts: Counts) -> None:
    if accounts.find(tx, key) is None:
        accounts.open_new(tx, key, PAGE, Rules(counts=counts))


def _paying(
    tx: Transaction,
    row: UserRow,
    account: list[str] | None,
    wallet: list[str] | None,
    currency: str,
) -> UserRow:
    """Return the row with who pays; what is the person's own is opened on the way."""
    if account is not None:
        keys = tuple(account_key(key) for key in account)
        for key in keys:
            _open(tx, key, currency)
        return wallets.with_lists(row, tuple((key,) for key in keys))
    if wallet is None:
        return row
    lists = tuple(
        tuple(account_key(key.strip()) for key in each.split(",") if key.strip()) for each in wallet
    )
    for key in {key for each in lists for key in each}:
        kind, _, name = key.partition(":")
        if kind in {"user", "grant"} and name == row.name:
            _open(tx, key, currency)
        elif kind == "quota" and name in {row.name + which for which in _QUOTAS}:
            _open_quota(tx, key, _QUOTAS[name.removeprefix(row.name)])
    if (refused := wallets.wrong(tx, lists)) is not None:
        raise Refusal(refused.reason)
    return wallets.with_lists(row, lists)


def _language(text: str) -> str:
    if text != "none" and not _LANGUAGE.fullmatch(text):
        raise Refusal(f"{text!r} is no language; give two letters like fr (ISO 639-1), or none")
    return "" if text == "none" else text


def _some(given: list[str]) -> list[str]:
    return [each for each in given if each != "none"]


def _checked(outcome: tuple[str, ...] | Refused) -> tuple[str, ...]:
    if isinstance(outcome, Refused):
        raise Refusal(outcome.reason)
    return outcome


def find_user(tx: Transaction, given: str) -> UserRow:
    """Return a person, or refuse with who may have been meant."""
    name = user_name(given)
    row = directory.get(tx, "user", name)
    if row is None:
        known = (key for key, _ in directory.live(tx, "user"))
        raise unknown("user", name, known, "enter them with `printmesh central user add`")
    return UserRow.model_validate(row)
