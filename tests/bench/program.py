"""The built program as the benchmarks use it: on the City's portal, or on a lake that is asked for answers."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import measure
from prepare import PUBLISHER, ROOT

PROGRAM = ROOT / "target" / "release" / "toronto311"
DATA = ROOT / "target" / "bench" / "data"
LAKES = DATA.with_name("lakes")
PORTAL = PUBLISHER.with_name("serve.py")


def build() -> None:
    subprocess.run(["cargo", "build", "--release", "--quiet", "--locked"], cwd=ROOT, check=True)


@contextmanager
def portal(edition: Path) -> Iterator[str]:
    """An edition, served as the City's CKAN does: what a refresh costs has the network in it."""
    with open(os.devnull, "w") as log:
        server = subprocess.Popen(
            [sys.executable, str(PORTAL), str(edition), "--log", log.name], stdout=subprocess.PIPE, text=True
        )
    try:
        yield f"http://127.0.0.1:{json.loads(server.stdout.readline())['port']}"
    finally:
        server.terminate()
        server.wait()


def refresh(source: str, lake: Path, expected: str, *options: str) -> measure.Cost:
    """What it costs. Something else than `expected` would be another job than the one that is measured."""
    done = measure.run([str(PROGRAM), "refresh", "--source", source, "--lake", str(lake), *options])
    if not done.ok or not done.stdout.startswith(expected):
        sys.exit(f"refresh of {lake.name} said {done.stdout or done.errors}")
    return done.cost


def lake(edition: Path, years: str) -> Path:
    """A lake with a release of some years, made by this very program."""
    folder = LAKES / years
    shutil.rmtree(folder, ignore_errors=True)
    refresh(str(edition), folder, "published", "--years", years)
    return folder
