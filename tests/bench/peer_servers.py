"""Those who serve the same mart: what they are made of, how they are started, and that they count as we do."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import load
from load import Server, fetch

HERE = Path(__file__).resolve().parent
PEERS = HERE / "peers"
WORK = HERE.parents[1] / "target" / "bench"
PYTHON = str(WORK / "venv" / "bin" / "python")
LAYERS = {"ward": "wards", "fsa": "fsas"}
DATASETTE_PATH = "/mart/requests_by_area.json"


@dataclass(frozen=True)
class Mart:
    """A release's counts and shapes in files, for peers."""

    parquet: Path
    sqlite: Path
    # A folder with a file of shapes for each geography.
    areas: Path


def mart_of(our: Server) -> Mart:
    """Of the release that our server has; the database is kept from run to run."""
    about = json.loads(fetch(our, "/api/v1/downloads", {})[0])
    folder = WORK / "mart" / about["release"]
    folder.mkdir(parents=True, exist_ok=True)
    made = Mart(folder / "counts.parquet", folder / "mart.sqlite", folder)
    made.parquet.write_bytes(fetch(our, "/api/v1/downloads/requests_by_area_month.parquet", {})[0])
    for geography, layer in LAYERS.items():
        (folder / f"{geography}.geojson").write_bytes(fetch(our, f"/api/v1/areas/{layer}.geojson", {})[0])
    if not made.sqlite.exists():
        print("making a SQLite database of the mart", file=sys.stderr)
        peer = str(PEERS / "mart_to_sqlite.py")
        subprocess.run([PYTHON, peer, str(made.parquet), str(made.sqlite)], check=True)
    return made


@contextmanager
def fastapi_duckdb(mart: Mart, *tuned: str) -> Iterator[Server]:
    port = load.free_port()
    script = str(PEERS / "fastapi_duckdb.py")
    command = [PYTHON, script, str(port), str(mart.parquet), str(mart.areas), *tuned]
    with load.serving(command, port, "/openapi.json") as server:
        yield server


@contextmanager
def datasette_sqlite(mart: Mart) -> Iterator[Server]:
    port = load.free_port()
    command = [PYTHON, "-m", "datasette", "serve", "--immutable", str(mart.sqlite), "--port", str(port)]
    # On one core, more threads only wait for each other.
    command += ["--metadata", str(PEERS / "datasette.json"), "--setting", "num_sql_threads", "1"]
    with load.serving(command, port, "/-/versions.json") as server:
        yield server


def same_counts(our: Server, fastapis: Iterable[Server], datasette: Server, queries: list[str]) -> None:
    """Everyone counts the same in every area of our map. An area that Datasette does not list has none."""
    for query in queries:
        wanted = requests_of_features(our, f"/api/v1/choropleth?{query}")
        listed = json.loads(fetch(datasette, f"{DATASETTE_PATH}?_shape=array&{query}", {})[0])
        theirs = {row["area"]: row["requests"] for row in listed}
        if any(requests_of_features(fastapi, f"/choropleth?{query}") != wanted for fastapi in fastapis):
            sys.exit(f"FastAPI counts otherwise: {query}")
        if {area: theirs.get(area, 0) for area in wanted} != wanted:
            sys.exit(f"Datasette counts otherwise: {query}")


def requests_of_features(server: Server, path: str) -> dict[str, int]:
    features = json.loads(fetch(server, path, {"Accept-Encoding": "identity"})[0])["features"]
    return {feature["id"]: feature["properties"]["requests"] for feature in features}


def rerun_seconds(mart: Mart, geography: str, queries: list[str]) -> list[float]:
    """CPU of Streamlit for each choice, on the core of the servers."""
    script = str(PEERS / "streamlit_rerun.py")
    command = ["taskset", "-c", load.SERVER_CORE, PYTHON, script, geography, str(mart.parquet), str(mart.areas)]
    done = subprocess.run(command, input="\n".join(queries), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"Streamlit's rerun: {done.stderr[-2000:]}")
    return json.loads(done.stdout)
