"""Answers snmpd from a recording, by its pass_persist protocol: lines on standard input and output.

Run by snmpd as a program: `snmp_behind.py RECORDING`.
"""

from __future__ import annotations

import sys
from bisect import bisect_right

from tests.integration.snmp_lab import RECORDINGS

#: What pass_persist calls the types of a recording.
_TYPES = {
    "2": "integer",
    "4": "string",
    "6": "objectid",
    "65": "counter",
    "66": "gauge",
    "67": "timeticks",
}


def main() -> None:
    """Answer until snmpd hangs up."""
    rows: dict[tuple[int, ...], tuple[str, str]] = {}
    for line in (RECORDINGS / f"{sys.argv[1]}.snmprec").read_text("latin-1").splitlines():
        oid, _, rest = line.partition("|")
        tag, _, text = rest.partition("|")
        if tag in _TYPES:
            rows[tuple(map(int, oid.split(".")))] = (_TYPES[tag], text)
        elif tag == "4x":
            rows[tuple(map(int, oid.split(".")))] = ("octet", bytes.fromhex(text).hex(" "))
    order = sorted(rows)
    while command := sys.stdin.readline().strip():
        if command == "PING":
            _say("PONG")
            continue
        asked = tuple(map(int, sys.stdin.readline().strip().lstrip(".").split(".")))
        if command == "getnext":
            place = bisect_right(order, asked)
            asked = order[place] if place < len(order) else ()
        if asked not in rows:
            _say("NONE")
            continue
        kind, text = rows[asked]
        _say("." + ".".join(map(str, asked)), kind, text)


def _say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)  # noqa: T201  what snmpd reads


if __name__ == "__main__":
    main()
