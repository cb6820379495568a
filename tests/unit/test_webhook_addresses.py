"""Promises of where messages may go: out by TLS only, and to no machine of the house unasked."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.webhooks.addresses import Target, is_private, may_reach, target_of

THERE = Target("https", "example.org", 443, "/")
#: Public ones that anybody may write down.
PUBLIC = ("93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "1.1.1.1")


@pytest.mark.parametrize(
    ("url", "shown", "authority"),
    [
        ("https://example.org", "https://example.org", "example.org"),
        ("https://example.org:8443/in?key=abc", "https://example.org:8443/in", "example.org:8443"),
        ("https://EXAMPLE.org:443/", "https://example.org", "example.org"),
        ("https://[2606:2800::1]:444/x", "https://[2606:2800::1]:444/x", "[2606:2800::1]:444"),
        (
            "https://xn--bcher-kva.example/",
            "https://xn--bcher-kva.example",
            "xn--bcher-kva.example",
        ),
    ],
)
def test_an_address_is_taken(url: str, shown: str, authority: str) -> None:
    """What people write is understood; what follows `?` is sent, and shown to nobody."""
    found = target_of(url, plain=False)
    assert isinstance(found, Target)
    assert (found.shown, found.authority) == (shown, authority)


def test_the_query_goes_along() -> None:
    """A receiver that wants a key in its address gets it."""
    found = target_of("https://example.org/in?key=abc&x=%20", plain=False)
    assert isinstance(found, Target)
    assert found.rest == "/in?key=abc&x=%20"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "http://example.org/",  # may be read on its way
        "ftp://example.org/",
        "file:///etc/passwd",
        "https:///path",
        "https://user:pass@example.org/",
        "https://example.org/#part",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://example.org:x/",
        "https://exa mple.org/",
        "https://example.org/\r\nX-Header: 1",
        "https://bücher.example/",
        "https://[::1",
        "https://example.org/" + "x" * 2000,
    ],
)
def test_what_is_no_address_of_ours_is_refused(url: str) -> None:
    """In a sentence, before anything is sent there."""
    assert isinstance(target_of(url, plain=False), str)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3",  # noqa: S104  it is to be refused
        "172.16.0.1", "172.31.255.255",
        "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1",
        "198.51.100.7", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.88.99.1",
        "::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1",
        "2002:7f00:1::", "2002:a00:1::1", "2001::1", "100::1",
    ],
)  # fmt: skip
def test_no_machine_of_the_house_is_reached_unasked(address: str) -> None:
    """Private, link-local, reserved, however they are dressed up: none is connected to."""
    assert is_private(ip_address(address))
    assert isinstance(may_reach([address], THERE, ()), str)


@pytest.mark.parametrize("address", [*PUBLIC, "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_the_wide_world_is_reached(address: str) -> None:
    """Whatever is public is connected to, and at the very address that was looked at."""
    assert may_reach([address, address], THERE, ()) == [address]


def test_one_wrong_address_spoils_all() -> None:
    """A name that leads to the world and into the house leads nowhere."""
    assert isinstance(may_reach([PUBLIC[0], "10.0.0.1"], THERE, ()), str)
    assert isinstance(may_reach([], THERE, ()), str)
    assert isinstance(may_reach(["fe80::1%eth0"], THERE, (ip_network("fe80::/10"),)), str)


def test_networks_of_the_house_that_are_named_are_reached() -> None:
    """Those and no others; and nobody sends to all machines at once."""
    house = (ip_network("10.1.0.0/16"), ip_network("::1/128"))
    assert may_reach(["10.1.2.3"], THERE, house) == ["10.1.2.3"]
    assert may_reach(["::ffff:10.1.2.3"], THERE, house) == ["::ffff:10.1.2.3"]
    assert may_reach(["::1"], THERE, house) == ["::1"]
    assert isinstance(may_reach(["10.2.0.1"], THERE, house), str)
    everywhere = (ip_network("0.0.0.0/0"), ip_network("::/0"))
    for never in ("224.0.0.1", "ff02::1", "0.0.0.0", "::"):  # noqa: S104  it is to be refused
        assert isinstance(may_reach([never], THERE, everywhere), str)


def test_without_tls_nothing_leaves_the_house() -> None:
    """`http://` is for machines of the house that are named."""
    plain = target_of("http://10.1.2.3:8080/in", plain=True)
    assert isinstance(plain, Target)
    house = (ip_network("10.1.0.0/16"),)
    assert may_reach(["10.1.2.3"], plain, house) == ["10.1.2.3"]
    assert isinstance(may_reach([PUBLIC[0]], plain, house), str)


@given(st.text(max_size=60))
def test_whatever_is_typed_is_answered(text: str) -> None:
    """No text makes it fail: there is a target or a sentence."""
    assert isinstance(target_of(text, plain=True), Target | str)
    assert isinstance(target_of(f"https://{text}", plain=False), Target | str)
