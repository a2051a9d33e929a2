"""The mart of counts as the SQLite database that Datasette publishes. `MART OUT`

The table is its own index: what a query reads lies together in the order of its months, and nothing is looked up.
"""

import sqlite3
import sys
from pathlib import Path

import duckdb

KEY = "geography, request_type, month, area, status"


def main() -> None:
    mart, out = map(Path, sys.argv[1:])
    counts = duckdb.execute(
        f"select {KEY}, sum(requests)::bigint from read_parquet(?) where area is not null group by all order by all",
        [str(mart)],
    )
    unfinished = out.with_name(out.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    with sqlite3.connect(unfinished) as database:
        database.execute(
            "create table counts (geography text, request_type text, month text, area text, status text,"
            f" requests integer, primary key ({KEY})) without rowid"
        )
        while rows := counts.fetchmany(100_000):
            database.executemany("insert into counts values (?, ?, ?, ?, ?, ?)", rows)
    database.execute("analyze")
    database.close()
    unfinished.rename(out)


if __name__ == "__main__":
    main()
