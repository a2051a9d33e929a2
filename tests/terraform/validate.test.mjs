// What `terraform validate` would say, without a provider to run.
import assert from "node:assert/strict";
import { test } from "node:test";
import { META, modules, references, resources, schema, tfvars } from "./configuration.mjs";

const label = ({ folder, type, name }) => `${folder}${type}.${name}`;

/** What is wrong with a body, held against the arguments of its type. */
function* problems(body, known, where) {
  const repeated = body.dynamic ?? {};
  for (const [name, value] of Object.entries(body)) {
    if (META.has(name)) continue;
    if (!known[name]) yield `${where}: no argument ${name}`;
    else if (known[name].block && Array.isArray(value)) {
      for (const inner of value) if (typeof inner === "object") yield* problems(inner, known[name].block, `${where}.${name}`);
    }
  }
  for (const [name, [{ content }]] of Object.entries(repeated)) {
    if (!known[name]?.block) yield `${where}: no block ${name}`;
    else for (const inner of content) yield* problems(inner, known[name].block, `${where}.${name}`);
  }
  for (const [name, { required }] of Object.entries(known)) {
    if (required && !(name in body) && !(name in repeated)) yield `${where}: ${name} is missing`;
  }
}

const check = ({ kind, type, body, ...rest }) => {
  const known = schema[kind][type];
  return known ? [...problems(body, known.arguments, label({ type, ...rest }))] : [`${type}: no such type`];
};

test("every resource has arguments that the provider knows, and all that it requires", () => {
  assert.ok(resources.length > 40, `${resources.length} resources`);
  assert.deepEqual(resources.flatMap(check), []);
});

test("the check sees what is misspelt, missing, unknown or in the wrong place", () => {
  const job = { kind: "resource", folder: "", type: "google_cloud_scheduler_job", name: "x" };
  const planted = [
    [{ name: "x", http_target: [{ http_method: "POST" }] }, "google_cloud_scheduler_job.x.http_target: uri is missing"],
    [{ name: "x", shedule: "* * * * *" }, "google_cloud_scheduler_job.x: no argument shedule"],
    [{ name: "x", http_target: [{ uri: "x", oidc_tokn: [] }] }, "google_cloud_scheduler_job.x.http_target: no argument oidc_tokn"],
    [{ schedule: "* * * * *" }, "google_cloud_scheduler_job.x: name is missing"],
  ];
  for (const [body, problem] of planted) assert.deepEqual(check({ ...job, body }), [problem]);
  assert.deepEqual(check({ ...job, type: "google_cloud_sheduler_job", body: {} }), ["google_cloud_sheduler_job: no such type"]);
});

test("every file is in the canonical format", () => {
  for (const module of Object.values(modules)) for (const { path, text, formatted } of module.files) assert.equal(text, formatted, path);
});

/** What is wrong with a reference within a module. `scope` has the iterators of dynamic blocks. */
function unresolved(module, [head, ...path], scope) {
  if (["each", "count", "path", "self", "terraform"].includes(head) || scope.has(head)) return null;
  if (head === "var") return path[0] in module.variables ? null : `no variable ${path[0]}`;
  if (head === "local") return path[0] in module.locals ? null : `no local ${path[0]}`;
  if (head === "module") {
    const call = module.calls[path[0]];
    const output = path.slice(1).find((part) => !/^\d+$/.test(part));
    if (!call) return `no module ${path[0]}`;
    return !output || output in modules[folderOf(call)].outputs ? null : `module ${path[0]} has no output ${output}`;
  }
  const [name, ...rest] = path;
  if (!module.resources.some((resource) => resource.type === head && resource.name === name)) return `no resource ${head}.${name}`;
  const attribute = rest.find((part) => !/^\d+$/.test(part));
  return !attribute || schema.resource[head].attributes.includes(attribute) ? null : `${head} has no attribute ${attribute}`;
}

const folderOf = (call) => `${call.source.replace("./", "")}/`;

