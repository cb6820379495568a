"""What can be told to other programs: the kinds of events, and which of them somebody asked for."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Sent on wish, to try a receiver out.
TEST: Final = "webhook.test"
MONEY: Final = "money.booked"
#: What a word of the feed (`central.job_fold.feed_state`) is called here.
JOB: Final = "job."

#: Each kind, and what it tells.
KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "job.held": "A job waits at a site.",
        "job.refused": "A job may not be printed, with the reason.",
        "job.released": "A job or a copy was begun.",
        "job.settled": "A job was printed and counted.",
        "job.canceled": "A job was thrown away.",
        "job.flagged": "Somebody should look at a job.",
        MONEY: "Money went from one account to another.",
        "alert.raised": "A site or the centre tells of a trouble.",
        "alert.cleared": "A trouble is over.",
        "node.linked": "A node is heard again.",
        "node.cut_off": "A node is heard no more.",
        "refund.asked": "Somebody asks for what a job cost.",
        "refund.settled": "Such a request was settled.",
    }
)
#: First parts of kinds: each stands for all that begin so.
GROUPS: Final = tuple(dict.fromkeys(each.partition(".")[0] for each in KINDS))


def chosen(words: Iterable[str]) -> tuple[str, ...] | str:
    """Return the kinds that words stand for, in the order of the list; or the word that is none.

    Args:
        words: kinds, groups (`job`) or `*` for all.
    """
    found: set[str] = set()
    for word in words:
        some = {
            each for each in KINDS if word in {"*", each} or (each.startswith(f"{word}.") and word)
        }
        if not some:
            return word
        found |= some
    return tuple(each for each in KINDS if each in found)
