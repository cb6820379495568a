"""The provider of OpenID Connect: where it sends people, and the proof of what it says of them.

The one room of Authlib, and of joserfc below it. Code flow with PKCE (OpenID Connect Core 1.0 §3.1,
RFC 7636). What the provider tells of itself is kept for an hour, its keys as well; they are asked
for anew when a token is signed with one that is not among them.
"""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

from anyio import CapacityLimiter, to_thread
from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from central.openid import Going, NotProven, ProviderSilent, found, wanted
from central.web import outward
from central.web.outward import Answer, Unreachable
from central.web.problems import TooBusy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from config.settings_openid import OidcSettings

T = TypeVar("T")

#: Seconds that what the provider tells of itself is taken as it was.
_KEPT: Final = 3600.0
#: Seconds between two looks for a key that is not known: tokens with made-up names cost it nothing.
_KEYS_APART: Final = 60.0
#: Seconds by which its clock and ours may differ.
_LEEWAY: Final = 60
_AT_ONCE: Final = 4
_WAITING: Final = 64
_RANDOM: Final = 32
_LONGEST_CODE: Final = 2000
_JSON: Final = {"accept": "application/json", "user-agent": "Printmesh"}
#: What leads people or secrets there; each is looked at before it is used.
_PLACES: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_MORE_PLACES: Final = ("userinfo_endpoint", "end_session_endpoint")


class Ask(Protocol):
    """How a server is asked: `outward.ask`."""

    def __call__(
        self,
        address: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        timeout: float,
        ca: Path | None = None,
    ) -> Answer:
        """Return its answer."""


@dataclass(slots=True)
class _Known:
    """What the provider tells of itself, and when it did."""

    document: dict[str, Any]
    at: float
    keys: KeySet
    keys_at: float


