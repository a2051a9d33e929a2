// Starts the built program and a browser to look at it.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const PROGRAM = process.env.TORONTO311 ?? new URL("../../target/debug/toronto311", import.meta.url).pathname;
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Serves a lake on a free port; an empty one becomes the demo. It is removed at the end, unless it is to be kept. */
export async function serve(lake, { keep = false } = {}) {
  lake ??= await mkdtemp(join(tmpdir(), "lake-"));
  const child = spawn(PROGRAM, ["serve", "--refresh", "off", "--rate-limit", "off", "--port", "0", "--lake", lake], { stdio: ["ignore", "ignore", "pipe"] });
  const lines = createInterface({ input: child.stderr });
  const port = await new Promise((resolve, reject) => {
    lines.on("line", (line) => line.startsWith("{") && JSON.parse(line).port && resolve(JSON.parse(line).port));
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
  const base = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${base}/health/ready`)).ok) await new Promise((resolve) => setTimeout(resolve, 50));
  const stop = async () => {
    child.removeAllListeners("exit").kill("SIGTERM");
    await new Promise((resolve) => child.once("exit", resolve));
    if (!keep) await rm(lake, { recursive: true });
  };
  return { base, stop };
}

/** Serves what becomes of yearly files, given by name. */
export async function serveFiles(files) {
  const [source, lake] = [await mkdtemp(join(tmpdir(), "source-")), await mkdtemp(join(tmpdir(), "lake-"))];
  for (const [name, text] of Object.entries(files)) await writeFile(join(source, name), text);
  await promisify(execFile)(PROGRAM, ["refresh", "--quarantine-budget", "100", "--source", source, "--lake", lake]);
  await rm(source, { recursive: true });
  return serve(lake);
}

export function launch() {
  const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];
  return chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu", ...quiet] });
}

/** Waits for Leaflet, which comes once the page has been seen; at once where there is no map. */
export const enhanced = (page) => page.waitForFunction(() => !document.querySelector("script[data-script]") || document.querySelector("#map.leaflet-container"));

/** A page that fails the test on an error in its console or a request to anywhere but us. */
export async function open(browser, base, path, options = {}) {
  const context = await browser.newContext({ baseURL: base, viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => request.url().startsWith(base) || request.url().startsWith("data:") || complaints.push(request.url()));
  await page.goto(path);
  if (options.javaScriptEnabled !== false) await enhanced(page);
  return { page, complaints };
}
