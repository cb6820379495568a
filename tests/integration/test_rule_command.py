"""Promises of `printmesh central rule`: what is wrong is named, what is set is kept, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from broker.directory import RULES, PrinterRow, UserRow
from broker.messages import (
    AccountAmount,
    Because,
    Counted,
    JobHeld,
    JobRefused,
    JobReleased,
    JobSettled,
)
from central.cli import main
from central.store import audit, directory, jobs, nodes
from central.store.books import Books
from config.policy.tariffs import Tariff, TariffLine
from config.settings import CentralSettings, load
from tests.integration.books_lab import CODE, MORNING, MemoryEdge, euros

if TYPE_CHECKING:
    from pathlib import Path

    from central.job_fold import JobEvent

SETTINGS = """
data = "books"
credentials = "credentials.json"
[broker]
secret = "sssssssssssssssssssssssssssssssssssssssssss"
port = 1
"""
GOOD = """
[[rules]]
name = "mono for students"
when = { groups = ["students"], color = true }
then = { monochrome = true }

[[rules]]
name = "no books"
when = { pages = { min = 500 } }
then = { deny = "too long" }
"""
JOB = UUID("01920000-0000-7000-8000-000000000001")
ANALYSED = Counted(source="analysis", impressions=10, color_impressions=4, sheets=10)
PRINTED = Counted(source="device-job", impressions=10)


class Rules:
    """Runs `rule` on books of their own, with a person, a printer and a tariff."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = path
        self._capsys = capsys
        (path / "central.toml").write_text(SETTINGS)
        self.url = load(CentralSettings, path / "central.toml").url
        books = self.books()
        with books.write() as tx:
            nodes.add(tx, "north", site="North", role="remote", kind="edge", code=CODE)
            line = [TariffLine(color="monochrome", per_impression=50_000)]
            line.append(TariffLine(color="color", per_impression=200_000))
            tariff = Tariff(version=1, unit="EUR", effective_from=MORNING, lines=tuple(line))
            directory.put(tx, "tariff", "1", tariff)
            ana = UserRow(name="ana", groups=("students",), accounts=("user:ana",))
            directory.put(tx, "user", "ana", ana)
            row = PrinterRow(device="north-1", node="north", name="Hall", tags=("copier",))
            directory.put(tx, "printer", "north-1", row)
        books.close()

    def __call__(self, *words: str) -> tuple[int, str]:
        """Return the exit status and all that was said."""
        self._capsys.readouterr()
        status = main([*words, "--config", str(self.path / "central.toml")])
        said = self._capsys.readouterr()
        return status, said.out + said.err

    def ok(self, *words: str) -> str:
        """Run what must succeed."""
        status, said = self(*words)
        assert status == 0, said
        return said

    def file(self, text: str) -> str:
        """Write a file of rules."""
        file = self.path / "rules.toml"
        file.write_text(text)
        return str(file)

    def books(self) -> Books:
        """Open the books."""
        return Books.open(self.url)

    def tell(self, *events: JobEvent) -> None:
        """Let `north` tell of a job."""
        books = self.books()
        with books.write() as tx:
            assert set(jobs.record(tx, "north", events)) == {None}
        books.close()


@pytest.fixture
def rules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Rules:
    """Return the command with settings."""
    return Rules(tmp_path, capsys)


