#!/usr/bin/env python3
"""The batch against what one would use instead: yearly files to cleaned Parquet by month and a table of counts.

Everyone does the same job on the same two cores: read 5 million rows, parse the date, look up ward and model by name
and number, check the FSA, fold the status, make a slug of the type, derive month, season, weekday and hour; write the
rows as Parquet (zstd 1) by year and month, and the counts by type, geography, ward model, area, month and status,
sorted by type. A figure counts only if the output equals ours, which is compared.

The peers get a start: plain CSV where we inflate ZIPs, in UTF-8 and with quotes, which the City's files lack since
2021. We do more: hash and keep the inputs, account for every row, check sizes and bytes, publish a release.

Costs are medians of rounds in which all take turns. They depend on the machine; ratios of one run do so much less.
PySpark, which takes ten times as long as the others, has one turn, and only on the tidy files. Tables are on standard
error; on standard output, what goes into the table of all benchmarks.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import measure
import prepare
import program
from measure import Cost, report
from prepare import ROOT, Inputs

HERE = Path(__file__).resolve().parent
WORK = ROOT / "target" / "bench"
PYTHON = str(WORK / "venv" / "bin" / "python")
FLOOR = ("--bench", "floor")
OURS = "toronto311"
EQUAL = "equal"
PEERS = {
    "DuckDB, tuned": "duckdb_tuned.py",
    "Polars, streaming": "polars_streaming.py",
    "pandas, vectorised": "pandas_vectorised.py",
}
SPARK = "PySpark, local"
SCRIPTS = PEERS | {SPARK: "pyspark_local.py"}
# How each peer is usually told to carry on when a file is not as it should be.
SWITCHES = {
    "DuckDB, tuned": "ignore_errors",
    "Polars, streaming": "truncate_ragged_lines, utf8-lossy",
    "pandas, vectorised": "on_bad_lines=skip, cp1252",
}


@dataclass(frozen=True)
class Case:
    """One thing that is measured: a tool on an input."""

    tool: str
    title: str
    # Given the folder for the output, which does not exist yet.
    command: Callable[[Path], list[str]]

    @property
    def out(self) -> Path:
        return WORK / "out" / f"{self.tool} {self.title}".replace(" ", "-").replace(",", "")


Cases = dict[tuple[str, str], Case]
Costs = dict[Case, Cost]


def main() -> None:
    options = arguments()
    if not prepare.PUBLISHER.exists():
        say(f"skipped: no publisher of full-size yearly files at {os.path.relpath(prepare.PUBLISHER)}")
        return
    build()
    # In a process of its own: what it takes to make inputs must not count as memory of what is started afterwards.
    subprocess.run([sys.executable, prepare.__file__, str(WORK / "data")], check=True)
    inputs = prepare.prepare(WORK / "data")
    measure.pin()
    cases = [ours(title, getattr(inputs, title)) for title in ("tidy", "published", "dirty", "small", "large")]
    for name in PEERS:
        cases += [peer(name, title, getattr(inputs, f"{title}_csv"), inputs) for title in ("tidy", "small", "large")]
    spark = peer(SPARK, "tidy", inputs.tidy_csv, inputs)
    costs = in_turn(cases, options.rounds) | in_turn([spark], 1)
    by_name = {(case.tool, case.title): case for case in [*cases, spark]}
    verdicts = {tool: verdict(by_name[OURS, "tidy"], by_name[tool, "tidy"]) for tool in SCRIPTS}
    report_costs(by_name, costs, verdicts)
    print_costs(by_name, costs, verdicts, inputs)
    say(f"\nOur files, and those that others read unlike pyarrow: {compare('readers', cases[0].out)}")
    print_published(inputs)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def build() -> None:
    program.build()
    program.cargo("bench", *FLOOR, "--no-run")


def ours(title: str, source: Path) -> Case:
    return Case(OURS, title, lambda out: [str(program.PROGRAM), "refresh", "--source", str(source), "--lake", str(out)])


def peer(name: str, title: str, source: Path, inputs: Inputs, *switch: str) -> Case:
    script = str(HERE / "peers" / SCRIPTS[name])
    return Case(name, title, lambda out: [PYTHON, script, str(source), str(inputs.wards), str(out), *switch])


def in_turn(cases: list[Case], rounds: int) -> dict[Case, Cost]:
    costs: dict[Case, list[Cost]] = {case: [] for case in cases}
    for n in range(rounds):
        # Another first each time: who runs after whom must not decide.
        for case in cases[n % len(cases) :] + cases[: n % len(cases)]:
            done = once(case)
            if not done.ok:
                sys.exit(f"{case.tool} on {case.title}: {message(done.errors)}")
            say(f"round {n + 1}: {case.tool}, {case.title}: {done.cost.cpu_s:.2f} CPU s")
            costs[case].append(done.cost)
    return {case: measure.typical(of_case) for case, of_case in costs.items()}


def once(case: Case) -> measure.Run:
    shutil.rmtree(case.out, ignore_errors=True)
    case.out.parent.mkdir(parents=True, exist_ok=True)
    return measure.run(case.command(case.out))


def report_costs(cases: Cases, costs: Costs, verdicts: dict[str, str]) -> None:
    """Against each peer whose output is ours; the targets are for the best of them."""
    our = cases[OURS, "tidy"]
    equals = [cases[tool, "tidy"] for tool in SCRIPTS if verdicts[tool] == EQUAL]
    for name, unit, limit in (("cpu_s", "CPU seconds", 0.4), ("wall_s", "seconds", 0.5), ("peak_mb", "peak MB", None)):
        figure = {case: getattr(costs[case], name) for case in [our, *equals]}
        for case in equals:
            best = figure[case] == min(figure[other] for other in equals)
            target = f"<= {limit}" if best and limit else None
            report("batch", "5 million rows, tidy", unit, figure[our], case.tool, figure[case], target)


def print_costs(cases: Cases, costs: Costs, verdicts: dict[str, str], inputs: Inputs) -> None:
    """Everyone on the same tidy files; the floor; and ours on files as they are published and on dirty ones."""
    our = cases[OURS, "tidy"]
    rows = compare("truth", inputs.published, our.out)["kept"]
    table = []
    for tool in (OURS, *PEERS):
        case, small, large = (costs[cases[tool, title]] for title in ("tidy", "small", "large"))
        table.append([
            tool,
            *figures(case),
            f"{output_mb(cases[tool, 'tidy'].out):.1f}",
            *(ratios(costs[our], case) if tool != OURS else [""] * 3),
            *(f"{cost.cpu_s:.2f}" for cost in (small, large)),
            f"{large.cpu_s / small.cpu_s:.2f}",
            *(f"{cost.peak_mb:.0f}" for cost in (small, large)),
            f"{large.peak_mb / small.peak_mb:.2f}",
            verdicts.get(tool, ""),
        ])  # fmt: skip
    table[1:1] = floors(cases, costs, inputs)
    spark = cases[SPARK, "tidy"]
    of_spark = [*figures(costs[spark]), f"{output_mb(spark.out):.1f}", *ratios(costs[our], costs[spark])]
    table.append([SPARK, *of_spark, *[""] * 6, verdicts[SPARK]])
    published, dirty = (costs[cases[OURS, title]] for title in ("published", "dirty"))
    table.append([f"{OURS}, as published", *figures(published), *[""] * 10, ""])
    worse = f"{dirty.cpu_s / published.cpu_s:.2f} x CPU, {dirty.peak_mb / published.peak_mb:.2f} x memory of that"
    table.append([f"{OURS}, {prepare.DIRTY_LINES} of each dirty line a year", *figures(dirty), *[""] * 10, worse])
    print_table(
        f"{rows:,} rows of {len(prepare.files(inputs.tidy))} years in UTF-8 and with quotes; peers read them unzipped. "
        f"1x: {len(prepare.GROWTH_YEARS)} of the years; 4x: {prepare.GROWTH} times the rows in each",
        ["", "CPU s", "wall s", "peak MB", "output MB", "ours/its CPU", "wall", "memory",
         "1x CPU s", "4x CPU s", "CPU x", "1x MB", "4x MB", "memory x", "output"],
        table,
    )  # fmt: skip


def verdict(our: Case, case: Case) -> str:
    different = compare("equal", our.out, case.out)
    if not any(different.values()):
        return EQUAL
    return f"DOES NOT COUNT: {different['cells']} cells of the mart, {different['rows']} rows differ"


def floors(cases: Cases, costs: Costs, inputs: Inputs) -> list[list[str]]:
    """The same ZIPs and the same Parquet with nothing between: CPU only, of one thread."""
    parts = {title: floor(getattr(inputs, title), cases[OURS, title].out) for title in ("tidy", "small", "large")}
    rows = []
    for writer, name in (("write_with_arrow", "usual writer"), ("write_as_we_do", "our writer")):
        cpu = {title: part["inflate"] + part[writer] for title, part in parts.items()}
        tidy, small, large = (cpu[title] for title in ("tidy", "small", "large"))
        ratio = f"{costs[cases[OURS, 'tidy']].cpu_s / tidy:.2f}"
        growth = [f"{small:.2f}", f"{large:.2f}", f"{large / small:.2f}"]
        of_it = f"{parts['tidy']['inflate']:.2f} to inflate and find lines"
        rows.append([f"floor, {name}", f"{tidy:.2f}", "", "", "", ratio, "", "", *growth, "", "", "", of_it])
    return rows


def floor(source: Path, lake: Path) -> dict[str, float]:
    # It counts its own CPU, so starting it through Cargo adds nothing.
    return json.loads(program.cargo("bench", *FLOOR, "--", str(source), str(lake)))


def print_published(inputs: Inputs) -> None:
    """What each makes of the files as they are: unquoted commas from 2021, Latin-1 in 2025, Windows-1252 in 2026.

    Peers get them unzipped, without and with the switches that are the usual way out.
    """
    cases = [(OURS, ours("published", inputs.published))]
    for name in PEERS:
        cases.append((name, peer(name, "as-they-are", inputs.published_csv, inputs)))
        cases.append((f"{name}: {SWITCHES[name]}", peer(name, "switch", inputs.published_csv, inputs, "lenient")))
    table = [[label, *fate(case, inputs)] for label, case in cases]
    head = ["", "rows kept", "lost", "kept under a wrong type, division or section", "right", "ends"]
    print_table("The files as published", head, table)


def fate(case: Case, inputs: Inputs) -> list[str]:
    done = once(case)
    if not done.ok:
        return ["", "", "", "", f"stops: {message(done.errors)[:80]}"]
    rows = compare("truth", inputs.published, case.out)
    share = f"{100 * rows['right'] / rows['meant']:.2f} %"
    return [f"{rows['kept']:,}", f"{rows['meant'] - rows['kept']:,}", f"{rows['kept'] - rows['right']:,}", share, ""]


def compare(question: str, *folders: Path) -> dict[str, int]:
    done = measure.run([PYTHON, str(HERE / "compare.py"), question, *map(str, folders)])
    if not done.ok:
        sys.exit(f"comparison: {message(done.errors)}")
    return json.loads(done.stdout)


def output_mb(out: Path) -> float:
    """Cleaned rows and the mart; not what we keep besides."""
    paths = [*out.glob("clean/*/month=*/*"), *out.glob("counts.parquet"), *out.glob("marts/*/requests_by_area_month*")]
    return sum(path.stat().st_size for path in paths) / 1e6


def figures(cost: Cost) -> list[str]:
    return [f"{cost.cpu_s:.2f}", f"{cost.wall_s:.2f}", f"{cost.peak_mb:.0f}"]


def ratios(a: Cost, b: Cost) -> list[str]:
    return [f"{a.cpu_s / b.cpu_s:.2f}", f"{a.wall_s / b.wall_s:.2f}", f"{a.peak_mb / b.peak_mb:.2f}"]


def message(errors: str) -> str:
    """What a program ended with; of a Python traceback, the exception's first line."""
    lines = errors.strip().splitlines() or ["no message"]
    raised = [line for line in lines if re.match(r"[\w.]+(Error|Exception): ", line)]
    return (raised or lines)[-1]


def print_table(title: str, head: list[str], rows: list[list[str]]) -> None:
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    say(f"\n{title}\n")
    for row in [head, ["-" * width for width in widths], *rows]:
        cells = [cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))]
        say("| " + " | ".join(cells) + " |")


def say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
