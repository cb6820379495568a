"""Keys made of the centre's secret, and what is hidden in the books with them.

Whoever has the books alone, a backup for instance, reads nothing of it: the secret is in the
settings. Another secret there makes what was sealed unreadable, which is said and not guessed.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Callable

_NONCE: Final = 12
_BEGIN: Final = b"printmesh centre\0"


class Unreadable(Exception):
    """It was sealed with another secret, or for something else."""


class Sealer:
    """Seals small texts (AES-256-GCM), and makes keyed marks (HMAC-SHA-256)."""

    def __init__(self, secret: str, dice: Callable[[int], bytes]) -> None:
        """Begin.

        Args:
            secret: the centre's, of 128 bits or more; what is made of it here is of no use
                where else it stands.
            dice: randomness.
        """
        self._root = hmac.digest(_BEGIN, secret.encode(), "sha256")
        self._dice = dice

    def key(self, purpose: str) -> bytes:
        """Return the 32 bytes for one purpose (RFC 5869's expansion, one block)."""
        return hmac.digest(self._root, purpose.encode() + b"\x01", "sha256")

    def seal(self, text: str, about: str) -> str:
        """Hide a text; it can be opened only with the same `about`."""
        nonce = self._dice(_NONCE)
        sealed = AESGCM(self.key("seal")).encrypt(nonce, text.encode(), about.encode())
        return urlsafe_b64encode(nonce + sealed).decode()

    def open(self, sealed: str, about: str) -> str:
        """Return a text that was hidden.

        Raises:
            Unreadable: another secret, another `about`, or not whole.
        """
        try:
            raw = urlsafe_b64decode(sealed.encode())
            plain = AESGCM(self.key("seal")).decrypt(raw[:_NONCE], raw[_NONCE:], about.encode())
        except (InvalidTag, ValueError) as error:
            raise Unreadable from error
        return plain.decode()

    def keyed(self, purpose: str, text: str) -> str:
        """Return what stands for a text where the text itself must not, 64 hexadecimal digits."""
        return hmac.new(self.key(purpose), text.encode(), sha256).hexdigest()
