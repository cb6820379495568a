"""What keeps strangers' pages out: names, origins, who asks behind proxies, where one is sent."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from central.rights import Right
from central.web.pages.guarding import HEADERS, Names, caller, is_own, safe_path
from central.web.pages.table import NoRight, Page, checked
from config.settings_web import WebSettings


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("print.example.org", True),
        ("PRINT.example.org:443", True),
        # at the machine itself, also behind a proxy
        ("127.0.0.1:8090", True),
        ("localhost", True),
        # an address is nobody's name: monitors and balancers use it
        ("192.0.2.7:8090", True),
        ("[2001:db8::7]", True),
        # a stranger's name that leads here
        ("evil.example", False),
        ("print.example.org.evil.example", False),
        ("print.example.org@evil.example", False),
        ("", False),
        ("[", False),
    ],
)
def test_only_our_own_names_are_answered(*, host: str, ours: bool) -> None:
    """A name of somebody else's that leads here reaches nothing (DNS rebinding)."""
    names = Names.of(WebSettings(port=1, address="https://print.example.org"))
    assert names.knows(host) is ours


@pytest.mark.parametrize(
    ("site", "origin", "own"),
    [
        ("same-origin", "https://a.example", True),
        ("same-origin", None, True),
        # browsers that do not tell the site
        (None, "https://a.example", True),
        (None, "https://a.example:443", True),
        ("cross-site", "https://a.example", False),
        ("same-site", "https://b.a.example", False),
        ("same-origin", "https://evil.example", False),
        ("none", "https://a.example", False),
        ("same-origin", "null", False),
        (None, None, False),
        (None, "http://[", False),
    ],
)
def test_forms_of_other_pages_are_seen(*, site: str | None, origin: str | None, own: bool) -> None:
    """A browser says where a form is from; one that says nothing at all sends no form of ours."""
    assert is_own(site=site, origin=origin, host="a.example") is own


#: An address that others reach.
EVERYBODY = "192.0.2.1"
PROXY = (ip_network("10.0.0.0/8"),)


