// What the map costs a browser, on LAKE or the demo: bytes on the wire, the time to a repaint, and memory that stays.
//
// Bytes are counted by Chromium, as they come, compressed and with their headers; the cache is empty at first, and what
// it has later does not count. A change is a choice in the form, to a view that was not there before. It is over when
// its frame has been drawn: the first task after the animation frame that follows the last change to the page. Memory
// is what is left after garbage is collected. Rows of JSON, as of the benchmarks in tests/bench.
import { launch, open, serve } from "./program.mjs";

const PARTS = { Document: "HTML", Stylesheet: "CSS", Script: "JavaScript", Fetch: "data", XHR: "data" };
const SLOWER = 4;
const CHANGES = 30;
const MANY = 200;
const FILTER_TARGETS = { ward: "<= 1", fsa: "<= 3" };
const WORDS = { ward: "wards", fsa: "FSAs" };

const server = await serve(process.env.LAKE, { keep: Boolean(process.env.LAKE) });
const browser = await launch();
const { rows } = await (await fetch(`${server.base}/api/v1/months`)).json();
// The latest with the same wards, so that a change never needs other shapes.
const months = rows.filter((row) => row.ward_model === "25" && row.complete).map((row) => row.month).slice(-100);
for (const geo of ["ward", "fsa"]) {
  await firstLoad(geo);
  await filterChanges(geo);
  await repaints(geo);
  await memory(geo);
}
await browser.close();
await server.stop();

async function firstLoad(geo) {
  const { received, close } = await visit(geo);
  const sum = (parts) => kb(parts.reduce((bytes, part) => bytes + part.bytes, 0));
  for (const name of new Set(received.map(({ part }) => part))) {
    const parts = received.filter(({ part }) => part === name);
    report(`first load of ${WORDS[geo]}: ${name}`, "KB", sum(parts), name === "JavaScript" ? "<= 55" : null);
  }
  report(`first load of ${WORDS[geo]}: all`, "KB", sum(received), "<= 90");
  report(`first load of ${WORDS[geo]}: all`, "requests", received.length);
  await close();
}

async function filterChanges(geo) {
  const { page, received, close } = await visit(geo);
  received.length = 0;
  for (const month of months.slice(0, CHANGES)) await change(page, "from", month);
  const bytes = received.map((answer) => answer.bytes);
  report(`a further filter of ${WORDS[geo]}`, "KB", kb(median(bytes)), FILTER_TARGETS[geo]);
  report(`a further filter of ${WORDS[geo]}: its body`, "KB", kb(median(received.map((answer) => answer.body))));
  report(`a further filter of ${WORDS[geo]}`, "requests", round(received.length / CHANGES, 2));
  await close();
}

async function repaints(geo) {
  for (const rate of [1, SLOWER]) {
    const { page, devtools, close } = await visit(geo);
    await devtools.send("Emulation.setCPUThrottlingRate", { rate });
    const times = [];
    for (const month of months.slice(0, CHANGES)) times.push(await change(page, "from", month));
    const what = `from a choice of ${WORDS[geo]} to its frame, CPU ${rate === 1 ? "as it is" : `${rate} times slower`}`;
    report(what, "ms", round(median(times.map(({ whole }) => whole))), rate === SLOWER ? "<= 50" : null);
    report(`${what}: until the answer is there`, "ms", round(median(times.map(({ answered }) => answered))));
    await close();
  }
}

async function memory(geo) {
  const { page, devtools, close } = await visit(geo);
  const changes = async () => {
    for (let n = 0; n < MANY; n += 1) await change(page, ...nth(n));
    await change(page, "measure", "per_1000");
    await change(page, "status", "");
    await change(page, "from", months[CHANGES - 1]);
    return used(devtools);
  };
  for (const month of months.slice(0, CHANGES)) await change(page, "from", month);
  // The first round has in it what is made once, most of it code that the browser compiles as it is used more.
  const [before, after, later] = [await used(devtools), await changes(), await changes()];
  for (const [name, unit] of [["JavaScript heap", "KB"], ["DOM nodes", "nodes"]]) {
    const what = `${name} after ${MANY} changes of ${WORDS[geo]}`;
    report(what, unit, unit === "KB" ? kb(after[name]) : after[name]);
    report(what, "times that before", round(after[name] / before[name], 3), "<= 1.02");
    report(`${what}, and as many more`, "times that before", round(later[name] / after[name], 3), "<= 1.02");
  }
  await close();
}

/** A change of the n-th kind, by turns, to another value than it has. */
function nth(n) {
  const turn = Math.floor(n / 3);
  const measures = ["count", "per_km2", "share", "per_1000"];
  const statuses = ["completed", "closed", ""];
  const kinds = [["from", months[turn % months.length]], ["measure", measures[turn % 4]], ["status", statuses[turn % 3]]];
  return kinds[n % 3];
}

/** The map in a browser that has never seen it, and what it receives. */
async function visit(geo) {
  const { page } = await open(browser, server.base, "about:blank");
  const devtools = await page.context().newCDPSession(page);
  const received = await listen(devtools);
  await page.goto(`/?geo=${geo}`, { waitUntil: "networkidle" });
  return { page, devtools, received, close: () => page.context().close() };
}

async function listen(devtools) {
  const [received, begun] = [[], new Map()];
  devtools.on("Network.responseReceived", ({ requestId, type, response }) => {
    if (response.fromDiskCache) return;
    begun.set(requestId, { part: PARTS[type] ?? "other", headers: response.encodedDataLength });
  });
  devtools.on("Network.loadingFinished", ({ requestId, encodedDataLength: bytes }) => {
    const answer = begun.get(requestId);
    if (answer) received.push({ part: answer.part, bytes, body: bytes - answer.headers });
  });
  await devtools.send("Network.enable");
  return received;
}

/** Chooses in the form; milliseconds until the answer was there, and until it was drawn. */
function change(page, name, value) {
  const inPage = async ([name, value]) => {
    const view = document.getElementById("view");
    const painted = new Promise((resolve) => {
      const observer = new MutationObserver(() => view.hasAttribute("aria-busy") || resolve(observer.disconnect()));
      observer.observe(view, { attributeFilter: ["aria-busy"] });
    });
    const select = document.getElementById("filters").elements[name];
    select.value = value;
    const began = performance.now();
    select.dispatchEvent(new Event("change", { bubbles: true }));
    await painted;
    await new Promise(requestAnimationFrame);
    await new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => resolve(port1.close());
      port2.postMessage(0);
    });
    const whole = performance.now() - began;
    const answered = performance.getEntriesByType("resource").at(-1).responseEnd - began;
    performance.clearResourceTimings();
    return { whole, answered };
  };
  return page.evaluate(inPage, [name, value]);
}

/** What is in use after all garbage is collected. */
async function used(devtools) {
  await devtools.send("HeapProfiler.collectGarbage");
  const { usedSize } = await devtools.send("Runtime.getHeapUsage");
  const { nodes } = await devtools.send("Memory.getDOMCounters");
  return { "JavaScript heap": usedSize, "DOM nodes": nodes };
}

function report(what, unit, ours, target = null) {
  console.log(JSON.stringify({ part: "browser", what, unit, ours, against: null, theirs: null, ratio: null, target }));
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function kb(bytes) {
  return round(bytes / 1000, 2);
}

function round(value, digits = 1) {
  return Number(value.toFixed(digits));
}
