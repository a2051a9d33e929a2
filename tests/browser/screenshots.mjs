// Pictures of every template, on a phone and on a desk, in light and in dark: `make screenshots`. Those that the README
// shows are renewed, too.
import { copyFile, mkdir } from "node:fs/promises";
import { launch, open, serve } from "./program.mjs";

const OUT = new URL("../../target/screenshots/", import.meta.url).pathname;
const README = new URL("../../.readme/", import.meta.url).pathname;
const SHOWN = ["map", "ward"];
const PAGES = {
  map: "/",
  change: "/?geo=fsa&from=2025-01&to=2025-12&measure=change&area=M5V",
  ward: "/wards/13-toronto-centre",
  report: "/wards/13/2025-11",
  type: "/types/road-pothole-road-damage",
  types: "/types",
  months: "/months",
  search: "/search?q=york",
  data: "/data",
  status: "/status",
  embed: "/embed",
  error: "/nothing",
};

await mkdir(OUT, { recursive: true });
const [server, browser] = [await serve(), await launch()];
for (const colorScheme of ["light", "dark"]) {
  for (const [device, options] of [
    ["390x844", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }],
    ["1440x900", {}],
  ]) {
    const { page } = await open(browser, server.base, "/", { colorScheme, ...options });
    for (const [name, path] of Object.entries(PAGES)) {
      await page.goto(path, { waitUntil: "networkidle" });
      await page.screenshot({ path: `${OUT}${name}-${device}-${colorScheme}.png` });
    }
    await page.context().close();
  }
}
for (const name of SHOWN) await copyFile(`${OUT}${name}-1440x900-light.png`, `${README}${name}.png`);
await browser.close();
await server.stop();
console.log(`pictures are in ${OUT}`);
