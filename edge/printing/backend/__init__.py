"""What CUPS runs to send a job to a printer: the program is `once`, for ServerBin/backend."""

from __future__ import annotations

from pathlib import Path
from typing import Final

#: The program; CUPS wants it owned by root (when root runs it), mode 755, named as the scheme.
BACKEND_PROGRAM: Final = Path(__file__).with_name("once")
#: Its name in ServerBin/backend; `printmesh://host:port/path` stands for `ipp://host:port/path`.
BACKEND_SCHEME: Final = "printmesh"
