"""JSON objects, one a line, in a file that another process is writing."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any


def read_lines(path: Path, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The objects in whole lines from `offset` on, and where the next ones will begin.

    A line that is no JSON object, since its writer was ended in the middle of it, is passed over. A file that is not
    there has none.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            content = file.read()
    except OSError:
        return [], offset
    whole = content[: content.rfind(b"\n") + 1]
    found = []
    for line in whole.splitlines():
        with suppress(ValueError, RecursionError):
            found.append(json.loads(line))
    return [each for each in found if isinstance(each, dict)], offset + len(whole)
