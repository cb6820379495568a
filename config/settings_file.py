"""Reads any settings from a TOML file and the environment; tells all that is wrong at once."""

from __future__ import annotations

import json
import os
import tomllib
import types
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.errors import PrintmeshError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic_core import ErrorDetails

Table = dict[str, Any]

_SHOWN = 80
_SUFFIX = "_file"
#: `PRINTMESH_<PROCESS>_CONFIG` names the file itself.
_FILE_VARIABLE = "config"


class Settings(BaseSettings):
    """The settings of one process; made by `load`, which knows file and environment.

    Making one directly takes its arguments only, so that tests see nothing but what they gave.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_nested_delimiter="__", defer_build=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  pydantic-settings calls it so
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leave file and environment to `load`."""
        return (init_settings,)


S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the settings."""

    where: str
    """The file, or the environment's variable."""
    key: str
    """Dotted, as in `link.port` or `printers.0.uri`; empty for the whole."""
    given: str
    """What was given; never a secret."""
    expected: str
    """What would do."""

    def __str__(self) -> str:
        """Write one line."""
        key = f"{self.key}: " if self.key else ""
        return f"{self.where}: {key}given {self.given}, expected {self.expected}"


class SettingsError(PrintmeshError):
    """Settings that cannot be used; `problems` has them all."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def load(cls: type[S], path: Path | None, *, environ: Mapping[str, str] | None = None) -> S:
    """Read the settings of one process.

    A variable wins over the file: `PRINTMESH_EDGE_LINK__PORT=8883` is `port` of `[link]`; lists
    and tables are given as JSON. Relative paths in the file start from the file's directory and
    come out absolute. Any secret may be given as a path under its name with `_file`.

    Args:
        cls: BrokerSettings, CentralSettings or EdgeSettings.
        path: the TOML file; None: the one that `PRINTMESH_<PROCESS>_CONFIG` names, or none.
        environ: the environment; None: the process's own.

    Raises:
        SettingsError: with every problem found, each naming file or variable, key, what was
            given and what was expected.
    """
    environ = os.environ if environ is None else environ
    prefix = str(cls.model_config.get("env_prefix", ""))
    path = path or _path(environ.get(prefix + _FILE_VARIABLE.upper()))
    problems: list[Problem] = []
    from_file = _read(path) if path else {}
    origins: dict[tuple[str, ...], str] = {}
    from_environment: Table = {}
    for name, key, text in _variables(environ, prefix):
        value = _value(_annotation(cls, key), text)
        if _place(from_environment, key, value):
            origins[key] = name
        else:
            problems.append(Problem(name, ".".join(key), "both a value and a table", "one of them"))
    # absolute: a path must not change its meaning in a program that runs elsewhere
    here = Path.cwd()
    _resolve(cls, from_file, here / path.parent if path else here, str(path), (), problems)
    _resolve(cls, from_environment, here, "the environment", (), problems)
    merged = _merge(from_file, from_environment)
    try:
        settings = cls.model_validate(merged)
    except ValidationError as error:
        where = str(path) if path else "settings"
        problems.extend(_problem(cls, each, where, origins) for each in error.errors())
        raise SettingsError(tuple(problems)) from None  # its text would show what was given
    if problems:
        raise SettingsError(tuple(problems))
    return settings


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _read(path: Path) -> Table:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except tomllib.TOMLDecodeError as error:
        problem = Problem(str(path), "", f"a file that is not TOML ({error})", "TOML")
    except UnicodeDecodeError as error:
        problem = Problem(str(path), "", f"octet {error.start} that is not UTF-8", "TOML in UTF-8")
    except OSError as error:
        problem = Problem(str(path), "", f"no file to read ({error.strerror})", "a TOML file")
    raise SettingsError((problem,))


def _variables(
    environ: Mapping[str, str], prefix: str
) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Yield name, key and text of each variable of this process, shorter keys first."""
    found = [
        (name, tuple(name[len(prefix) :].lower().split("__")), text)
        for name, text in environ.items()
        if name.upper().startswith(prefix)
    ]
    for name, key, text in sorted(found, key=lambda each: (len(each[1]), each)):
        if key != (_FILE_VARIABLE,):
            yield name, key, text


def _value(annotation: Any, text: str) -> Any:  # noqa: ANN401  types and raw values are anything
    """Read JSON where a list or a table is wanted, and a secret or a number as text."""
    wanted = _members(annotation)
    structured = any(get_origin(each) in (tuple, list, dict) or _is_model(each) for each in wanted)
    if structured:
        try:
            return json.loads(text)
        except ValueError:
            return text  # refused with the words of the field's type
    return text


def _place(table: Table, key: tuple[str, ...], value: object) -> bool:
    for name in key[:-1]:
        inner: object = table.setdefault(name, {})
        if not isinstance(inner, dict):
            return False
        table = inner
    if isinstance(table.get(key[-1]), dict):
        return False
    table[key[-1]] = value
    return True


