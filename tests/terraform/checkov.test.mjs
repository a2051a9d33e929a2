// What others have found to be wrong with configurations like ours, and our Dockerfile.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

const ROOT = new URL("../../", import.meta.url).pathname;
const run = (program, ...args) => promisify(execFile)(`${ROOT}target/terraform/venv/bin/${program}`, args, { cwd: ROOT, maxBuffer: 1 << 26 });

test("checkov finds nothing, and each of its rules that is skipped has a reason", async () => {
  const { stdout } = await run("checkov", "-d", "terraform", "--framework", "terraform", "--output", "json", "--skip-download", "--soft-fail");
  const { results, summary } = JSON.parse(stdout);
  assert.deepEqual(results.failed_checks.map(({ check_id, resource }) => `${check_id} ${resource}`), []);
  assert.ok(summary.passed > 30, `${summary.passed} checks`);
  assert.ok(results.skipped_checks.length <= 6);
  for (const { check_id, check_result } of results.skipped_checks) assert.match(check_result.suppress_comment, /\w+ \w+ \w+/, check_id);
});

test("hadolint finds nothing in the Dockerfile", async () => {
  assert.equal((await run("hadolint", "Dockerfile")).stdout, "");
});
