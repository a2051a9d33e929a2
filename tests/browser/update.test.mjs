// Filters without leaving the page: only values travel, and the address can be shared, reloaded and gone back from.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { enhanced, launch, open, serve } from "./program.mjs";

let server, browser;
before(async () => {
  server = await serve();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Everything on the page that depends on the view. */
const picture = async (page) => {
  await enhanced(page);
  return page.evaluate(() => ({
    title: document.title,
    header: document.getElementById("header").innerText,
    legend: document.getElementById("legend").innerText,
    heads: [...document.querySelectorAll("#table thead th")].map((head) => head.textContent),
    rows: [...document.querySelectorAll("#table tbody tr")].map((row) => `${row.id}: ${[...row.cells].map((cell) => cell.textContent.trim()).join("\t")}`),
    colours: Object.fromEntries(
      [...document.querySelectorAll(".areas path")].map((path) => [path.id, getComputedStyle(path).fill]).sort(),
    ),
    form: Object.fromEntries(new FormData(document.getElementById("filters"))),
    bars: document.querySelector("#histogram .bars").getAttribute("d"),
    range: document.querySelector("#histogram .range").getAttribute("x"),
    links: [...document.querySelectorAll("a[data-path]")].map((link) => link.getAttribute("href")),
  }));
};

const settled = (page) => page.waitForFunction(() => !document.querySelector("[aria-busy]"));
const choose = async (page, name, value) => {
  const answered = page.waitForResponse((response) => response.url().includes("/values?"));
  await page.selectOption(`select[name=${name}]`, value);
  const response = await answered;
  await settled(page);
  return response;
};

/** Views by chance, the same in every run. */
function* views(many) {
  let state = 311;
  // The high bits of the usual linear generator: its low ones repeat after some steps.
  const any = (list) => list[Math.floor(((state = (state * 48271) % 2147483647) / 2147483647) * list.length)];
  const months = Array.from({ length: 24 }, (_, i) => `${2024 + Math.floor(i / 12)}-${String((i % 12) + 1).padStart(2, "0")}`);
  for (let i = 0; i < many; i++) {
    const [from, to] = [any(months), any(months)].sort();
    yield {
      geo: any(["ward", "ward", "fsa"]),
      type: any(["", "adequate-heat", "road-pothole-road-damage", "general-pruning"]),
      from,
      to,
      status: any(["", "", "closed", "completed"]),
      measure: any(["", "count", "per_km2", "share", "change"]),
      classes: any(["", "", "equal", "jenks"]),
    };
  }
}

test("each filter changes the values only, and what is painted is what the server draws", async () => {
  const { page, complaints } = await open(browser, server.base, "/");
  const types = await page.locator("select[name=type] option").evaluateAll((options) => options.map((o) => o.value));
  for (const [name, value] of [
    ["status", "closed"],
    ["measure", "change"],
    ["classes", "jenks"],
    ["from", "2024-03"],
    ["to", "2024-08"],
    ["measure", "count"],
  ]) {
    const response = await choose(page, name, value);
    const { responseBodySize } = await response.request().sizes();
    assert.ok(responseBodySize <= 1200, `${name}: ${responseBodySize} bytes`);
    const painted = await picture(page);
    await page.reload();
    assert.deepEqual(painted, await picture(page), `${name}=${value}`);
  }
  assert.ok(types.length > 10);
  assert.deepEqual(complaints, []);
});

test("fifty views by chance are the same painted, loaded, in the API", async () => {
  const { page, complaints } = await open(browser, server.base, "/");
  const loaded = await page.context().newPage();
  for (const view of views(50)) {
    const query = new URLSearchParams(Object.entries(view).filter(([, value]) => value));
    await page.evaluate((query) => {
      history.pushState(null, "", `/?${query}`);
      dispatchEvent(new PopStateEvent("popstate"));
    }, String(query));
    await settled(page);
    await loaded.goto(`/?${query}`);
    const [painted, drawn] = [await picture(page), await picture(loaded)];
    assert.deepEqual(painted, drawn, String(query));
    const { rows } = await (await fetch(`${server.base}/api/v1/counts?${query}`)).json();
    const cells = (row) => painted.rows.find((text) => text.startsWith(`row-${row.area}:`)).replaceAll(",", "").split(/\s+/);
    for (const row of rows) assert.ok(cells(row).includes(String(row.requests)), `${query} ${row.area}`);
    assert.equal(painted.rows.length, rows.length);
  }
  assert.deepEqual(complaints, []);
});

test("Back, Forward and reload show exactly what was there", async () => {
  const { page } = await open(browser, server.base, "/");
  const seen = [await picture(page)];
  for (const [name, value] of [["measure", "per_km2"], ["geo", "fsa"], ["from", "2024-05"]]) {
    await choose(page, name, value);
    seen.push(await picture(page));
  }
  for (const at of [2, 1, 0]) {
    await page.goBack();
    await page.waitForFunction((title) => document.title === title, seen[at].title);
    await settled(page);
    assert.deepEqual(await picture(page), seen[at], `back to ${at}`);
  }
  await page.goForward();
  await page.waitForFunction(() => document.getElementById("legend").innerText.includes("Per km²"));
  await settled(page);
  assert.deepEqual(await picture(page), seen[1]);
  await page.reload();
  assert.deepEqual(await picture(page), seen[1]);
});

test("a measure that the new months do not have is explained, and the map stays as it was", async () => {
  const { page } = await open(browser, server.base, "/?month=2024-05&measure=change");
  const before = await picture(page);
  await page.selectOption("select[name=from]", "2023-05");
  const notice = page.locator("#header .warning");
  await notice.waitFor();
  assert.match(await notice.innerText(), /year before is in the data/);
  assert.match(await page.textContent("#said"), /year before is in the data/);
  assert.equal(new URL(page.url()).search, "?month=2024-05&measure=change");
  assert.deepEqual((await picture(page)).rows, before.rows);
  assert.equal(await page.inputValue("select[name=from]"), "2024-05");
  await notice.getByRole("link", { name: "The same by another measure" }).click();
  await page.waitForURL(/\?month=2023-05$/);
});

test("months are chosen by drawing over the histogram", async () => {
  const { page, complaints } = await open(browser, server.base, "/");
  const box = await page.locator("#histogram").boundingBox();
  const bar = (index) => box.x + ((index + 0.4) / 36) * box.width;
  await page.mouse.move(bar(12), box.y + 20);
  await page.mouse.down();
  await page.mouse.move(bar(14), box.y + 20, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL(/from=2024-01&to=2024-03/);
  await settled(page);
  assert.match(await page.locator("#header").innerText(), /January 2024 to March 2024/);
  await page.getByRole("button", { name: "Earlier months" }).click();
  await page.waitForURL(/from=2023-10&to=2023-12/);
  assert.deepEqual(complaints, []);
});

test("there is no step past the first and the last month", async () => {
  const { page } = await open(browser, server.base, "/?month=2023-02");
  const [earlier, later] = ["Earlier months", "Later months"].map((name) => page.getByRole("button", { name }));
  const ends = async () => [await earlier.isDisabled(), await later.isDisabled()];
  assert.deepEqual(await ends(), [false, false]);
  await earlier.press("Enter");
  await page.waitForURL(/month=2023-01/);
  await settled(page);
  assert.deepEqual(await ends(), [true, false]);
  assert.equal(await page.evaluate(() => document.activeElement.ariaLabel), "Earlier months", "it keeps the focus");
});

test("the film shows twelve months, can be paused, and is not offered to those who want less movement", async () => {
  const { page } = await open(browser, server.base, "/?month=2025-06");
  await page.getByRole("button", { name: "Play" }).click();
  await page.waitForFunction(() => document.title.includes("July 2024"));
  await page.waitForFunction(() => document.title.includes("August 2024"));
  assert.equal(new URL(page.url()).search, "?month=2025-06", "frames are no steps to go back");
  await page.getByRole("button", { name: "Pause" }).click();
  await page.waitForURL(/month=2024-\d\d/);
  await page.goto("/?from=2023-01&to=2023-02");
  await page.getByRole("button", { name: "Play" }).click();
  await page.waitForFunction(() => document.title.includes("January 2023") && !document.title.includes("February 2023"));
  await page.waitForFunction(() => document.title.includes("January 2023 to February 2023"));
  assert.equal(await page.getByRole("button", { name: "Play" }).count(), 1, "at its end, what was chosen is shown again");
  const calm = await open(browser, server.base, "/", { reducedMotion: "reduce" });
  assert.equal(await calm.page.getByRole("button", { name: "Play" }).count(), 0);
  assert.equal(await calm.page.getByRole("button", { name: "Later months" }).count(), 1);
});

test("a request type is found by words, by keyboard, among all of them", async () => {
  const { page, complaints } = await open(browser, server.base, "/?month=2024-03");
  const field = page.getByRole("combobox", { name: "Request type" });
  await field.focus();
  await page.keyboard.type("pot hole");
  const options = page.locator("#type-list [role=option]");
  await options.filter({ hasText: /^Road - Pot hole/ }).waitFor();
  assert.equal(await options.count(), await options.filter({ hasText: /pot ?hole/i }).count());
  await page.keyboard.press("ArrowDown");
  const pointed = await field.getAttribute("aria-activedescendant");
  assert.match(await page.locator(`#${pointed}`).innerText(), /hole/i);
  await page.keyboard.press("Enter");
  await page.waitForURL(/type=.*hole/);
  await settled(page);
  assert.equal(await field.inputValue(), await page.locator("h1").innerText());
  await field.press("ArrowDown");
  await options.filter({ hasText: "All types" }).click();
  await page.waitForURL((url) => !url.search.includes("type"));
  await field.fill("zzz");
  assert.match(await page.locator("#type-list").innerText(), /No request type has these words/);
  await page.keyboard.press("Escape");
  assert.equal(await field.inputValue(), "All types");
  assert.deepEqual(complaints, []);
});

test("Enter takes the most frequent of the types that are found", async () => {
  const { page } = await open(browser, server.base, "/");
  const field = page.getByRole("combobox", { name: "Request type" });
  await field.click();
  await page.keyboard.type("pothole");
  const pointed = page.locator("#type-list .pointed");
  await pointed.waitFor();
  const counts = await page.locator("#type-list .count").allTextContents();
  const most = Math.max(...counts.map((count) => Number(count.replaceAll(",", ""))));
  assert.equal(await pointed.locator(".count").textContent(), most.toLocaleString("en-CA"));
  await field.fill("");
  await page.keyboard.press("Tab");
  assert.notEqual(await page.evaluate(() => document.activeElement.tagName), "BODY", "the list is no stop");
});

test("by keyboard the map is one stop, arrows go from ward to ward, each is said", async () => {
  const { page, complaints } = await open(browser, server.base, "/?month=2024-03");
  const { rows } = await (await fetch(`${server.base}/api/v1/counts?month=2024-03`)).json();
  await page.locator("#map svg[role=application]").focus();
  await page.keyboard.press("Home");
  const said = page.locator("#said");
  const [first] = rows;
  const sentence = (row, rank) =>
    `Ward ${Number(row.area)} ${row.name}: ${row.value.toFixed(row.value < 10 ? 2 : 1)} per 1,000 residents, ${rank} of 25`;
  assert.equal(await said.textContent(), sentence(first, "1st"));
  await page.keyboard.press("End");
  assert.match(await said.textContent(), /(25th of 25|not ranked)$/);
  const visited = new Set();
  for (const key of ["ArrowUp", "ArrowUp", "ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowLeft", "ArrowLeft"]) {
    await page.keyboard.press(key);
    visited.add(await said.textContent());
    assert.equal(await page.locator(".areas .active").count(), 1);
  }
  assert.ok(visited.size >= 4, [...visited].join("\n"));
  await page.keyboard.press("Enter");
  await page.waitForURL(/area=\d\d/);
  const code = new URL(page.url()).searchParams.get("area");
  assert.match(await page.locator(`#area-${code}`).getAttribute("class"), /selected/);
  await page.reload();
  assert.match(await page.locator(`#row-${code}`).getAttribute("class"), /selected/);
  const stops = await page.locator("#map svg[role=application] [tabindex]").count();
  assert.equal(stops, 0, "no area is a stop of its own");
  assert.deepEqual(complaints, []);
});
