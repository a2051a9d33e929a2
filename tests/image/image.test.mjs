// The image as it is deployed: built from the Dockerfile's last stage with the program that this machine has built, started,
// asked, refreshed and stopped, by buildah and without a registry.
import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer as listenTls } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

const ROOT = new URL("../../", import.meta.url).pathname;
/** Holds what the stage `build` leaves in /image. */
const BUILT = `${ROOT}target/image/build`;
const HEADER = "Creation Date,Status,First 3 Chars of Postal Code,Intersection Street 1,Intersection Street 2,Ward,Service Request Type,Division,Section\n";

const work = mkdtempSync(join(tmpdir(), "image-"));
const store = ["--root", join(work, "store"), "--runroot", join(work, "run"), "--storage-driver", "vfs"];
const buildah = (...args) => execFileSync("buildah", [...store, ...args], { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
const build = () => buildah("build", "--quiet", "--isolation", "chroot", "--timestamp", "0", "--target", "image", "--build-context", `build=${BUILT}`, ".");
/** A command line that runs the program in the container, as the user that the image says. */
const inside = (options, ...args) => [...store, "run", "--isolation", "chroot", ...options, container, "--", "/toronto311", ...args];
const toronto311 = async (options, ...args) => {
  const ended = promisify(execFile)("buildah", inside(options, ...args));
  return ended.catch((error) => error);
};

let image, container;
before(() => {
  image = build();
  container = buildah("from", image);
});
after(() => {
  buildah("rm", "--all");
  rmSync(work, { recursive: true });
});

const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

/** The process in the container that was given this port. */
const processOf = (port) => readdirSync("/proc").find((pid) => {
  try {
    return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("/toronto311\0") && readFileSync(`/proc/${pid}/environ`, "utf8").includes(`PORT=${port}\0`);
  } catch {
    return false;
  }
});

async function until(what, holds) {
  for (let tries = 0; tries < 600; tries += 1) {
    if (await holds().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not ${what} after a minute`);
}

const walk = (folder) => readdirSync(folder, { recursive: true }).map((path) => ({ path, stat: statSync(join(folder, path)) }));

test("the image is built the same twice", () => {
  assert.equal(build(), image);
});

test("the image is small and holds the program, certificates, and two folders that it may write to", () => {
  const files = walk(buildah("mount", container)).filter(({ path }) => !/^(dev|proc|sys|run|etc\/(hosts|hostname|resolv\.conf))/.test(path));
  const of = (kind) => files.filter(({ stat }) => kind(stat)).map(({ path }) => path).sort();
  assert.deepEqual(of((stat) => stat.isFile()), ["etc/ssl/certs/ca-certificates.crt", "toronto311"]);
  assert.deepEqual(of((stat) => stat.uid !== 0 || (stat.mode & 0o022) !== 0), ["lake", "tmp"]);
  const bytes = files.reduce((sum, { stat }) => sum + (stat.isFile() ? stat.size : 0), 0);
  console.log(`${(bytes / 1e6).toFixed(1)} MB`);
  assert.ok(bytes <= 40e6, `${bytes} bytes`);
});

test("the image serves by default, as nobody, and no variable of it is a secret", () => {
  const { config } = JSON.parse(buildah("inspect", "--type", "image", image)).OCIv1;
  assert.deepEqual([config.User, config.Entrypoint, config.Cmd], ["65532:65532", ["/toronto311"], ["serve"]]);
  assert.deepEqual(config.Env.filter((variable) => !variable.startsWith("PATH=")), ["TORONTO311_LAKE=/lake"]);
});

test("it listens on PORT as user 65532, serves, and ends at SIGTERM", { timeout: 120_000 }, async () => {
  const port = await freePort();
  const server = spawn("buildah", inside(["--env", `PORT=${port}`], "serve", "--refresh", "off"), { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  server.stderr.on("data", (chunk) => (log += chunk));
  const ended = new Promise((resolve) => server.once("exit", resolve));
  const ask = (path) => fetch(`http://127.0.0.1:${port}${path}`);
  await until("ready", async () => (await ask("/health/ready")).ok);
  const { rows } = await (await ask("/api/v1/counts")).json();
  assert.equal(rows.length, 25);
  const pid = processOf(port);
  assert.match(readFileSync(`/proc/${pid}/status`, "utf8"), /^Uid:\t65532\t65532\t65532\t65532$/m);
  process.kill(Number(pid), "SIGTERM");
  assert.equal(await ended, 0, log);
  assert.match(log, /"message":"stopping"/);
});

test("it refreshes from files and publishes", { timeout: 60_000 }, async () => {
  const source = mkdtempSync(join(work, "source-"));
  chmodSync(source, 0o755);
  writeFileSync(join(source, "SR2024.csv"), `${HEADER}2024-05-06 07:08:09,New,M4C,,,Davenport (09),Noise,MLS,Bylaw\n`);
  const mount = ["--volume", `${source}:/source:ro`];
  const first = await toronto311(mount, "refresh", "--source", "/source", "--lake", "/tmp/lake");
  assert.match(first.stdout, /^published 2024-0\d-[0-9a-f]{12}\n$/, first.stderr);
  const second = await toronto311(mount, "refresh", "--source", "/source", "--lake", "/tmp/lake");
  assert.equal(second.stdout, first.stdout.replace("published", "no_change"));
});

test("it trusts the certificates that the image has and no others", { timeout: 60_000 }, async (context) => {
  const [key, cert] = [join(work, "key.pem"), join(work, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"];
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert, ...subject], { stdio: "ignore" });
  const server = listenTls({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => response.writeHead(404).end());
  context.after(() => server.close());
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const from = `https://localhost:${server.address().port}`;
  const refresh = (options) => toronto311(options, "refresh", "--source", from, "--lake", "/tmp/other", "--retry-seconds", "0.01");
  assert.match((await refresh([])).stderr, /certificate/i);
  const trusted = await refresh(["--volume", `${cert}:/etc/ssl/certs/ca-certificates.crt:ro`]);
  assert.match(trusted.stderr, /404/);
});
