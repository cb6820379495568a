"""A site takes another role while a job that went past its money still prints: both ends' books."""

from __future__ import annotations

from datetime import timedelta

import pytest

from broker.messages import UncoveredCap
from central.store import terms
from central.store.exposure import could_still
from central.store.terms import Wish
from config.policy.roles import ROLES, RoleName
from edge.changing import PATIENCE
from edge.release import Phase
from tests.integration.money_books import AUTHOR, Template
from tests.integration.money_machine import Organisation
from tests.integration.money_site import CENT
from tests.integration.money_truth import Truth

pytestmark = pytest.mark.sqlite_only("begins from an image of the books in memory")

PRICE = 40 * CENT


def _wish(org: Organisation, role: RoleName, micros: int) -> None:
    caps = (UncoveredCap(unit="EUR", site=micros, user=micros),) if micros else ()
    with org.books.write() as tx:
        terms.set_wish(tx, "north", Wish(ROLES[role].name, caps), author=AUTHOR)


@pytest.mark.parametrize(
    ("role", "micros"),
    [
        ("agent", 0),  # never goes past its money
        ("remote", PRICE // 2),  # less far than what prints has gone
    ],
)
def test_what_a_job_may_still_charge_is_exposure_until_it_has(role: RoleName, micros: int) -> None:
    """A role that is taken by a site that waited long enough hides no debt that is to come."""
    org = Organisation(Template())
    truth, site = Truth(org), org.sites["north"]
    _wish(org, "tracker", 2 * PRICE)
    org.converse("north")
    org.cut("north")
    org.release("north", site.submit("ana"), ("user:ana",), 40)
    printing = site.books.jobs(Phase.RELEASING)
    assert len(printing) == 1
    assert site.books.till.owed("EUR") == PRICE
    org.meet("north")
    _wish(org, role, micros)
    org.converse("north")
    org.wait(timedelta(seconds=PATIENCE + 1))
    org.converse("north")
    assert site.books.terms.taken.name == role
    with org.books.read() as tx:
        assert could_still(tx, "north", "EUR") == 2 * PRICE
    truth.look()
    org.settle("north", printing[0], 4)
    org.converse("north")
    with org.books.read() as tx:
        assert could_still(tx, "north", "EUR") == 0
        last = terms.newest(tx, "north")
    assert last is not None
    assert last.taken_at is not None
    truth.at_rest()
