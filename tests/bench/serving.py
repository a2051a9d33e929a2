#!/usr/bin/env python3
"""Answers of the map server against nginx, against axum alone, and against what one would write instead.

The server has one core and wrk the other, with 32 connections. All that is compared is up at the same time and takes
turns; figures are medians of the rounds. CPU is that of the server with all its threads and its log of every request,
which nginx and Datasette write, too.

- What is in memory: nginx and a bare axum (`ceiling.rs`) serve the very bytes that we do, with the headers that clients
  need: type, encoding, caching, tag. We send more (of security), about 650 bytes. And a choropleth is compared with the
  file of its boundaries, which is of nearly its size and goes the same way through the same server.
- What is new: views that nobody has asked for, each of them once. nginx serves one such answer from a file. FastAPI and
  DuckDB make a choropleth of the same counts and shapes; Datasette has the counts alone, as our table beside the map.
  Before that, all must say the same about 200 views of each geography.
- Streamlit with folium runs a script for each choice; its CPU is compared with that of a new answer of ours.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import load
import nginx
import peer_servers
import program
from filters import FREQUENT, Filters
from load import Load, Server, fetch
from measure import report
from nginx import Stored
from peer_servers import Mart

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "target" / "bench"

AREAS = {"ward": "25 wards", "fsa": "96 FSAs"}
SAME_ANSWERS = 200
RERUNS = 30
# More than anyone answers: none may be asked for twice.
QUERIES_PER_SECOND = 60_000

FILE = "our file of their boundaries"
PER_CPU_SECOND, PER_SECOND = "requests per CPU second", "requests per second"


@dataclass(frozen=True)
class Payload:
    """What a client asks for again and again."""

    what: str
    path: str
    encoding: str
    # Whether it names the tag of the answer that it has.
    again: bool = False


PAYLOADS = [
    *(Payload("choropleth of 25 wards", "/api/v1/choropleth", encoding) for encoding in ("identity", "gzip", "br")),
    *(Payload("counts of 25 wards", "/api/v1/counts", encoding) for encoding in ("identity", "gzip", "br")),
    Payload("page", "/", "br"),
    Payload("choropleth of 25 wards, not modified", "/api/v1/choropleth", "br", again=True),
]


@dataclass(frozen=True)
class Bench:
    """Our server, and what all parts of the comparison share."""

    our: Server
    # The same without its log of requests.
    silent: Server
    filters: Filters
    folder: Path
    rounds: int
    seconds: int


def main() -> None:
    options = arguments()
    ceiling = build()
    WORK.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as folder, ExitStack() as servers:
        our = servers.enter_context(serving(options.lake))
        silent = servers.enter_context(serving(options.lake, "--log", "warn"))
        bench = Bench(our, silent, Filters(our.base), Path(folder), options.rounds, options.seconds)
        in_memory(bench, ceiling)
        for encoding in ("identity", "gzip", "br"):
            compare_with_file(bench, encoding)
        new(bench, peer_servers.mart_of(our))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made_by_batch = WORK / "out" / "toronto311-tidy"
    default = made_by_batch if made_by_batch.exists() else WORK / "demo"
    parser.add_argument("lake", nargs="?", type=Path, default=default, help="with a release; empty: the demo's")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each server's turn in a round")
    return parser.parse_args()


def build() -> Path:
    """Our program, and the ceiling, whose place is returned."""
    program.build()
    lines = program.cargo("bench", "--bench", "ceiling", "--no-run", "--message-format", "json").splitlines()
    built = [message for message in map(json.loads, lines) if message.get("executable")]
    # Cargo names our program, too: a benchmark may want to start it.
    return next(Path(message["executable"]) for message in built if message["target"]["name"] == "ceiling")


@contextmanager
def serving(lake: Path, *options: str) -> Iterator[Server]:
    port = load.free_port()
    command = [str(program.PROGRAM), "serve", "--lake", str(lake), "--port", str(port), "--refresh", "off", *options]
    with load.serving([*command, "--rate-limit", "off"], port, "/health/ready") as server:
        yield server


def say(progress: str) -> None:
    print(progress, file=sys.stderr)


def say_loads(what: str, loads: dict[str, Load]) -> None:
    say(f"{what}, per CPU second: {', '.join(f'{name} {one.per_cpu_second:.0f}' for name, one in loads.items())}")


# What is in memory


def in_memory(bench: Bench, ceiling: Path) -> None:
    for payload in PAYLOADS:
        for server in (bench.our, bench.silent):
            settle(server, payload)
    stored = [store(bench, f"answer-{n}", payload.path, asking(payload)) for n, payload in enumerate(PAYLOADS)]
    with nginx.serving(stored, bench.folder) as (logging, silent):
        for payload, answer in zip(PAYLOADS, stored):
            with bare_axum(ceiling, answer) as axum:
                stand_ins = {"nginx": logging, "nginx without a log": silent, "axum": axum}
                compare_stored(bench, payload, answer, stand_ins)


def settle(server: Server, payload: Payload) -> None:
    """An answer that is asked for again is compressed as well as can be, in the background; then its bytes stay."""
    for _ in range(4):
        fetch(server, payload.path, asking(payload))
        load.rest(server.pid)


def asking(payload: Payload) -> dict[str, str]:
    return {"Accept-Encoding": payload.encoding}


def store(bench: Bench, name: str, path: str, headers: dict[str, str]) -> Stored:
    body, sent = fetch(bench.our, path, headers)
    file = bench.folder / name
    file.write_bytes(body)
    wanted = ("content-type", "content-encoding", "cache-control", "etag")
    return Stored(file, {header: sent[header] for header in wanted if header in sent})


@contextmanager
def bare_axum(ceiling: Path, answer: Stored) -> Iterator[Server]:
    port = load.free_port()
    headers = [f"{header}={value}" for header, value in answer.headers.items()]
    with load.serving([str(ceiling), str(port), str(answer.file), *headers], port, "/") as server:
        yield server


def compare_stored(bench: Bench, payload: Payload, answer: Stored, stand_ins: dict[str, Server]) -> None:
    path = f"/{answer.file.name}"
    ours = {"ours": bench.our, "ours without a log": bench.silent}
    sides = {name: side(bench, server, payload, payload.path, answer) for name, server in ours.items()}
    sides |= {name: side(bench, server, payload, path, answer) for name, server in stand_ins.items()}
    loads = load.in_turn(sides, bench.rounds)
    # Ours are still the bytes that the others serve.
    for server in ours.values():
        same_bytes(server, payload, payload.path, answer)
    what = f"{payload.what}, {payload.encoding}, in memory"
    say_loads(what, loads)
    row = partial(row_of, what, loads)
    row("per_cpu_second", "nginx", ">= 0.95")
    row("p50_ms", "nginx", "<= 1.3")
    row("p99_ms", "nginx", "<= 1.25")
    row_of(f"{what}, without logs", loads, "per_cpu_second", "nginx without a log", None, "ours without a log")
    row("per_cpu_second", "axum", None)
    row("p99_ms", "axum", None)


def compare_with_file(bench: Bench, encoding: str) -> None:
    paths = {"ours": "/api/v1/choropleth", FILE: "/api/v1/areas/wards.geojson"}
    turn = partial(load.load, bench.our, headers={"Accept-Encoding": encoding}, seconds=bench.seconds)
    sides = {name: lambda _, path=path: turn(path=path) for name, path in paths.items()}
    what = f"choropleth of 25 wards, {encoding}, in memory"
    loads = load.in_turn(sides, bench.rounds)
    say_loads(what, loads)
    row_of(what, loads, "per_cpu_second", FILE, ">= 0.90")
    row_of(what, loads, "p99_ms", FILE, "<= 1.3")


def side(bench: Bench, server: Server, payload: Payload, path: str, answer: Stored) -> load.Side:
    headers = asking(payload)
    sent = same_bytes(server, payload, path, answer)
    if payload.again:
        headers["If-None-Match"] = sent["etag"]
    return lambda _: load.load(server, path, headers, bench.seconds)


def same_bytes(server: Server, payload: Payload, path: str, answer: Stored) -> dict[str, str]:
    body, headers = fetch(server, path, asking(payload))
    differ = [name for name, value in answer.headers.items() if name != "etag" and headers.get(name) != value]
    if body != answer.file.read_bytes() or differ:
        sys.exit(f"{server.base}{path} is not our answer to {payload.path}: {differ or 'its bytes'}")
    return headers


UNITS = {
    "per_second": PER_SECOND,
    "per_cpu_second": PER_CPU_SECOND,
    "p50_ms": "ms that 50 of 100 wait",
    "p99_ms": "ms that 99 of 100 wait",
}


def row_of(
    what: str, loads: dict[str, Load], figure: str, against: str, target: str | None, ours: str = "ours"
) -> None:
    our, their = (getattr(loads[name], figure) for name in (ours, against))
    report("serving", what, UNITS[figure], our, against, their, target)


# What is new


def new(bench: Bench, mart: Mart) -> None:
    examples = {geography: example(bench, geography) for geography in AREAS}
    with ExitStack() as servers:
        files, _ = servers.enter_context(nginx.serving(examples.values(), bench.folder))
        fastapi = servers.enter_context(peer_servers.fastapi_duckdb(mart))
        tuned = servers.enter_context(peer_servers.fastapi_duckdb(mart, "tuned"))
        datasette = servers.enter_context(peer_servers.datasette_sqlite(mart))
        for geography in AREAS:
            queries = bench.filters.of_any_type(geography, SAME_ANSWERS)
            peer_servers.same_counts(bench.our, [fastapi, tuned], datasette, queries)
            say(f"{SAME_ANSWERS} views of {AREAS[geography]}: all count the same")
        # Counts of these types are in memory then, as they are after the first who asks for a type.
        for request_type in bench.filters.types[:FREQUENT]:
            fetch(bench.our, f"/api/v1/counts?type={request_type}", {})
        for geography, answer in examples.items():
            sides = {
                "ours": (bench.our, "/api/v1/choropleth"),
                "our counts": (bench.our, "/api/v1/counts"),
                "nginx": (files, f"/{answer.file.name}"),
                "FastAPI + DuckDB": (fastapi, "/choropleth"),
                "FastAPI + DuckDB, tuned": (tuned, "/choropleth"),
                "Datasette": (datasette, peer_servers.DATASETTE_PATH),
            }
            loads = compare_new(bench, geography, sides)
            compare_with_rerun(bench, geography, mart, loads["ours"])


def example(bench: Bench, geography: str) -> Stored:
    """An answer of the size that a new one has."""
    [query] = bench.filters.frequent(geography, 1)
    return store(bench, f"new-{geography}", f"/api/v1/choropleth?{query}", {"Accept-Encoding": "identity"})


def compare_new(bench: Bench, geography: str, sides: dict[str, tuple[Server, str]]) -> dict[str, Load]:
    count = QUERIES_PER_SECOND * bench.seconds
    queries = [bench.filters.file(bench.folder, geography, count) for _ in range(bench.rounds)]
    raw = {"Accept-Encoding": "identity"}

    def turn(server: Server, path: str, n: int) -> Load:
        return load.load(server, path, raw, bench.seconds, queries[n])

    loads = load.in_turn({name: partial(turn, *side) for name, side in sides.items()}, bench.rounds)
    say_loads(f"new, {AREAS[geography]}", loads)
    row = partial(row_of, f"new choropleth of {AREAS[geography]}, identity", loads)
    row("per_cpu_second", "nginx", ">= 0.85")
    row("p50_ms", "nginx", "<= 1.3")
    row("p99_ms", "nginx", "<= 1.25")
    row("per_second", "FastAPI + DuckDB", ">= 60")
    row("per_cpu_second", "FastAPI + DuckDB", None)
    row("per_second", "FastAPI + DuckDB, tuned", None)
    row("per_cpu_second", "FastAPI + DuckDB, tuned", None)
    row = partial(row_of, f"new counts of {AREAS[geography]}, identity", loads, ours="our counts")
    row("per_second", "Datasette", ">= 20")
    row("per_cpu_second", "Datasette", None)
    return loads


def compare_with_rerun(bench: Bench, geography: str, mart: Mart, our: Load) -> None:
    """After the rounds: it is so much slower that its turn does not matter."""
    typical = median(peer_servers.rerun_seconds(mart, geography, bench.filters.frequent(geography, RERUNS)))
    what, against = f"new choropleth of {AREAS[geography]}, identity", "Streamlit + folium, a rerun"
    report("serving", what, PER_CPU_SECOND, our.per_cpu_second, against, 1 / typical, ">= 1000")


if __name__ == "__main__":
    main()