class Provider:
    """One provider; each question to it waits in a thread, few at once."""

    def __init__(
        self,
        settings: OidcSettings,
        back: str,
        clock: Callable[[], datetime],
        dice: Callable[[int], bytes],
        ask: Ask = outward.ask,
    ) -> None:
        """Begin; nothing is asked yet.

        Args:
            settings: who it is.
            back: where it sends people back to, as it knows it.
            clock: the time, by which tokens are over.
            dice: randomness.
            ask: how servers are asked.
        """
        self.settings = settings
        self._back = back
        self._clock = clock
        self._dice = dice
        self._ask = ask
        self._known: _Known | None = None
        self._lock = Lock()
        self._room = CapacityLimiter(_AT_ONCE)
        self._asked = 0

    # ── there ───────────────────────────────────────────────────────────────────────────────

    async def begin(self, *, again: bool = False) -> tuple[str, Going]:
        """Return where somebody goes, and what is to be kept until they are back.

        Args:
            again: have them sign in anew, also where they are signed in there.

        Raises:
            ProviderSilent: what it tells of itself cannot be had.
            TooBusy: too many wait already.
        """
        document = (await self._in_thread(self._look)).document
        going = Going(*(_text(self._dice(_RANDOM)) for _ in range(3)))
        more = {"prompt": "login"} if again else {}
        client = self._client(document)
        address, _ = client.create_authorization_url(
            document["authorization_endpoint"],
            state=going.state,
            nonce=going.nonce,
            code_verifier=going.verifier,
            **more,
        )
        return str(address), going

    def sign_off(self, after: str) -> str:
        """Return where people sign off there as well (RP-Initiated Logout 1.0); empty: nowhere.

        Args:
            after: the page that they come back to.
        """
        place = self._known.document.get("end_session_endpoint") if self._known else None
        if not place:
            return ""
        query = urlencode({"client_id": self.settings.client_id, "post_logout_redirect_uri": after})
        return f"{place}{'&' if urlsplit(place).query else '?'}{query}"

    # ── and back ────────────────────────────────────────────────────────────────────────────

    async def finish(self, going: Going, code: str, iss: str | None) -> dict[str, Any]:
        """Return what the provider says of somebody who is back, checked.

        Args:
            going: what was kept.
            code: what they brought; it is good once.
            iss: who gave it to them, where the answer says so (RFC 9207).

        Raises:
            NotProven: it shows nothing.
            ProviderSilent: it cannot be asked.
            TooBusy: too many wait already.
        """
        if not 0 < len(code) <= _LONGEST_CODE:
            raise NotProven("there is no code")
        return await self._in_thread(lambda: self._finish(going, code, iss))

    def _finish(self, going: Going, code: str, iss: str | None) -> dict[str, Any]:
        document = self._look().document
        says = document.get("authorization_response_iss_parameter_supported") is True
        if (iss is not None or says) and iss != self.settings.issuer:
            raise NotProven("the answer is another provider's")
        client = self._client(document)
        try:
            token = client.fetch_token(
                document["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=going.verifier,
            )
        except OAuth2Error as error:
            raise NotProven(f"the code is not taken: {_plain(error.error)}") from error
        except Unreachable as error:
            raise ProviderSilent(f"the provider {error}") from error
        except (ValueError, TypeError) as error:
            raise NotProven("no token came for the code") from error
        id_token, access = token.get("id_token"), token.get("access_token")
        if not isinstance(id_token, str):
            raise NotProven("no ID token came for the code")
        claims = self._proven(id_token, going.nonce, access)
        return self._with_more(document, claims, access)

    def _proven(self, id_token: str, nonce: str, access: object) -> dict[str, Any]:
        """Return the claims of an ID token, once all of OpenID Connect Core §3.1.3.7 holds."""
        try:
            try:
                token = self._decoded(id_token, self._look().keys)
            except InvalidKeyIdError:
                token = self._decoded(id_token, self._new_keys())
            params = {"nonce": nonce, "client_id": self.settings.client_id}
            if isinstance(access, str):
                params["access_token"] = access
            options = {
                "iss": {"essential": True, "values": [self.settings.issuer]},
                "aud": {"essential": True, "values": [self.settings.client_id]},
            }
            checked = CodeIDToken(token.claims, token.header, options, params)
            checked.validate(now=int(self._clock().timestamp()), leeway=_LEEWAY)
        except JoseError as error:
            raise NotProven(f"the ID token is not good: {_plain(str(error))}") from error
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise NotProven("the ID token is not one") from error
        return dict(token.claims)

    def _decoded(self, id_token: str, keys: KeySet) -> jwt.Token:
        registry = JWSRegistry(algorithms=self.settings.algorithms, strict_check_header=False)
        return jwt.decode(id_token, keys, registry=registry)

    def _with_more(
        self, document: Mapping[str, Any], claims: dict[str, Any], access: object
    ) -> dict[str, Any]:
        """Ask the provider's userinfo for what the token lacks, where there is one."""
        lacking = [name for name in wanted(self.settings) if found(claims, name) is None]
        place = document.get("userinfo_endpoint")
        if not lacking or not place or not isinstance(access, str):
            return claims
        headers = {**_JSON, "authorization": f"Bearer {access}"}
        try:
            more = self._answer(place, headers).object()
        except Unreachable:
            # what is lacking is said by whoever reads the claims
            return claims
        if more.get("sub") != claims["sub"]:
            raise NotProven("userinfo is somebody else's")
        names = [*lacking, self.settings.display_claim, "email", "email_verified"]
        for name in (each.split(".")[0] if each not in more else each for each in names):
            if name in more and name not in claims:
                claims[name] = more[name]
        return claims

    # ── what it tells of itself ─────────────────────────────────────────────────────────────

    def _look(self) -> _Known:
        """Return what is known, asked for when that is too old.

        Raises:
            ProviderSilent: it cannot be had, and nothing is known from before.
        """
        with self._lock:
            now, before = time.monotonic(), self._known
            if before is not None and now - before.at < _KEPT:
                return before
            try:
                document = self._document()
                self._known = _Known(document, now, self._keys(document), now)
            except ProviderSilent:
                if before is None:
                    raise
                # as it was: asked again in a minute
                before.at = now - _KEPT + _KEYS_APART
                return before
            return self._known

    def _new_keys(self) -> KeySet:
        """Return its keys, asked for anew unless they just were."""
        known = self._look()
        with self._lock:
            now = time.monotonic()
            if now - known.keys_at >= _KEYS_APART:
                known.keys_at = now
                known.keys = self._keys(known.document)
            return known.keys

    def _document(self) -> dict[str, Any]:
        issuer = self.settings.issuer
        address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            document = self._answer(address, _JSON).object()
        except Unreachable as error:
            raise ProviderSilent(f"{address} {error}") from error
        if document.get("issuer") != issuer:
            said = _plain(str(document.get("issuer")))
            raise ProviderSilent(f"{address} is about {said}: write `issuer` as it is there")
        for name in (*_PLACES, *(each for each in _MORE_PLACES if each in document)):
            if not _is_safe(document.get(name), issuer):
                raise ProviderSilent(f"{address} names no {name} that can be trusted")
        return document

    def _keys(self, document: Mapping[str, Any]) -> KeySet:
        address = document["jwks_uri"]
        try:
            found_ = self._answer(address, _JSON).object().get("keys")
            listed = [each for each in found_ or () if isinstance(each, dict)]
            good = [each for each in listed if _for_signing(each)]
            return KeySet.import_key_set({"keys": good})
        except Unreachable as error:
            raise ProviderSilent(f"{address} {error}") from error
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise ProviderSilent(f"{address} lists no keys that can be used") from error

    def _answer(
        self, address: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        wait = self.settings.timeout.total_seconds()
        return self._ask(address, headers=headers, body=body, timeout=wait, ca=self.settings.ca)

    def _client(self, document: Mapping[str, Any]) -> Any:  # noqa: ANN401  Authlib has no types
        secret = self.settings.secret
        taken = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        by = "client_secret_basic" if "client_secret_basic" in taken else "client_secret_post"
        return OAuth2Client(
            _Session(self._answer),
            client_id=self.settings.client_id,
            client_secret=None if secret is None else secret.get_secret_value(),
            token_endpoint_auth_method="none" if secret is None else by,
            scope=" ".join(self.settings.scopes),
            redirect_uri=self._back,
            code_challenge_method="S256",
        )

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._asked > _WAITING:
            raise TooBusy
        self._asked += 1
        try:
            return await to_thread.run_sync(work, limiter=self._room)
        finally:
            self._asked -= 1


class _Session:
    """What Authlib sends its questions by."""

    def __init__(self, answer: Callable[[str, Mapping[str, str], bytes | None], Answer]) -> None:
        self._answer = answer

    def post(
        self,
        url: str,
        data: Mapping[str, str],
        headers: Mapping[str, str],
        auth: Any,  # noqa: ANN401  Authlib's, which has no types
    ) -> _Said:
        """Send a form, with what shows who sends it."""
        body = urlencode(data)
        url, signed, body = auth.prepare("POST", url, dict(headers), body)
        return _Said(self._answer(url, {**_JSON, **signed}, body.encode()))


class _Said:
    """An answer, as Authlib reads it."""

    def __init__(self, answer: Answer) -> None:
        self.status_code = answer.status
        self._answer = answer

    def json(self) -> Any:  # noqa: ANN401  JSON is anything
        """Return what it says, an error of OAuth as well."""
        return Answer(200, self._answer.body).object()

    def raise_for_status(self) -> None:
        """Complain of an answer that is none."""
        if self.status_code >= 400:  # noqa: PLR2004
            raise Unreachable(f"answered with status {self.status_code}")


def _is_safe(address: object, issuer: str) -> bool:
    """Say whether people and secrets may be sent to an address that the provider names."""
    if not isinstance(address, str) or any(each.isspace() for each in address):
        return False
    parts = urlsplit(address)
    # without TLS only where the provider itself is so, which the settings allow on this machine
    same = urlsplit(issuer)
    plain = parts.scheme == same.scheme == "http" and parts.hostname == same.hostname
    return bool(parts.hostname) and (parts.scheme == "https" or plain)


def _for_signing(key: Mapping[str, Any]) -> bool:
    return key.get("kty") in {"RSA", "EC", "OKP"} and key.get("use", "sig") == "sig"


def _text(random: bytes) -> str:
    return base64.urlsafe_b64encode(random).rstrip(b"=").decode()


def _plain(text: object) -> str:
    """Return what somebody else wrote, so that it can stand in a log."""
    said = str(text)[:200]
    return "".join(each if each.isprintable() else " " for each in said)
