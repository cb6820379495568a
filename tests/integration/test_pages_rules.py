"""The pages of rules: sentences in order, a draft that is tried before it counts, who changed."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest

from central.store import rules as store
from config.policy.rules import RuleSet
from tests.integration.money_pages_lab import open_money
from tests.integration.pages_lab import PERSON, open_lab, signed_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.pages_lab import Browser, Lab

pytestmark = pytest.mark.sqlite_only("what pages do is done by acts, which have their own tests")


def fields(page: Browser) -> dict[str, str]:
    """Return the hidden fields of the draft as the last page has them."""
    found = re.findall(r'name="(draft|base|seen)" value="([^"]*)"', page.page)
    return {name: html.unescape(value) for name, value in found}


def names(lab: Lab) -> list[str]:
    """Return the rules in force, in order; those that are off in brackets."""
    with lab.books.read() as tx:
        found = store.in_force(tx)
    assert isinstance(found, RuleSet)
    return [each.name if each.enabled else f"({each.name})" for each in found.rules]


async def test_rules_are_sentences_in_their_order(tmp_path: Path) -> None:
    """Each card says whom it means and what it does; the history says who entered it."""
    lab, _ = open_money(tmp_path)
    async with signed_in(lab, "axel") as axel:
        await axel.get("/rules")
        text = axel.text()
        assert "2 rules are in force" in text
        assert "500 pages or more → refuse: “too long”" in text
        assert text.index("no heaps") < text.index("both sides")
        assert "Version 1" in text
        assert "eva" in text
        assert "/rules/~change" not in axel.page


async def test_a_draft_is_ordered_tried_and_put_in_force(tmp_path: Path) -> None:
    """Nothing counts before it was tried, and only what was tried counts."""
    lab, office = open_money(tmp_path)
    office.printed()
    async with signed_in(lab, "ada") as ada:
        await ada.get("/rules/~change")
        await ada.post("/rules/~change", **fields(ada), do="down-0")
        await ada.post("/rules/~change", **fields(ada), do="switch-0")
        assert names(lab) == ["no heaps", "both sides"]
        await ada.post("/rules/~change", **fields(ada), do="enter")
        assert names(lab) == ["no heaps", "both sides"]
        assert "Of the last 1 jobs" in ada.text()
        tried = fields(ada)
        await ada.post("/rules/~change", **tried, do="remove-0")
        other = fields(ada) | {"seen": tried["seen"]}
        await ada.post("/rules/~change", **other, do="enter")
        assert names(lab) == ["no heaps", "both sides"]
        answer = await ada.post("/rules/~change", **tried, do="enter", note="less paper")
        assert answer.headers["location"] == "/rules"
        assert names(lab) == ["(both sides)", "no heaps"]
        await ada.get("/rules")
        assert "less paper" in ada.text()
        assert "in another order" in ada.text()
        # the same draft once more: somebody has changed them meanwhile
        answer = await ada.post("/rules/~change", **tried, do="enter")
        assert answer.status_code == 422
        assert names(lab) == ["(both sides)", "no heaps"]


async def test_a_draft_that_is_none_changes_nothing(tmp_path: Path) -> None:
    """Nor does it become an empty one, which the next click would put in force."""
    lab, _ = open_money(tmp_path)
    async with signed_in(lab, "ada") as ada:
        await ada.get("/rules/~change")
        mine = fields(ada)
        for draft in ("", "{", "[1]", '{"rules": [{"name": "x"}]}', "null"):
            answer = await ada.post("/rules/~change", **(mine | {"draft": draft}), do="try")
            assert answer.status_code == 422, draft
            assert 'name="seen"' not in answer.text
            await ada.get("/rules/~change")
        ghost = (
            '{"rules": [{"name": "<b>", "when": {"groups": ["ghosts"]}, "then": {"deny": "x"}}]}'
        )
        answer = await ada.post("/rules/~change", **(mine | {"draft": ghost}), do="try")
        assert answer.status_code == 422
        assert "ghosts" in ada.text()
        assert fields(ada)["seen"] == ""
        assert "ghosts" in fields(ada)["draft"]
        assert "<b>&lt;b&gt;" not in ada.page
        for do in ("up-0", "down-9", "remove--1", "switch-x", "up-\u0661", ""):
            await ada.get("/rules/~change")
            answer = await ada.post("/rules/~change", **fields(ada), do=do)
            assert answer.status_code == 200
        assert names(lab) == ["no heaps", "both sides"]


async def test_a_rule_is_added_by_a_form(tmp_path: Path) -> None:
    """It stands at the end of the draft as a sentence; one that is wrong keeps what was typed."""
    lab, _ = open_money(tmp_path)
    async with signed_in(lab, "ada") as ada:
        await ada.get("/rules/~change")
        new = {"new-name": "short copies", "new-service": "copy", "new-least": "20"}
        bad = new | {"new-action": "deny", "new-words": ""}
        answer = await ada.post("/rules/~change", **fields(ada), **bad, do="add")
        assert answer.status_code == 422
        assert 'value="short copies"' in ada.page
        bad = new | {"new-action": "deny", "new-words": "x", "new-least": "many"}
        answer = await ada.post("/rules/~change", **fields(ada), **bad, do="add")
        assert answer.status_code == 422
        good = new | {"new-action": "monochrome", "new-colour": "yes"}
        await ada.post("/rules/~change", **fields(ada), **good, do="add")
        assert "3 · short copies" in ada.text()
        assert "Copies, with colour, 20 pages or more → print in black" in ada.text()
        await ada.post("/rules/~change", **fields(ada), do="try")
        await ada.post("/rules/~change", **fields(ada), do="enter")
        assert names(lab) == ["no heaps", "both sides", "short copies"]


async def test_rules_are_changed_by_administrators_only(tmp_path: Path) -> None:
    """Staff reads them; nobody else of it changes them; a person sees none."""
    lab, _ = open_money(tmp_path)
    for name in ("sam", "olga", "axel"):
        async with signed_in(lab, name) as other:
            assert (await other.get("/rules")).status_code == 200
            assert (await other.get("/rules/~change")).status_code == 403
            draft = {"draft": '{"rules": []}', "base": "2", "do": "enter"}
            assert (await other.post("/rules/~change", **draft)).status_code == 403
    async with signed_in(lab, PERSON) as ana:
        assert (await ana.get("/rules")).status_code in {303, 403}


async def test_the_first_rule_is_added_on_the_page(tmp_path: Path) -> None:
    """Where there is none yet, the page says what will stand here and leads to the form."""
    lab = open_lab(tmp_path)
    async with signed_in(lab, "axel") as axel:
        await axel.get("/rules")
        assert "Rules will stand here" in axel.text()
        assert "/rules/~change" not in axel.page
    async with signed_in(lab, "ada") as ada:
        await ada.get("/rules")
        assert 'href="/rules/~change"' in ada.page
        await ada.get("/rules/~change")
        added = {
            "new-name": "no heaps",
            "new-least": "500",
            "new-action": "deny",
            "new-words": "too long",
        }
        await ada.post("/rules/~change", **fields(ada), **added, do="add")
        await ada.post("/rules/~change", **fields(ada), do="try")
        await ada.post("/rules/~change", **fields(ada), do="enter")
        assert names(lab) == ["no heaps"]
