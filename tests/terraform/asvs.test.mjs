// The table of security requirements names tests that there are.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { text } from "./configuration.mjs";

const ROOT = new URL("../../", import.meta.url);

/** The names of all tests: functions in Rust, titles in JavaScript. */
async function tests() {
  const found = new Set();
  for (const folder of ["src/", "tests/"]) {
    for (const path of await readdir(new URL(folder, ROOT), { recursive: true })) {
      if (/node_modules|fuzz/.test(path) || !/\.(rs|mjs)$/.test(path)) continue;
      const code = await readFile(new URL(folder + path, ROOT), "utf8");
      const names = path.endsWith(".rs") ? /#\[(?:tokio::)?test[\]()\w\s=,"#[]*?\](?:\s*#\[[^\]]*\])*\s*(?:async )?fn (\w+)/g : /\btest\("([^"]+)"/g;
      for (const [, name] of code.matchAll(names)) found.add(name);
    }
  }
  return found;
}

const rows = (await text("asvs.md")).split("\n").filter((line) => /^\| \d/.test(line)).map((line) => line.split(" | "));

test("each of the 118 requirements has a test that there is, or a reason", async () => {
  const known = await tests();
  assert.ok(known.size > 300, `${known.size} tests`);
  assert.equal(new Set(rows.map(([id]) => id)).size, 118);
  for (const [id, , shown] of rows) {
    if (shown.startsWith("Reason: ")) continue;
    const names = [...shown.matchAll(/`(\w+)`|"([^"]+)"/g)].map(([, rust, title]) => rust ?? title);
    assert.ok(names.length > 0, id);
    for (const name of names) assert.ok(known.has(name), `${id} names ${name}`);
  }
});

test("most requirements are shown by a test", () => {
  const reasons = rows.filter(([, , shown]) => shown.startsWith("Reason: "));
  assert.ok(reasons.length <= 20, `${reasons.length} have a reason only`);
});
