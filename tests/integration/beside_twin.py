"""A program in the stead of the pages': does what a file says, and writes down what it hears."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from central.web.beside_words import Begin, Ready, Refused, down, line


def main() -> None:
    """Say what `FILE` says (a word for each life) once told to begin; write all that is heard."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path)
    parser.add_argument("--web")
    given, _ = parser.parse_known_args()
    lives = given.config.with_suffix(".lives")
    before = lives.read_text().split() if lives.exists() else []
    lives.write_text(" ".join([*before, str(os.getpid())]))
    todo = given.config.read_text().split()
    does = todo[min(len(before), len(todo) - 1)]
    with given.config.with_suffix(".heard").open("ab", buffering=0) as heard:
        for said in sys.stdin.buffer:
            heard.write(said)
            if not isinstance(down(said), Begin):
                continue
            if does == "serves":
                sys.stdout.buffer.write(line(Ready()))
            elif does == "refuses":
                sys.stdout.buffer.write(line(Refused(why="no certificate")))
            elif does == "babbles":
                sys.stdout.buffer.write(b"good morning\n" + line(Ready()))
            sys.stdout.buffer.flush()
            if does in {"refuses", "dies"}:
                sys.exit(1)


if __name__ == "__main__":
    main()
