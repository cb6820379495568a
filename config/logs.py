"""Logs: lines for people on a terminal, JSON elsewhere; secrets never leave.

Every record has an `action`, a short code that stays the same while its sentence may change. One
job and one batch each end in one canonical line whose keys are always the same.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from config.spared import without

# it would draw exceptions with rich, on terminals; ours are texts before they get there
with without("rich"):
    import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from datetime import timedelta
    from uuid import UUID

    from structlog.typing import Processor

HIDDEN = "[hidden]"
LEVELS = ("debug", "info", "warning", "error")

#: a key with one of these in it, in any spelling, …
_SECRET_PARTS = re.compile(r"secret|passw|token|authori[sz]ation|credential", re.IGNORECASE)
#: … or with one of these as a word of its own, hides its value
_SECRET_WORDS = frozenset({"code", "codes", "pin"})
_HARMLESS = frozenset({"exit_code", "reason_code", "return_code", "status_code"})
_WORDS = re.compile(r"[a-z]+")
#: what gives a secret away inside a text: credentials in a URL, an HTTP authorisation
_IN_TEXT = re.compile(
    r"(?P<scheme>://)[^/\s:@]*:[^/\s]+@|(?P<kind>\b(?:bearer|basic)\s+)[\w.~+/=-]{6,}",
    re.IGNORECASE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
#: what may have more than one line
_TEXTS = frozenset({"exception", "stack"})


class Log(Protocol):
    """What a canonical line is written to; structlog's bound loggers are one."""

    def info(self, event: str, **fields: Any) -> Any:  # noqa: ANN401  as structlog
        """Write one record."""


def configure(process: str, level: str = "info", stream: TextIO | None = None) -> None:
    """Send all logs of this process, those of its libraries too, to one stream.

    Args:
        process: `central`, `edge`, `broker`; every record carries it.
        level: one of LEVELS; libraries log from warning on, and at debug all they have.
        stream: None is standard error. On a terminal people read it; elsewhere each record is one
            line of JSON with `timestamp` (RFC 3339, UTC), `level`, `logger`, `process`, `action`
            and `event`.

    Raises:
        ValueError: no such level.
    """
    if level not in LEVELS:
        raise ValueError(f"level is {level!r}, expected one of {', '.join(LEVELS)}")
    out = sys.stderr if stream is None else stream
    terminal = out.isatty()
    number = logging.getLevelNamesMapping()[level.upper()]

    def name_process(_: object, __: str, record: MutableMapping[str, Any]) -> Any:  # noqa: ANN401
        record.setdefault("process", process)
        return record

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_process,
        name_action,
    ]
    last: list[Processor] = [structlog.processors.format_exc_info, redact]
    if terminal:
        last.append(structlog.dev.ConsoleRenderer(colors=True, sort_keys=False))
    else:
        last.append(structlog.processors.JSONRenderer(default=str, ensure_ascii=False))
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(number if level == "debug" else max(number, logging.WARNING))
    logging.getLogger("printmesh").setLevel(number)
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        # a logger made before configure must not keep what was before
        cache_logger_on_first_use=False,
    )


def logger(room: str) -> structlog.stdlib.BoundLogger:
    """Return the log of one room, such as `edge.release`; give every record an `action`."""
    log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(f"printmesh.{room}")
    return log


def job_line(
    log: Log,
    *,
    action: str,
    job: UUID,
    user: str | None,
    queue: str | None = None,
    printer: str | None = None,
    attempt: int | None = None,
    impressions: int | None = None,
    sheets: int | None = None,
    price: str | None = None,
    reason: str | None = None,
    online: bool | None = None,
    took: timedelta | None = None,
) -> None:
    """Write the canonical line of what became of a job: all keys each time, None where unknown.

    Args:
        log: where to.
        action: `job-held`, `job-refused`, `job-released`, `job-settled`, `job-canceled`.
        job: its job-uuid.
        user: whose.
        queue: where it was printed to.
        printer: device id it was released at.
        attempt: which release of it.
        impressions: printed or to print.
        sheets: printed or to print.
        price: charged or to charge, with its unit.
        reason: code of the refusal or flag.
        online: whether the link to the centre was up.
        took: from the event that began it.
    """
    log.info(
        action.replace("-", " "),
        action=action,
        job=str(job),
        user=user,
        queue=queue,
        printer=printer,
        attempt=attempt,
        impressions=impressions,
        sheets=sheets,
        price=price,
        reason=reason,
        online=online,
        seconds=None if took is None else round(took.total_seconds(), 6),
    )


def batch_line(
    log: Log,
    *,
    action: str,
    node: str,
    stream: str,
    first: int,
    last: int,
    applied: int,
    duplicates: int = 0,
    quarantined: int = 0,
    took: timedelta | None = None,
) -> None:
    """Write the canonical line of one batch of a stream: all keys each time.

    Args:
        log: where to.
        action: `batch-applied`, `batch-acked`, `batch-refused`.
        node: the peer.
        stream: `ledger` or `jobs`.
        first: first seq of the batch.
        last: last seq of the batch.
        applied: events that had an effect.
        duplicates: events that had had it before.
        quarantined: events put aside.
        took: from receipt to commit.
    """
    log.info(
        action.replace("-", " "),
        action=action,
        node=node,
        stream=stream,
        first=first,
        last=last,
        applied=applied,
        duplicates=duplicates,
        quarantined=quarantined,
        seconds=None if took is None else round(took.total_seconds(), 6),
    )


def name_action(_: object, __: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Give records without one the action `note`, and those of libraries `library`."""
    own = str(record.get("logger", "")).startswith("printmesh")
    record.setdefault("action", "note" if own else "library")
    return record


def redact(_: object, __: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide what is under the keys of secrets, at any depth, and what texts give away."""
    return {key: _clean(key, value) for key, value in record.items()}


def _clean(key: object, value: object) -> object:
    name = str(key).lower()
    if value is None or isinstance(value, bool | int | float):
        # a figure under such a key may be a PIN; that a secret is missing may be said
        return HIDDEN if value is not None and _secret(name) else value
    if _secret(name):
        return HIDDEN
    if isinstance(value, dict):
        return {inner: _clean(inner, each) for inner, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", each) for each in value]
    text = value if isinstance(value, str) else str(value)
    text = _IN_TEXT.sub(_hide, text)
    if name in _TEXTS:
        return text
    return _CONTROL.sub(" ", text).replace("\n", " ").replace("\t", " ")


def _secret(name: str) -> bool:
    if _SECRET_PARTS.search(name):
        return True
    return name not in _HARMLESS and not _SECRET_WORDS.isdisjoint(_WORDS.findall(name))


def _hide(match: re.Match[str]) -> str:
    if match["scheme"]:
        return f"://{HIDDEN}@"
    return f"{match['kind']}{HIDDEN}"
