"""What the documents name is there: files, headings, commands with their options, tests."""

from __future__ import annotations

import re
import shlex
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer

import printmesh

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "DECISIONS.md")),
        *(ROOT / "docs").rglob("*.md"),
    ]
)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)(?:\s+\"([^\"]*)\")?\)")
_FENCED = re.compile(r"^( *)```.*?^\1```", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`([^`]+)`")
#: A command as it is typed, not as it begins what is said: `printmesh central: …`.
_COMMAND = re.compile(r"(?:^|(?<=[\s$]))printmesh((?: .*)?)$")
_TEST = re.compile(r"test_[a-z0-9_]+")
_ENDS = {"|", "…", "&&", ";", "<", ">", "with", "or"}


def name(page: Path) -> str:
    """Return how a page is called in a report."""
    return str(page.relative_to(ROOT))


def slug(heading: str) -> str:
    """Return the anchor that a heading gets."""
    plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return plain.strip().replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """Return all anchors of a page."""
    text = _FENCED.sub("", page.read_text())
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words after `printmesh` of each command in a page, up to where a shell cuts."""
    joined = re.sub(r"\\\n\s*", " ", text)
    fences = [match.group(0) for match in _FENCED.finditer(joined)]
    lines = [line for fence in fences for line in fence.splitlines()]
    lines += [code.replace("\n", " ") for code in _INLINE.findall(_FENCED.sub("", joined))]
    for line in lines:
        # in a sentence of a program a command stands in backticks of its own
        for part in [line.partition("`")[0], *re.findall(r"`([^`]+)`", line)]:
            if match := _COMMAND.search(part.rstrip()):
                yield _words(match[1])


def _words(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    words = []
    for word in lexer:
        if word in _ENDS:
            break
        words.append(word)
    return words


@cache
def program(name: str) -> Any:  # noqa: ANN401  of the library that typer has within
    """Return a command with all that is below it; making it takes a tenth of a second."""
    module = import_module(printmesh.SUBCOMMANDS[name][0])
    # the centre's is made for each command line, of what that needs; here of everything
    app = module.app if hasattr(module, "app") else module.application()
    return typer.main.get_command(app)


def wrong(words: list[str]) -> str | None:
    """Say what of a command is not there, None when all is."""
    if not words or words[0] in {"COMMAND", "--help", "--version"}:
        return None
    first, *rest = words
    if first not in printmesh.SUBCOMMANDS:
        # `printmesh central: …` is how a refusal begins
        return None if re.match(r"[^a-z]", first) or first.endswith(":") else f"no command {first}"
    place, here = first, program(first)
    while rest and hasattr(here, "commands") and not rest[0].startswith("-"):
        word = rest.pop(0)
        if word not in here.commands:
            return None if word.isupper() else f"no command {word} in {place}"
        place, here = word, here.commands[word]
    known = {"--help"} | {opt for each in here.params for opt in (*each.opts, *each.secondary_opts)}
    unknown = [w for w in rest if re.match(r"--?[a-z]", w) and w.partition("=")[0] not in known]
    return f"no option {unknown[0]} of {place}" if unknown else None


def written() -> dict[str, set[str]]:
    """Return the names of all tests, by file."""
    return {
        str(file.relative_to(ROOT)): {file.stem, *re.findall(r"def (test_\w+)", file.read_text())}
        for file in (ROOT / "tests").rglob("test_*.py")
    }


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link names a file that is there, and a heading of it if it names one."""
    dead = []
    for target, title in _LINK.findall(_FENCED.sub("", page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            dead.append(target)
        elif title.startswith("test_") and f"def {title}(" not in file.read_text():
            dead.append(f"{target} {title}")
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_are_there(page: Path) -> None:
    """Each `printmesh …` that a page shows is a command, with the options it is given."""
    assert [
        f"printmesh {' '.join(words)}: {found}"
        for words in commands(page.read_text())
        if (found := wrong(words))
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_named_tests_are_there(page: Path) -> None:
    """Each test that a page calls as witness is in the tree."""
    known = {each for names in written().values() for each in names}
    said = {
        word
        for code in _INLINE.findall(_FENCED.sub("", page.read_text()))
        if _TEST.fullmatch(word := code.rpartition("/")[2].removesuffix(".py"))
    }
    assert sorted(said - known) == []


def test_what_is_not_there_is_found() -> None:
    """The checks above see a wrong command, a wrong option, and a command split over lines."""
    text = (
        "```\n$ printmesh central rol north agent\n$ printmesh central \\\n    role x --flot 1\n```"
    )
    found = [
        wrong(words) for words in [*commands(text), *commands("see `printmesh edge jobs --al`")]
    ]
    assert found == [
        "no command rol in central",
        "no option --flot of role",
        "no option --al of jobs",
    ]
