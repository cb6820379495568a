"""What all messages share: frozen models, plain types, a sentence for every field."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, StringConstraints

from config.described import Described

#: SHA-256 in lower-case hexadecimal.
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
StreamName = Literal["ledger", "jobs"]
Role = Literal["agent", "tracker", "remote"]
Sequence = Annotated[int, Field(ge=0, lt=2**63)]
Count = Annotated[int, Field(ge=0, le=100_000_000)]
#: One line for people; control characters are taken out before it is made.
Line = Annotated[str, StringConstraints(max_length=1000)]
Name = Annotated[str, StringConstraints(max_length=255)]


class Message(Described):
    """What every message shares: frozen, unknown fields ignored, a CloudEvents `type`.

    Its schema is built on first use: no process says or hears all that there is.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", ser_json_bytes="base64", defer_build=True
    )
    TYPE: ClassVar[str]


class Part(Described):
    """A piece of a message; the same rules, no type of its own."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)
