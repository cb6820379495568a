"""The root of every error of this project; adapters translate theirs with `raise … from`."""

from __future__ import annotations


class PrintmeshError(Exception):
    """What nobody planned for, in words a person can act on.

    Expected outcomes (a refusal, a duplicate, a short balance) are values, not exceptions.
    """
