"""Runs several `printmesh central …` commands in one process: each start costs a busy second.

Reads a JSON list of command lines from the input, in order; writes one JSON line for each: what it
wrote and its exit status. Ends at the first that fails.
"""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout

from central.cli import main


def run(commands: list[list[str]]) -> None:
    """Run them one after another."""
    for words in commands:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = main(words)
        told = {"status": status, "out": out.getvalue(), "err": err.getvalue()}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        if status:
            return


if __name__ == "__main__":
    run(json.loads(sys.stdin.read()))
