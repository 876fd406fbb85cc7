"""A worker: reads units from its parent, runs them, tells the parent of each cell. `python -m bench.workers`.

Ends when the parent does: its input closes then.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from typing import Any

from bench.workers.limits import limit_memory, limit_threads, spare_time
from bench.workers.messages import Sender


def main() -> None:
    """Serve until the input ends."""
    orders: queue.Queue[dict[str, Any]] = queue.Queue()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints goes to the log, not between the messages
    sender = Sender(answers)
    options = json.loads(sys.argv[1])
    spare_time()
    limit_threads(options["threads"])
    limit_memory(options["memory"])
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()

    from bench.codes.threads import cores
    from bench.grid.job import Job
    from bench.workers.work import serve
    from bench.workshop import Workshop

    workshop = Workshop(sender, shared_threads=cores())  # the others wait for it
    while True:
        serve(tuple(Job.load(job) for job in orders.get()["unit"]), workshop, sender)


def _listen(orders: queue.Queue[dict[str, Any]]) -> None:
    for line in sys.stdin:
        orders.put(json.loads(line))
    os._exit(0)  # the parent is gone: what is not stored is not wanted any more


if __name__ == "__main__":
    main()
