// Scores of the pages that most people meet, as Lighthouse sees them on a slow phone: `make lighthouse`. The medians of
// ROUNDS; a score below what is promised ends with 1. LAKE is served, or the demo. With ROWS, figures alone, each a row of
// JSON, as of the benchmarks in tests/bench.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import * as chromeLauncher from "chrome-launcher";
import lighthouse from "lighthouse";

const PROGRAM = process.env.TORONTO311 ?? new URL("../../target/release/toronto311", import.meta.url).pathname;
const PAGES = (process.env.PAGES ?? "/ /wards/13-toronto-centre /types/road-pothole-road-damage /data").split(" ");
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const SCORES = { performance: 98, accessibility: 100, "best-practices": 100, seo: 100 };
const FIGURES = [
  { name: "LCP", unit: "ms", audit: "largest-contentful-paint", target: "<= 1200" },
  { name: "TBT", unit: "ms", audit: "total-blocking-time", target: "<= 30" },
  { name: "CLS", unit: "", audit: "cumulative-layout-shift", target: "<= 0.01" },
  { name: "FCP", unit: "ms", audit: "first-contentful-paint", target: null },
  { name: "weight", unit: "bytes", audit: "total-byte-weight", target: null },
];

const lake = process.env.LAKE ?? (await mkdtemp(join(tmpdir(), "lake-")));
const server = spawn(PROGRAM, ["serve", "--refresh", "off", "--port", "0", "--lake", lake], { stdio: ["ignore", "ignore", "pipe"] });
const port = await new Promise((resolve) => {
  createInterface({ input: server.stderr }).on("line", (line) => line.startsWith("{") && JSON.parse(line).port && resolve(JSON.parse(line).port));
});
const base = `http://127.0.0.1:${port}`;
while (!(await fetch(`${base}/health/ready`)).ok) await new Promise((resolve) => setTimeout(resolve, 50));
const chrome = await chromeLauncher.launch({ chromePath: process.env.CHROMIUM ?? "/usr/bin/chromium", chromeFlags: ["--headless=new", "--no-sandbox"] });

let missed = 0;
for (const path of PAGES) {
  const runs = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { lhr } = await lighthouse(base + path, { port: chrome.port, logLevel: "error" });
    runs.push(lhr);
  }
  const median = (figure) => runs.map(figure).toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)];
  const scores = Object.keys(SCORES).map((category) => Math.round(median(({ categories }) => categories[category].score) * 100));
  missed += scores.filter((score, n) => score < Object.values(SCORES)[n]).length;
  const figures = FIGURES.map((figure) => ({ ...figure, ours: Number(median(({ audits }) => audits[figure.audit].numericValue).toFixed(figure.unit ? 0 : 3)) }));
  if (process.env.ROWS) reportRows(path, figures);
  else reportLines(path, scores, figures, runs[0]);
}
chrome.kill();
server.kill();
if (!process.env.LAKE) await rm(lake, { recursive: true });
process.exitCode = missed > 0 && !process.env.ROWS ? 1 : 0;

function reportRows(path, figures) {
  for (const { name, unit, ours, target } of figures) {
    console.log(JSON.stringify({ part: "browser", what: `${name} of ${path} on a slow phone`, unit, ours, against: null, theirs: null, ratio: null, target }));
  }
}

function reportLines(path, scores, figures, { categories, audits }) {
  console.log(`${path}: ${scores.join("/")}; ${figures.map(({ name, unit, ours }) => `${name} ${ours} ${unit}`.trim()).join(", ")}`);
  const lost = Object.values(categories).flatMap(({ auditRefs }) => auditRefs).filter(({ weight }) => weight > 0).map(({ id }) => audits[id]);
  for (const { id, score, displayValue } of lost.filter((audit) => audit.score !== null && audit.score < 0.99)) {
    console.log(`  ${id}: ${score} ${displayValue ?? ""}`);
  }
}
