#!/usr/bin/env python3
"""Answers of the API against files that the same program serves, by the CPU that each takes.

One core for the server, the other for wrk. A warm answer is one that has been asked for before; what it is held against
is a file of areas of nearly the same size, which comes ready from the program. A new answer is to a view that nobody has
asked for: any type, status, measure and range of months, drawn by chance.
"""

import json
import os
import random
import subprocess
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "target" / "release" / "toronto311"
SECONDS = 4
ROUNDS = 3
TICKS = os.sysconf("SC_CLK_TCK")
MEASURES = ["per_1000", "count", "per_km2", "share", "change"]
STATUSES = ["", "completed", "closed", "cancelled", "in_progress"]


def main() -> None:
    subprocess.run(["cargo", "build", "--release", "--quiet", "--locked"], cwd=ROOT, check=True)
    lake = next((ROOT / "target" / "bench" / "out").glob("toronto311-tidy"), None)
    with tempfile.TemporaryDirectory() as empty, serving(lake or Path(empty)) as (base, pid):
        print("requests per second of the server's CPU, and milliseconds that 50 and 99 of 100 wait, on 32 connections\n")
        for encoding in ("identity", "br"):
            ceiling, warm = "/api/v1/areas/wards.geojson", "/api/v1/choropleth"
            asked = [(ceiling, "a file"), (warm, "warm choropleth"), ("/api/v1/counts", "warm counts"), ("/", "warm page")]
            rates = rounds(base, pid, asked, encoding)
            for (path, name), (rate, p50, p99) in zip(asked, rates):
                print(f"{encoding:9} {name:16} {rate:9.0f}  {p50:5.2f} {p99:6.2f}  {rate / rates[0][0]:.2f} of the file, {size(base, path, encoding):,} bytes")
        for geo, name in (("ward", "25 wards"), ("fsa", "96 FSAs")):
            for resource in ("choropleth", "counts"):
                new = cpu_of_new(base, pid, geo, resource)
                print(f"identity  new {resource} of {name}: {new * 1e6:.0f} microseconds of CPU, with HTTP and log line")


@contextmanager
def serving(lake: Path):
    command = ["taskset", "-c", "0", str(PROGRAM), "serve", "--lake", str(lake), "--port", "0", "--refresh", "off", "--rate-limit", "off"]
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(command, stderr=log)
        try:
            port = None
            while port is None:
                time.sleep(0.05)
                log.seek(0)
                lines = [json.loads(line) for line in log if line.endswith("\n")]
                port = next((line["port"] for line in lines if "port" in line), None)
            base = f"http://127.0.0.1:{port}"
            while True:
                try:
                    urllib.request.urlopen(f"{base}/health/ready").close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield base, server.pid
        finally:
            server.terminate()
            server.wait()


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rounds(base: str, pid: int, asked: list, encoding: str) -> list[tuple[float, float, float]]:
    """Medians of rounds in which all take turns."""
    for path, _ in asked:
        for _ in range(3):
            size(base, path, encoding)
    time.sleep(1)
    results = [[one_round(base + path, pid, encoding) for path, _ in asked] for _ in range(ROUNDS)]
    return [tuple(sorted(column)[ROUNDS // 2] for column in zip(*of_path)) for of_path in zip(*results)]


def one_round(url: str, pid: int, encoding: str) -> tuple[float, float, float]:
    before = cpu(pid)
    command = ["taskset", "-c", "1", "wrk", "-t1", "-c32", f"-d{SECONDS}s", "--latency", "-H", f"Accept-Encoding: {encoding}", url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    used = cpu(pid) - before
    words = said.split()
    requests = int(words[words.index("requests") - 1])
    return requests / used, milliseconds(words[words.index("50%") + 1]), milliseconds(words[words.index("99%") + 1])


def milliseconds(text: str) -> float:
    for unit, factor in (("us", 1e-3), ("ms", 1), ("s", 1e3)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    raise ValueError(text)


def size(base: str, path: str, encoding: str) -> int:
    request = urllib.request.Request(base + path, headers={"Accept-Encoding": encoding})
    with urllib.request.urlopen(request) as answer:
        return len(answer.read())


def cpu_of_new(base: str, pid: int, geo: str, resource: str) -> float:
    chance = random.Random(311 + len(geo + resource))
    rows = lambda name: json.load(urllib.request.urlopen(f"{base}/api/v1/{name}"))["rows"]
    types = [row["id"] for row in sorted(rows("types"), key=lambda row: -row["requests"])[:40]]
    months = [row["month"] for row in rows("months") if row["ward_model"] == "25" and row["complete"]]
    # Their counts are in memory, as they are after the first who asks for a type.
    for request_type in types:
        urllib.request.urlopen(f"{base}/api/v1/counts?type={request_type}&measure=count").close()

    def view() -> str:
        a, b = sorted(chance.sample(range(12, len(months)), 2))
        status = chance.choice(STATUSES)
        query = f"geo={geo}&type={chance.choice(types)}&from={months[a]}&to={months[b]}"
        query += f"&status={status}" if status else ""
        return f"/api/v1/{resource}?{query}&measure={chance.choice(MEASURES[:4])}"

    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        views = ",".join(f'"{view()}"' for _ in range(20_000))
        script.write(f"local views = {{{views}}}\nlocal at = 0\nrequest = function()\n  at = at % #views + 1\n  return wrk.format('GET', views[at])\nend\n")
        script.flush()
        before = cpu(pid)
        command = ["taskset", "-c", "1", "wrk", "-t1", "-c8", "-d2s", "-s", script.name, base]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        return (cpu(pid) - before) / int(said[said.index("requests") - 1])


if __name__ == "__main__":
    main()
