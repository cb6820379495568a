"""Promises of signatures on what is sent: Standard Webhooks 1.0.0, and two secrets at a time."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode

from central.webhooks.signing import PREFIX, headers, new_secret, signature

SECRET = PREFIX + b64encode(b"0123456789abcdef" * 2).decode()
BODY = b'{"type":"webhook.test"}'


def test_a_signature_is_what_another_program_makes() -> None:
    """Id, time and body with full stops between, HMAC-SHA-256, base64: made by `openssl dgst`."""
    made = "v1,WY7nYRU0uxLUtN4aLy+AzwE6JOEtW6ChjWEoxm6tKDA="
    assert signature(SECRET, "message-7", 1_700_000_000, BODY) == made
    # receivers' libraries take it with its prefix and without
    assert signature(SECRET.removeprefix(PREFIX), "message-7", 1_700_000_000, BODY) == made


def test_all_that_is_signed_counts() -> None:
    """Another id, time, body or secret has another signature: nothing can be sent again later."""
    right = signature(SECRET, "a", 1, BODY)
    other = new_secret(lambda n: b"x" * n)
    wrong = (
        signature(SECRET, "b", 1, BODY),
        signature(SECRET, "a", 2, BODY),
        signature(SECRET, "a", 1, BODY + b" "),
        signature(other, "a", 1, BODY),
    )
    assert right not in wrong
    assert len(set(wrong)) == len(wrong)


def test_two_secrets_make_two_signatures() -> None:
    """While a secret is changed, whoever has the old or the new one finds theirs."""
    new = new_secret(lambda n: b"n" * n)
    made = headers((new, SECRET), "a", 1, BODY)
    assert made["webhook-id"] == "a"
    assert made["webhook-timestamp"] == "1"
    both = made["webhook-signature"].split(" ")
    assert both == [signature(new, "a", 1, BODY), signature(SECRET, "a", 1, BODY)]


def test_a_secret_is_long_enough() -> None:
    """Between 192 and 512 bits, as the specification asks, and not the same twice."""
    dice = iter(range(10))
    first, second = (new_secret(lambda n: bytes([next(dice)]) * n) for _ in range(2))
    assert first != second
    assert 24 <= len(b64decode(first.removeprefix(PREFIX))) <= 64
    key = b64decode(first.removeprefix(PREFIX))
    mine = b64encode(hmac.digest(key, b"i.5.body", "sha256")).decode()
    assert signature(first, "i", 5, b"body") == f"v1,{mine}"
