"""Many jobs looked at in one moment: each is decided on as if it were the only one."""

from __future__ import annotations

from collections import Counter as Tally
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from broker.directory import AccountRow, UserRow
from broker.messages import JobsRequest
from config.policy.decisions import Allowed, Denied
from edge.store.replica import Replica
from tests.unit.counter_lab import CARD, Counter, asked
from tests.unit.edge_lab import CENT, Site, grant
from tests.unit.roles_lab import become, wish
from tests.unit.test_edge_rules import change, rule, then

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE = ("ana", "eve", "nobody", "ben")


@pytest.fixture
async def site(tmp_path: Path) -> Site:
    """Make a site with two printers; Ana has money, Eve none, Ben is disabled."""
    made = Site(tmp_path, ("lib-1", "lib-2"), mono=("lib-2",))
    await made.ready()
    grant(made.books, 120 * CENT)
    change(
        made,
        ("user", "eve", UserRow(name="eve", accounts=("user:eve",))),
        ("user", "ben", UserRow(name="ben", accounts=("user:eve",), enabled=False)),
        ("account", "user:eve", AccountRow(account="user:eve", unit="EUR")),
    )
    return made


async def jobs(site: Site) -> None:
    """Let everybody print to both queues, Ana in colour too."""
    for user in PEOPLE:
        for queue in ("pull", "direct"):
            await site.arrive(queue, user)
    site.colour = frozenset({1, 2})
    await site.arrive()
    site.pages = 40
    await site.arrive()


def check(site: Site) -> Tally[str]:
    """Decide on all jobs at once and on each alone; return what was decided."""
    at = site.releasing.moment()
    found: Tally[str] = Tally()
    for record in site.books.jobs():
        for device in ("lib-1", "lib-2", "nowhere"):
            alone = site.releasing.preview(record, device)
            assert site.releasing.preview(record, device, at=at) == alone
            found[alone.reason if isinstance(alone, Denied) else type(alone).__name__] += 1
    return found


async def test_together_is_as_each_alone(site: Site) -> None:
    """Whoever owns them, whatever they cost, under rules and without, as role and link change."""
    become(site, "remote")
    await jobs(site)
    assert check(site).keys() >= {"Allowed", "no-identity", "printer-cannot", "printer-unknown"}
    rule(site, then(confirm="sure?"), then(charge="user:eve"))
    assert check(site)["Allowed"] == 0
    site.funds.reachable = False
    check(site)
    # what came under rules stays under them, what comes now does not
    await site.intake.sweep()
    become(site, "tracker", number=2, caps=(None, None))
    site.pages = 1
    await site.arrive("direct", "eve")
    check(site)
    wish(site, "agent", number=3)
    assert check(site).keys() == {"out-of-service"}


async def test_a_list_looks_nobody_up_twice(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred jobs of one person cost one look at the person, the account and the tariff."""
    for _ in range(30):
        await site.arrive()
    looked: Tally[str] = Tally()

    def counted(name: str) -> None:
        plain: Any = getattr(Replica, name)

        def look(self: Replica, *given: Any) -> Any:  # noqa: ANN401  whatever it is
            looked[name] += 1
            return plain(self, *given)

        monkeypatch.setattr(Replica, name, look)

    for name in ("user", "account", "tariff"):
        counted(name)
    # nothing comes ahead of a release without the centre
    site.funds.reachable = False
    reply = await Counter(site).answers(JobsRequest(**asked(person=CARD, printer="lib-1")))
    assert len(reply.data["jobs"]) == 30
    assert all(row["outlook"]["price"] for row in reply.data["jobs"])
    # whose card it is, and what decisions have in common
    assert looked == {"user": 2, "account": 1, "tariff": 1}
    assert isinstance(site.releasing.preview(site.books.jobs()[0], "lib-1"), Allowed)


async def test_all_jobs_of_a_person_are_found_without_reading_others(site: Site) -> None:
    """Those that ended too, in any spelling of the name, by index: a site has a month of them."""
    for user in ("ana", "Ana", "eve", "ana"):
        await site.arrive("pull", user)
        site.now += timedelta(milliseconds=1)
    first = site.books.jobs()[0]
    await site.discarding.discard(first, "ana", "")
    mine = [each for each in site.books.jobs() if each.user.lower() == "ana"]
    assert len(mine) == 3
    assert (site.books.jobs(of="ANA"), site.books.jobs(of="nobody")) == (mine, [])
    site.crash()
    assert site.books.jobs(of="ANA") == mine
    question = JobsRequest(**asked(person=CARD, held_only=False))
    listed = (await Counter(site).answers(question)).data["jobs"]
    assert [row["job"] for row in listed] == [str(each.job) for each in mine]
