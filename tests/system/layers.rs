//! The map of the code in `src/lib.rs`, held against its imports.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Which modules each may import besides `domain`. A new module is added here on purpose.
const MAY_IMPORT: [(&str, &[&str]); 14] = [
    ("domain", &[]),
    ("config", &["boundaries", "lake", "warehouse"]),
    ("telemetry", &["config"]),
    ("signals", &[]),
    ("source", &[]),
    ("lake", &[]),
    ("clean", &[]),
    ("boundaries", &["source"]),
    ("warehouse", &["lake", "clean"]),
    ("marts", &["clean", "warehouse"]),
    ("release", &["lake", "clean"]),
    ("pipeline", &["config", "source", "lake", "clean", "warehouse", "marts", "release"]),
    ("choropleth", &["boundaries"]),
    ("web", &["config", "telemetry", "lake", "clean", "warehouse", "marts", "release", "boundaries", "choropleth"]),
];

/// Modules that the code of one file imports by `crate::`.
fn imports(code: &str) -> BTreeSet<String> {
    let of = |path: &str| path.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect::<String>();
    // `crate::{a, b}` has no name of its own and so is in no table: one line an import.
    code.split("crate::").skip(1).map(of).collect()
}

fn files(path: &Path) -> Vec<std::path::PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    fs::read_dir(path).unwrap().flat_map(|entry| files(&entry.unwrap().path())).collect()
}

#[test]
fn every_module_imports_only_what_its_layer_may() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut modules = BTreeSet::new();
    for entry in fs::read_dir(&src).unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if module == "lib" || module == "main" {
            continue;
        }
        let allowed = MAY_IMPORT.iter().find(|(name, _)| *name == module);
        let (_, allowed) = allowed.unwrap_or_else(|| panic!("{module} is not in the table of layers"));
        for file in files(&path).iter().filter(|file| file.extension().is_some_and(|e| e == "rs")) {
            for import in imports(&fs::read_to_string(file).unwrap()) {
                let fine = import == "domain" || import == module || allowed.contains(&import.as_str());
                assert!(fine, "{} imports {import}, which {module} may not", file.display());
            }
        }
        modules.insert(module);
    }
    assert_eq!(modules.len(), MAY_IMPORT.len(), "the table names modules that are not there");
}

#[test]
fn main_holds_no_logic() {
    let main = include_str!("../../src/main.rs");
    assert!(main.lines().count() < 100, "main only chooses a role");
}
