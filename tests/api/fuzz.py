#!/usr/bin/env python3
"""Asks the API for everything that its description allows and for what it does not, by schemathesis, on the demo release.

Every check is on: no server error, nothing outside the description, what is wrong refused and what is right answered.
"""

import argparse
import os
import subprocess
import sys
import tempfile

from program import HERE, serving

# Operations of the description that have parameters, nearly; each is asked with as many examples.
OPERATIONS = 30

# Schemathesis makes up requests on one core; as many of it run as there are cores, each with another seed.
CORES = len(os.sched_getaffinity(0))
SEED = 311


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    examples = parser.parse_args().requests // OPERATIONS // CORES
    with serving() as base, tempfile.TemporaryDirectory() as folder:
        started = [start(base, examples, SEED + n, folder) for n in range(CORES)]
        codes = [process.wait() for process, _ in started]
        for _, log in started:
            log.seek(0)
            print(log.read())
        sys.exit(max(codes))


def start(base: str, examples: int, seed: int, folder: str):
    """Schemathesis at work, and what it says."""
    log = tempfile.TemporaryFile("w+")
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")),
        *("run", f"{base}/api/v1/openapi.json", "--checks", "all", "--phases", "examples,coverage,fuzzing"),
        *("--max-examples", str(examples), "--workers", "1", "--seed", str(seed), "--no-color"),
        *("--suppress-health-check", "all", "--warnings", "off"),
    ]
    # Each keeps what it learns in a folder of its own.
    place = os.path.join(folder, str(seed))
    os.mkdir(place)
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=place), log


if __name__ == "__main__":
    main()
