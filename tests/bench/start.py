#!/usr/bin/env python3
"""From the start of the server to its first answers, and the memory that it takes: idle, after many views, under load.

Time runs from just before the program is started until somebody can connect, until /health/ready says 200, and until
the first map of a type and a period does, each tried again at once. Files are in the page cache. Starts are medians of
rounds in which all take turns. The peer answers the same question from the same Parquet file of counts, once as it lies
and once read into memory first, as it is when answers are compared.

Memory is what the kernel says of the process: RSS, and PSS, in which pages that others map too count in part. Idle is
three seconds after it is ready; filters are drawn by chance, of any type, status, measure and range of months.
"""

import argparse
import http.client
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import measure
import prepare
import program
from filters import Filters
from load import CONNECTIONS, QUERIES, free_port
from measure import report

PYTHON = str(prepare.ROOT / "target" / "bench" / "venv" / "bin" / "python")
AREAS = program.DATA / "areas"
PEER = Path(__file__).resolve().parent / "peers" / "fastapi_duckdb.py"
# By its option.
PEERS = {"in-place": "FastAPI + DuckDB, Parquet in place", "": "FastAPI + DuckDB, table in memory"}
CHOROPLETH = "/api/v1/choropleth"
FILTER = "/choropleth?geo=ward&type=road-pothole-road-damage&from=2025-01&to=2025-06"
LAKES = {"1 year": "2025..2025", "17 years": "2010..2026"}
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
REST_SECONDS = 3
FILTERS = 2_000
LOAD_SECONDS = 5
LOAD_QUERIES = 50_000


@dataclass(frozen=True)
class Server:
    pid: int
    port: int
    started: float
    # Before its paths.
    api: str

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

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
        return self.get(self.api + FILTER) is not None

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
    write_areas(lakes["17 years"])
    report_starts(lakes, options.rounds)
    report_memory(lakes)
    report_size("the program", program.PROGRAM, target="<= 25")
    # That of the Dockerfile: nothing else is in it.
    report_size("the image", program.static(), CERTIFICATES)


def report_size(what: str, *files: Path, target: str | None = None) -> None:
    size = sum(file.stat().st_size for file in files)
    report("start", what, "MB", round(size / 1e6, 1), target=target)


@contextmanager
def started(command: list[str], port: int, api: str = "") -> Iterator[Server]:
    """A server that need not listen yet."""
    begin = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield Server(child.pid, port, begin, api)
    finally:
        child.terminate()
        child.wait()


def ours(lake: Path) -> AbstractContextManager[Server]:
    port = free_port()
    options = ["--lake", str(lake), "--refresh", "off", "--rate-limit", "off", "--port", str(port)]
    return started([str(program.PROGRAM), "serve", *options], port, "/api/v1")


def peer(lake: Path, *option: str) -> AbstractContextManager[Server]:
    port = free_port()
    [mart] = lake.glob("marts/*/requests_by_area_month.parquet")
    return started([PYTHON, str(PEER), str(port), str(mart), str(AREAS), *filter(None, option)], port)


def write_areas(lake: Path) -> None:
    """The shapes that the peer answers with are ours."""
    AREAS.mkdir(exist_ok=True)
    with ours(lake) as server:
        server.milliseconds_until(server.ready)
        for name, layer in (("ward", "wards"), ("fsa", "fsas")):
            (AREAS / f"{name}.geojson").write_bytes(server.get(f"/api/v1/areas/{layer}.geojson"))


def report_starts(lakes: dict[str, Path], rounds: int) -> None:
    times: dict[tuple[str, str], list[float]] = {}
    for n in range(rounds):
        for name, lake in lakes.items():
            for milestone, ms in one_round(lake).items():
                times.setdefault((name, milestone), []).append(ms)
        last = {" ".join(key): round(all_ms[-1]) for key, all_ms in times.items()}
        print(f"round {n + 1}: {last}", file=sys.stderr)
    ms = {key: round(median(all_ms), 1) for key, all_ms in times.items()}
    for name in lakes:
        report("start", f"start to listening, {name}", "ms", ms[name, "listens"], target="<= 20")
        report("start", f"start to ready, {name}", "ms", ms[name, "ready"], target="<= 100")
        what = f"start to the first map of a filter, {name}"
        report("start", what, "ms", ms[name, "answers"], target="<= 100")
        # The one that starts sooner is the measure.
        for option, kind in PEERS.items():
            target = "<= 0.067" if option else None
            report("start", what, "ms", ms[name, "answers"], kind, ms[name, kind], target)


def one_round(lake: Path) -> dict[str, float]:
    """Milliseconds until each of our milestones, and until each kind of peer has answered."""
    with ours(lake) as server:
        milestones = (server.listens, server.ready, server.answers)
        times = {milestone.__name__: server.milliseconds_until(milestone) for milestone in milestones}
    for option, kind in PEERS.items():
        with peer(lake, option) as server:
            times[kind] = server.milliseconds_until(server.answers)
    return times


def report_memory(lakes: dict[str, Path]) -> None:
    for name, lake in lakes.items():
        with ours(lake) as server:
            rss, idle = memory_at_rest(server, server.ready)
        report("start", f"idle RSS, {name}", "MB", round(rss, 1))
        report("start", f"idle PSS, {name}", "MB", round(idle, 1), target="<= 45")
        for option, kind in PEERS.items():
            with peer(lake, option) as other:
                _, theirs = memory_at_rest(other, other.answers)
            report("start", f"idle PSS, {name}", "MB", round(idle, 1), kind, round(theirs, 1))
    # The last, with all years, is asked on.
    with ours(lake) as server:
        server.milliseconds_until(server.ready)
        for query in queries(server, FILTERS):
            if server.get(f"{CHOROPLETH}?{query}") is None:
                sys.exit(f"{query} is not answered with 200")
        _, after = memory_at_rest(server, server.ready)
    what = f"PSS after {FILTERS:,} different filters, {name}"
    report("start", what, "MB", round(after, 1))
    report("start", what, "times the idle PSS", round(after / idle, 2), target="<= 1.25")
    with ours(lake) as server:
        server.milliseconds_until(server.ready)
        report("start", f"RSS under load, {name}", "MB", round(rss_under_load(server), 1), target="<= 120")


def memory_at_rest(server: Server, condition: Callable[[], bool]) -> tuple[float, float]:
    server.milliseconds_until(condition)
    time.sleep(REST_SECONDS)
    return server.memory_mb()


def queries(server: Server, count: int) -> list[str]:
    """Of any type; of wards and of FSAs, by turns."""
    filters = Filters(server.base)
    both = zip(*(filters.of_any_type(geography, count // 2) for geography in ("ward", "fsa")))
    return [query for pair in both for query in pair]


def rss_under_load(server: Server) -> float:
    """The most that is seen in between."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(f"{query}\n" for query in queries(server, LOAD_QUERIES))
        file.flush()
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{LOAD_SECONDS}s", "-s", str(QUERIES), server.base]
        load = subprocess.Popen([*command, "--", f"{CHOROPLETH}?", file.name], stdout=sys.stderr)
        most = 0.0
        while load.poll() is None:
            most = max(most, server.memory_mb()[0])
            time.sleep(0.02)
    return most


if __name__ == "__main__":
    main()
