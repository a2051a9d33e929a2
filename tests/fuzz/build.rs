//! The program's build script hashes its sources into this; nothing here depends on it.

fn main() {
    println!("cargo::rustc-env=CLEAN_CODE_VERSION=fuzzed");
    println!("cargo::rerun-if-changed=build.rs");
}
