"""Which PINs and passwords are taken, and how PINs are made; pure. Hashes: `store.secrets`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

PIN_SHORTEST: Final = 4
PIN_LONGEST: Final = 12
PASSWORD_SHORTEST: Final = 10
#: What a terminal sends at most.
PASSWORD_LONGEST: Final = 255
#: Digits of a PIN that is made here.
_MADE: Final = 6
_DIGITS: Final = "0123456789"
_RUNS: Final = (_DIGITS * 2, _DIGITS[::-1] * 2)
#: How few different characters a password may not have.
_FEW: Final = 4


def wrong_pin(pin: str) -> str | None:
    """Say why a PIN is not taken, None when it is."""
    if not PIN_SHORTEST <= len(pin) <= PIN_LONGEST or any(each not in _DIGITS for each in pin):
        return f"a PIN is {PIN_SHORTEST} to {PIN_LONGEST} digits"
    if any(pin[:n] * (len(pin) // n) == pin for n in range(1, len(pin))):
        return _weak("repeats itself")
    return _weak("counts up or down") if any(pin in run for run in _RUNS) else None


def wrong_password(password: str, user: str) -> str | None:
    """Say why a password is not taken, None when it is."""
    if not PASSWORD_SHORTEST <= len(password) <= PASSWORD_LONGEST:
        return f"a password has {PASSWORD_SHORTEST} to {PASSWORD_LONGEST} characters"
    if len(password.lower().replace(user.lower(), "")) < PASSWORD_SHORTEST // 2:
        return "that password is little more than the user name; take another one"
    if len(set(password)) <= _FEW or any(password in run for run in _RUNS):
        return "that password is among the first that anybody tries; take another one"
    return None


def new_pin(dice: Callable[[int], bytes]) -> str:
    """Return a PIN by chance that is not weak.

    Args:
        dice: returns so many random bytes.
    """
    while True:
        # of 2⁶⁴ a million is so small a part that all PINs are as likely
        pin = f"{int.from_bytes(dice(8), 'big') % 10**_MADE:0{_MADE}}"
        if wrong_pin(pin) is None:
            return pin


def _weak(why: str) -> str:
    return f"that PIN is among the first that anybody tries: it {why}"
