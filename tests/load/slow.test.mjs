// Two thousand clients that take for ever, in three ways: everybody else is answered, and memory stays within bounds.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { p99, sleep, start } from "./program.mjs";

const SECONDS = process.env.SLOW_SECONDS ?? "15";
const CONNECTIONS = "2000";

/** slowhttptest's ways of being slow: heads that do not end, bodies that do not end, answers that are not read. */
const WAYS = {
  "slow heads": ["-H", "-i", "5", "-x", "24"],
  "slow bodies": ["-B", "-i", "5", "-x", "24", "-s", "8192"],
  "slow readers": ["-X", "-w", "512", "-y", "1024", "-n", "5", "-z", "32", "-k", "3"],
};

for (const [name, options] of Object.entries(WAYS)) {
  test(`with ${CONNECTIONS} ${name}, others are answered`, { timeout: 180_000 }, async () => {
    const server = await start(600);
    for (let n = 0; n < 200; n += 1) await (await fetch(`${server.base}/api/v1/choropleth`)).text();
    const before = await server.usage();
    const path = name === "slow readers" ? "/api/v1/choropleth?geo=fsa" : "/api/v1/counts";
    let attacked = false;
    const attack = promisify(execFile)("slowhttptest", ["-c", CONNECTIONS, "-r", "1000", "-l", SECONDS, "-p", "3", "-u", server.base + path, ...options], { maxBuffer: 1 << 28 }).catch((error) => error).finally(() => (attacked = true));
    const times = [];
    let most = before;
    while (!attacked) {
      const began = performance.now();
      // A connection of its own, as a new visitor has.
      const answer = await fetch(`${server.base}/api/v1/counts`, { headers: { connection: "close" } });
      assert.equal(answer.status, 200);
      await answer.text();
      times.push(performance.now() - began);
      const now = await server.usage();
      most = { mb: Math.max(most.mb, now.mb), files: Math.max(most.files, now.files) };
      await sleep(20);
    }
    const { stdout = "", stderr = "" } = await attack;
    assert.match(stdout + stderr, /slow HTTP test status/, "slowhttptest ran");
    console.log(`${name}: ${times.length} answered, p99 ${p99(times).toFixed(1)} ms, ${before.mb.toFixed(1)} MB, at most ${most.mb.toFixed(1)} MB and ${most.files} files`);
    assert.ok(most.mb <= before.mb + 64, `${before.mb} MB became ${most.mb}`);
    assert.equal(await server.stop(), 0);
  });
}
