"""SNMP as octets: numbers and names survive, and what is no question is none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from demo import snmp_wire as wire
from tests.integration.snmp_lab import question

OIDS = st.tuples(
    st.just(1),
    st.integers(0, 39),
    *([st.integers(0, 2**32 - 1)] * 4),
)


@given(st.integers(-(2**63), 2**63 - 1))
def test_numbers_are_twos_complement_and_short(number: int) -> None:
    """An integer is read back, and no octet of it could be left out."""
    octets = wire.int_octets(number)
    assert int.from_bytes(octets, signed=True) == number
    assert len(octets) == 1 or not (octets[0] in {0, 255} and octets[0] >> 7 == octets[1] >> 7)


@given(st.lists(OIDS, min_size=1, max_size=8), st.sampled_from([0, 1]), st.integers(0, 2**31 - 1))
def test_questions_are_read(oids: list[tuple[int, ...]], version: int, number: int) -> None:
    """What a question asks for is what is answered."""
    pairs = b"".join(
        wire.tlv(0x30, wire.tlv(6, wire.oid_octets(oid)) + b"\x05\x00") for oid in oids
    )
    numbers = b"".join(wire.tlv(2, wire.int_octets(each)) for each in (number, 0, 0))
    pdu = wire.tlv(wire.GET, numbers + wire.tlv(0x30, pairs))
    head = wire.tlv(2, bytes([version])) + wire.tlv(4, b"lab")
    datagram = wire.tlv(0x30, head + pdu)
    asked = wire.question(datagram)
    assert asked == wire.Question(version, b"lab", wire.GET, number, 0, 0, tuple(oids))
    assert wire.version(datagram) == version


@given(st.binary(max_size=80), st.integers(0, 60))
def test_anything_is_survived(noise: bytes, cut: int) -> None:
    """Noise, and a question cut short or with noise in it, are read or refused, never raised."""
    whole = question("lab")
    for datagram in (noise, whole[:cut], whole[:cut] + noise + whole[cut + len(noise) :]):
        wire.question(datagram)
        wire.version(datagram)
    assert wire.question(whole[:-1]) is None


def test_a_question_made_elsewhere_is_read() -> None:
    """The question that tests write by hand is one for sysDescr."""
    asked = wire.question(question("lab", 77))
    assert asked == wire.Question(1, b"lab", wire.GET, 77, 0, 0, ((1, 3, 6, 1, 2, 1, 1, 1, 0),))
