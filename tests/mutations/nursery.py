"""A process that has imported torch and the like, and forks a child for each run of tests: that saves most of a run.

It is put into the copy by `workspace` and imports nothing of the project, so that a child imports what lies there then.
Its arguments are what it imports. Each line that it reads is a run, a JSON object: arguments of pytest, env, output (a
file), seconds. Each line that it writes is the exit code, or null where it had to be ended.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import time
from typing import Any


def run(wanted: dict[str, Any]) -> int | None:
    """Fork and wait."""
    child = os.fork()
    if child == 0:
        _test(wanted)
    os.setpgid(child, child)  # with all that its tests start
    end = time.monotonic() + wanted["seconds"]
    try:
        while time.monotonic() < end:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.02)
        return None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)


def _test(wanted: dict[str, Any]) -> None:
    """In the child, which ends here: nothing to read, and its output into a file."""
    code = 3
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.environ.update(wanted["env"])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        output = os.open(wanted["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for stream in (1, 2):
            os.dup2(output, stream)
        import pytest

        if "numba" in sys.modules:
            sys.modules["numba"].config.reload_config()  # it has read the environment when it was imported
        code = int(pytest.main(wanted["arguments"]))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # a child is ended on the way out
    for name in sys.argv[1:]:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), file=answers, flush=True)
