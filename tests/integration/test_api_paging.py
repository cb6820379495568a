"""Promises of paging: to the end is the whole list, no row twice, whatever is entered meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from central.store import accounts, lists
from central.store.lists import JobFilter
from config.policy.money import Money
from tests.integration.api_lab import (
    Lab,
    app_of,
    caller,
    enter_user,
    fill,
    held,
    problem,
    read,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import httpx


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Make an organisation with one of everything."""
    made = fill(tmp_path)
    yield made
    made.books.close()


def new_job(lab: Lab) -> None:
    """Have a job come in at north."""
    lab.north.send(
        lab.north.say(held(lab.north, lab.north.mint(), "ana"), name="jobs"), name="jobs"
    )


def new_entry(lab: Lab) -> None:
    """Put a cent on Ana's account."""
    with lab.books.write() as tx:
        accounts.top_up(tx, "user:ana", Money(10_000, "EUR"), note="", author="test")


def new_user(lab: Lab) -> None:
    """Enter a person whose name sorts anywhere."""
    enter_user(lab.books, lab.north.mint().hex[::-1])


async def pages(
    client: httpx.AsyncClient, path: str, limit: int, between: Callable[[], object]
) -> list[dict[str, Any]]:
    """Read a list to its end; something happens after each page but the last ones."""
    found: list[dict[str, Any]] = []
    page = await read(client, path, limit=limit)
    found += page["items"]
    quiet = 0
    while page["next"] is not None:
        assert len(page["items"]) == limit
        quiet += 1
        if quiet < 8:
            await asyncio.to_thread(between)
        page = await read(client, path, limit=limit, after=page["next"])
        found += page["items"]
    return found


@pytest.mark.parametrize(
    ("path", "name", "enter"),
    [
        ("jobs", "uuid", new_job),
        ("accounts/user:ana/entries", "id", new_entry),
    ],
)
async def test_numbered_lists_are_whole(
    lab: Lab, path: str, name: str, enter: Callable[[Lab], None]
) -> None:
    """What is entered while pages are read comes at the end, once; so the end is the whole."""
    for _ in range(10):
        enter(lab)
    async with caller(app_of(lab)) as client:
        seen = [item[name] for item in await pages(client, path, 3, lambda: enter(lab))]
    with lab.books.read() as tx:
        jobs = [str(row.job.job) for row in lists.jobs(tx, JobFilter())]
        entries = [str(row.id) for row in lists.entries(tx, account="user:ana")]
    assert seen == (jobs if name == "uuid" else entries)
    assert len(seen) > 13


async def test_named_lists_have_no_row_twice(lab: Lab) -> None:
    """Who was there from the beginning is listed exactly once, in order, among those who came."""
    for _ in range(10):
        new_user(lab)
    async with caller(app_of(lab)) as client:
        before = {item["name"] for item in (await read(client, "users"))["items"]}
        seen = [item["name"] for item in await pages(client, "users", 3, lambda: new_user(lab))]
        after = {item["name"] for item in (await read(client, "users"))["items"]}
    assert seen == sorted(set(seen))
    assert before < set(seen) | before == set(seen) <= after


async def test_pages_hold_under_a_writer_that_never_pauses(lab: Lab) -> None:
    """With entries being booked all the time, pages still follow each other without a gap."""
    writing = True

    def write() -> None:
        while writing:
            new_entry(lab)

    writer = asyncio.create_task(asyncio.to_thread(write))
    seen: list[str] = []
    async with caller(app_of(lab)) as client:
        query: dict[str, str | int] = {"limit": 5}
        while len(seen) < 40:
            page = await read(client, "accounts/user:ana/entries", **query)
            seen += [item["id"] for item in page["items"]]
            if page["next"] is not None:
                query["after"] = page["next"]
            else:
                # the last page has no cursor: read it again when it has grown
                seen = seen[: len(seen) - len(page["items"])]
    writing = False
    await writer
    with lab.books.read() as tx:
        whole = [str(row.id) for row in lists.entries(tx, account="user:ana", limit=500)]
    assert seen == whole[: len(seen)]


@pytest.mark.parametrize("path", ["users", "accounts", "nodes", "printers", "jobs"])
async def test_a_page_that_holds_all_is_the_last(lab: Lab, path: str) -> None:
    """A list of exactly as many items as asked for says that nothing follows."""
    async with caller(app_of(lab)) as client:
        count = len((await read(client, path))["items"])
        page = await read(client, path, limit=count)
    assert (len(page["items"]), page["next"]) == (count, None)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("limit", "0", "limit: input should be greater than or equal to 1"),
        ("limit", "501", "limit: input should be less than or equal to 500"),
        ("limit", "many", "limit: input should be a valid integer"),
        ("after", "no cursor!", "after: this is no cursor; take `next` of the page before"),
        ("after", "YW5h", "after: this is no cursor"),  # a name where a number belongs
        ("after", "OTk5OTk5OTk5OTk5OTk5OTk5OTk", "after: this is no cursor"),  # beyond 63 bits
        ("state", "done", "state: input should be 'pending'"),
        ("node", "North!", "node: string should match"),
        ("offset", "10", "offset: there is no such parameter here"),
    ],
)
async def test_wrong_parameters_are_explained(
    lab: Lab, name: str, value: str, sentence: str
) -> None:
    """A wrong value ends in 422 and says which parameter, what is wrong, what would be right."""
    async with caller(app_of(lab)) as client:
        answer = await client.get("jobs", params={name: value})
    assert problem(answer, 422).startswith(sentence)
