#!/usr/bin/env python3
"""Asks the API for everything that its description allows and for what it does not, by schemathesis, on the demo release.

Every check is on: no server error, nothing outside the description, what is wrong refused and what is right answered.
"""

import argparse
import subprocess
import sys

from program import HERE, serving

# Operations of the description that have parameters, nearly; each is asked with as many examples.
OPERATIONS = 28


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    requests = parser.parse_args().requests
    with serving() as base:
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")),
            *("run", f"{base}/api/v1/openapi.json", "--checks", "all", "--phases", "examples,coverage,fuzzing"),
            *("--max-examples", str(requests // OPERATIONS), "--workers", "2", "--seed", "311", "--no-color"),
            *("--suppress-health-check", "all", "--warnings", "off"),
        ]
        sys.exit(subprocess.run(command).returncode)


if __name__ == "__main__":
    main()
