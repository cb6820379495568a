"""A provider of OpenID Connect for tests: a small one of our own on this machine, that can lie."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from broker.serving import served
from config.settings_openid import OidcSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request

    from tests.integration.pages_lab import Browser

CLIENT: Final = "printmesh"
SECRET: Final = "what the centre shows the provider"
#: Made once: it takes long.
KEY: Final = RSAKey.generate_key(2048, {"kid": "of-today", "use": "sig"})
OTHER: Final = RSAKey.generate_key(2048, {"kid": "of-tomorrow", "use": "sig"})


@dataclass
class Fake:
    """The provider; whoever comes is `person`, and what it says can be spoiled."""

    person: dict[str, Any] = field(default_factory=lambda: {"sub": "4711", "name": "Ana There"})
    """Claims of whoever is signed in there."""
    now: Callable[[], float] = float
    issuer: str = ""
    says_issuer: str | None = None
    """In its document; None: the truth."""
    keys: list[RSAKey] = field(default_factory=lambda: [KEY])
    """What it lists."""
    signs: RSAKey = field(default_factory=lambda: KEY)
    algorithm: str = "RS256"
    spoil: dict[str, Any] = field(default_factory=dict)
    """Claims of the token as they are not."""
    lacks: frozenset[str] = frozenset()
    """Claims that only userinfo has."""
    userinfo_sub: str | None = None
    silent: bool = False
    """Every answer is an error."""
    asked: list[dict[str, str]] = field(default_factory=list)
    """What people were sent with."""
    looked: int = 0
    """How often its document was asked for."""
    tokens: int = 0
    """How often a code was tried."""
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def settings(self, **given: object) -> OidcSettings:
        """Return settings that trust it."""
        always = {
            "issuer": self.issuer,
            "client_id": CLIENT,
            "secret": SecretStr(SECRET),
            "label": "Example School",
        }
        return OidcSettings.model_validate(always | given)

    # ── what it answers ─────────────────────────────────────────────────────────────────────

    async def document(self, _: Request) -> Response:
        """Tell where everything is."""
        self.looked += 1
        if self.silent:
            return Response("later", 503)
        at = self.issuer
        return JSONResponse(
            {
                "issuer": at if self.says_issuer is None else self.says_issuer,
                "authorization_endpoint": f"{at}/authorize?tenant=1",
                "token_endpoint": f"{at}/token",
                "jwks_uri": f"{at}/keys",
                "userinfo_endpoint": f"{at}/me",
                "end_session_endpoint": f"{at}/end",
            }
        )

    async def listed(self, _: Request) -> Response:
        """List the keys; one for encryption and one nobody knows among them."""
        keys = KeySet(list(self.keys)).as_dict(private=False)["keys"]
        more = [{"kty": "AKP", "kid": "odd"}, {**keys[0], "use": "enc", "kid": "for-encryption"}]
        return JSONResponse({"keys": [*more, *keys]})

    async def authorize(self, request: Request) -> Response:
        """Let in whoever comes, and send them back with a code."""
        asked = dict(request.query_params)
        self.asked.append(asked)
        code = f"code-{len(self.asked)}"
        self._codes[code] = asked
        query = urlencode({"code": code, "state": asked["state"], "iss": self.issuer})
        return RedirectResponse(f"{asked['redirect_uri']}?{query}", 303)

    async def token(self, request: Request) -> Response:
        """Give a token for a code, once, to whoever shows what they promised."""
        self.tokens += 1
        if self.silent:
            return Response("later", 503)
        form = await request.form()
        asked = self._codes.pop(str(form.get("code")), None)
        hashed = hashlib.sha256(str(form.get("code_verifier")).encode()).digest()
        challenge = _encoded(hashed)
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        good = (
            asked is not None
            and asked["code_challenge_method"] == "S256"
            and asked["code_challenge"] == challenge
            and form.get("redirect_uri") == asked["redirect_uri"]
            and request.headers.get("authorization") == f"Basic {basic}"
        )
        if not good or asked is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse(
            {
                "access_token": "an access token",
                "token_type": "Bearer",
                "expires_in": 60,
                "id_token": self.id_token(asked["nonce"]),
            }
        )

    def id_token(self, nonce: str) -> str:
        """Return a token about whoever is signed in, spoiled as it is to be."""
        now = int(self.now())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            **{key: value for key, value in self.person.items() if key not in self.lacks},
        } | self.spoil
        claims = {key: value for key, value in claims.items() if value is not None}
        header = {"alg": self.algorithm, "kid": self.signs.kid}
        if self.algorithm in {"none", "HS256"}:
            # by hand: no library makes these
            said = ".".join(_encoded(json.dumps(each).encode()) for each in (header, claims))
            public = self.signs.as_pem(private=False)
            forged = hmac.digest(public, said.encode(), "sha256")
            return f"{said}.{'' if self.algorithm == 'none' else _encoded(forged)}"
        return jwt.encode(header, claims, self.signs, algorithms=[self.algorithm])

    async def userinfo(self, request: Request) -> Response:
        """Tell more of whoever has the token."""
        if request.headers.get("authorization") != "Bearer an access token":
            return Response(status_code=401)
        sub = self.person["sub"] if self.userinfo_sub is None else self.userinfo_sub
        return JSONResponse({**self.person, "sub": sub})


@asynccontextmanager
async def provider(now: Callable[[], float], *, name: str = "127.0.0.1") -> AsyncIterator[Fake]:
    """Run a provider; `name` is what this machine is called in its addresses."""
    fake = Fake(now=now)
    app = Starlette(
        routes=[
            Route("/.well-known/openid-configuration", fake.document),
            Route("/keys", fake.listed),
            Route("/authorize", fake.authorize),
            Route("/token", fake.token, methods=["POST"]),
            Route("/me", fake.userinfo),
        ]
    )
    async with served(
        app, "127.0.0.1", 0, what="a provider", section="test", connections=16, grace=1
    ) as (port, _):
        fake.issuer = f"http://{name}:{port}"
        yield fake


def _encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


async def go_there(visitor: Browser, path: str = "/sign-in/oidc") -> str:
    """Go to the provider and be sent back; return the address, which is not asked for yet."""
    answer = await visitor.get(path)
    assert answer.status_code == 303, answer.text
    return await be_sent(visitor, answer.headers["location"])


async def be_sent(visitor: Browser, address: str) -> str:
    """Be let in at the provider; return the path that it sends back to."""
    parts = urlsplit(address)
    # another server: none of the centre's cookies go there
    transport = type(visitor.client)()
    async with transport as elsewhere:
        there = await elsewhere.get(address)
    assert there.status_code == 303, (parts, there.text)
    back = urlsplit(there.headers["location"])
    return f"{back.path}?{back.query}"


def query_of(path: str) -> dict[str, str]:
    """Return the parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
