"""What all peers share: the words of the job, and where its files are."""

import sys
from dataclasses import dataclass
from pathlib import Path

THREADS = 2

# The first year whose file has the 25 wards.
FIRST_YEAR_OF_25 = 2018

RAW_COLUMNS = [
    "creation_date",
    "status",
    "fsa",
    "intersection_street_1",
    "intersection_street_2",
    "ward_text",
    "label",
    "division",
    "section",
]

COLUMNS = [
    "creation_date",
    "hour",
    "month",
    "season",
    "weekday",
    "status",
    "ward_model",
    "ward",
    "fsa",
    "intersection_street_1",
    "intersection_street_2",
    "request_type",
    "request_type_label",
    "division",
    "section",
]

COUNT_COLUMNS = ["request_type", "geography", "ward_model", "area", "month", "status"]

STATUSES = {
    "Completed": "completed",
    "Closed": "closed",
    "Cancelled": "cancelled",
    "In Progress": "in_progress",
    "In-progress": "in_progress",
    "In-Progress": "in_progress",
    "New": "new",
    "Initiated": "initiated",
    "Unknown": "unknown",
}

# By month number, from 1.
SEASONS = ["winter"] * 2 + ["spring"] * 3 + ["summer"] * 3 + ["autumn"] * 3 + ["winter"]

WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


@dataclass(frozen=True)
class Job:
    """Clean `files` into `clean/<name>/month=YYYY-MM/` and count them into `counts`."""

    files: list[Path]
    wards: Path
    out: Path
    lenient: bool

    @property
    def counts(self) -> Path:
        return self.out / "counts.parquet"

    def clean(self, file: Path) -> Path:
        return self.out / "clean" / file.stem


def from_arguments() -> Job:
    """`SOURCE WARDS OUT [lenient]`"""
    source, wards, out, *lenient = sys.argv[1:]
    job = Job(sorted(Path(source).glob("*.csv")), Path(wards), Path(out), bool(lenient))
    (job.out / "clean").mkdir(parents=True)
    return job


def year(file: Path) -> int:
    return int(file.stem[-4:])


def ward_model(file: Path) -> str:
    """The model of the one ward text that is in both."""
    return "25" if year(file) >= FIRST_YEAR_OF_25 else "44"
