#!/usr/bin/env python3
"""From the start of the server to its first answers, and the memory that it takes: idle, after many views, under load.

Time runs from just before the program is started until somebody can connect, until /health/ready says 200, and until
the first map of a type and a period does, each tried again at once. Files are in the page cache. Starts are medians of
rounds in which all take turns. The peer has the same Parquet file of counts to answer the same question from.

Memory is what the kernel says of the process: RSS, and PSS, in which pages that others map too count in part. Idle is
three seconds after it is ready; views are drawn by chance from all types, months and statuses.
"""

import argparse
import http.client
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import measure
import prepare
import program
from measure import report

PYTHON = str(prepare.ROOT / "target" / "bench" / "venv" / "bin" / "python")
PEER = Path(__file__).resolve().parent / "peers" / "fastapi_duckdb.py"
PEER_NAME = "FastAPI + DuckDB"
FILTER = "/api/v1/choropleth?type=road-pothole-road-damage&from=2025-01&to=2025-06"
LAKES = {"1 year": "2025..2025", "17 years": "2010..2026"}
REST_SECONDS = 3
VIEWS = 2_000
LOAD_SECONDS = 5
CONNECTIONS = 32


@dataclass(frozen=True)
class Server:
    pid: int
    port: int
    started: float

    def get(self, path: str) -> bytes | None:
        """What is answered with 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            content = answer.read()
            return content if answer.status == 200 else None
        except OSError:
            return None
        finally:
            connection.close()

    def listens(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def ready(self) -> bool:
        return self.get("/health/ready") is not None

    def answers(self) -> bool:
        return self.get(FILTER) is not None

    def milliseconds_until(self, condition: Callable[[], bool]) -> float:
        while not condition():
            if time.monotonic() - self.started > 60:
                sys.exit(f"no {condition.__name__} after a minute")
            time.sleep(0.0002)
        return 1000 * (time.monotonic() - self.started)

    def memory_mb(self) -> tuple[float, float]:
        """RSS and PSS."""
        lines = Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines()[1:]
        kb = {name: int(rest.split()[0]) for name, rest in (line.split(":") for line in lines)}
        return kb["Rss"] / 1024, kb["Pss"] / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    if not prepare.PUBLISHER.exists():
        print("skipped: no publisher of full-size yearly files", file=sys.stderr)
        return
    program.build()
    _, edition = prepare.editions(program.DATA)
    measure.pin()
    lakes = {name: program.lake(edition, years) for name, years in LAKES.items()}
    report_starts(lakes, options.rounds)
    report_memory(lakes)
    report("start", "the program", "MB", round(program.PROGRAM.stat().st_size / 1e6, 1), "<= 25")


@contextmanager
def started(command: Callable[[str], list[str]]) -> Iterator[Server]:
    """A server, given its port; not yet listening."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = command(str(port))
    begin = time.monotonic()
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield Server(child.pid, port, begin)
    finally:
        child.terminate()
        child.wait()


def ours(lake: Path) -> Callable[[str], list[str]]:
    options = ["--lake", str(lake), "--refresh", "off", "--rate-limit", "off"]
    return lambda port: [str(program.PROGRAM), "serve", *options, "--port", port]


def peer(lake: Path) -> Callable[[str], list[str]]:
    [mart] = lake.glob("marts/*/requests_by_area_month.parquet")
    return lambda port: [PYTHON, str(PEER), str(mart), port]


def report_starts(lakes: dict[str, Path], rounds: int) -> None:
    times: dict[tuple[str, str], list[float]] = {}
    for n in range(rounds):
        for name, lake in lakes.items():
            for milestone, ms in our_start(lake).items():
                times.setdefault((name, milestone), []).append(ms)
            with started(peer(lake)) as server:
                times.setdefault((name, PEER_NAME), []).append(server.milliseconds_until(server.answers))
        print(f"round {n + 1}: {({' '.join(key): round(all_ms[-1]) for key, all_ms in times.items()})}", file=sys.stderr)
    ms = {key: round(median(all_ms), 1) for key, all_ms in times.items()}
    for name in lakes:
        report("start", f"start to listening, {name}", "ms", ms[name, "listens"], "<= 20")
        report("start", f"start to ready, {name}", "ms", ms[name, "ready"], "<= 100")
        first = f"start to the first map of a filter, {name}"
        report("start", first, "ms", ms[name, "answers"], "<= 100")
        report("start", first, "ms", ms[name, "answers"], "<= 1/15", PEER_NAME, ms[name, PEER_NAME])


def our_start(lake: Path) -> dict[str, float]:
    with started(ours(lake)) as server:
        steps = (server.listens, server.ready, server.answers)
        return {step.__name__: server.milliseconds_until(step) for step in steps}


def report_memory(lakes: dict[str, Path]) -> None:
    for name, lake in lakes.items():
        with started(ours(lake)) as server, started(peer(lake)) as other:
            server.milliseconds_until(server.ready)
            other.milliseconds_until(other.answers)
            time.sleep(REST_SECONDS)
            rss, idle = server.memory_mb()
            report("start", f"idle RSS, {name}", "MB", round(rss, 1))
            report("start", f"idle PSS, {name}", "MB", round(idle, 1), "<= 45", PEER_NAME, round(other.memory_mb()[1], 1))
    # The one with all years is asked on.
    with started(ours(lake)) as server:
        server.milliseconds_until(server.ready)
        ask(server, views(server, VIEWS, random.Random(311)))
        time.sleep(REST_SECONDS)
        _, after = server.memory_mb()
        what = f"PSS after {VIEWS:,} different filters, {name}"
        report("start", what, "MB", round(after, 1))
        report("start", what, "times the idle PSS", round(after / idle, 2), "<= 1.25")
    with started(ours(lake)) as server:
        server.milliseconds_until(server.ready)
        report("start", f"RSS under load, {name}", "MB", round(rss_under_load(server), 1), "<= 120")


def views(server: Server, count: int, chance: random.Random) -> list[str]:
    """Different ones, of any type, in months that have the 25 wards."""
    types = [row["id"] for row in json.loads(server.get("/api/v1/types"))["rows"]]
    months = [row["month"] for row in json.loads(server.get("/api/v1/months"))["rows"] if row["ward_model"] == "25"]
    found: dict[str, None] = {}
    while len(found) < count:
        first, last = sorted(chance.sample(months, 2))
        view = f"geo={chance.choice(('ward', 'fsa'))}&type={chance.choice(types)}&from={first}&to={last}"
        found[f"/api/v1/choropleth?{view}&status={chance.choice(('completed', 'closed', 'cancelled'))}"] = None
    return list(found)


def ask(server: Server, paths: list[str]) -> None:
    for path in paths:
        if server.get(path) is None:
            sys.exit(f"{path} is not answered with 200")


def rss_under_load(server: Server) -> float:
    """The most that is seen in between."""
    paths = ",".join(f'"{path}"' for path in views(server, 20_000, random.Random(312)))
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(f"local paths = {{{paths}}}\nlocal at = 0\n")
        script.write("request = function()\n  at = at % #paths + 1\n  return wrk.format('GET', paths[at])\nend\n")
        script.flush()
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{LOAD_SECONDS}s", "-s", script.name]
        load = subprocess.Popen([*command, f"http://127.0.0.1:{server.port}"], stdout=sys.stderr)
        most = 0.0
        while load.poll() is None:
            most = max(most, server.memory_mb()[0])
            time.sleep(0.02)
    return most


if __name__ == "__main__":
    main()
