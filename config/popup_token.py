"""The one line that enrols a workstation's pop-up: where its site is, which node it is, its secret.

The edge writes it (`printmesh edge popup`), the workstation reads it (`printmesh popup --token`).
"""

from __future__ import annotations

import json
import re
import ssl
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from config.ids import NodeId

#: What a token begins with; the figure is the version of what follows.
_HEAD: Final = "printmesh1"
_CHECK: Final = 8
#: A chain of certificates is some kilobytes.
_LONGEST: Final = 64_000
_WHOLE: Final = re.compile(rf"{_HEAD}\.([A-Za-z0-9_-]+)\.([0-9a-f]{{{_CHECK}}})")


def _is_authority(text: str) -> str:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        raise ValueError("certificates in PEM") from error
    return text


class PopupToken(BaseModel):
    """What a pop-up is told once."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    host: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,255}$")]
    """Name or address of the site's broker, as workstations reach it."""
    port: Annotated[int, Field(ge=1, le=65535)]
    """Its port."""
    node: NodeId
    """The pop-up's own node."""
    secret: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{20,255}$")] = Field(
        repr=False
    )
    """That node's secret."""
    tls: bool = False
    """Encrypt, and check the broker's certificate."""
    authority: Annotated[str, AfterValidator(_is_authority)] | None = None
    """PEM of the authority to trust; None: those that the workstation trusts already."""


@dataclass(frozen=True, slots=True)
class NotAToken:
    """It cannot be read."""

    reason: str
    """For people."""


def written(token: PopupToken) -> str:
    """Write a token as one line that can be mailed or pasted."""
    text = json.dumps(token.model_dump(mode="json", exclude_defaults=True), separators=(",", ":"))
    body = urlsafe_b64encode(text.encode()).decode().rstrip("=")
    return f"{_HEAD}.{body}.{_check(body)}"


def read(text: str) -> PopupToken | NotAToken:
    """Read a token; blanks and line ends that came in on its way are passed over."""
    if len(text) > _LONGEST:
        return NotAToken("this is too long for a token")
    found = _WHOLE.fullmatch(re.sub(r"\s+", "", text))
    if found is None:
        return NotAToken(
            f"this is no token; one begins with {_HEAD}. and ends with a dot and "
            f"{_CHECK} digits and letters a-f"
        )
    body, check = found.groups()
    if _check(body) != check:
        return NotAToken("part of this token is missing or changed; copy it anew, whole")
    try:
        return PopupToken.model_validate_json(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (ValidationError, ValueError) as error:
        wrong = error.errors() if isinstance(error, ValidationError) else []
        fields = ", ".join(str(each["loc"][0]) for each in wrong if each["loc"])
        return NotAToken(f"this token cannot be used here: {fields or 'not what it should be'}")


def _check(body: str) -> str:
    """Return what shows that nothing is missing; it proves nothing else."""
    return sha256(body.encode()).hexdigest()[:_CHECK]
