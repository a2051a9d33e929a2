"""The job in Polars: lazy queries, run by the streaming engine."""

import os
from pathlib import Path

import job

os.environ["POLARS_MAX_THREADS"] = str(job.THREADS)

import polars as pl  # noqa: E402  (reads the variable when it is imported)


def main() -> None:
    work = job.from_arguments()
    wards = pl.read_csv(work.wards, infer_schema=False)
    for file in work.files:
        target = pl.PartitionBy(work.clean(file), key="month", include_key=True)
        clean(file, wards, work.lenient).sink_parquet(
            target, compression="zstd", compression_level=1, mkdir=True, engine="streaming"
        )
    count(work)


def clean(file: Path, wards: pl.DataFrame, lenient: bool) -> pl.LazyFrame:
    raw = pl.scan_csv(
        file,
        has_header=False,
        skip_rows=1,
        schema=dict.fromkeys(job.RAW_COLUMNS, pl.String),
        truncate_ragged_lines=lenient,
        encoding="utf8-lossy" if lenient else "utf8",
    )
    ambiguous = pl.col("ward_text") == "Etobicoke North (01)"
    wards = wards.filter(~ambiguous | (pl.col("ward_model") == job.ward_model(file)))
    created = pl.col("creation_date")
    fsa = pl.col("fsa").str.to_uppercase()
    # Small lookups instead of joins: faster here, and the order of the rows is kept.
    return (
        raw.with_columns(
            created.str.slice(0, 7).alias("month"),
            created.str.slice(0, 19).str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us"),
            fold("status", job.STATUSES, default="unknown"),
            fold("ward_text", pairs(wards, "ward_text", "ward_model")).alias("ward_model"),
            fold("ward_text", pairs(wards, "ward_text", "ward")).alias("ward"),
            pl.when(fsa.str.contains(r"^M\d[A-Z]$")).then(fsa).alias("fsa"),
            fold("label", slugs(raw)).alias("request_type"),
        )
        .filter(pl.col("ward").is_not_null() | pl.col("fsa").is_not_null())
        .with_columns(
            created.dt.hour().alias("hour"),
            fold(created.dt.month(), dict(enumerate(job.SEASONS, 1))).alias("season"),
            fold(created.dt.weekday(), dict(enumerate(job.WEEKDAYS, 1))).alias("weekday"),
            pl.col("label").alias("request_type_label"),
        )
        .select(job.COLUMNS)
    )


def slugs(raw: pl.LazyFrame) -> dict[str, str]:
    """A slug for each label of a file: reading one column first costs less than a regular expression per row."""
    label = pl.col("label")
    ascii_label = label.str.normalize("NFKD").str.replace_all(r"\p{M}", "")
    slug = ascii_label.str.to_lowercase().str.replace_all("[^a-z0-9]+", "-").str.strip_chars("-")
    labels = raw.select(label.unique()).select(label, slug.alias("slug"))
    return pairs(labels.collect(engine="streaming"), "label", "slug")


def pairs(frame: pl.DataFrame, key: str, value: str) -> dict[str, str]:
    return dict(frame.select(key, value).iter_rows())


def fold(column: str | pl.Expr, words: dict, default: str | None = None) -> pl.Expr:
    column = pl.col(column) if isinstance(column, str) else column
    return column.replace_strict(words, default=default, return_dtype=pl.String)


def count(work: job.Job) -> None:
    rows = pl.scan_parquet(f"{work.out}/clean/**/*.parquet", hive_partitioning=False)
    types = rows.select(pl.col("request_type").unique().sort()).collect(engine="streaming")
    # Sorted as a number: the enumeration's values are in the order of the text.
    rows = rows.with_columns(pl.col("request_type").cast(pl.Enum(types["request_type"])))
    counts = [
        rows.group_by("request_type", *area, "month", "status")
        .agg(requests=pl.len().cast(pl.Int64))
        .select("request_type", geography=text(area[-1]), ward_model=model, area=area[-1],
                month="month", status="status", requests="requests")
        for area, model in ((["ward_model", "ward"], pl.col("ward_model")), (["fsa"], text(None)))
    ]  # fmt: skip
    pl.concat(counts).sort("request_type").sink_parquet(
        work.counts, compression="zstd", compression_level=1, engine="streaming"
    )


def text(value: str | None) -> pl.Expr:
    return pl.lit(value, dtype=pl.String)


if __name__ == "__main__":
    main()
