"""Whether a peer's output is ours, how much of the truth is in an output, and whether others read ours as we mean it.
Prints one JSON object.

In a process of its own: what it loads must not count as memory of the programs that the runner starts.
"""

import csv
import gzip
import json
import sys
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

MART_KEYS = ["request_type", "geography", "ward_model", "area", "month", "status"]
ROW_COLUMNS = [
    "creation_date", "hour", "month", "season", "weekday", "status", "ward_model", "ward", "fsa",
    "intersection_street_1", "intersection_street_2", "request_type", "request_type_label", "division", "section",
]  # fmt: skip
# Every row of one month a year is compared in all columns; the mart compares all months in six.
COMPARED_MONTH = "-03"


def main() -> None:
    command, *folders = sys.argv[1:]
    result = {"equal": equal, "truth": truth, "readers": readers}[command](*map(Path, folders))
    print(json.dumps(result))


def equal(ours: Path, theirs: Path) -> dict[str, int]:
    """Cells of the mart and rows of the cleaned files that are only in one of two outputs."""
    return {
        "cells": differing(mart(ours), mart(theirs), MART_KEYS),
        "rows": differing(distinct_rows(ours), distinct_rows(theirs), ROW_COLUMNS),
    }


def differing(a: pa.Table, b: pa.Table, keys: list[str]) -> int:
    """Keys whose counts are not the same on both sides: the counts of one less those of the other are not zero."""
    b = b.set_column(b.column_names.index("n"), "n", pc.negate(b["n"]))
    both = pa.concat_tables([a.select([*keys, "n"]), b.select([*keys, "n"])]).combine_chunks()
    sums = both.group_by(keys).aggregate([("n", "sum")])
    return pc.sum(pc.not_equal(sums["n_sum"], 0)).as_py() or 0


def mart(output: Path) -> pa.Table:
    [path] = [*output.glob("counts.parquet"), *output.glob("marts/*/requests_by_area_month.parquet")]
    table = plain(pq.read_table(path, partitioning=None))
    return table.rename_columns({"requests": "n"})


def distinct_rows(output: Path) -> pa.Table:
    paths = sorted(output.glob(f"clean/*/month=*{COMPARED_MONTH}/*.parquet"))
    tables = [plain(pq.read_table(path, partitioning=None).select(ROW_COLUMNS)) for path in paths]
    rows = pa.concat_tables(tables)
    return rows.group_by(ROW_COLUMNS).aggregate([([], "count_all")]).rename_columns({"count_all": "n"})


def plain(table: pa.Table) -> pa.Table:
    """Texts as texts and numbers as 64 bits, whatever a tool made of them."""
    return table.cast(pa.schema([(field.name, plain_type(field.type)) for field in table.schema]))


def plain_type(of: pa.DataType) -> pa.DataType:
    if pa.types.is_integer(of):
        return pa.int64()
    return pa.timestamp("us") if pa.types.is_timestamp(of) else pa.string()


def readers(ours: Path) -> dict[str, int]:
    """Files of ours, and those of them that DuckDB or Polars reads unlike pyarrow: we encode them ourselves."""
    import duckdb
    import polars as pl

    paths = [*ours.glob("clean/*/*.parquet"), *ours.glob(f"clean/*/month=*{COMPARED_MONTH}/*"), *ours.glob("marts/*/*")]
    different = dict.fromkeys(("files", "DuckDB", "Polars"), 0)
    for path in paths:
        table = pq.read_table(path, partitioning=None)
        others = {
            "DuckDB": duckdb.read_parquet(str(path), hive_partitioning=False).to_arrow_table(),
            "Polars": pl.read_parquet(path, hive_partitioning=False).to_arrow(),
        }
        different["files"] += 1
        for name, other in others.items():
            different[name] += not other.cast(table.schema).equals(table)
    return different


def truth(published: Path, output: Path) -> dict[str, int]:
    """Rows that should be there, rows that are, and those of them with the type, division and section meant."""
    meant, found = meant_kinds(published), found_kinds(output)
    return {"meant": meant.total(), "kept": found.total(), "right": (meant & found).total()}


def meant_kinds(published: Path) -> Counter:
    kinds: Counter = Counter()
    with gzip.open(published / "truth" / "counts.csv.gz", "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            # A row with neither ward nor FSA is on no map; leaving it out is right.
            if row["ward_number"] or row["fsa"]:
                kinds[row["month"], row["request_type"], row["division"], row["section"]] += int(row["count"])
    return kinds


def found_kinds(output: Path) -> Counter:
    kinds: Counter = Counter()
    for path in output.glob("clean/*/month=*/*.parquet"):
        columns = ["month", "request_type_label", "division", "section"]
        rows = plain(pq.read_table(path, columns=columns, partitioning=None))
        for row in rows.group_by(columns).aggregate([([], "count_all")]).to_pylist():
            kinds[tuple(row[name] for name in columns)] += row["count_all"]
    return kinds


if __name__ == "__main__":
    main()
