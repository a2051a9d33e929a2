#!/usr/bin/env python3
"""What an answer costs that nobody has asked for before, in process (`views.rs`): time of CPU and allocations."""

import argparse
import json
from pathlib import Path

import program
from measure import report

MICROSECONDS, ALLOCATIONS = "microseconds of CPU", "allocations"
TARGETS = {"ward": "<= 10", "fsa": "<= 25"}
AREAS = {"ward": "25 wards", "fsa": "96 FSAs"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lake", type=Path, help="with a release")
    lake = parser.parse_args().lake
    figures = json.loads(program.cargo("bench", "--bench", "views", "--", str(lake.resolve())))
    many = figures.pop("many")
    for name, cost in figures.items():
        resource, geography, method, *of_one_month = name.split()
        what = f"new {resource} of {AREAS[geography]}, {method}{', one month' if of_one_month else ''}"
        report("views", what, MICROSECONDS, cost["microseconds"], target=TARGETS[geography])
        report("views", what, ALLOCATIONS, cost["allocations"], target="<= 30")
    (hot_before, hot_after), (memory_before, memory_after) = many["hot_microseconds"], many["resident_mb"]
    before = f"before {many['views']:,} new views"
    report("views", "counts in memory, asked for again", MICROSECONDS, hot_after, before, hot_before, "<= 1.3")
    report("views", "memory", "MB", memory_after, before, memory_before, "<= 1.05")


if __name__ == "__main__":
    main()