const iterators = (body) =>
  new Set(Object.entries(body ?? {}).flatMap(([key, value]) => (key === "dynamic" ? Object.keys(value) : typeof value === "object" ? [...iterators(value)] : [])));

test("every reference is to something that is there", async () => {
  let seen = 0;
  for (const module of Object.values(modules)) {
    for (const { path, parsed } of module.files) {
      for (const reference of await references({ ...parsed, variable: undefined })) {
        seen += 1;
        assert.equal(unresolved(module, reference, iterators(parsed)), null, `${path}: ${reference.join(".")}`);
      }
    }
  }
  assert.ok(seen > 100, `${seen} references`);
  const main = modules[""];
  assert.equal(unresolved(main, ["var", "nothing"], new Set()), "no variable nothing");
  assert.equal(unresolved(main, ["google_storage_bucket", "lake", "nam"], new Set()), "google_storage_bucket has no attribute nam");
});

test("modules are given what they declare, and nothing that is required is left out", () => {
  for (const [name, call] of Object.entries(modules[""].calls)) {
    const declared = modules[folderOf(call)].variables;
    const given = Object.keys(call).filter((key) => !META.has(key));
    for (const key of given) assert.ok(key in declared, `module ${name} has no variable ${key}`);
    for (const [key, body] of Object.entries(declared)) assert.ok("default" in body || given.includes(key), `${name}: ${key} is missing`);
  }
});

test("nothing is declared that is not used", async () => {
  for (const module of Object.values(modules)) {
    const used = new Set((await references(module.files.map((file) => ({ ...file.parsed, variable: undefined })))).map((r) => r.slice(0, 2).join(".")));
    for (const name of Object.keys(module.variables)) assert.ok(used.has(`var.${name}`), `${module.folder}: variable ${name}`);
    for (const name of Object.keys(module.locals)) assert.ok(used.has(`local.${name}`), `${module.folder}: local ${name}`);
  }
});

/** The patterns that a variable's value, or a member of it, has to match, with what it is told otherwise. */
const patterns = (variable) =>
  variable.validation.map(({ condition, error_message }) => ({
    pattern: new RegExp(JSON.parse(condition.match(/regex\((".*?[^\\]"), var/)[1])),
    member: condition.match(/, var\.\w+\.?(\w*)\)/)[1],
    error_message,
  }));

const accepts = (variable, value) => patterns(variable).every(({ pattern, member }) => pattern.test(member ? value[member] ?? "refs/heads/main" : value));

test("the example has every variable without a default, and values that pass", async () => {
  const { variables } = modules[""];
  const example = await tfvars("example.tfvars");
  for (const [name, body] of Object.entries(variables)) assert.ok("default" in body || name in example, name);
  for (const [name, value] of Object.entries(example)) {
    assert.ok(name in variables, name);
    if (variables[name].validation && name !== "max_instances") assert.ok(accepts(variables[name], value), name);
  }
});

test("values that can't be are refused", () => {
  const { variables } = modules[""];
  const digest = `@sha256:${"0".repeat(64)}`;
  const refused = {
    project: ["My-Project", "p", "a".repeat(31), "-project"],
    region: ["toronto", "us-east"],
    image: ["a-docker.pkg.dev/p/r/n:latest", "a-docker.pkg.dev/p/r/n", `docker.io/p/r/n${digest}`, `a-docker.pkg.dev/p/r/n:v1${digest}`],
    refresh_schedule: ["daily", "17 9 * *", "17 9 * * * *"],
    alert_email: ["nobody", "a b@example.org"],
    deploy_from: [
      { repository: "name", owner_id: "1" },
      { repository: "a/b", owner_id: "name" },
      { repository: "a/b' || true", owner_id: "1" },
      { repository: "a/b", owner_id: "1", ref: "refs/heads/*" },
    ],
  };
  for (const [name, values] of Object.entries(refused)) for (const value of values) assert.ok(!accepts(variables[name], value), `${name} = ${JSON.stringify(value)}`);
  for (const { error_message } of Object.values(variables).flatMap((body) => body.validation ?? [])) assert.match(error_message, /^Expected .*\.$/);
});
