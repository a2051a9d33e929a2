//! Front-end assets and the version of the cleaning code, made before the crate is compiled.
//!
//! Assets are compressed here, once: doing it at start would cost half a second of CPU, and per request far more.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// What the pages load, and the areas for everybody: the folder in the URL, the file, its content type.
const ASSETS: [(&str, &str, &str); 11] = [
    ("/assets", "static/style.css", "text/css; charset=utf-8"),
    ("/assets", "static/icon.svg", "image/svg+xml"),
    ("/assets", MAP_SCRIPT, "text/javascript; charset=utf-8"),
    ("/assets", "static/node_modules/leaflet/dist/leaflet.css", "text/css; charset=utf-8"),
    ("/assets", "static/node_modules/leaflet/dist/leaflet.js", "text/javascript; charset=utf-8"),
    (AREAS, "geo/wards.geojson", GEOJSON),
    (AREAS, "geo/wards-44.geojson", GEOJSON),
    (AREAS, "geo/fsas.geojson", GEOJSON),
    (AREAS, "geo/wards.topojson", TOPOJSON),
    (AREAS, "geo/wards-44.topojson", TOPOJSON),
    (AREAS, "geo/fsas.topojson", TOPOJSON),
];

/// The map's script, and its parts in order: one request for all, and names that nobody else has.
const MAP_SCRIPT: &str = "static/map.js";
const MAP_SCRIPT_PARTS: [&str; 7] = ["areas", "map", "find", "months", "types", "update", "start"];

/// For pictures: Inter, under the SIL Open Font License.
const FONTS: [&str; 2] = ["400Regular/Inter_400Regular.ttf", "600SemiBold/Inter_600SemiBold.ttf"];

const AREAS: &str = "/api/v1/areas";
const GEOJSON: &str = "application/geo+json";
/// No type of its own is registered.
const TOPOJSON: &str = "application/json";

/// Everything that decides what `clean` makes of a file.
const CLEAN_SOURCES: [&str; 3] = ["src/clean", "src/domain", "Cargo.lock"];

/// Besides these, all that decides what a release makes of cleaned files.
const MARTS_SOURCES: [&str; 3] = ["src/marts", "src/release/mod.rs", "src/pipeline/publish.rs"];

/// All that decides what is answered about a release.
const PROGRAM_SOURCES: [&str; 10] = [
    "build.rs",
    "Cargo.toml",
    "Cargo.lock",
    "geo",
    "src",
    "static/icon.svg",
    "static/map",
    "static/package-lock.json",
    "static/style.css",
    "templates",
];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    fs::write(out.join("assets.rs"), assets(&out)?)?;
    for font in FONTS {
        let (_, name) = font.rsplit_once('/').ok_or("a font is in a folder")?;
        fs::write(out.join(name), read(&format!("static/node_modules/@expo-google-fonts/inter/{font}"))?)?;
    }
    println!("cargo::rustc-env=CLEAN_CODE_VERSION={}", code_version(&CLEAN_SOURCES)?);
    println!("cargo::rustc-env=MARTS_CODE_VERSION={}", code_version(&MARTS_SOURCES)?);
    println!("cargo::rustc-env=PROGRAM_VERSION={}", code_version(&PROGRAM_SOURCES)?);
    Ok(())
}

/// Writes each asset's three forms and returns the table of them as Rust source.
fn assets(out: &Path) -> Result<String, Box<dyn Error>> {
    let mut table = format!("pub(crate) static ASSETS: [Asset; {}] = [\n", ASSETS.len());
    for (folder, file, content_type) in ASSETS {
        let bytes = if file == MAP_SCRIPT { map_script()? } else { read(file)? };
        let (_, name) = file.rsplit_once('/').ok_or("an asset is in a folder")?;
        let (stem, extension) = name.rsplit_once('.').ok_or("an asset's name has an extension")?;
        let hashed = format!("{stem}-{}.{extension}", &hex(&Sha256::digest(&bytes))[..12]);
        fs::write(out.join(name), &bytes)?;
        fs::write(out.join(format!("{name}.br")), brotli_11(&bytes)?)?;
        fs::write(out.join(format!("{name}.gz")), gzip_9(&bytes)?)?;
        writeln!(
            table,
            "Asset {{ name: {name:?}, path: {:?}, content_type: {content_type:?}, identity: include_bytes!({:?}), \
             br: include_bytes!({:?}), gzip: include_bytes!({:?}) }},",
            format!("{folder}/{hashed}"),
            out.join(name),
            out.join(format!("{name}.br")),
            out.join(format!("{name}.gz")),
        )?;
    }
    table.push_str("];\n");
    Ok(table)
}

fn read(file: &str) -> Result<Vec<u8>, String> {
    println!("cargo::rerun-if-changed={file}");
    fs::read(file).map_err(|e| format!("{file}: {e}; run `make assets` first (needs Node.js with npm)"))
}

fn map_script() -> Result<Vec<u8>, Box<dyn Error>> {
    let mut script = String::from("\"use strict\";\n(() => {\n");
    for part in MAP_SCRIPT_PARTS {
        script += &String::from_utf8(read(&format!("static/map/{part}.js"))?)?;
    }
    script += "})();\n";
    Ok(script.into_bytes())
}

fn brotli_11(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut out, &brotli::enc::BrotliEncoderParams::default())?;
    Ok(out)
}

fn gzip_9(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// A file, or all of a folder.
fn add_files(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    fs::read_dir(path)?.try_for_each(|entry| add_files(&entry?.path(), files))
}

/// A hash over the names and contents of source files and of the files in source folders.
fn code_version(sources: &[&str]) -> std::io::Result<String> {
    let mut files = Vec::new();
    for source in sources {
        println!("cargo::rerun-if-changed={source}");
        add_files(Path::new(source), &mut files)?;
    }
    files.sort();
    let mut hash = Sha256::new();
    for file in files {
        hash.update(file.to_string_lossy().as_bytes());
        hash.update(fs::read(&file)?);
    }
    Ok(hex(&hash.finalize())[..16].to_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
