"""What everything that people see shares: colours and sizes, as custom properties of CSS."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
#: Served by whoever serves pages, beside its own files or as the beginning of its style sheet.
FILES: Final = (_HERE / "tokens.css",)
