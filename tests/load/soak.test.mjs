// 200 requests a second while one release follows the other: none fails, none mixes two releases, and nothing grows.
import assert from "node:assert/strict";
import { test } from "node:test";
import { p99, sleep, start } from "./program.mjs";

const SECONDS = Number(process.env.SOAK_SECONDS ?? 30);
const REFRESH_EVERY = Number(process.env.SOAK_REFRESH_SECONDS ?? 5);
/** Requests at a time: where the machine is too slow for the rate, it is lower, rather than the queue longer. */
const AT_ONCE = 32;
const PATHS = ["/api/v1/counts", "/api/v1/counts?geo=fsa", "/api/v1/choropleth", "/", "/?geo=fsa", "/api/v1/types", "/status", "/metrics", "/api/v1/counts?type=noise", "/api/v1/freshness"];

test(`${SECONDS} seconds of requests and refreshes`, { timeout: (SECONDS + 120) * 1000 }, async () => {
  const server = await start(6000);
  const failures = [], samples = [], times = [], totals = new Map();
  let sent = 0, publications = 0;
  const ask = async (path) => {
    const began = performance.now();
    try {
      const answer = await fetch(server.base + path);
      const body = await answer.text();
      times.push(performance.now() - began);
      if (answer.status !== 200) failures.push(`${path}: ${answer.status}`);
      // All months of all areas, so that an answer of two releases would have a total that neither has.
      if (path === "/api/v1/counts") {
        const { release, total } = JSON.parse(body);
        if ((totals.get(release) ?? total) !== total) failures.push(`${release} has ${totals.get(release)} and ${total}`);
        totals.set(release, total);
      }
    } catch (error) {
      failures.push(`${path}: ${error.cause?.message ?? error.message}`);
    }
  };
  const until = performance.now() + SECONDS * 1000;
  const load = (async () => {
    const began = performance.now();
    const open = new Set();
    while (performance.now() < until) {
      for (; open.size < AT_ONCE && sent < ((performance.now() - began) / 1000) * 200; sent += 1) {
        const asked = ask(PATHS[sent % PATHS.length]).finally(() => open.delete(asked));
        open.add(asked);
      }
      await sleep(10);
    }
    await Promise.all(open);
  })();
  const refreshes = (async () => {
    for (let rows = 6010; performance.now() < until; rows += 10) {
      await server.publish(rows > 6600 ? (rows = 6000) : rows);
      publications += 1;
      await sleep(REFRESH_EVERY * 1000);
    }
  })();
  const watch = (async () => {
    for (; performance.now() < until; await sleep(250)) samples.push(await server.usage());
  })();
  await Promise.all([load, refreshes, watch]);

  // The first third warms up; after it, what is taken in the last third must not be more than in the second.
  const third = Math.floor(samples.length / 3);
  const most = (what, from) => Math.max(...samples.slice(from, from + third).map((sample) => sample[what]));
  const [mb, mbLater, files, filesLater] = [most("mb", third), most("mb", 2 * third), most("files", third), most("files", 2 * third)];
  console.log(`${sent} requests, ${(sent / SECONDS).toFixed(0)} a second, ${failures.length} failed, p99 ${p99(times).toFixed(1)} ms, ${publications} publications, ${mb.toFixed(1)} then ${mbLater.toFixed(1)} MB, ${files} then ${filesLater} files`);
  assert.deepEqual(failures.slice(0, 10), []);
  assert.ok(totals.size > 1, "more than one release was served");
  assert.ok(mbLater <= mb * 1.05 + 16, `${mb} MB became ${mbLater}`);
  assert.ok(filesLater <= files + 32, `${files} files became ${filesLater}`);
  assert.equal(await server.stop(), 0);
});
