"""Commands of the catalogue in processes that may be ended at a chosen point: `python -m tests.service.forking`.

What costs a second each time is to start the interpreter and read the code, so one process has done that and forks: it
reads a line of JSON for each command, runs that in a child, and says how the child ended.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

from catalog.cli.command import main

# Small pieces, so that there are many points between them.
SMALL = {
    "catalog.upkeep.follow": {"BATCH": 10, "SLICE": 10, "SETTLE_SECONDS": 0.0},
    "catalog.upkeep.generations": {"LOOK_SECONDS": 0.0},
}


def arm(point: str, where: str, number: int, milliseconds: float, sent: int) -> None:
    """Have this process sent a signal at the so-manieth call of a function: before it, after it, or so long within it."""
    module, _, qualified = point.partition(":")
    holder: Any = importlib.import_module(module)
    *path, name = qualified.split(".")
    for part in path:
        holder = getattr(holder, part)
    real: Callable[..., Any] = getattr(holder, name)
    calls = itertools.count(1)

    @functools.wraps(real)
    def deadly(*given: Any, **named: Any) -> Any:
        if next(calls) != number:
            return real(*given, **named)
        if where == "within":
            # The kernel's own clock: the engines may hold the interpreter meanwhile.
            signal.setitimer(signal.ITIMER_REAL, milliseconds / 1000)
        answer = real(*given, **named) if where != "before" else None
        os.kill(os.getpid(), sent)
        return real(*given, **named) if where == "before" else answer

    setattr(holder, name, deadly)


def run(told: dict[str, Any]) -> None:
    """Run a command as told; never comes back."""
    os.setpgid(0, 0)
    with open(told["log"], "ab", buffering=0) as log:  # noqa: PTH123
        os.dup2(log.fileno(), 2)
    with open(told["out"], "wb", buffering=0) as out:  # noqa: PTH123
        os.dup2(out.fileno(), 1)
    for module, values in {**(SMALL if told.get("small") else {}), **told.get("with", {})}.items():
        for name, value in values.items():
            # Only what is there: one that has moved would be set for nobody.
            assert hasattr(importlib.import_module(module), name), (module, name)
            setattr(importlib.import_module(module), name, value)
    if size := told.get("largest_file"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    if point := told.get("at"):
        arm(*point)
    sys.argv = ["catalog", *told["command"]]
    try:
        main()
    except SystemExit as ended:
        sys.stdout.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1)
    except BaseException:  # noqa: BLE001  # told, and never taken back into the process that forks
        traceback.print_exc()
        os._exit(70)
    os._exit(0)


def serve() -> None:
    """Fork for each line that is read; `{"pid": …}` is answered at once, `{"ended": …}` to who asks how it ended."""
    # Commands are read when they are called, which is too late here: each child would read it all for itself.
    for module in ("catalog.assembly", "catalog.cli.follow", "catalog.cli.opening", "catalog.cli.upkeep"):
        importlib.import_module(module)
    for line in sys.stdin:
        told = json.loads(line)
        if "wait" in told:
            _, status = os.waitpid(told["wait"], 0)
            answer = {"ended": os.waitstatus_to_exitcode(status)}
        else:
            child = os.fork()
            if child == 0:
                run(told)
            answer = {"pid": child}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve()
