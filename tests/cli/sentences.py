"""What a mistake on the command line ends in."""

from __future__ import annotations

import subprocess


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """The one sentence on stderr that a user's mistake ends in, with exit code 2 and without a traceback."""
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("error: ")
    return line.removeprefix("error: ")
