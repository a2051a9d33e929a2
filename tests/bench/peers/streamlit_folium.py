"""The page that one writes first: three choices, and folium's choropleth of them. At each choice, all of it is run.

`GEOGRAPHY MART AREAS`, as arguments of the process. The mart is kept between runs, in categories, with its shapes.
"""

import json
import sys
from pathlib import Path

import folium
import pandas as pd
import streamlit as st
import streamlit.components.v1 as components

GEOGRAPHY, MART, AREAS = sys.argv[1:]
COLUMNS = ["request_type", "month", "area", "status"]
STATUSES = ["", "completed", "closed", "cancelled", "in_progress", "new", "initiated", "unknown"]


@st.cache_resource
def counts() -> pd.DataFrame:
    rows = pd.read_parquet(MART, columns=["geography", *COLUMNS, "requests"]).dropna(subset="area")
    for name in COLUMNS:
        rows[name] = pd.Categorical(rows[name], categories=sorted(rows[name].unique()), ordered=True)
    return rows[rows["geography"] == GEOGRAPHY].drop(columns="geography")


@st.cache_resource
def areas() -> dict:
    return json.loads(Path(AREAS, f"{GEOGRAPHY}.geojson").read_text())


rows, shapes = counts(), areas()
request_type = st.selectbox("Type", rows["request_type"].cat.categories, key="type")
status = st.selectbox("Status", STATUSES, key="status")
months = list(rows["month"].cat.categories)
first, last = st.select_slider("Months", months, (months[0], months[-1]), key="months")

chosen = (rows["request_type"] == request_type) & (rows["month"] >= first) & (rows["month"] <= last)
if status:
    chosen &= rows["status"] == status
by_area = rows[chosen].groupby("area", observed=True)["requests"].sum().reset_index()

city = folium.Map(location=[43.72, -79.38], zoom_start=10)
folium.Choropleth(
    geo_data=shapes, data=by_area, columns=["area", "requests"], key_on="feature.id", fill_color="YlGnBu"
).add_to(city)
components.html(city.get_root().render(), height=500)
st.caption(f"{by_area['requests'].sum()} requests")
