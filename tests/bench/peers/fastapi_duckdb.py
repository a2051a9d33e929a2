"""A choropleth by FastAPI and DuckDB: the mart in memory, a query for each request, orjson.

`PORT MART AREAS [tuned|in-place]`

AREAS holds `ward.geojson` and `fsa.geojson`. As one would for a server on one core: no thread pool, no log, uvloop and
httptools, shapes parsed once; the table is sorted by type, so that a query reads a few row groups. Tuned further: texts
of the table are enums, and shapes are spliced into answers as bytes. In place, the mart stays a file: such a server
starts sooner and answers later.
"""

import sys
from pathlib import Path

import duckdb
import orjson
import uvicorn
from fastapi import FastAPI, Query, Response

ENUMS = ["request_type", "geography", "area", "status"]
COUNTS = """
    select area, sum(requests)::bigint from counts
    where request_type = ? and geography = ? and month between ? and ?
"""

app = FastAPI()
database = duckdb.connect(config={"threads": 1})
features: dict[str, list[dict]] = {}


def main() -> None:
    port, mart, areas, *how = sys.argv[1:]
    load_counts(mart, "view" if how == ["in-place"] else "table")
    for geography in ("ward", "fsa"):
        features[geography] = orjson.loads(Path(areas, f"{geography}.geojson").read_bytes())["features"]
    if how == ["tuned"]:
        tune()
    uvicorn.run(app, port=int(port), loop="uvloop", http="httptools", access_log=False, log_level="warning")


def load_counts(mart: str, kind: str) -> None:
    order = "order by request_type, geography, month" if kind == "table" else ""
    database.execute(
        f"create {kind} counts as select request_type, geography, month, area, status, requests"
        f" from read_parquet('{mart}') where area is not null {order}"
    )


def tune() -> None:
    for column in ENUMS:
        database.execute(f"create type {column}_name as enum (select distinct {column} from counts order by 1)")
        database.execute(f"alter table counts alter {column} type {column}_name")
    for feature in features["ward"] + features["fsa"]:
        feature["geometry"] = orjson.Fragment(orjson.dumps(feature["geometry"]))


@app.get("/choropleth")
async def choropleth(
    geo: str, type: str, status: str = "", first: str = Query(alias="from"), last: str = Query(alias="to")
) -> Response:
    requests = count(geo, type, first, last, status)
    collection = {
        "type": "FeatureCollection",
        "features": [with_requests(feature, requests.get(feature["id"], 0)) for feature in features[geo]],
    }
    return Response(orjson.dumps(collection), media_type="application/geo+json")


def count(geography: str, request_type: str, first: str, last: str, status: str) -> dict[str, int]:
    query, values = COUNTS, [request_type, geography, first, last]
    if status:
        query, values = query + " and status = ?", [*values, status]
    return dict(database.cursor().execute(query + " group by area", values).fetchall())


def with_requests(feature: dict, requests: int) -> dict:
    return {**feature, "properties": {**feature["properties"], "requests": requests}}


if __name__ == "__main__":
    main()
