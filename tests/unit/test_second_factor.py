"""Codes of an authenticator: taken once, at their time; recovery codes, however they are typed."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.sealing import Sealer, Unreadable
from central.second_factor import (
    address_of,
    looks_like_recovery,
    new_secret,
    recovery_codes,
    recovery_digest,
    step_of,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
STEP = timedelta(seconds=30)
#: RFC 6238, appendix B, in base 32.
RFC = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.mark.parametrize(
    ("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")]
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    """RFC 6238's own examples, shortened to six digits."""
    assert step_of(RFC, code, datetime.fromtimestamp(seconds, UTC), None) == seconds // 30


def test_a_code_is_good_once() -> None:
    """Whoever looks over a shoulder has nothing."""
    code = pyotp.TOTP(RFC).at(NOON)
    step = step_of(RFC, code, NOON, None)
    assert step is not None
    assert step_of(RFC, code, NOON, step) is None
    assert step_of(RFC, pyotp.TOTP(RFC).at(NOON - STEP), NOON, step) is None


@pytest.mark.parametrize(("off", "good"), [(-2, False), (-1, True), (1, True), (2, False)])
def test_a_phones_clock_may_be_wrong_by_half_a_minute(*, off: int, good: bool) -> None:
    """One step either way, no more."""
    code = pyotp.TOTP(RFC).at(NOON + off * STEP)
    assert (step_of(RFC, code, NOON, None) is not None) is good


@given(st.text(max_size=20))
def test_whatever_is_typed_is_refused_calmly(code: str) -> None:
    """No text that a browser can send fails here."""
    secret = new_secret(os.urandom)
    if not (code.strip().isascii() and code.strip().isdigit()):
        assert step_of(secret, code, NOON, None) is None
    assert len(recovery_digest(code)) == 64


def test_recovery_codes_are_taken_however_they_are_typed() -> None:
    """Without hyphens, in capitals, with blanks: it is the same code."""
    codes = recovery_codes(os.urandom)
    assert len({recovery_digest(each) for each in codes}) == 10
    for code in codes:
        typed = code.replace("-", " ").upper()
        assert recovery_digest(typed) == recovery_digest(code)
        assert looks_like_recovery(typed)
    assert not looks_like_recovery("123 456")


def test_the_qr_code_says_whose_it_is() -> None:
    """An authenticator shows organisation and person."""
    address = address_of(RFC, user="ana", issuer="City Library")
    assert address.startswith("otpauth://totp/City%20Library:ana?secret=")


def test_what_is_sealed_needs_the_secret_and_the_purpose() -> None:
    """The books alone, or a row put under another name, show nothing."""
    sealer = Sealer("the centre's", os.urandom)
    sealed = sealer.seal(RFC, "factor ana")
    assert RFC not in sealed
    assert sealer.open(sealed, "factor ana") == RFC
    for other, about in ((sealer, "factor bob"), (Sealer("another", os.urandom), "factor ana")):
        with pytest.raises(Unreadable):
            other.open(sealed, about)
    with pytest.raises(Unreadable):
        sealer.open("not sealed at all", "factor ana")
