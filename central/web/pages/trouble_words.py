"""What may keep the coordinator from its work: for monitors as it is, on pages in all languages.

Without names or details: monitors ask without a token.
"""

from __future__ import annotations

from typing import Final

from central.web.pages.sentences import mark

NOT_ON_LINE: Final = mark("The coordinator is not on line: its broker is not reached.")
UNWRITABLE: Final = mark("The books cannot be written: nothing is taken in until they can.")
SILENT: Final = mark("The coordinator has said nothing for some time: it hangs.")
