"""Starts a program and says what it cost; writes down what was measured. Standard library only, on purpose.

Linux counts the parent's memory at the time of the fork into the child's peak: a runner that loads large libraries
would make every small program look as large as itself.
"""

import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from statistics import median

THREADS = 2


@dataclass(frozen=True)
class Cost:
    """CPU is user and system time of the program and what it started; memory is the peak of its resident set."""

    cpu_s: float
    wall_s: float
    peak_mb: float


@dataclass(frozen=True)
class Run:
    cost: Cost
    ok: bool
    stdout: str
    errors: str


def pin() -> None:
    """Leaves two cores to this process and all that it starts, so that every tool finds the same machine."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])


def run(command: list[str]) -> Run:
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        started = time.monotonic()
        # Not the caller's settings: only what a program needs to be found and to find its temporary folder.
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        child = subprocess.Popen(command, stdout=out, stderr=errors, env=environment)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.monotonic() - started
        # It has been waited for: Popen must not try again.
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        cost = Cost(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024)
        return Run(cost, child.returncode == 0, out.read(), errors.read())


def typical(costs: list[Cost]) -> Cost:
    """The median of each figure on its own."""
    return Cost(*(median(getattr(cost, name) for cost in costs) for name in ("cpu_s", "wall_s", "peak_mb")))


def report(
    part: str, what: str, unit: str, ours: float, against: str | None = None, theirs: float | None = None,
    target: str | None = None,
) -> None:  # fmt: skip
    """A row of the table that `table.py` makes, as a JSON line. The ratio is ours to theirs; the target is for it."""
    ratio = None if theirs is None else ours / theirs
    row = {"part": part, "what": what, "unit": unit, "ours": ours, "against": against, "theirs": theirs}
    print(json.dumps(row | {"ratio": ratio, "target": target}), flush=True)
