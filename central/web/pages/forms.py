"""What a form of ours brings: its fields, trimmed; and what is said beside one that is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from starlette.exceptions import HTTPException

from central.web.pages import guarding, sentences
from config.policy.money import Money, MoneyError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.datastructures import UploadFile
    from starlette.requests import Request

    from config.policy.money import Unit
    from config.words import Words

#: field → what is wrong with it, translated.
Wrong: TypeAlias = "dict[str, str]"

#: The field that says that a form is ours.
TOKEN: Final = "token"  # noqa: S105  the name of a field
_FIELDS: Final = 500
_FIELD_MOST: Final = 20_000
#: Fields in which blanks at the ends belong to what was typed.
_VERBATIM: Final = frozenset({"password", "again", "old"})


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form."""

    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The last of each name."""
    many: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """All of each name, for boxes that are ticked."""
    files: Mapping[str, UploadFile] = field(default_factory=lambda: MappingProxyType({}))
    """What was uploaded; each is bounded and nobody has looked into it."""

    def text(self, name: str, most: int = 500) -> str:
        """Return one field, empty when it is not there; at most so many characters."""
        return self.fields.get(name, "")[:most]

    def ticked(self, name: str) -> bool:
        """Say whether a box is ticked."""
        return bool(self.fields.get(name))

    def every(self, name: str) -> tuple[str, ...]:
        """Return all fields of a name."""
        return self.many.get(name, ())

    def money(self, name: str, unit: Unit, words: Words) -> Money | None:
        """Return an amount as people of a language write it; None when it is none."""
        try:
            return Money.parse(words.typed(self.text(name)), unit)
        except MoneyError:
            return None


async def read(request: Request, *, token: str, files: int, origin_known: bool) -> Form:
    """Return the form that a request carries.

    Args:
        request: its body is bounded already.
        token: what a form of this session carries.
        files: at most.
        origin_known: whether a page of ours sent it, by what the browser says.

    Raises:
        HTTPException: 403, another page sent it, or one that is too old; 413, too much.
    """
    if not origin_known:
        raise HTTPException(403, sentences.NOT_FROM_HERE)
    sent = await request.form(max_files=files, max_fields=_FIELDS, max_part_size=_FIELD_MOST)
    many: dict[str, list[str]] = {}
    uploads: dict[str, UploadFile] = {}
    for name, value in sent.multi_items():
        if isinstance(value, str):
            plain = value.replace("\0", "").replace("\r\n", "\n")
            many.setdefault(name, []).append(plain if name in _VERBATIM else plain.strip())
        else:
            uploads[name] = value
    shown = (many.pop(TOKEN, None) or [""])[-1]
    if not token or not guarding.same_text(shown, token):
        for each in uploads.values():
            await each.close()
        raise HTTPException(403, sentences.TOO_OLD)
    return Form(
        MappingProxyType({name: values[-1] for name, values in many.items()}),
        MappingProxyType({name: tuple(values) for name, values in many.items()}),
        MappingProxyType(uploads),
    )