def _merge(below: Table, above: Table) -> Table:
    merged = dict(below)
    for name, value in above.items():
        under = merged.get(name)
        if isinstance(under, dict) and isinstance(value, dict):
            merged[name] = _merge(under, value)
        else:
            merged[name] = value
    return merged


def _members(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401  a type is anything
    """Return the types of a union, or the one type, without their bounds; None left out."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(
            member
            for each in get_args(annotation)
            if each is not type(None)
            for member in _members(each)
        )
    return (annotation,)


def _is_model(annotation: Any) -> bool:  # noqa: ANN401  a type is anything
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _annotation(model: type[BaseModel], key: tuple[str | int, ...]) -> Any:  # noqa: ANN401
    """Return the type a key leads to; None when no such key exists."""
    annotation: Any = model
    for name in key:
        within = (_within(each, name) for each in _members(annotation))
        annotation = next((each for each in within if each is not None), None)
    return annotation


def _within(annotation: Any, name: str | int) -> Any:  # noqa: ANN401  a type is anything
    """Return the type of one entry of a table, a table of tables or a list; None: it has none."""
    if _is_model(annotation):
        field = annotation.model_fields.get(name)
        return field.annotation if field else None
    inner = get_args(annotation)
    if get_origin(annotation) is dict:
        return inner[1]
    return inner[0] if get_origin(annotation) in (tuple, list) else None


def _tables(
    annotation: Any,  # noqa: ANN401  a type is anything
    value: object,
) -> Iterator[tuple[type[BaseModel], tuple[str, ...], Table]]:
    """Yield the tables that a value is or holds: model, key within the value, and the table."""
    for each in _members(annotation):
        rows: list[tuple[tuple[str, ...], object]] = []
        inner: Any = each
        if _is_model(each):
            rows = [((), value)]
        elif get_origin(each) is dict and isinstance(value, dict):
            inner = get_args(each)[1]
            rows = [((str(name),), row) for name, row in value.items()]
        elif get_origin(each) in (tuple, list) and isinstance(value, list):
            inner = get_args(each)[0]
            rows = [((str(number),), row) for number, row in enumerate(value)]
        for model in filter(_is_model, _members(inner)):
            yield from ((model, step, row) for step, row in rows if isinstance(row, dict))


def _resolve(
    model: type[BaseModel],
    table: Table,
    base: Path,
    where: str,
    key: tuple[str, ...],
    problems: list[Problem],
) -> None:
    """Make paths start from the file's directory, and put in what `…_file` names."""
    for name, field in model.model_fields.items():
        members = _members(field.annotation)
        value = table.get(name)
        if Path in members and isinstance(value, str):
            table[name] = base / value
        if SecretStr in members and name + _SUFFIX in table:
            file = table.pop(name + _SUFFIX)
            dotted = ".".join((*key, name + _SUFFIX))
            if name in table:
                given = f"{name} as well"
                problems.append(Problem(where, dotted, given, f"{name} or {name}{_SUFFIX}"))
                continue
            try:
                table[name] = (base / str(file)).read_text(encoding="utf-8").strip()
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else "not text"
                given = f"{file!r} ({reason})"
                problems.append(Problem(where, dotted, given, "a file that holds the secret"))
                table[name] = "unread"  # said once: not missing as well
        for inner, step, row in _tables(field.annotation, value):
            _resolve(inner, row, base, where, (*key, name, *step), problems)


def _problem(
    model: type[BaseModel],
    detail: ErrorDetails,
    where: str,
    origins: Mapping[tuple[str, ...], str],
) -> Problem:
    """Put one of pydantic's errors in our words."""
    key = tuple(detail["loc"])
    names = tuple(map(str, key))
    for length in range(len(names), 0, -1):
        if names[:length] in origins:
            where = origins[names[:length]]
            break
    dotted = ".".join(names)
    if detail["type"] == "extra_forbidden":
        owner = next(filter(_is_model, _members(_annotation(model, key[:-1]))), None)
        known = sorted(owner.model_fields) if owner else []
        near = get_close_matches(names[-1], known, n=1, cutoff=0.5)
        hint = f"{near[0]}?" if near else f"one of {', '.join(known)}"
        return Problem(where, dotted, "an unknown key", hint)
    expected = detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if detail["type"] == "string_pattern_mismatch":
        expected = f"text that matches {detail['ctx']['pattern']}"
    if detail["type"] == "missing":
        secret = SecretStr in _members(_annotation(model, key))
        expected = f"a value, or {names[-1]}{_SUFFIX}" if secret else "a value"
        return Problem(where, dotted, "nothing", expected)
    return Problem(where, dotted, _shown(_annotation(model, key), detail["input"]), expected)


def _shown(annotation: Any, given: object) -> str:  # noqa: ANN401  a type is anything
    """Show what was given, short, and nothing where a secret could be."""
    if isinstance(given, dict | BaseModel):
        return "these values together"
    if any(each is SecretStr or _is_model(each) for each in _members(annotation)):
        return f"a {type(given).__name__}"
    text = str(given) if isinstance(given, Path) else repr(given)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
