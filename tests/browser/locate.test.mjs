// "Find my ward": the browser's position is a mock, everything else is real.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, serve } from "./program.mjs";

let server, browser;
before(async () => {
  server = await serve();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

const DON_VALLEY_EAST = { latitude: 43.7342, longitude: -79.3364, accuracy: 20 };
const AIRPORT = { latitude: 43.6777, longitude: -79.6248 };
const at = (geolocation) => ({ geolocation, permissions: ["geolocation"] });

/** Presses the button and returns what is said, to those who see it and to those who hear it. */
async function find(page, name) {
  await page.getByRole("button", { name }).click();
  const sentence = page.locator(".found");
  await sentence.waitFor();
  assert.equal(await page.locator("#said").textContent(), await sentence.textContent());
  return sentence.textContent();
}

test("the ward one is in is marked, shown and said", async () => {
  const { page, complaints } = await open(browser, server.base, "/?type=road-pot-hole&month=2024-03", at(DON_VALLEY_EAST));
  const before = await page.locator("#area-16").boundingBox();
  const said = await find(page, "Find my ward");
  assert.match(said, /^You are in ward 16 Don Valley East\. Per 1,000: [\d.]+\. Requests: [\d,]+\. (Rank \d+ of 2\d|Not ranked)\.$/);
  assert.match(await page.locator("#area-16").getAttribute("class"), /active/);
  assert.match(await page.locator("#row-16").getAttribute("class"), /active/);
  await page.waitForFunction(() => !document.querySelector(".leaflet-zoom-anim"));
  const [area, map] = [await page.locator("#area-16").boundingBox(), await page.locator("#map").boundingBox()];
  assert.ok(area.width > 1.5 * before.width);
  assert.ok(area.x >= map.x && area.x + area.width <= map.x + map.width, "the whole ward is in sight");
  assert.ok(area.y >= map.y && area.y + area.height <= map.y + map.height, "the whole ward is in sight");
  assert.ok((await page.locator(".leaflet-marker-pane svg").boundingBox()).width > 100, "the place is drawn");
  const here = await page.locator(".here").boundingBox();
  assert.ok(here.x > area.x && here.x < area.x + area.width && here.y > area.y && here.y < area.y + area.height);
  assert.deepEqual(complaints, []);
});

test("with postal areas it is the postal area", async () => {
  const { page } = await open(browser, server.base, "/?geo=fsa", at(DON_VALLEY_EAST));
  assert.match(await find(page, "Find my postal area"), /^You are in postal area M3C\./);
  assert.match(await page.locator("#area-M3C").getAttribute("class"), /active/);
});

test("nobody is asked for their position before the button is pressed", async () => {
  const context = await browser.newContext({ baseURL: server.base, ...at(DON_VALLEY_EAST) });
  await context.addInitScript(() => {
    window.asked = 0;
    const ask = navigator.geolocation.getCurrentPosition.bind(navigator.geolocation);
    navigator.geolocation.getCurrentPosition = (...callbacks) => (window.asked++, ask(...callbacks));
  });
  const page = await context.newPage();
  await page.goto("/");
  await page.getByRole("button", { name: "Find my ward" }).waitFor();
  assert.equal(await page.evaluate(() => window.asked), 0);
  await find(page, "Find my ward");
  assert.equal(await page.evaluate(() => window.asked), 1);
});

test("outside the city is said so, and nothing is marked", async () => {
  const { page, complaints } = await open(browser, server.base, "/", at(AIRPORT));
  assert.equal(await find(page, "Find my ward"), "You are outside the City of Toronto.");
  assert.equal(await page.locator(".active").count(), 0);
  assert.deepEqual(complaints, []);
});

test("a refusal is accepted", async () => {
  const { page, complaints } = await open(browser, server.base, "/", { permissions: [] });
  assert.match(await find(page, "Find my ward"), /^Your browser keeps your position to itself\./);
  assert.deepEqual(complaints, []);
});

test("without JavaScript and where there is no position there is no button", async () => {
  const still = await open(browser, server.base, "/", { javaScriptEnabled: false });
  assert.equal(await still.page.getByText("Find my ward").count(), 0);
  const context = await browser.newContext({ baseURL: server.base });
  await context.addInitScript(() => Object.defineProperty(Navigator.prototype, "geolocation", { value: undefined }));
  const page = await context.newPage();
  await page.goto("/");
  await page.locator(".leaflet-control-zoom").waitFor();
  assert.equal(await page.getByText("Find my ward").count(), 0);
});

test("other pages may not ask for the position through ours", async () => {
  const { headers } = await fetch(`${server.base}/`);
  assert.match(headers.get("permissions-policy"), /geolocation=\(self\)/);
});
