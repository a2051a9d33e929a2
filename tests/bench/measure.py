"""Starts a program and says what it cost; writes down what was measured. Standard library only, on purpose.

Linux counts the parent's memory at the time of the fork into the child's peak: a runner that loads large libraries
would make every small program look as large as itself.
"""

import json
import os
import subprocess
import tempfile
import time
from dataclasses import astuple, dataclass
from pathlib import Path
from statistics import median

THREADS = 2


@dataclass(frozen=True)
class Cost:
    """CPU is user and system time of the program and what it started; memory is the peak of its resident set.

    Read and written are bytes of files, whether or not a disk had to move for them; sockets don't count.
    """

    cpu_s: float
    wall_s: float
    peak_mb: float
    read_mb: float
    written_mb: float


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
        # Ended, but still there to be asked.
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        wall = time.monotonic() - started
        read_mb, written_mb = transferred_mb(child.pid)
        _, status, used = os.wait4(child.pid, 0)
        # It has been waited for: Popen must not try again.
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        cost = Cost(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024, read_mb, written_mb)
        return Run(cost, child.returncode == 0, out.read(), errors.read())


def transferred_mb(pid: int) -> tuple[float, float]:
    counts = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(counts["rchar"]) / 1e6, int(counts["wchar"]) / 1e6


def typical(costs: list[Cost]) -> Cost:
    """The median of each figure on its own."""
    return Cost(*(median(figures) for figures in zip(*map(astuple, costs))))


def report(
    part: str, what: str, unit: str, ours: float, against: str | None = None, theirs: float | None = None,
    target: str | None = None,
) -> None:  # fmt: skip
    """A row of the table that `table.py` makes, as a JSON line. The ratio is ours to theirs; the target is for it."""
    ratio = None if theirs is None else ours / theirs
    row = {"part": part, "what": what, "unit": unit, "ours": ours, "against": against, "theirs": theirs}
    print(json.dumps(row | {"ratio": ratio, "target": target}), flush=True)
