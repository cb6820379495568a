"""Every command while books are recovered, or a site is awaited, parked, frozen or given up."""

from __future__ import annotations

import shutil
from datetime import time
from typing import TYPE_CHECKING, Any, Final

import pytest
import typer

from broker.directory import UserRow
from broker.messages import AccountAmount, UncoveredCap
from central.cli import application, main
from central.schedules import Plan
from central.store import (
    courier,
    directory,
    funds,
    nodes,
    recovery,
    refund_requests,
    schedules,
    streams,
    terms,
    writeoff,
)
from central.store.allowances import Allowance
from central.store.books import Books, Transaction, sqlite_url
from central.store.terms import Wish
from central.store.verify import Counts, verify
from tests.integration.books_lab import Dice, euros, open_account
from tests.integration.meters_lab import released
from tests.integration.terms_lab import TermsEdge, wish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.sqlite_only("about the file: full, torn, put back")

SETTINGS: Final = """
data = "books"
credentials = "credentials.json"
[broker]
secret = "sssssssssssssssssssssssssssssssssssssssssss"
port = 1
"""
RULES: Final = '[[rules]]\nname = "mono"\nwhen = { color = true }\nthen = { monochrome = true }\n'

#: What each command is asked to do that may move money or tell a site something, on books as
#: `Firm` makes them; {JOB} is a job that was charged, {ASIDE} an event that was put aside.
MOVES: Final = (
    "correct user:ana 1.00 --reason x",
    "correct user:ben -0.50 --reason x",
    "refund {JOB} --all --reason x",
    "topup user:ana 5.00",
    "topup user:ben 5.00",  # who owes at north
    "code ana north 1.00",
    "role north agent",
    "role north remote --float EUR:5:1",
    "role south tracker",
    "account set user:ben --overdraft 5.00",
    "account set user:ben --unlimited",
    "account freeze user:ana --reason x",
    "account unfreeze user:ana",
    "account close user:ana --to house:paidout --reason x --yes",
    "account close user:ben --to house:paidout --reason x --yes",
    "account merge user:ana user:ben --reason x --yes",
    "grant run pocket",
    "node enrol north",
    "node enrol north --write-off",
    "node free north",
    "recovery accept-absent north --yes",
    "recovery finish",
    "recovery begin --yes",
    "recovery unfence --yes",
    "fork show north --wait 0",
    "fork resolve north --yes --wait 0",
    "write-off north --yes",
    "write-off south --yes",
    "quarantine repair {ASIDE} --file {EVENT} --reason x --yes",
    "quarantine replay {ASIDE}",
    "quarantine dismiss {ASIDE} --reason x --yes",
    "device cost-centre north-1 user:ana",
    "device read north-1",
    "node revoke north --reason x",
    "node resync north",
    "refund-request ask {JOB} --user ana --reason x",
    "refund-request settle {REQUEST} --answer x",
    "refund-request decline {REQUEST} --answer x",
    "till take front user:ana 5.00",
    "till take front user:ben 5.00",
    "till pay-back front user:ana 0.50 --note x",
    "till reverse 1 --reason x",
    "till close front --counted 1.00",
    "user rename ana anna",
)
#: Those that write something else: what people and things are called, and what is declared.
OTHERS: Final = (
    "user add eva --account user:eva",
    "user set ana --display Ana",
    "user change ana --display Ana",
    "user remove ana",
    "user unjoin ana",
    "card add ana 0451",
    "card set 0452 --no-pin",
    "card remove 0452",
    "card block 0452 --reason lost",
    "card unblock 0452",
    "card rekey",
    "pin set ana --generate",
    "pin clear ana",
    "password set ana --generate",
    "password clear ana",
    "account add project:x --overdraft 5.00",
    "account member add department:d ana",
    "account member remove department:d ana",
    "grant add more --to group:all --amount 1.00",
    "grant pause pocket",
    "grant resume pocket",
    "grant remove pocket",
    "tariff set --mono 0.05 --color 0.20",
    "rule set {RULES}",
    "rule try --file {RULES} --job {JOB}",
    "node add west",
    "node enrol south",
    "node secret north",
    "node coordinator",
    "printer add north-1 --node north",
    "printer set north-2 --copies",
    "printer remove north-2",
    "token add dash",
    "token remove dash",
    "dashboard add wall",
    "dashboard secret wall",
    "dashboard remove wall",
    "device large-paper north-1 2",
    "reconcile explain north-1 5 x",
    "second-log compact",
    "migrate",
    "audit export",
    "figures rebuild",
    "guest add",
    "guest extend ana 2030-01-01",
    "guest let-in bcdf-2345",
    "import csv {PEOPLE} --apply",
    "import ldap none",
    "job clear-flag {JOB} --reason x",
    "job hide-name {JOB} --reason x",
    "privacy apply",
    "retention run",
    "staff add ana auditor",
    "staff reset-factor ana",
    "staff remove ana",
    "tariff withdraw 1",
    "till open back",
    "till receipt 1 {RECEIPT}",
    "webhook add other https://127.0.0.1:1/in --event job",
    "webhook test erp",
    "webhook pause erp",
    "webhook resume erp",
    "webhook rotate erp",
    "webhook remove none --yes",
)
READS: Final = (
    "entries user:ana",
    "codes",
    "exposure",
    "balance",
    "jobs",
    "verify",
    "backup {BACKUP}",
    "user list",
    "card list",
    "account list",
    "account show user:ana",
    "account member list department:d",
    "grant list",
    "grant show pocket",
    "tariff list",
    "rule check {RULES}",
    "rule show",
    "rule history",
    "node list",
    "printer list",
    "token list",
    "dashboard list",
    "devices",
    "reconcile",
    "second-log show",
    "recovery status",
    "quarantine list",
    "quarantine show {ASIDE}",
    "audit list",
    "audit verify",
    "figures",
    "guest list",
    "guest waiting",
    "import list",
    "job find",
    "job show {JOB}",
    "privacy show",
    "refund-request list",
    "refund-request show {REQUEST}",
    "retention show",
    "staff list",
    "till list",
    "till receipts",
    "user find an",
    "webhook events",
    "webhook list",
    "webhook show erp",
)
#: Begin or replace books, serve them, or read what these do not have.
APART: Final = {"init", "move-books", "run", "restore", "rule explain", "setup"}


