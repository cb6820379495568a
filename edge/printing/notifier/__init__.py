"""What CUPS runs to push events: the program is `push`, to be put into ServerBin/notifier."""

from __future__ import annotations

from pathlib import Path

#: The program; CUPS wants it owned by root (when root runs it), mode 755, named as the scheme.
NOTIFIER_PROGRAM = Path(__file__).with_name("push")
#: Its name in ServerBin/notifier and the scheme of the recipient URI `printmesh:///SOCKET`.
NOTIFIER_SCHEME = "printmesh"
