// Starts the built program on real files, refreshes beside it, and looks at what it takes of the machine.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const PROGRAM = process.env.TORONTO311 ?? new URL("../../target/debug/toronto311", import.meta.url).pathname;
const HEADER = "Creation Date,Status,First 3 Chars of Postal Code,Intersection Street 1,Intersection Street 2,Ward,Service Request Type,Division,Section\n";
const TYPES = ["Noise", "Pot hole", "Graffiti", "Bin out", "Raccoon", "Tree down"];

/** A year of requests, so many of them. */
const year = (rows) =>
  HEADER + Array.from({ length: rows }, (_, n) => `2024-${String((n % 12) + 1).padStart(2, "0")}-${String((n % 28) + 1).padStart(2, "0")} 07:08:09,New,M4C,,,Davenport (09),${TYPES[n % TYPES.length]},MLS,Bylaw\n`).join("");

/** A lake with a release of so many rows, the server on it, and a way to publish the next one. */
export async function start(rows) {
  const folder = await mkdtemp(join(tmpdir(), "load-"));
  const [source, lake] = [join(folder, "source"), join(folder, "lake")];
  await promisify(execFile)("mkdir", [source]);
  const publish = async (rows) => {
    await writeFile(join(folder, "next"), year(rows));
    await rename(join(folder, "next"), join(source, "SR2024.csv"));
    const { stdout } = await promisify(execFile)(PROGRAM, ["refresh", "--source", source, "--lake", lake]);
    return stdout.trim().split(" ")[1];
  };
  await publish(rows);
  const child = spawn(PROGRAM, ["serve", "--refresh", "off", "--reload-seconds", "1", "--rate-limit", "off", "--port", "0", "--lake", lake], { stdio: ["ignore", "ignore", "pipe"] });
  const lines = createInterface({ input: child.stderr });
  const port = await new Promise((resolve, reject) => {
    lines.on("line", (line) => line.includes('"port"') && resolve(JSON.parse(line).port));
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
  const base = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${base}/health/ready`)).ok) await new Promise((resolve) => setTimeout(resolve, 50));
  const stop = async () => {
    child.removeAllListeners("exit").kill("SIGTERM");
    const code = await new Promise((resolve) => child.once("exit", resolve));
    await rm(folder, { recursive: true });
    return code;
  };
  return { base, publish, stop, usage: () => usage(child.pid) };
}

/** Megabytes of memory and open files of a process. */
async function usage(pid) {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const kb = Number(status.match(/^VmRSS:\s+(\d+) kB$/m)[1]);
  return { mb: kb / 1024, files: (await readdir(`/proc/${pid}/fd`)).length };
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The value below which 99 of a hundred are. */
export const p99 = (values) => values.sort((a, b) => a - b)[Math.floor(values.length * 0.99)];
