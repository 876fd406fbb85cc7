"""A worker as its parent sees it: started, given a unit, watched, ended."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from contextlib import suppress

from bench.grid.units import Unit
from bench.plugins.executor import ExecutorConfig
from bench.storage.provenance import COMMAND, command
from bench.workers.messages import Message


class Worker:
    """One process. What it says goes into the queue that it is given, as (worker, message); None when it has ended.

    Attributes:
        number: from 0, of those that are there.
    """

    def __init__(self, number: int, config: ExecutorConfig, inbox: queue.Queue[tuple[Worker, Message | None]]) -> None:
        self.number = number
        options = json.dumps({"threads": config.threads, "memory": config.memory})
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.workers", options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
            # threads that spin slow the other workers down
            env={**os.environ, COMMAND: command() or "", "OMP_WAIT_POLICY": "PASSIVE"},
            start_new_session=True,  # Ctrl-C is the parent's to act on
        )  # fmt: skip
        threading.Thread(target=self._listen, args=(inbox,), daemon=True).start()

    def give(self, unit: Unit) -> None:
        """Have a unit run. A worker that has died in the meantime is heard of through the queue."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"unit": [job.dump() for job in unit]}) + "\n")
            self._process.stdin.flush()

    def kill(self) -> None:
        """End the process and all it has started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def death(self) -> str:
        """How the process ended, for a cell's reason."""
        code = self._process.wait()
        if code == -signal.SIGKILL:
            return "its process was killed (signal 9): by a user, or by the system because memory ran out"
        if code < 0:
            return f"its process was ended by signal {-code} ({signal.Signals(-code).name})"
        return f"its process ended with exit code {code}"

    def _listen(self, inbox: queue.Queue[tuple[Worker, Message | None]]) -> None:
        assert self._process.stdout is not None
        with suppress(ValueError):  # a last line that is cut
            for line in self._process.stdout:
                inbox.put((self, json.loads(line)))
        inbox.put((self, None))
