"""The second factor: codes of an authenticator (RFC 6238) and codes for when it is lost; pure.

The only room with pyotp. What is kept and how it is hidden is `central.store.second_factors`.
"""

from __future__ import annotations

import base64
import hmac
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import pyotp

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

#: RFC 6238 §4.1; what every authenticator takes without being told.
PERIOD: Final = 30
DIGITS: Final = 6
#: RFC 4226 §4 R6 wants 128 bits and recommends 160.
_SECRET_BYTES: Final = 20
#: Steps that a clock may be wrong by, either way.
_SKEW: Final = 1
_RECOVERY_CODES: Final = 10
#: 80 random bits: no hash of it can be tried through.
_RECOVERY_BYTES: Final = 10


def new_secret(dice: Callable[[int], bytes]) -> str:
    """Return a secret for an authenticator, in base 32."""
    return base64.b32encode(dice(_SECRET_BYTES)).decode()


def about(user: str) -> str:
    """Return what the secret of somebody's authenticator is sealed for (`central.sealing`)."""
    return f"factor {user}"


def address_of(secret: str, *, user: str, issuer: str) -> str:
    """Return what the QR code says to an authenticator, an otpauth address."""
    return pyotp.TOTP(secret, digits=DIGITS, interval=PERIOD).provisioning_uri(
        name=user, issuer_name=issuer
    )


def step_of(secret: str, code: str, now: datetime, last: int | None) -> int | None:
    """Return the step that a code is of, None when it is wrong, or was good before.

    Args:
        secret: in base 32.
        code: as typed.
        now: the time.
        last: the newest step that a code was taken of: those up to it are used up.
    """
    typed = "".join(each for each in code if not each.isspace())
    if len(typed) != DIGITS or not typed.isascii() or not typed.isdigit():
        return None
    here = int(now.timestamp()) // PERIOD
    made = pyotp.TOTP(secret, digits=DIGITS, interval=PERIOD)
    found = None
    # all of them, always: the time tells nothing
    for step in range(here - _SKEW, here + _SKEW + 1):
        right = hmac.compare_digest(made.generate_otp(step), typed)
        if right and (last is None or step > last):
            found = step
    return found


def recovery_codes(dice: Callable[[int], bytes]) -> tuple[str, ...]:
    """Return codes that are good once each, for whoever lost the authenticator."""
    return tuple(_grouped(dice(_RECOVERY_BYTES)) for _ in range(_RECOVERY_CODES))


def recovery_digest(code: str) -> str:
    """Return what is kept of a recovery code, however it was typed."""
    plain = "".join(each for each in code.lower() if each.isalnum())
    return sha256(b"printmesh recovery\0" + plain.encode()).hexdigest()


def looks_like_recovery(code: str) -> bool:
    """Say whether what was typed is no code of an authenticator but may be a recovery code."""
    return sum(each.isalnum() for each in code) > DIGITS


def _grouped(random: bytes) -> str:
    text = base64.b32encode(random).decode().lower()
    return "-".join(text[n : n + 4] for n in range(0, len(text), 4))
