"""Servers on one core, wrk on another: what an answer costs the server's CPU, and how long its clients wait."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.error import HTTPError

QUERIES = Path(__file__).resolve().parent / "queries.lua"
SERVER_CORE, CLIENT_CORE = "0", "1"
CONNECTIONS = 32
TICKS = os.sysconf("SC_CLK_TCK")
MILLISECONDS = {"us": 1e-3, "ms": 1, "s": 1e3, "m": 60e3}


@dataclass(frozen=True)
class Server:
    base: str
    pid: int


@dataclass(frozen=True)
class Queries:
    """A file of queries, one a line, each of which is asked once."""

    file: Path
    count: int


@dataclass(frozen=True)
class Load:
    """What wrk saw in one round, or the median of each figure over rounds."""

    per_second: float
    per_cpu_second: float
    p50_ms: float
    p99_ms: float


# Puts the load of a round, which has a number, on one server.
Side = Callable[[int], Load]


def free_port() -> int:
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        return any_port.getsockname()[1]


@contextmanager
def serving(command: list[str], port: int, ready: str) -> Iterator[Server]:
    """Runs a server until it is no longer needed. It is up once it answers `ready`."""
    server = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(["taskset", "-c", SERVER_CORE, *command], stdout=log, stderr=log)
        try:
            while not answers(server + ready):
                if process.poll() is not None:
                    log.seek(0)
                    sys.exit(f"{command[0]} ended: {log.read()[-2000:]}")
                time.sleep(0.05)
            yield Server(server, process.pid)
        finally:
            process.terminate()
            process.wait()


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url).close()
        return True
    except OSError:
        return False


def fetch(server: Server, path: str, headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """The answer as it is sent, whatever its encoding, and its headers, whose names are in lower case."""
    request = urllib.request.Request(server.base + path, headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.read(), {name.lower(): value for name, value in answer.headers.items()}
    except HTTPError as refused:
        sys.exit(f"{server.base}{path}: {refused.code} {refused.read().decode()}")


def cpu(pid: int) -> float:
    """User and system seconds of a process and its children: nginx answers in a child."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    stats = [Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split() for one in (pid, *children)]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / TICKS


def in_turn(sides: dict[str, Side], rounds: int) -> dict[str, Load]:
    """Medians of rounds in which all take turns."""
    names = list(sides)
    loads: dict[str, list[Load]] = {name: [] for name in names}
    for n in range(rounds):
        # Another first each time: who runs after whom must not decide.
        first = n % len(names)
        for name in names[first:] + names[:first]:
            loads[name].append(sides[name](n))
    return {name: typical(of_side) for name, of_side in loads.items()}


def typical(loads: list[Load]) -> Load:
    figures = ("per_second", "per_cpu_second", "p50_ms", "p99_ms")
    return Load(*(median(getattr(load, figure) for load in loads) for figure in figures))


def load(server: Server, path: str, headers: dict[str, str], seconds: int, queries: Queries | None = None) -> Load:
    """Asks for `path` over and over, or for `path` with one query after the other."""
    command = ["taskset", "-c", CLIENT_CORE, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency"]
    # The slowest peers take their time, and are to be counted all the same.
    command += ["--timeout", "30s"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    if queries:
        command += ["-s", str(QUERIES), server.base, "--", f"{path}?", str(queries.file)]
    else:
        command.append(server.base + path)
    before = cpu(server.pid)
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    used = cpu(server.pid) - before
    rest(server.pid)
    if "Non-2xx" in said or "Socket errors" in said:
        sys.exit(f"{server.base}{path} failed under load:\n{said}")
    requests = int(*re.findall(r"(\d+) requests in", said))
    if not requests:
        sys.exit(f"{server.base}{path} answered nothing in {seconds} s: longer rounds are needed here")
    if queries and requests + CONNECTIONS > queries.count:
        sys.exit(f"{requests} requests in {seconds} s: more than the {queries.count} queries that were drawn")
    [per_second] = re.findall(r"Requests/sec: +([\d.]+)", said)
    return Load(float(per_second), requests / used, percentile(said, 50), percentile(said, 99))


def rest(pid: int) -> None:
    """Waits until a server has done what wrk no longer waited for: the next one has the same core."""
    before = -1.0
    while before != (before := cpu(pid)):
        time.sleep(0.1)


def percentile(said: str, percent: int) -> float:
    [(number, unit)] = re.findall(rf"^ +{percent}% +([\d.]+)(\w+) *$", said, re.MULTILINE)
    return float(number) * MILLISECONDS[unit]
