"""Reads a spooler's or printer's job attributes into ours, and tags job names; no I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID

from config.ids import JobId
from config.policy.attributes import NAMES_READ, clean_name, is_user_name
from config.policy.jobs import NAME_OCTETS, JobState
from config.policy.media import media_of_size
from edge.ports import SpooledJob
from edge.printing.ipp import OUT_OF_BAND
from edge.printing.options import is_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from edge.printing.ipp import Attributes, Value

#: What says where a job is and what became of it.
_ABOUT_THE_JOB: Final = (
    "job-id",
    "job-uuid",
    "job-state",
    "job-printer-uri",
    "job-hold-until",
    "job-impressions-completed",
    "number-of-documents",
    "time-at-creation",
    "time-at-processing",
)
#: Options of CUPS's filters that matter for one kind of document only.
_FOR_PICTURES: Final = frozenset({"fit-to-page", "fitplot", "natural-scaling", "ppi", "scaling"})
_FOR_TEXT: Final = frozenset(
    {
        *("columns", "cpi", "lpi", "prettyprint", "wrap"),
        *("page-left", "page-right", "page-top", "page-bottom"),
    }
)
#: Other ways to name the paper: a driver's, and the one of clients without drivers.
_PAGE_SIZE: Final = "PageSize"
_MEDIA_COL: Final = "media-col"
#: A hold, and the one that no hour of the day ends (RFC 8011 §5.2.2).
_HOLD: Final = "job-hold-until"
FOR_GOOD: Final = "indefinite"
#: What the edge knows a job by that it put back; ours, and anybody can write it.
MARK: Final = "printmesh-mark"
#: What is asked of CUPS for a job; without a list it sends only job-uri.
JOB_ATTRIBUTES: Final = (*_ABOUT_THE_JOB, *NAMES_READ, _PAGE_SIZE, _MEDIA_COL, MARK)
#: What pycups puts in place of a value that it cannot read.
_UNREAD: Final = re.compile(r"\(unknown IPP value tag 0x([0-9a-f]{1,8})\)")
_POINTS_PER_HUNDREDTH: Final = 72 / 2540

#: The edge appends the job's tag to job-name at release: the one thing of a job that CUPS's
#: backend passes on to every printer, so the printer's own record of it can be found again.
_TAG: Final = re.compile(r" \[[0-9a-f]{12}\]$")
_TAG_OCTETS: Final = 15


def tag(job: JobId) -> str:
    """Return the tag: a blank and 12 hexadecimal digits (48 bits) of the job-uuid in brackets."""
    return f" [{job.hex[:12]}]"


def tagged(name: str, job: JobId) -> str:
    """Return a job-name that ends with the job's tag, within IPP's 255 octets; idempotent."""
    bare = untagged(name, job).encode()[: NAME_OCTETS - _TAG_OCTETS]
    return bare.decode(errors="ignore") + tag(job)


def untagged(name: str, job: JobId) -> str:
    """Return a job-name without this job's tag."""
    return name.removesuffix(tag(job))


def attributes_of(said: Mapping[str, object]) -> Attributes:
    """Return what pycups says of a job with a list of values for each name, None if out of band."""
    return {
        name: [_in_band(each) for each in (value if isinstance(value, list) else [value])]
        for name, value in said.items()
    }


def _in_band(value: object) -> Value:
    if isinstance(value, str) and (match := _UNREAD.fullmatch(value)):
        return None if int(match[1], 16) in OUT_OF_BAND else value
    return cast("Value", value)


def unread(attributes: Attributes) -> bool:
    """Say whether pycups could not read something: a collection, a name with its language.

    Where somebody calls a job just like that, it is read by hand too, and then right.
    """
    return any(
        isinstance(value, str) and _UNREAD.fullmatch(value)
        for values in attributes.values()
        for value in values
    )


def one(attributes: Attributes, name: str) -> Value:
    """Return an attribute's first value; None when it is absent or out of band."""
    return next(iter(attributes.get(name, ())), None)


