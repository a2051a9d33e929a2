#!/usr/bin/env python3
"""One Markdown table of what benchmarks reported: JSON lines, by `measure.report`, from files or standard input."""

import fileinput
import json
import operator

HEAD = ["Part", "What", "Unit", "Ours", "Against", "Theirs", "Ours / theirs", "Target", ""]
TEXTS = {0, 1, 2, 4, 8}
MEETS = {">=": operator.ge, "<=": operator.le}


def main() -> None:
    rows = [cells(json.loads(line)) for line in fileinput.input()]
    widths = [max(map(len, column)) for column in zip(HEAD, *rows)]
    rule = ["-" * width if n in TEXTS else "-" * (width - 1) + ":" for n, width in enumerate(widths)]
    for row in [HEAD, rule, *rows]:
        padded = [cell.ljust(widths[n]) if n in TEXTS else cell.rjust(widths[n]) for n, cell in enumerate(row)]
        print(f"| {' | '.join(padded)} |")


def cells(row: dict) -> list[str]:
    return [
        row["part"],
        row["what"],
        row["unit"],
        number(row["ours"]),
        row["against"] or "",
        number(row["theirs"]),
        number(row["ratio"]),
        row["target"] or "",
        verdict(row["ours"] if row["ratio"] is None else row["ratio"], row["target"]),
    ]


def number(value: float | None) -> str:
    """Three digits, or all of a whole number's."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:#.3g}".rstrip(".")


def verdict(figure: float | None, target: str | None) -> str:
    """Of the ratio, or of ours where nothing is compared."""
    if figure is None or target is None:
        return ""
    sign, limit = target.split()
    return "met" if MEETS[sign](figure, float(limit.replace(",", ""))) else "missed"


if __name__ == "__main__":
    main()
