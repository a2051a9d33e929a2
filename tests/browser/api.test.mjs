// The API as somebody else's page uses it: from another origin, by the example that is printed on the page at /api.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { launch, serve } from "./program.mjs";

const LEAFLET = new URL("../../static/node_modules/leaflet/dist/", import.meta.url);

let server, browser, elsewhere, origin, example;

before(async () => {
  [server, browser] = await Promise.all([serve(), launch()]);
  const page = await browser.newPage();
  await page.goto(`${server.base}/api`);
  example = (await page.textContent("#javascript code")).replaceAll("{origin}", server.base);
  await page.close();
  elsewhere = createServer(async (request, response) => {
    const file = request.url.slice(1);
    if (["leaflet.js", "leaflet.css"].includes(file)) {
      response.setHeader("content-type", file.endsWith("js") ? "text/javascript" : "text/css");
      return response.end(await readFile(new URL(file, LEAFLET)));
    }
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(`<!doctype html><link rel="icon" href="data:,"><link rel="stylesheet" href="/leaflet.css">
      <div id="map" style="height: 500px"></div><script src="/leaflet.js"></script><script type="module">${example}</script>`);
  });
  await new Promise((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
  origin = `http://localhost:${elsewhere.address().port}`;
});

after(async () => {
  elsewhere?.close();
  await browser?.close();
  await server?.stop();
});

test("the example draws a map on a page of another origin", async () => {
  const page = await browser.newPage();
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(origin);
  await page.waitForSelector("path.leaflet-interactive");
  const colours = await page.$$eval("path.leaflet-interactive", (paths) => paths.map((path) => path.getAttribute("fill")));
  assert.equal(colours.length, 25);
  assert.ok(new Set(colours).size > 2, `${new Set(colours)}`);
  await page.hover("path.leaflet-interactive >> nth=12");
  assert.match(await page.textContent(".leaflet-tooltip"), /^.+: \d+$/);
  assert.deepEqual(complaints, []);
  await page.close();
});

test("a page of another origin may send what it has and read what it needs", async () => {
  const page = await browser.newPage();
  await page.goto(`${origin}/leaflet.css`);
  const found = await page.evaluate(async (base) => {
    const first = await fetch(`${base}/api/v1/series?by=area&limit=10`);
    const [etag, link] = ["etag", "link"].map((name) => first.headers.get(name));
    const again = await fetch(`${base}/api/v1/series?by=area&limit=10`, { headers: { "If-None-Match": etag }, cache: "no-store" });
    const part = await fetch(`${base}/api/v1/downloads/request_types.parquet`, { headers: { Range: "bytes=0-3" } });
    const wrong = await fetch(`${base}/api/v1/counts?geo=parish`);
    const { errors } = await wrong.json();
    return { link, again: again.status, part: part.status, magic: await part.text(), range: part.headers.get("content-range"), errors };
  }, server.base);
  assert.match(found.link, /rel="next"/);
  assert.equal(found.again, 304);
  assert.deepEqual([found.part, found.magic], [206, "PAR1"]);
  assert.match(found.range, /^bytes 0-3\/\d+$/);
  assert.equal(found.errors[0].param, "geo");
  await page.close();
});