class Firm:
    """Books with an edge that has money, a debt, a charge, and one that is put aside."""

    def __init__(self, home: Path) -> None:
        (home / "central.toml").write_text(SETTINGS)
        (home / "books").mkdir()
        (home / "rules.toml").write_text(RULES)
        (home / "event.json").write_text("{}")
        (home / "people.csv").write_text("user,name\nzoe,Zoe\n")
        self.home, self.file = home, home / "books" / "books.db"
        self.words = {
            "RULES": str(home / "rules.toml"),
            "EVENT": str(home / "event.json"),
            "BACKUP": str(home / "backup.db"),
            "PEOPLE": str(home / "people.csv"),
            "RECEIPT": str(home / "receipt.pdf"),
        }
        books = Books.open(sqlite_url(self.file))
        open_account(books, top_up="3.00")
        open_account(books, "user:ben")
        open_account(books, "department:d", top_up="1.00")
        edge = TermsEdge(books, "north")
        edge.join()
        with books.write() as tx:
            for _ in range(2):  # the second one confirms from where on codes may be issued
                state = streams.open_stream(tx, "north", edge.incarnation, "down", "ledger")
                courier.contact(tx, "north", edge.birth(), state.at, Dice())
        wish(books, "north", Wish("tracker", (UncoveredCap(unit="EUR", site=euros("50")),)))
        with books.write() as tx:
            self._enter(tx)
            funds.park_free(tx, frozenset({"north"}))
        edge.listen()
        edge.take_terms()
        charge = edge.print_for("user:ana", euros("0.30"))
        assert charge is not None
        edge.print_for("user:ben", euros("2.00"))
        nobody = AccountAmount(account="user:nobody", unit="page", micros=1, covered_by="account")
        edge.say(edge.charge(0, postings=(nobody,)))
        edge.tell()
        edge.send(edge.say(released(charge.job), name="jobs"), name="jobs")
        with books.read() as tx:
            aside = tx.sql.exec_driver_sql(
                "SELECT stream, seq FROM event WHERE state = 'quarantined'"
            ).all()
        assert len(aside) == 1
        self.words |= {"JOB": str(charge.job), "ASIDE": f"{aside[0][0]}.{aside[0][1]}"}
        books.close()
        for line in (
            "till open front",
            "till take front user:ana 1.00",
            "refund-request ask {JOB} --user ana --reason x",
            "webhook add erp https://127.0.0.1:1/in --event job",
        ):
            assert self._command(line) == 0
        books = Books.open(sqlite_url(self.file))
        with books.read() as tx:
            (request,) = refund_requests.of_job(tx, charge.job)
        books.close()
        self.words["REQUEST"] = str(request.id)
        self.image = home / "image"

    @staticmethod
    def _enter(tx: Transaction) -> None:
        nodes.add(tx, "south", site="South", role="remote", kind="edge", code="S" * 20)
        ana = UserRow(name="ana", groups=("all",), accounts=("user:ana",))
        directory.put(tx, "user", "ana", ana)
        plan = Plan("monthly", "Europe/Paris", time(6, 0))
        pocket = Allowance("group:all", "grant", "EUR", euros("1"), "set", None)
        assert isinstance(
            schedules.add(tx, "pocket", pocket, plan, author="test"), schedules.Schedule
        )

    def now(self, trouble: Callable[[Transaction], object]) -> None:
        """Let trouble come; every command begins from here."""
        books = Books.open(sqlite_url(self.file))
        with books.write() as tx:
            nodes.nobody_linked(tx)
            trouble(tx)
        books.close()
        shutil.copytree(self.file.parent, self.image)

    def run(self, line: str) -> int:
        """Run a command on the books as trouble left them; return its exit status."""
        shutil.rmtree(self.file.parent)
        shutil.copytree(self.image, self.file.parent)
        return self._command(line)

    def _command(self, line: str) -> int:
        words = line.format(**self.words).split()
        return main([*words, "--config", str(self.home / "central.toml")])

    def sound(self) -> bool:
        """Say whether the books add up."""
        books = Books.open(sqlite_url(self.file))
        try:
            with books.read() as tx:
                return not list(verify(tx, Counts(), lambda _done, _all: None))
        finally:
            books.close()


