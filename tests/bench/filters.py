"""Filters drawn by chance, none of them twice: what a visitor may choose beside the map."""

import json
import random
import urllib.request
from pathlib import Path

from load import Queries

SEED = 311
# A visitor chooses among the types that there are many requests of; the list is long, and most of it is rare.
FREQUENT = 100
MEASURES = ["per_1000", "count", "per_km2", "share"]
STATUSES = ["", "completed", "closed", "cancelled", "in_progress", "new", "initiated", "unknown"]


class Filters:
    """Of the release that a server has: any type, status, measure and range of months with 25 wards."""

    def __init__(self, base: str):
        by_requests = sorted(rows(base, "types"), key=lambda row: -row["requests"])
        self.types = [row["id"] for row in by_requests]
        self.months = [row["month"] for row in rows(base, "months") if row["ward_model"] == "25" and row["complete"]]
        self.chance = random.Random(SEED)
        self.drawn: set[str] = set()

    def draw(self, geography: str, types: list[str]) -> str:
        while True:
            first, last = sorted(self.chance.sample(self.months, 2))
            status, measure = self.chance.choice(STATUSES), self.chance.choice(MEASURES)
            query = f"geo={geography}&type={self.chance.choice(types)}&from={first}&to={last}"
            query += f"&status={status}" if status else ""
            query += f"&measure={measure}"
            if query not in self.drawn:
                self.drawn.add(query)
                return query

    def of_any_type(self, geography: str, count: int) -> list[str]:
        return [self.draw(geography, self.types) for _ in range(count)]

    def frequent(self, geography: str, count: int) -> list[str]:
        return [self.draw(geography, self.types[:FREQUENT]) for _ in range(count)]

    def file(self, folder: Path, geography: str, count: int) -> Queries:
        file = folder / f"{len(self.drawn)}.txt"
        file.write_text("\n".join(self.frequent(geography, count)) + "\n")
        return Queries(file, count)


def rows(base: str, resource: str) -> list[dict]:
    with urllib.request.urlopen(f"{base}/api/v1/{resource}") as answer:
        return json.load(answer)["rows"]
