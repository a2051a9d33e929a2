"""Inputs of the benchmark: yearly files by the publisher beside the repository, and copies that any reader can take."""

import csv
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PUBLISHER = ROOT.parent / "shared" / "source-standin" / "publish.py"

# All eras of the source: every field quoted (2013), 44 wards (to 2017), unquoted commas (from 2021), Latin-1 (2025),
# Windows-1252 (2026). Together 5.06 million rows.
YEARS = "2013,2016-2026"
# One year of each era, four times as many rows in each file: what grows with the rows must show in memory, too.
GROWTH_YEARS = (2013, 2018, 2023, 2025)
GROWTH = 4
DIRTY_LINES = 5
# To August and to September 2026.
EDITIONS = (10, 11)


@dataclass(frozen=True)
class Inputs:
    """Folders with yearly ZIPs; `_csv` has the same files unzipped. Tidy ones are in UTF-8 and with quotes."""

    tidy: Path
    tidy_csv: Path
    published: Path
    published_csv: Path
    dirty: Path
    # Some of the tidy years, and these with more rows.
    small: Path
    small_csv: Path
    large: Path
    large_csv: Path
    wards: Path


def prepare(folder: Path) -> Inputs:
    """Makes what is not there yet. Each folder is complete once it has its final name."""
    published = _publish(folder / "published", "--years", YEARS)
    growth_years = ",".join(map(str, GROWTH_YEARS))
    grown = _publish(folder / "large", "--years", growth_years, "--scale", str(GROWTH))
    tidy = _made(folder / "tidy", lambda out: _rewrite(published, out))
    tidy_csv = _made(folder / "tidy-csv", lambda out: _unzip(tidy, out))
    tidy_large = _made(folder / "tidy-large", lambda out: _rewrite(grown, out))
    return Inputs(
        tidy=tidy,
        tidy_csv=tidy_csv,
        published=published,
        published_csv=_made(folder / "published-csv", lambda out: _unzip(published, out)),
        dirty=_publish(folder / "dirty", "--years", YEARS, "--dirt", str(DIRTY_LINES)),
        small=_made(folder / "tidy-small", lambda out: _link_years(tidy, out)),
        small_csv=_made(folder / "tidy-small-csv", lambda out: _link_years(tidy_csv, out)),
        large=tidy_large,
        large_csv=_made(folder / "tidy-large-csv", lambda out: _unzip(tidy_large, out)),
        wards=_made(folder / "wards.csv", _write_wards),
    )


def main() -> None:
    prepare(Path(sys.argv[1]))


def editions(folder: Path) -> tuple[Path, Path]:
    """All years as they were published in two successive months, between which two years changed."""
    earlier, later = EDITIONS
    return (
        _publish(folder / f"edition-{earlier}", "--edition", str(earlier)),
        _publish(folder / f"edition-{later}", "--edition", str(later)),
    )


def files(folder: Path) -> list[Path]:
    """The yearly files of a folder, in order."""
    return sorted(path for path in [*folder.glob("*"), *folder.glob("resources/*")] if path.suffix in (".zip", ".csv"))


def _made(path: Path, make: Callable[[Path], object]) -> Path:
    if not path.exists():
        print(f"making {path.name}", file=sys.stderr)
        unfinished = path.with_name(path.name + ".unfinished")
        make(unfinished)
        unfinished.rename(path)
    return path


def _publish(folder: Path, *options: str) -> Path:
    command = [sys.executable, str(PUBLISHER)]
    return _made(folder, lambda out: subprocess.run([*command, str(out), *options], check=True, stdout=sys.stderr))


def _unzip(source: Path, out: Path) -> None:
    out.mkdir()
    for path in files(source):
        with zipfile.ZipFile(path) as archive:
            archive.extract(archive.namelist()[0], out)


def _link_years(source: Path, out: Path) -> None:
    out.mkdir()
    for path in files(source):
        if any(str(year) in path.name for year in GROWTH_YEARS):
            (out / path.name).symlink_to(path.resolve())


def _rewrite(source: Path, out: Path) -> None:
    """The same records in UTF-8, with quotes round values that hold a comma."""
    out.mkdir()
    for path in files(source):
        with zipfile.ZipFile(path) as archive:
            [name] = archive.namelist()
            text = io.StringIO(newline="")
            csv.writer(text, lineterminator="\n").writerows(_records(archive.read(name)))
        with zipfile.ZipFile(out / path.name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, text.getvalue().encode())


def _records(content: bytes) -> Iterator[list[str]]:
    for fields in csv.reader(io.StringIO(_decoded(content), newline="")):
        # Ten fields: a division or a section with a comma, one of three values.
        if len(fields) == 10 and fields[7] in ("Parks", "Environment"):
            fields[7:9] = [f"{fields[7]},{fields[8]}"]
        elif len(fields) == 10:
            fields[8:10] = [f"{fields[8]},{fields[9]}"]
        # The one label whose other spelling has another slug: our ledger of types is not part of the job.
        fields[6] = fields[6].replace("Pot hole on Expressway", "Pothole on Expressway")
        yield fields


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1252")


def _write_wards(path: Path) -> None:
    """Ward text, model and number. `Etobicoke North (01)` is in both models: the year of the file decides."""
    with path.open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["ward_text", "ward_model", "ward"])
        for model, layer in (("44", "wards-44.geojson"), ("25", "wards.geojson")):
            for feature in json.loads((ROOT / "geo" / layer).read_text())["features"]:
                ward = feature["properties"]
                out.writerow([f"{ward['name']} ({ward['code']})", model, ward["code"]])


if __name__ == "__main__":
    main()
