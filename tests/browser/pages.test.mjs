// Every page as people meet it: for all senses, on paper, in frames, and with links that lead somewhere.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { PAGES } from "./every-page.mjs";
import { launch, open, serve } from "./program.mjs";

let server, browser, axe;
before(async () => {
  server = await serve();
  browser = await launch();
  axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

for (const colorScheme of ["light", "dark"]) {
  for (const [device, options] of [["desktop", {}], ["phone", PHONE]]) {
    test(`axe finds nothing, ${colorScheme}, ${device}`, async () => {
      const { page, complaints } = await open(browser, server.base, "/", { colorScheme, bypassCSP: true, ...options });
      for (const path of PAGES) {
        await page.goto(path);
        await page.evaluate(axe);
        const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
        const { violations } = await page.evaluate((values) => globalThis.axe.run(document, { runOnly: { type: "tag", values } }), tags);
        const found = violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 200)).join(" | ")}`);
        assert.deepEqual(found, [], path);
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= (options.viewport?.width ?? 1440), `${path} is ${width} wide`);
      }
      assert.deepEqual(complaints.filter((text) => !text.includes("404")), []);
    });
  }
}

test("the open list of types and a map that is used by keyboard have nothing for axe either", async () => {
  const { page } = await open(browser, server.base, "/", { bypassCSP: true });
  await page.getByRole("combobox", { name: "Request type" }).click();
  await page.locator("#type-list [role=option]").first().waitFor();
  await page.keyboard.press("ArrowDown");
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document));
  assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`), []);
});

test("a monthly report is one printed page", async () => {
  const { page } = await open(browser, server.base, "/wards/13/2025-11");
  for (const format of ["Letter", "A4"]) {
    const pdf = (await page.pdf({ format, preferCSSPageSize: false })).toString("latin1");
    assert.equal(pdf.match(/\/Type\s*\/Page\b/g).length, 1, format);
  }
});

test("the map is shown in a frame on another origin", async () => {
  const host = createServer((_, response) => {
    response.setHeader("content-type", "text/html");
    response.end(`<!doctype html><title>a host</title><iframe src="${server.base}/embed?geo=fsa" width="600" height="500"></iframe>`);
  });
  await new Promise((listening) => host.listen(0, "localhost", listening));
  const page = await (await browser.newContext()).newPage();
  await page.goto(`http://localhost:${host.address().port}/`);
  const frame = page.frameLocator("iframe");
  await frame.locator(".areas path").first().waitFor();
  assert.equal(await frame.locator(".areas path").count(), 96);
  assert.match(await frame.locator("h1").innerText(), /All 311 requests/);
  host.close();
});

test("the snippet follows the view and shows it", async () => {
  const { page } = await open(browser, server.base, "/");
  await page.selectOption("select[name=measure]", "count");
  await page.waitForURL(/measure=count/);
  const snippet = await page.locator("#snippet").inputValue();
  const src = snippet.match(/src="([^"]+)"/)[1].replaceAll("&amp;", "&");
  assert.equal(src, `${server.base}/embed?measure=count`);
  await page.goto(src);
  assert.match(await page.locator(".legend").innerText(), /Count/);
});

test("every link of every page leads somewhere, and every picture is there", async () => {
  const context = await browser.newContext({ baseURL: server.base, javaScriptEnabled: false });
  const page = await context.newPage();
  const links = new Set();
  for (const path of PAGES.slice(0, -1)) {
    await page.goto(path);
    const found = await page.locator("a[href], link[href], img[src]").evaluateAll((elements) => elements.map((e) => e.href || e.src));
    found.filter((link) => link.startsWith("http")).forEach((link) => links.add(link.split("#")[0]));
  }
  assert.ok(links.size > 150, `${links.size} links`);
  for (const link of links) {
    assert.ok(link.startsWith(server.base), `${link} is elsewhere`);
    const { status } = await fetch(link);
    assert.equal(status, 200, link);
  }
});

test("without JavaScript the way from the map to a ward, its report and back is open", async () => {
  const { page } = await open(browser, server.base, "/", { javaScriptEnabled: false });
  await page.getByRole("link", { name: "13 Toronto Centre" }).click();
  assert.equal(new URL(page.url()).pathname, "/wards/13-toronto-centre");
  await page.locator(".reports a").first().click();
  assert.match(await page.locator("h1").innerText(), /Ward 13 Toronto Centre, December 2025/);
  await page.getByRole("searchbox").fill("M5V 3A8");
  await page.getByRole("button", { name: "Search" }).click();
  assert.equal(new URL(page.url()).pathname, "/fsas/M5V");
});

test("a first visit is at most 90 KB, 55 of them scripts", async () => {
  const { page } = await open(browser, server.base, "about:blank");
  const sizes = [];
  page.on("requestfinished", async (request) => sizes.push([request.resourceType(), (await request.sizes()).responseBodySize]));
  for (const path of ["/", "/?geo=fsa"]) {
    sizes.length = 0;
    await page.goto(path, { waitUntil: "networkidle" });
    const sum = (kind) => sizes.filter(([type]) => !kind || type === kind).reduce((all, [, bytes]) => all + bytes, 0);
    assert.ok(sum() <= 90_000 && sum("script") <= 55_000, `${path}: ${sum()} bytes, scripts ${sum("script")}`);
  }
});
