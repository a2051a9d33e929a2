// Every page by the checker of the W3C: what is valid looks alike in all browsers, and in those to come.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { PAGES } from "./every-page.mjs";
import { serve } from "./program.mjs";

const CHECKER = new URL("node_modules/vnu-jar/build/dist/vnu.jar", import.meta.url).pathname;

let server, folder;
before(async () => {
  server = await serve();
  folder = await mkdtemp(join(tmpdir(), "pages-"));
});
after(async () => {
  await server?.stop();
  await rm(folder, { recursive: true });
});

/** What the checker says about files, errors and warnings alike. */
async function check(files) {
  const options = ["--format", "json", "--stdout", "--exit-zero-always", "--also-check-svg"];
  const { stdout } = await promisify(execFile)("java", ["-jar", CHECKER, ...options, ...files], { maxBuffer: 1 << 26 });
  return JSON.parse(stdout).messages.map(({ url, lastLine, message }) => `${url.split("/").pop()}:${lastLine}: ${message}`);
}

test("every page is valid HTML, and the picture of the map valid SVG", async () => {
  const files = [];
  for (const [n, path] of [...PAGES, "/map.svg?geo=fsa"].entries()) {
    const name = `${n}-${path.replaceAll(/[^a-z0-9]+/gi, "-")}${path.includes(".svg") ? ".svg" : ".html"}`;
    files.push(join(folder, name));
    await writeFile(files.at(-1), await (await fetch(server.base + path)).text());
  }
  assert.deepEqual(await check(files), []);
});

test("the checker finds what is wrong", async () => {
  const file = join(folder, "wrong.html");
  await writeFile(file, "<!doctype html><html lang=en><title>x</title><p id=a><p id=a>");
  assert.match((await check([file])).join(), /Duplicate ID/);
});
