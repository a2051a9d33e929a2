// The map as a person uses it.
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

const api = async (path) => (await fetch(server.base + path)).json();
const wardNames = (page) => page.locator("#table tbody th").allTextContents();
/** Number cells of an area's row, as numbers. */
const numbers = async (page, code) =>
  (await page.locator(`#row-${code} td.n`).allTextContents()).map((text) => Number(text.replaceAll(",", "")));
const choose = async (page, name, value) => {
  const answered = page.waitForResponse((response) => response.url().includes("/values?"));
  await page.selectOption(`select[name=${name}]`, value);
  await answered;
  await page.waitForFunction(() => !document.querySelector("[aria-busy]"));
};

/** The table has the requests that the API has, for every area. */
async function agrees(page, query) {
  const { rows } = await api(`/api/v1/counts?${query}`);
  assert.equal(await page.locator("#table tbody tr").count(), rows.length);
  for (const row of rows) assert.equal((await numbers(page, row.area)).at(-1), row.requests, `${query} ${row.area}`);
}

test("the wards are drawn, coloured and listed", async () => {
  const { page, complaints } = await open(browser, server.base, "/");
  assert.equal(await page.locator(".leaflet-overlay-pane .areas path").count(), 25);
  assert.ok((await page.locator(".areas path[class^=c]").count()) > 20);
  for (const path of await page.locator(".areas path").all()) {
    const box = await path.boundingBox();
    assert.ok(box.width > 10 && box.height > 10);
  }
  assert.ok((await wardNames(page)).includes("13 Toronto Centre"));
  assert.match(await page.locator(".notice").textContent(), /Demo data/);
  await agrees(page, "");
  assert.deepEqual(complaints, []);
});

test("a type and a month are chosen without leaving the page, and Back returns", async () => {
  const { page, complaints } = await open(browser, server.base, "/");
  await page.evaluate(() => (window.same = true));
  await page.getByRole("combobox", { name: "Request type" }).fill("road - pot hole");
  await page.locator("#type-list [role=option]").filter({ hasText: /^Road - Pot hole/ }).click();
  await page.waitForURL(/type=road-pot-hole/);
  await choose(page, "from", "2024-03");
  assert.equal(new URL(page.url()).search, "?type=road-pot-hole&month=2024-03");
  assert.equal(await page.locator("h1").textContent(), "Road - Pot hole");
  assert.match(await page.title(), /March 2024/);
  await agrees(page, "type=road-pot-hole&month=2024-03");
  await page.goBack();
  await page.waitForFunction(() => document.title.includes("December 2025"));
  assert.equal(await page.inputValue("select[name=from]"), "2025-12");
  assert.ok(await page.evaluate(() => window.same));
  assert.deepEqual(complaints, []);
});

test("the tooltip says what the API says", async () => {
  const { page } = await open(browser, server.base, "/?type=road-pot-hole&from=2023-01&to=2024-10");
  const { rows } = await api("/api/v1/counts?type=road-pot-hole&from=2023-01&to=2024-10");
  const row = rows.find((row) => row.area === "16");
  const text = await page.locator(".numbers text", { hasText: /^16$/ }).boundingBox();
  await page.mouse.move(text.x + text.width / 2, text.y + text.height / 2);
  const tooltip = await page.locator(".leaflet-tooltip").innerText();
  assert.match(tooltip, /16 Don Valley East/);
  assert.ok(tooltip.includes(`Requests: ${row.requests}`), tooltip);
  assert.ok(tooltip.includes(`Rank ${row.rank} of 25`), tooltip);
  assert.ok(tooltip.includes(`Per 1,000: ${row.value.toFixed(2)}`), tooltip);
  assert.match(await page.locator("#row-16").getAttribute("class"), /active/);
});

test("postal areas are one choice away", async () => {
  const { page, complaints } = await open(browser, server.base, "/?month=2024-07");
  await choose(page, "geo", "fsa");
  assert.equal(new URL(page.url()).search, "?geo=fsa&month=2024-07");
  assert.equal(await page.locator(".areas path").count(), 96);
  await agrees(page, "geo=fsa&month=2024-07");
  assert.deepEqual(complaints, []);
});

test("without JavaScript the map is drawn and the form works", async () => {
  const { page } = await open(browser, server.base, "/", { javaScriptEnabled: false });
  assert.equal(await page.locator(".areas path").count(), 25);
  await page.selectOption("select[name=type]", "road-pot-hole");
  await page.selectOption("select[name=from]", "2024-01");
  await page.getByRole("button", { name: "Show" }).click();
  assert.equal(new URL(page.url()).search, "?type=road-pot-hole&from=2024-01&to=2025-12");
  await agrees(page, "type=road-pot-hole&from=2024-01&to=2025-12");
});

test("on a phone the arrow keys leave the map where it is, and the tooltip is whole", async () => {
  const { page } = await open(browser, server.base, "/", { viewport: { width: 390, height: 844 } });
  const map = page.locator("#map");
  await page.locator("#map svg[role=application]").focus();
  await page.keyboard.press("End");
  const { y, height } = await map.boundingBox();
  assert.ok(y + height > 0 && y < 844, `the map is at ${y}`);
  const box = await page.locator("#area-25").boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + 8);
  const [tooltip, around] = [await page.locator(".leaflet-tooltip").boundingBox(), await map.boundingBox()];
  assert.ok(tooltip.y >= around.y, `cut off at ${tooltip.y} by ${around.y}`);
});

test("on a phone nothing is wider than the screen, and a tap names an area", async () => {
  const { page, complaints } = await open(browser, server.base, "/?geo=fsa", {
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
  });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
  await page.locator("#map").scrollIntoViewIfNeeded();
  const area = await page.locator("#area-M4C").boundingBox();
  await page.touchscreen.tap(area.x + area.width / 2, area.y + area.height / 2);
  assert.match(await page.locator(".leaflet-tooltip").innerText(), /M4C/);
  assert.deepEqual(complaints, []);
});
