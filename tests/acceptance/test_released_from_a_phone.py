"""Promise: what waits at a site is printed there from a phone, by pages, centre, edge and CUPS."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import httpx

from demo import documents

if TYPE_CHECKING:
    from demo.lab import Lab

_TOKEN = re.compile(r'name="token" value="([0-9a-f]+)"')
#: Seconds in which a wish is at its site and back.
_SOON = 30.0


class _Phone:
    """A browser somewhere, as far as pages notice."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.page = ""

    async def get(self, path: str) -> httpx.Response:
        answer = await self._client.get(path)
        self.page = answer.text
        return answer

    async def post(self, path: str, **fields: str) -> str:
        """Send a form of the last page; return where its answer leads."""
        found = _TOKEN.search(self.page)
        assert found is not None, self.page
        origin = str(self._client.base_url).rstrip("/")
        answer = await self._client.post(
            path, data={"token": found[1], **fields}, headers={"origin": origin}
        )
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    async def told(self, path: str) -> str:
        """Return where the answer to a wish leads, once its site has said something."""
        async with asyncio.timeout(_SOON):
            # the page itself waits for the site
            while (answer := await self.get(path)).status_code != 303:
                assert "refresh" in answer.headers, answer.text
        return str(answer.headers["location"])


async def test_a_document_is_priced_and_printed_from_a_phone(fleet: Lab) -> None:
    """She signs in, sees it wait, prints it; one page comes out and one is charged, and it says."""
    site = fleet.sites["south"]
    told = await fleet.central("password", "set", "eva", "--generate", "--json")
    path = documents.pdf(fleet.root / "phone.pdf", 1)
    await site.print(path, user="eva", title="From a phone.pdf")
    job = (await site.job("From a phone.pdf", "held"))["job"]
    await site.until_merged()
    address = f"http://127.0.0.1:{fleet.pages_port}"
    async with httpx.AsyncClient(base_url=address, timeout=_SOON) as client:
        phone = _Phone(client)
        await phone.get("/sign-in")
        assert await phone.post("/sign-in", name="eva", password=told["password"]) != "/sign-in"
        await phone.get("/me/jobs")
        assert "From a phone.pdf" in phone.page
        wish = await phone.post(f"/me/jobs/{job}/send", printer="south-1", do="release")
        assert await phone.told(wish) == "/me/jobs"
        await phone.get("/me/jobs")
        assert "is printed on" in phone.page
        row = await site.job("From a phone.pdf", "settled")
        assert (row["billed"], row["printer"]) == (1, "south-1")
        assert [each["micros"] for each in row["charged"]] == [50_000]
        await site.until_merged()
        await phone.get(f"/me/jobs/{job}/why")
        assert "You paid €0.05 for 1 page" in phone.page
    kept = [each for printer in site.printers.values() for each in printer.kept()]
    assert sum(each.name.startswith("From a phone") for each in kept) == 1
