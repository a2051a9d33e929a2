// The committed areas, by programs that share no code with ours: mapshaper simplifies the same borders to the same
// size, and TopoJSON's own client reads our topologies.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import mapshaper from "mapshaper";
import { feature } from "topojson-client";

const ROOT = new URL("../../", import.meta.url).pathname;
const PROGRAM = process.env.TORONTO311 ?? join(ROOT, "target/debug/toronto311");
const DATA = join(ROOT, "../shared/data");
const SETS = ["wards", "wards-44", "fsas"];
const METHODS = ["dp", "visvalingam", "weighted"];

const read = async (folder, file) => JSON.parse(await readFile(join(folder, file)));
const committed = (file) => read(join(ROOT, "geo"), file);

const polygons = ({ type, coordinates }) => (type === "Polygon" ? [coordinates] : coordinates);
const size = (collection) => JSON.stringify(collection.features.map(({ geometry }) => geometry.coordinates)).length;

// Ours are in metres already, near enough anywhere in the city.
const metres = ([lon, lat]) => [(lon + 79.4) * 80_609, (lat - 43.7) * 111_106];
const rings = (geometry) => polygons(geometry).flat().map((ring) => ring.map(metres));

function distance([px, py], [ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const t = Math.max(0, Math.min(1, ((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(px - ax - t * dx, py - ay - t * dy);
}

/** Metres from the point of one border that is farthest from another. */
function farthest(from, to) {
  let most = 0;
  for (const point of from.flat()) {
    let nearest = Infinity;
    for (const ring of to) {
      for (let i = 1; i < ring.length; i++) nearest = Math.min(nearest, distance(point, ring[i - 1], ring[i]));
    }
    most = Math.max(most, nearest);
  }
  return most;
}

/** Metres between the borders of all areas, both ways: their Hausdorff distance, measured at their points. */
function deviation(full, simplified) {
  const by = new Map(simplified.features.map(({ properties, geometry }) => [properties.code, rings(geometry)]));
  return Math.max(...full.features.map(({ properties, geometry }) => {
    const [source, drawn] = [rings(geometry), by.get(properties.code)];
    return drawn ? Math.max(farthest(source, drawn), farthest(drawn, source)) : Infinity;
  }));
}

/** What mapshaper makes of borders within a number of bytes, as fine as it gets. */
async function simplified(full, method, budget) {
  let [low, high, best] = [0, 1, null];
  for (let round = 0; round < 13; round++) {
    const part = (low + high) / 2;
    const command = `-i full.json -simplify ${method} percentage=${part} keep-shapes -o out.json precision=0.00001`;
    const { "out.json": out } = await mapshaper.applyCommands(command, { "full.json": JSON.stringify(full) });
    const made = JSON.parse(out);
    if (size(made) <= budget) [low, best] = [part, made];
    else high = part;
  }
  return best;
}

const missing = existsSync(DATA) ? false : "needs ../shared";

test("at the same size no border is farther from its source than by mapshaper", { skip: missing }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "geo-"));
  t.after(() => rm(folder, { recursive: true }));
  const sources = {
    wards: "geo/city-wards-25.ckan.geojson",
    "wards-44": "geo/wards-44.icitw_wgs84.geojson",
    fsas: "geo/toronto_fsa_2016.geojson",
    "ward-population": "census/ward_population_2021.csv",
    "fsa-population": "census/fsa_population.csv",
  };
  const flags = Object.entries(sources).flatMap(([flag, file]) => [`--${flag}`, join(DATA, file)]);
  execFileSync(PROGRAM, ["boundaries", "build", ...flags, "--tolerance", "0", "--out", folder]);
  for (const set of SETS) {
    const [full, ours] = [await read(folder, `${set}.geojson`), await committed(`${set}.geojson`)];
    const [bytes, metres] = [size(ours), deviation(full, ours)];
    t.diagnostic(`${set}: ours ${bytes} bytes, ${metres.toFixed(1)} m`);
    for (const method of METHODS) {
      const theirs = await simplified(full, method, bytes);
      const farther = deviation(full, theirs);
      t.diagnostic(`${set}: mapshaper ${method} ${size(theirs)} bytes, ${farther.toFixed(1)} m`);
      assert.ok(metres <= farther, `${set}: ${metres} m, and ${farther} m by ${method}`);
    }
  }
});

/** Rings from their smallest point, as whole steps of the grid. */
function steps(geometry) {
  const whole = (ring) => ring.slice(1).map((position) => position.map((degrees) => Math.round(degrees * 1e5)));
  const before = (p, q) => (p[0] - q[0] || p[1] - q[1]) < 0;
  const first = (ring) => ring.reduce((best, at, i) => (before(at, ring[best]) ? i : best), 0);
  const turned = (ring) => [...ring.slice(first(ring)), ...ring.slice(0, first(ring))];
  return polygons(geometry).map((polygon) => polygon.map(whole).map(turned));
}

test("TopoJSON's own client finds the polygons of the GeoJSON in the topologies", async () => {
  for (const set of SETS) {
    const [topology, collection] = [await committed(`${set}.topojson`), await committed(`${set}.geojson`)];
    const read = feature(topology, topology.objects[set]);
    const said = ({ features }) => features.map(({ id, properties }) => [id, properties]);
    assert.deepEqual(said(read), said(collection));
    for (const [i, { geometry }] of read.features.entries()) {
      assert.deepEqual(steps(geometry), steps(collection.features[i].geometry), `${set} ${read.features[i].id}`);
    }
  }
});