def _absent(tx: Transaction) -> None:
    recovery.begin(tx)


def _accepted(tx: Transaction) -> None:
    recovery.begin(tx)
    recovery.accept_absent(tx, "north", "test")


def _given_up(tx: Transaction) -> None:
    writeoff.write_off(tx, "north", "test")


def _of_state(state: nodes.NodeState) -> Callable[[Transaction], object]:
    return lambda tx: nodes.set_state(tx, "north", state, "for a reason")


TROUBLES: Final[dict[str, Callable[[Transaction], object]]] = {
    "recovering": _absent,
    "accepted-absent": _accepted,
    "frozen": _of_state("frozen"),
    "parked": _of_state("parked"),
    "written-off": _given_up,
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_every_command_does_it_or_says_why_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], trouble: str
) -> None:
    """Nothing escapes as a traceback, a refusal has words, and the books add up either way."""
    firm = Firm(tmp_path)
    firm.now(TROUBLES[trouble])
    others = (*OTHERS, *READS) if trouble == "recovering" else ()
    for line in (*MOVES, *others):
        capsys.readouterr()
        status = firm.run(line)
        said = capsys.readouterr()
        assert status == 0 or (status == 1 and line not in READS), f"{line}: {status} {said}"
        if status:
            *_, last = said.err.strip().splitlines()
            assert len(last) > len("printmesh central: ") + 12, line
            assert last.startswith("printmesh central: "), line
        elif line not in READS:
            assert firm.sound(), line


@pytest.mark.parametrize("trouble", ["recovering", "accepted-absent"])
def test_a_role_waits_for_what_a_site_has_to_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], trouble: str
) -> None:
    """It is refused with what comes first, and no wish is left behind."""
    firm = Firm(tmp_path)
    firm.now(TROUBLES[trouble])
    assert firm.run("role north agent") == 1
    said = capsys.readouterr().err
    assert "has not told yet" in said
    assert "recovery status" in said
    books = Books.open(sqlite_url(firm.file))
    with books.read() as tx:
        newest = terms.newest(tx, "north")
    books.close()
    assert newest is not None
    assert newest.wish.role == "tracker"


def test_every_command_is_walked() -> None:
    """A command that is added has to be tried in trouble as well."""

    def leaves(command: Any, path: tuple[str, ...]) -> Iterator[str]:  # noqa: ANN401  click's
        inner = getattr(command, "commands", None)
        if inner is None:
            yield " ".join(path)
            return
        for name, each in inner.items():
            yield from leaves(each, (*path, name))

    every = set(leaves(typer.main.get_command(application()), ()))
    walked = {
        each
        for each in every
        for line in (*MOVES, *OTHERS, *READS)
        if f"{line} ".startswith(f"{each} ")
    }
    assert every - walked == APART