def held(job: UUID = JOB, counted: Counted = ANALYSED) -> JobHeld:
    """Return how a job begins."""
    return JobHeld(
        job=job, queue="print2me", user="ana", name="Thesis.pdf", received_at=MORNING,
        counted=counted,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # a wrong value, with its line, rule and field
        ('[[rules]]\nname = "a"\nwhen = { pages = { min = -1 } }\nthen = { monochrome = true }',
         'line 3: rule 1 "a": when.pages.min must be at least 0, not -1'),
        # a name that nobody knows
        ('[[rules]]\nname = "a"\nwhen = { groups = ["stuff"] }\nthen = { monochrome = true }',
         "names 'stuff', which is no group here"),
        # a rule that could never be reached
        ('[[rules]]\nname="a"\nthen={deny="no"}\n[[rules]]\nname="b"\nthen={monochrome=true}',
         "is never reached: 'a' denies everything"),
        # no TOML at all
        ("[[rules", "this is not TOML"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("act", ["check", "set"])
def test_wrong_rules_are_refused_with_their_place(
    rules: Rules, act: str, text: str, said: str
) -> None:
    """Nothing is entered, and the answer says where to look."""
    status, answer = rules("rule", act, rules.file(text))
    assert status == 1
    assert said in " ".join(answer.split())
    assert "No rules" in rules.ok("rule", "show")


def test_rules_are_set_kept_and_audited(rules: Rules) -> None:
    """Each set gets the next version, sites hear of it, and who did it is kept."""
    assert "2 rules" in rules.ok("rule", "check", rules.file(GOOD))
    assert "Rules 1 are in force" in rules.ok("rule", "set", rules.file(GOOD), "--note", "term")
    assert "in force already" in rules.ok("rule", "set", rules.file(GOOD))
    longer = GOOD + '[[rules]]\nname = "c"\nthen = { copies_max = 5 }\n'
    rules.ok("rule", "set", rules.file(longer))
    history = json.loads(rules.ok("rule", "history", "--json"))
    assert [(each["version"], each["rules"], each["note"]) for each in history] == [
        (1, 2, "term"),
        (2, 3, ""),
    ]
    shown = json.loads(rules.ok("rule", "show", "--json"))
    assert [each["name"] for each in shown["rules"]] == ["mono for students", "no books", "c"]
    old = json.loads(rules.ok("rule", "show", "--version", "1", "--json"))
    assert len(old["rules"]) == 2
    books = rules.books()
    with books.read() as tx:
        row = directory.get(tx, "setting", RULES)
        acts = [each.act for each in audit.acts(tx, target=RULES)]
    books.close()
    assert row is not None
    assert json.loads(row["value"])["version"] == 2
    assert acts == ["rule set", "rule set"]


def test_a_site_that_knows_no_rules_is_named(rules: Rules) -> None:
    """Rules that a site of an older version cannot follow are set, and that is said."""
    books = rules.books()
    edge = MemoryEdge(books, "south")
    edge.join()  # as the first version of the wire does
    books.close()
    assert "warning: south must be updated first" in rules.ok("rule", "set", rules.file(GOOD))


def test_what_show_writes_can_be_set_again(rules: Rules) -> None:
    """JSON of `show` is a file of rules."""
    rules.ok("rule", "set", rules.file(GOOD))
    written = rules.path / "again.json"
    written.write_text(rules.ok("rule", "show", "--json"))
    assert "in force already" in rules.ok("rule", "set", str(written))


def test_a_dry_run_says_what_would_have_changed(rules: Rules) -> None:
    """Past jobs are judged by the new rules; nothing is changed by asking."""
    plain = Counted(source="analysis", impressions=10, color_impressions=0, sheets=10)
    long = Counted(source="analysis", impressions=600, color_impressions=0, sheets=600)
    rules.tell(held(), held(UUID(int=2), plain), held(UUID(int=3), long))
    found = json.loads(rules.ok("rule", "set", rules.file(GOOD), "--dry-run", "--json"))
    told = {each["job"]: (each["now"], each["then"]) for each in found}
    assert told == {
        str(JOB): ("1.10 EUR", "print-color-mode monochrome, 0.50 EUR"),
        str(UUID(int=3)): ("30.00 EUR", "refused: too long"),
    }
    assert "No rules" in rules.ok("rule", "show")


def explained(rules: Rules) -> list[str]:
    """Return what `rule explain` says of the job, found by its first digits."""
    return rules.ok("rule", "explain", "01920000-0000").splitlines()


def released(**more: Any) -> JobReleased:  # noqa: ANN401  any field
    """Return a release as an edge told it."""
    amount = AccountAmount(account="user:ana", unit="EUR", micros=euros("0.50"))
    return JobReleased(
        job=JOB, attempt=1, user="ana", printer="north-1", held=(amount,), alone=False, **more
    )


def test_why_a_job_cost_what_it_cost(rules: Rules) -> None:
    """From the document to the money: counted, decided line by line, printed, paid."""
    rules.ok("rule", "set", rules.file(GOOD))
    charge = UUID(int=77)
    because = (
        Because(code="redirect", text="redirected from north-2 to north-1", rule="no books"),
        Because(
            code="conversion", text="monochrome instead of 4 color impressions",
            rule="mono for students",
        ),
        Because(code="price", text="10 monochrome impressions at 0.05 EUR, 0.50 EUR (tariff 1)"),
        Because(code="price", text="0.50 EUR in all"),
        Because(code="account", text="0.50 EUR of the account user:ana"),
    )  # fmt: skip
    rules.tell(
        held(),
        released(
            tariff_version=1,
            rules_version=1,
            because=because,
            conversions={"print-color-mode": "monochrome"},
            redirected_from="north-2",
        ),
        JobSettled(
            job=JOB, attempt=1, printer="north-1", disposition="completed",
            counts=(ANALYSED, PRINTED), billed=PRINTED, charge=charge,
        ),
    )  # fmt: skip
    lines = explained(rules)
    assert [line for line in lines if "came into force" not in line] == [
        f"{JOB}: 'Thesis.pdf' of ana, printed to print2me at north",
        "  analysis: 10 impressions, 4 in color, 10 sheets",
        "released at north-1, asked for at north-2, by rules 1 and tariff 1:",
        '  redirect: redirected from north-2 to north-1 (rule "no books")',
        '  conversion: monochrome instead of 4 color impressions (rule "mono for students")',
        "  price: 10 monochrome impressions at 0.05 EUR, 0.50 EUR (tariff 1)",
        "  price: 0.50 EUR in all",
        "  account: 0.50 EUR of the account user:ana",
        "completed, billed for 10 impressions:",
        "  device-job: 10 impressions",
        "  the charge is not booked yet",
    ]
    assert any("rules 1 came into force at" in line for line in lines)
    asked = json.loads(rules.ok("rule", "explain", str(JOB), "--json"))
    assert asked["decision"]["conversions"] == {"print-color-mode": "monochrome"}
    assert asked["decision"]["rules_version"] == 1


def test_why_a_job_was_refused(rules: Rules) -> None:
    """The rule that refused is named, and the newest decision counts."""
    refused = JobRefused(
        job=JOB, user="ana", printer="north-1", reason="denied-by-rule", detail="too long",
        alone=True, rules_version=1,
        because=(Because(code="refused", text="too long", rule="no books"),),
    )  # fmt: skip
    rules.tell(held(), refused)
    assert explained(rules)[2:] == [
        "refused at north-1 (denied-by-rule), by rules 1:",
        '  refused: too long (rule "no books")',
    ]
    rules.tell(released(because=(Because(code="price", text="free"),)))
    assert explained(rules)[2:4] == ["released at north-1, by no rules:", "  price: free"]


def test_an_edge_that_recorded_no_reasons_is_said_to(rules: Rules) -> None:
    """A job decided by an older version is explained as far as it goes, and no further."""
    rules.tell(held(), released())
    assert explained(rules)[2:] == [
        "released at north-1; its edge recorded no reasons: an older version ran",
        "processing: not settled yet",
    ]


def test_a_job_nobody_knows_is_refused(rules: Rules) -> None:
    """Unknown and ambiguous beginnings are told apart."""
    status, said = rules("rule", "explain", "0192")
    assert (status, "no job begins with '0192'" in said) == (1, True)
    rules.tell(held(), held(UUID("01920000-0000-7000-8000-000000000002")))
    status, said = rules("rule", "explain", "0192")
    assert (status, "several jobs begin with '0192'" in said) == (1, True)


def test_a_printers_tags_stay_when_it_is_changed(rules: Rules) -> None:
    """Entering a printer again without tags keeps those it has; an empty one takes them away."""
    rules.ok("printer", "add", "north-1", "--node", "north", "--name", "Hall")
    (printer,) = json.loads(rules.ok("printer", "list", "--json"))
    assert printer["tags"] == ["copier"]
    rules.ok("printer", "add", "north-1", "--node", "north", "--tag", "")
    (printer,) = json.loads(rules.ok("printer", "list", "--json"))
    assert printer["tags"] == []