def number(attributes: Attributes, name: str) -> int | None:
    """Return an attribute's number; None when it has none."""
    value = one(attributes, name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def text(attributes: Attributes, name: str) -> str | None:
    """Return an attribute's text; None when it has none."""
    value = one(attributes, name)
    return value if isinstance(value, str) else None


def job_uuid(attributes: Attributes) -> JobId | None:
    """Return the job-uuid; None when it is absent or no UUID."""
    try:
        return JobId(UUID(text(attributes, "job-uuid") or ""))
    except ValueError:
        return None


def spooled_job(attributes: Attributes) -> SpooledJob | None:
    """Return what CUPS says of a job; None when it lacks what makes it a job.

    CUPS leaves a job whose filter failed in processing-stopped for good, and goes on with the next:
    that job has ended, so here it is aborted.
    """
    job = job_uuid(attributes)
    state = JobState.of(number(attributes, "job-state") or 0)
    if state is JobState.PROCESSING_STOPPED:
        state = JobState.ABORTED
    uri = text(attributes, "job-printer-uri")
    if job is None or state is None or uri is None:
        return None
    created = number(attributes, "time-at-creation")
    name = clean_name(untagged(text(attributes, "job-name") or "", job))
    user = text(attributes, "job-originating-user-name") or ""
    return SpooledJob(
        job=job,
        queue=uri.rsplit("/", 1)[-1],
        state=state,
        user=user if is_user_name(user) else None,
        name=name,
        documents=number(attributes, "number-of-documents") or 0,
        created_at=datetime.fromtimestamp(created, UTC) if created else None,
        attributes={**_asked_for(attributes), "job-name": name},
        mark=text(attributes, MARK),
        held_for_good=state is JobState.PENDING_HELD and text(attributes, _HOLD) == FOR_GOOD,
    )


def _asked_for(attributes: Attributes) -> dict[str, object]:
    """Return what was asked for, with the names that `read_attributes` knows."""
    document_format = text(attributes, "document-format") or ""
    names = set(NAMES_READ)
    if not document_format.startswith("image/"):
        names -= _FOR_PICTURES
    if not is_text(document_format):
        names -= _FOR_TEXT
    found: dict[str, object] = {}
    for name in sorted(names):
        values = attributes.get(name)
        if values and values[0] is not None:
            found[name] = values[0] if len(values) == 1 else list(values)
    media = text(attributes, "media") or text(attributes, _PAGE_SIZE) or _collected(attributes)
    return {**found, "media": media} if media else found


def _collected(attributes: Attributes) -> str | None:
    """Return the media class that `media-col` names by its size (PWG 5100.7 §6.3)."""
    collection = one(attributes, _MEDIA_COL)
    if not isinstance(collection, dict):
        return None
    for size in collection.get("media-size", ()):
        match size:
            case {"x-dimension": [int(width)], "y-dimension": [int(height)]}:
                return media_of_size(width * _POINTS_PER_HUNDREDTH, height * _POINTS_PER_HUNDREDTH)
    return None


@dataclass(frozen=True, slots=True)
class DeviceJob:
    """A printer's own record of a job; None is "does not say"."""

    state: JobState | None
    impressions: int | None
    color_impressions: int | None
    sheets: int | None


def device_job(jobs: Sequence[Attributes], job: JobId) -> DeviceJob | None:
    """Find a printer's record of a job by its tag.

    Several records are one job that the spooler sent again: their impressions add up (all of that
    paper came out), the state is the last one's. None: no record.
    """
    mark = tag(job)
    found = [each for each in jobs if (text(each, "job-name") or "").endswith(mark)]
    if not found:
        return None
    found.sort(key=lambda each: number(each, "job-id") or 0)
    return DeviceJob(
        state=JobState.of(number(found[-1], "job-state") or 0),
        impressions=_sum(number(each, "job-impressions-completed") for each in found),
        color_impressions=_sum(_full_color(each) for each in found),
        sheets=_sum(number(each, "job-media-sheets-completed") for each in found),
    )


def _sum(parts: Iterable[int | None]) -> int | None:
    """Add up; one part that is not known makes the sum not known."""
    total = 0
    for part in parts:
        if part is None:
            return None
        total += part
    return total


def _full_color(attributes: Attributes) -> int | None:
    """Return the colour impressions of `job-impressions-completed-col` (PWG 5100.7-2023)."""
    split = one(attributes, "job-impressions-completed-col")
    if not isinstance(split, dict):
        return None
    members = ("full-color", "full-color-two-sided", "highlight-color", "highlight-color-two-sided")
    counts = [count for name in members for count in split.get(name, ())]
    known = [count for count in counts if isinstance(count, int)]
    return sum(known) if known else None
