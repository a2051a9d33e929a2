"""The job in pandas: one file at a time, whole columns, Arrow strings and categories; no Python code per row."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

import job

pa.set_cpu_count(job.THREADS)

CELL = ["request_type", "month", "status", "ward_model", "ward", "fsa"]


def main() -> None:
    work = job.from_arguments()
    wards = pd.read_csv(work.wards, dtype=str)
    cells = [clean(file, wards, work) for file in work.files]
    count(pd.concat(cells, ignore_index=True), work)


def clean(file: Path, wards: pd.DataFrame, work: job.Job) -> pd.DataFrame:
    """Writes the rows of a file by month and returns their counts."""
    rows = derive(read(file, work.lenient), ward_table(wards, file))
    rows = rows[rows["ward"].notna() | rows["fsa"].notna()]
    for month, of_month in rows.groupby("month", observed=True, sort=False):
        folder = work.clean(file) / f"month={month}"
        folder.mkdir(parents=True)
        of_month[job.COLUMNS].to_parquet(
            folder / "requests.parquet", engine="pyarrow", compression="zstd", compression_level=1, index=False
        )
    cells = rows.groupby(CELL, observed=True, dropna=False, sort=False).size()
    return cells.rename("requests").reset_index().astype(dict.fromkeys(CELL, "str"))


def read(file: Path, lenient: bool) -> pd.DataFrame:
    form = dict(header=0, names=job.RAW_COLUMNS, dtype="str", keep_default_na=False, na_values=[""])
    if lenient:
        # The Arrow reader has no decoding on the fly; the usual way out is the C reader.
        return pd.read_csv(file, encoding="cp1252", on_bad_lines="skip", **form)
    return pd.read_csv(file, engine="pyarrow", **form)


def ward_table(wards: pd.DataFrame, file: Path) -> pd.DataFrame:
    other = (wards["ward_text"] == "Etobicoke North (01)") & (wards["ward_model"] != job.ward_model(file))
    return wards[~other].set_index("ward_text")


def derive(raw: pd.DataFrame, wards: pd.DataFrame) -> pd.DataFrame:
    created = pd.to_datetime(raw["creation_date"].str.slice(0, 19), format="%Y-%m-%d %H:%M:%S").astype("datetime64[us]")
    texts = {name: raw[name].astype("category") for name in raw.columns if name != "creation_date"}
    return pd.DataFrame(
        {
            "creation_date": created,
            "hour": created.dt.hour.astype("int8"),
            "month": raw["creation_date"].str.slice(0, 7).astype("category"),
            "season": pick(job.SEASONS, created.dt.month - 1),
            "weekday": pick(job.WEEKDAYS, created.dt.day_of_week),
            "status": per_value(texts["status"], lambda v: v.map(job.STATUSES).fillna("unknown")),
            "ward_model": per_value(texts["ward_text"], lambda v: v.map(wards["ward_model"])),
            "ward": per_value(texts["ward_text"], lambda v: v.map(wards["ward"])),
            "fsa": per_value(texts["fsa"], fsa),
            "intersection_street_1": texts["intersection_street_1"],
            "intersection_street_2": texts["intersection_street_2"],
            "request_type": per_value(texts["label"], slug),
            "request_type_label": texts["label"],
            "division": texts["division"],
            "section": texts["section"],
        }
    )


def pick(words: list[str], numbers: pd.Series) -> pd.Series:
    names = sorted(set(words))
    codes = np.array([names.index(word) for word in words], dtype="int8")
    return pd.Series(pd.Categorical.from_codes(codes[numbers.to_numpy()], names), index=numbers.index)


def per_value(column: pd.Series, change: Callable[[pd.Series], pd.Series]) -> pd.Series:
    """Changes each distinct value once."""
    values = change(pd.Series(column.cat.categories, dtype="str"))
    names, codes = np.unique(values.dropna().to_numpy(dtype=object), return_inverse=True)
    table = np.full(len(values) + 1, -1)
    # The last place is where code -1, a missing value, looks.
    table[:-1][values.notna().to_numpy()] = codes
    return pd.Series(pd.Categorical.from_codes(table[column.cat.codes.to_numpy()], names), index=column.index)


def fsa(values: pd.Series) -> pd.Series:
    upper = values.str.upper()
    return upper.where(upper.str.fullmatch(r"M\d[A-Z]"))


def slug(labels: pd.Series) -> pd.Series:
    plain = labels.str.normalize("NFKD").str.replace(r"[\u0300-\u036f]", "", regex=True).str.lower()
    return plain.str.replace("[^a-z0-9]+", "-", regex=True).str.strip("-")


def count(cells: pd.DataFrame, work: job.Job) -> None:
    by_ward = cells.assign(geography="ward", area=cells["ward"])
    by_fsa = cells.assign(geography="fsa", ward_model=None, area=cells["fsa"])
    both = pd.concat([by_ward, by_fsa.astype({"ward_model": "str"})], ignore_index=True)
    counts = both.groupby(job.COUNT_COLUMNS, dropna=False, sort=False)["requests"].sum().reset_index()
    counts = counts.sort_values("request_type")
    counts.to_parquet(work.counts, engine="pyarrow", compression="zstd", compression_level=1, index=False)


if __name__ == "__main__":
    main()
