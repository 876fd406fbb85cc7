"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Where to write what is to be at `path`: it goes there when the block ends, and is gone if that ends in an error.

    Raises:
        OSError: it cannot go there; what was there is untouched.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")  # beside it: a rename within a folder is one step
    try:
        yield temporary
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink()
