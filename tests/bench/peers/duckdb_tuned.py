"""The job in DuckDB: explicit columns, no sniffing, no regular expression per row."""

from pathlib import Path

import duckdb

import job
from job import Job


def main() -> None:
    work = job.from_arguments()
    db = duckdb.connect(config={"threads": job.THREADS, "preserve_insertion_order": "false"})
    db.execute("SET enable_progress_bar = false")
    db.execute(f"CREATE TABLE wards AS SELECT * FROM read_csv('{work.wards}', all_varchar = true)")
    for file in work.files:
        clean(db, work, file)
    count(db, work)


def clean(db: duckdb.DuckDBPyConnection, work: Job, file: Path) -> None:
    # Held in memory, a file is cut into months by the zone maps of its date, at half the cost of PARTITION_BY; and a
    # slug is made once per label, not once per row.
    db.execute(f"CREATE OR REPLACE TEMP TABLE raw AS FROM {scan(file, work.lenient)}")
    db.execute(f"""
        CREATE OR REPLACE TEMP TABLE types AS
        SELECT label, trim(regexp_replace(lower(strip_accents(label)), '[^a-z0-9]+', '-', 'g'), '-') AS request_type
        FROM (SELECT DISTINCT label FROM raw)""")
    for (month,) in db.execute("SELECT DISTINCT month(creation_date) FROM raw").fetchall():
        folder = work.clean(file) / f"month={job.year(file)}-{month:02}"
        folder.mkdir(parents=True)
        db.execute(f"""
            COPY (SELECT {", ".join(job.COLUMNS)} FROM ({rows(file, month)}) WHERE ward IS NOT NULL OR fsa IS NOT NULL)
            TO '{folder}/requests.parquet' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)""")


def scan(file: Path, lenient: bool) -> str:
    types = dict.fromkeys(job.RAW_COLUMNS, "VARCHAR") | {"creation_date": "TIMESTAMP"}
    return f"""read_csv('{file}', columns = {types}, header = true, auto_detect = false, delim = ',', quote = '"',
                        escape = '"', nullstr = '', ignore_errors = {str(lenient).lower()})"""


def rows(file: Path, month: int) -> str:
    first = f"TIMESTAMP '{job.year(file)}-{month:02}-01'"
    return f"""
        SELECT creation_date,
               hour(creation_date)::TINYINT AS hour,
               '{job.year(file)}-{month:02}' AS month,
               '{job.SEASONS[month - 1]}' AS season,
               {choose("isodow(creation_date)", job.WEEKDAYS)} AS weekday,
               {fold("status", job.STATUSES)} AS status,
               ward_model, ward,
               CASE WHEN {is_fsa("upper(fsa)")} THEN upper(fsa) END AS fsa,
               intersection_street_1, intersection_street_2,
               request_type, label AS request_type_label, division, section
        FROM raw
        JOIN types USING (label)
        LEFT JOIN (
            FROM wards WHERE ward_text <> 'Etobicoke North (01)' OR ward_model = '{job.ward_model(file)}'
        ) AS wards USING (ward_text)
        WHERE creation_date >= {first} AND creation_date < {first} + INTERVAL 1 MONTH"""


def choose(number: str, words: list[str]) -> str:
    """The word at a place counted from 1."""
    return f"CASE {number} {' '.join(f'WHEN {n} THEN {word!r}' for n, word in enumerate(words, 1))} END"


def fold(column: str, words: dict[str, str]) -> str:
    return f"CASE {column} {' '.join(f'WHEN {a!r} THEN {b!r}' for a, b in words.items())} ELSE 'unknown' END"


def is_fsa(text: str) -> str:
    """`M\\d[A-Z]` without a regular expression."""
    return (f"length({text}) = 3 AND {text}[1] = 'M' AND {text}[2] BETWEEN '0' AND '9' "
            f"AND {text}[3] BETWEEN 'A' AND 'Z'")


def count(db: duckdb.DuckDBPyConnection, work: Job) -> None:
    cleaned = f"read_parquet('{work.out}/clean/**/*.parquet', hive_partitioning = false)"
    # Sorted as a number: the enumeration's values are in the order of the text. Written as text again: DuckDB 2.0.0
    # writes one value of this enumeration as an empty text.
    db.execute(f"CREATE TYPE request_type AS ENUM (SELECT DISTINCT request_type FROM {cleaned} ORDER BY 1)")
    db.execute(f"""
        COPY (
            SELECT * REPLACE (request_type::VARCHAR AS request_type) FROM (
                SELECT request_type::request_type AS request_type, 'ward' AS geography, ward_model, ward AS area,
                       month, status, count(*) AS requests FROM {cleaned} GROUP BY ALL
                UNION ALL
                SELECT request_type::request_type, 'fsa', NULL, fsa, month, status, count(*) FROM {cleaned} GROUP BY ALL
                ORDER BY request_type
            )
        ) TO '{work.counts}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)""")


if __name__ == "__main__":
    main()
