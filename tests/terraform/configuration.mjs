// The configuration in terraform/, read by HashiCorp's own parser.
import { readdir, readFile } from "node:fs/promises";
import { format } from "@cdktn/hcl-tools";
import { getReferencesInExpression, parse } from "@cdktn/hcl2json";

const ROOT = new URL("../../terraform/", import.meta.url);
const SCHEMA = new URL("../../target/terraform/provider-schema.json", import.meta.url);

/** What every resource and module may have besides its own arguments. */
export const META = new Set(["count", "for_each", "depends_on", "lifecycle", "provider", "dynamic", "source", "version"]);

/** The provider's types with their arguments and attributes. */
export const schema = JSON.parse(await readFile(SCHEMA, "utf8"));

/** Each folder is a module of Terraform: the main one, what it calls, and what is applied before. */
const FOLDERS = ["", "bootstrap/", "web/", "spark/"];

/** `{type: {name: [body]}}` as a list. */
function* named(blocks = {}) {
  for (const [type, names] of Object.entries(blocks)) for (const [name, [body]] of Object.entries(names)) yield { type, name, body };
}

async function read(folder) {
  const names = (await readdir(new URL(folder, ROOT))).filter((name) => name.endsWith(".tf"));
  const module = { folder, files: [], resources: [], variables: {}, outputs: {}, locals: {}, calls: {}, terraform: [], providers: [] };
  for (const name of names) {
    const text = await readFile(new URL(folder + name, ROOT), "utf8");
    const parsed = await parse(folder + name, text);
    module.files.push({ path: folder + name, text, formatted: await format(text), parsed });
    for (const found of named(parsed.resource)) module.resources.push({ folder, kind: "resource", ...found });
    for (const found of named(parsed.data)) module.resources.push({ folder, kind: "data", ...found });
    for (const [key, [body]] of Object.entries(parsed.variable ?? {})) module.variables[key] = body;
    for (const [key, [body]] of Object.entries(parsed.output ?? {})) module.outputs[key] = body;
    for (const [key, [body]] of Object.entries(parsed.module ?? {})) module.calls[key] = body;
    for (const body of parsed.locals ?? []) Object.assign(module.locals, body);
    module.terraform.push(...(parsed.terraform ?? []));
    module.providers.push(...(parsed.provider?.google ?? []));
  }
  return module;
}

export const modules = Object.fromEntries(await Promise.all(FOLDERS.map(async (folder) => [folder, await read(folder)])));
export const resources = Object.values(modules).flatMap((module) => module.resources);

/** Values of a file of variables. */
export const tfvars = async (name) => parse("x.tf", await readFile(new URL(name, ROOT), "utf8"));

/** The text of any file of terraform/. */
export const text = (name) => readFile(new URL(name, ROOT), "utf8");

/** All resources of a type. */
export const all = (type) => resources.filter((resource) => resource.type === type);

/** The one resource of a type, by name where there are several. */
export function one(type, name) {
  const found = all(type).filter((resource) => !name || resource.name === name);
  if (found.length !== 1) throw new Error(`${found.length} resources ${type} ${name ?? ""}`);
  return found[0].body;
}

/** Blocks of a body by name, those that are repeated by `dynamic` included. */
export const blocks = (body, name) => [
  ...(body[name] ?? []),
  ...(body.dynamic?.[name] ?? []).flatMap((repeated) => repeated.content),
];

/** Every text in a value. */
export function* texts(value) {
  if (typeof value === "string") yield value;
  else if (value && typeof value === "object") for (const inner of Object.values(value)) yield* texts(inner);
}

/** The interpolations of a template, each with its marks; what is around them is text and not for the parser. */
function* interpolations(template) {
  for (let start = template.indexOf("${"); start >= 0; start = template.indexOf("${", start + 1)) {
    let [end, depth] = [start + 2, 1];
    for (; depth > 0 && end < template.length; end += 1) depth += { "{": 1, "}": -1 }[template[end]] ?? 0;
    yield template.slice(start, end);
    start = end - 1;
  }
}

/** What the expressions of a value refer to, as `["var", "x"]`. */
export async function references(value) {
  const expressions = [...texts(value)].flatMap((template) => [...interpolations(template)]);
  const found = await Promise.all(expressions.map((expression) => getReferencesInExpression("x.tf", expression)));
  return found.flat().map((reference) => reference.value.split("."));
}
