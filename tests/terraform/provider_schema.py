"""Extracts the schema of Terraform's Google provider from the bindings that are generated from it.

The provider itself is at no package registry; cdktn-provider-google carries all its types, their arguments, and which of
these are required. Usage: provider_schema.py OUT.json, with the package installed (its dependencies are not needed).
"""

import importlib.util
import io
import json
import re
import sys
import tarfile
from pathlib import Path

KINDS = {"cdktn.TerraformResource": "resource", "cdktn.TerraformDataSource": "data"}
# Terraform's own arguments, which every resource has.
META = {"connection", "count", "dependsOn", "forEach", "lifecycle", "provider", "provisioners"}
ARGUMENT = re.compile(r"\{@link \S+#(\w+) ")
TYPE = re.compile(r"\b(google_\w+)\}")


def types():
    """All types of the bindings, by name."""
    package = Path(importlib.util.find_spec("cdktn_provider_google").origin).parent
    (archive,) = (package / "_jsii").glob("provider-google@*.jsii.tgz")
    with tarfile.open(archive) as tar:
        return json.load(io.BufferedReader(tar.extractfile("package/.jsii")))["types"]


def snake(name):
    return re.sub(r"([A-Z0-9]+)", lambda upper: "_" + upper.group(1).lower(), name).lstrip("_")


def struct(kind):
    """The name of the struct that a property is, or is a collection of."""
    if "fqn" in kind:
        return kind["fqn"]
    if "collection" in kind:
        return struct(kind["collection"]["elementtype"])
    members = [struct(member) for member in kind.get("union", {}).get("types", [])]
    return next((name for name in members if name and "IResolvable" not in name), None)


def arguments(known, name, within=()):
    """The arguments of a struct; a block has arguments of its own."""
    found = {}
    for prop in known[name].get("properties", []):
        if prop["name"] in META:
            continue
        docs = prop.get("docs", {})
        link = ARGUMENT.search(docs.get("remarks", "") + docs.get("summary", ""))
        block = struct(prop["type"])
        is_block = block in known and "properties" in known[block]
        # A few structs hold themselves.
        inner = {} if block in within else arguments(known, block, (*within, name)) if is_block else None
        found[link.group(1) if link else snake(prop["name"])] = {
            "required": not prop.get("optional", False),
            "block": inner if is_block else None,
        }
    return found


def schema(known):
    all_types = {"resource": {}, "data": {}}
    for name, kind in known.items():
        terraform_type = TYPE.search(kind.get("docs", {}).get("summary", ""))
        if kind.get("base") not in KINDS or not terraform_type or f"{name}Config" not in known:
            continue
        computed = {snake(p["name"]) for p in kind.get("properties", []) if not p["name"].endswith("Input")}
        all_types[KINDS[kind["base"]]][terraform_type.group(1)] = {
            "arguments": arguments(known, f"{name}Config"),
            "attributes": sorted(computed),
        }
    return all_types


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(schema(types())))