@pytest.mark.parametrize(
    ("peer", "forwarded", "x_forwarded", "who"),
    [
        # no proxy of ours: its word is worth nothing
        ("203.0.113.9", ["for=198.51.100.1"], ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", ["for=198.51.100.1;proto=https"], [], "198.51.100.1"),
        ("10.0.0.1", [], ["198.51.100.1"], "198.51.100.1"),
        # the caller wrote the first itself
        ("10.0.0.1", [], ["1.1.1.1, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ['for="[2001:db8::1]:4711"'], [], "2001:db8::1"),
        ("10.0.0.1", ["for=unknown"], [], "10.0.0.1"),
        ("10.0.0.1", [], ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", [], [], "10.0.0.1"),
        ("", [], ["198.51.100.1"], ""),
    ],
)
def test_who_asks_is_what_our_proxies_say(
    peer: str, forwarded: list[str], x_forwarded: list[str], who: str
) -> None:
    """Nobody chooses the address that their tries are counted for."""
    assert caller(peer, forwarded, x_forwarded, PROXY) == who


@given(st.text(), st.text())
def test_whatever_headers_say_nothing_fails(one: str, other: str) -> None:
    """No header that can be sent is a fault."""
    assert caller("10.0.0.1", [one], [other], PROXY)
    assert is_own(site=one, origin=other, host=one) in {True, False}
    assert Names(frozenset({"a"})).knows(one) in {True, False}


@given(st.text())
def test_nobody_is_sent_elsewhere(path: str) -> None:
    """Where to go on is a path here, whatever stood in the address."""
    found = safe_path(path)
    assert found.startswith("/")
    assert not found.startswith(("//", "/\\"))


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "https://evil.example", "/\\evil.example", "", "/a\nb", "\\", "/a\\b"],
)
def test_addresses_elsewhere_lead_home(path: str) -> None:
    """An address that a browser would take for another place is none."""
    assert safe_path(path) == "/"


def test_pages_run_no_code_but_ours() -> None:
    """The policy lets in nothing from elsewhere and nothing inline."""
    policy = HEADERS["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


async def _answer(_: object) -> None:
    raise NotImplementedError


def test_a_page_without_a_right_is_not_served() -> None:
    """Whoever forgets to say what a page needs finds out at the start."""
    with pytest.raises(NoRight, match="/secret"):
        checked([Page("/secret", _answer, None)])  # type: ignore[arg-type]


def test_two_pages_at_one_address_are_not_served() -> None:
    """The second would never answer, and nobody would know."""
    with pytest.raises(NoRight, match="both answer GET"):
        checked([Page("/a", _answer, Right.OWN), Page("/a", _answer, Right.PUBLIC)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        # who is called `add` has no page
        ("/people/{user}", "/people/add"),
        # two names for a hole
        ("/people/{user}/pin", "/people/{name}/pin"),
        # each hides something of the other
        ("/a/{x}/c", "/a/b/{y}"),
        # a key of several parts may end like that
        ("/accounts/{key:path}", "/accounts/{key}/entries"),
        ("/accounts/{key:path}", "/accounts/{key}/act/{act}"),
    ],
)
def test_no_page_hides_things_of_another(one: str, two: str) -> None:
    """Whatever an address could mean twice is found at the start, in either order."""
    for first, second in ((one, two), (two, one)):
        with pytest.raises(NoRight, match="hides things"):
            checked([Page(first, _answer, Right.OWN), Page(second, _answer, Right.OWN)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        # `~` begins no name
        ("/nodes/{node}", "/nodes/~add"),
        ("/nodes/{node}/role", "/nodes/~aside/{id}"),
        ("/accounts/of/{key:path}", "/accounts/new"),
        ("/me/jobs/{job}", "/me/jobs/{job}/why"),
    ],
)
def test_words_that_no_thing_is_called_come_first(one: str, two: str) -> None:
    """The order of tables has no say in which page answers."""
    pages = [Page(one, _answer, Right.OWN), Page(two, _answer, Right.OWN)]  # type: ignore[arg-type]
    assert checked(pages) == checked(pages[::-1])
    if "~" in two:
        assert checked(pages)[0].path == two


def test_one_path_may_answer_two_methods() -> None:
    """A form and what it is sent to share an address."""
    pages = [
        Page("/people/{user}", _answer, Right.OWN),  # type: ignore[arg-type]
        Page("/people/{name}", _answer, Right.OWN, methods=("POST",)),  # type: ignore[arg-type]
    ]
    assert len(checked(pages)) == len(pages)


@pytest.mark.parametrize(
    "wrong",
    [
        # others than this machine, in the clear
        {"host": EVERYBODY},
        {"host": EVERYBODY, "address": "https://print.example.org"},
        {"tls_certificate": "a.pem"},
        {"staff_idle": "1s"},
        {"people_longest": "1h"},
        {"address": "https://print.example.org/under/it"},
    ],
)
def test_settings_that_would_be_overheard_are_refused(wrong: dict[str, str]) -> None:
    """Plain HTTP is for this machine, unless the settings say that it is meant."""
    with pytest.raises(ValidationError):
        WebSettings(port=1, **wrong)


@pytest.mark.parametrize(
    "right",
    [
        {"host": EVERYBODY, "plain": True},
        {
            "host": EVERYBODY,
            "address": "https://print.example.org",
            "trusted_proxies": ["10.0.0.1/32"],
        },
        {"host": EVERYBODY, "tls_certificate": "a.pem", "tls_key": "a.key"},
    ],
)
def test_settings_for_others_are_taken(right: dict[str, object]) -> None:
    """A certificate here or at the proxy, or the word that it is meant."""
    assert WebSettings(port=1, **right).port == 1
