"""The map by FastAPI and DuckDB: a query for each answer, on the Parquet file of counts as it lies.

`MART PORT`
"""

import json
import sys
from pathlib import Path

import duckdb
import orjson
import uvicorn
from fastapi import FastAPI, Query, Response

GEO = Path(__file__).resolve().parents[3] / "geo"
LAYERS = {"ward": "wards.geojson", "fsa": "fsas.geojson"}
FEATURES = {name: json.loads((GEO / file).read_text())["features"] for name, file in LAYERS.items()}
MART, PORT = sys.argv[1:]
QUERY = f"""
    SELECT area, sum(requests)::BIGINT FROM read_parquet('{MART}')
    WHERE geography = $geo AND request_type = $type AND month BETWEEN $first AND $last
      AND (geography = 'fsa' OR ward_model = '25') AND ($status = '' OR status = $status)
    GROUP BY area"""

app = FastAPI()
db = duckdb.connect(config={"threads": 2})


@app.get("/api/v1/choropleth")
def choropleth(type: str, first: str = Query(alias="from"), last: str = Query(alias="to"), geo: str = "ward", status: str = "") -> Response:
    values = {"geo": geo, "type": type, "first": first, "last": last, "status": status}
    counts = dict(db.cursor().execute(QUERY, values).fetchall())
    features = [with_count(feature, counts) for feature in FEATURES[geo]]
    return Response(orjson.dumps({"type": "FeatureCollection", "features": features}), media_type="application/geo+json")


def with_count(feature: dict, counts: dict[str, int]) -> dict:
    requests = counts.get(feature["properties"]["code"], 0)
    return {**feature, "properties": {**feature["properties"], "requests": requests}}


if __name__ == "__main__":
    uvicorn.run(app, port=int(PORT), log_level="warning", access_log=False)
