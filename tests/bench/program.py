"""The built program as the benchmarks use it: on the City's portal, or on a lake that is asked for answers."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import measure
from prepare import PUBLISHER, ROOT

# That of the image: what is measured is what is deployed.
PROFILE = "dist"
PROGRAM = ROOT / "target" / PROFILE / "toronto311"
DATA = ROOT / "target" / "bench" / "data"
LAKES = DATA.with_name("lakes")
PORTAL = PUBLISHER.with_name("serve.py")


def build() -> None:
    cargo("build")


def cargo(command: str, *options: str) -> str:
    """What it, or what it runs, says."""
    asked = ["cargo", command, "--profile", PROFILE, "--quiet", "--locked", *options]
    return subprocess.run(asked, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def static() -> Path:
    """The program as the image has it, built beside the other: it is not what is measured here."""
    link = ["-C", "target-feature=+crt-static", "-C", "link-arg=-Wl,-z,pack-relative-relocs"]
    cargo("rustc", "--example", "static", "--", *link)
    return PROGRAM.parent / "examples" / "static"


@dataclass(frozen=True)
class Portal:
    url: str

    def publish(self, edition: Path) -> None:
        order = json.dumps({"folder": str(edition)}).encode()
        urllib.request.urlopen(f"{self.url}/_control/folder", order).close()


@contextmanager
def portal(edition: Path) -> Iterator[Portal]:
    """An edition, served as the City's CKAN does, until the next is published."""
    with open(os.devnull, "w") as log:
        server = subprocess.Popen(
            [sys.executable, str(PORTAL), str(edition), "--log", log.name], stdout=subprocess.PIPE, text=True
        )
    try:
        yield Portal(f"http://127.0.0.1:{json.loads(server.stdout.readline())['port']}")
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
