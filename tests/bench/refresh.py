#!/usr/bin/env python3
"""What it costs to keep a lake in step with the source: by CPU, time, memory, and bytes read and written.

The source is the stand-in of the City's portal, asked over HTTP, with all 17 years at full size. Nothing has changed;
one year has, the longest; or the lake is empty, and takes 1, 4 or 17 years. Each run is a process of its own, on two
cores that it shares with the portal; figures are medians of rounds in which all take turns.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import measure
import prepare
import program
from measure import Cost, report

UNCHANGED = "nothing has changed"
ONE_YEAR = "one year of seventeen changed"
EMPTY = {1: "2022..2022", 4: "2022..2025", 17: "2010..2026"}
TARGETS = {
    (UNCHANGED, "CPU seconds"): "<= 0.02",
    (ONE_YEAR, "CPU seconds"): "<= 3",
    (ONE_YEAR, "peak MB"): "<= 250",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if not prepare.PUBLISHER.exists():
        print("skipped: no publisher of full-size yearly files", file=sys.stderr)
        return
    program.build()
    earlier, later = prepare.editions(program.DATA)
    measure.pin()
    with tempfile.TemporaryDirectory(dir=program.DATA.parent) as folder, program.portal(earlier) as portal:
        before = lake_before(Path(folder) / "before", portal, later)
        rounds = [one_round(n + 1, before, portal.url) for n in range(options.rounds)]
    costs = {what: measure.typical([costs[what] for costs in rounds]) for what in rounds[0]}
    for what, cost in costs.items():
        report_cost(what, cost)
    report("refresh", "an empty lake, 17 years against 1", "times the CPU", growth(costs, "cpu_s"))
    report("refresh", "an empty lake, 17 years against 1", "times the memory", growth(costs, "peak_mb"))


def lake_before(lake: Path, portal: program.Portal, later: Path) -> Path:
    """A lake in which one year is a month behind the source: the year before the newest, which is the longest file."""
    program.refresh(portal.url, lake, "published")
    portal.publish(later)
    program.refresh(portal.url, lake, "published", "--years", "2026")
    return lake


def one_round(n: int, before: Path, source: str) -> dict[str, Cost]:
    lake = before.with_name("lake")
    costs = {}
    for count, years in EMPTY.items():
        shutil.rmtree(lake, ignore_errors=True)
        costs[f"an empty lake, {years_word(count)}"] = program.refresh(source, lake, "published", "--years", years)
    shutil.rmtree(lake)
    shutil.copytree(before, lake)
    costs[ONE_YEAR] = program.refresh(source, lake, "published")
    costs[UNCHANGED] = measure.typical([program.refresh(source, lake, "no_change") for _ in range(5)])
    for what, cost in costs.items():
        print(f"round {n}: {what}: {cost.cpu_s:.3f} CPU s", file=sys.stderr)
    return costs


def years_word(count: int) -> str:
    return "1 year" if count == 1 else f"{count} years"


def report_cost(what: str, cost: Cost) -> None:
    figures = {
        "CPU seconds": cost.cpu_s,
        "seconds": cost.wall_s,
        "peak MB": cost.peak_mb,
        "MB read": cost.read_mb,
        "MB written": cost.written_mb,
    }
    for unit, figure in figures.items():
        report("refresh", what, unit, round(figure, 4), target=TARGETS.get((what, unit)))


def growth(costs: dict[str, Cost], name: str) -> float:
    one, all_years = (getattr(costs[f"an empty lake, {years_word(count)}"], name) for count in (1, 17))
    return round(all_years / one, 2)


if __name__ == "__main__":
    main()
