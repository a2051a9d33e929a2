//! Reads Statistics Canada's FSA boundary file: `.shp`, `.shx`, `.dbf` and `.prj` side by side or in one ZIP archive.
//!
//! All of Canada in EPSG:3347; only codes that begin with M are projected and kept. Text in the `.dbf` is Latin-1 without
//! saying so, but only the province's name goes beyond ASCII, and that is not used. Inner rings are not promised to
//! follow their outer ring, so each is put into the one around it.

use std::borrow::Cow;
use std::io::{Cursor, Read};
use std::path::Path;

use geo::{Contains, InteriorPoint, LineString, MultiPolygon, Polygon};
use proj4rs::Proj;
use shapefile::dbase::{self, FieldValue, UnicodeLossy};
use shapefile::{PolygonRing, Shape, ShapeReader};

use super::Error;
use super::source::{Source, SourceArea, edition_of, read_file};
use crate::domain::{Area, Fsa};

const LAMBERT: &str = "+proj=lcc +lat_0=63.390675 +lon_0=-91.8666666666667 +lat_1=49 +lat_2=77 +x_0=6200000 \
                       +y_0=3000000 +ellps=GRS80 +towgs84=0,0,0,0,0,0,0 +units=m";
/// What the `.prj` of EPSG:3347 says, whatever it is called there.
const LAMBERT_PARAMETERS: [(&str, f64); 6] = [
    ("False_Easting", 6_200_000.0),
    ("False_Northing", 3_000_000.0),
    ("Central_Meridian", -91.866_666_666_666_67),
    ("Standard_Parallel_1", 49.0),
    ("Standard_Parallel_2", 77.0),
    ("Latitude_Of_Origin", 63.390_675),
];
/// A part of the file that is larger than this is not one: the national `.shp` of 2021 has some 60 MB.
const LARGEST_PART: u64 = 1 << 30;

/// Reads the FSAs of Toronto, in degrees.
pub(super) fn fsas(path: &Path) -> Result<Source, Error> {
    let parts = Parts::read(path)?;
    let project = projection(path, &parts.prj)?;
    let format = "a shapefile";
    let records = codes(path, parts.dbf)?;
    let mut shapes =
        ShapeReader::with_shx(Cursor::new(parts.shp), Cursor::new(parts.shx)).map_err(Error::format(path, format))?;
    let count = shapes.shape_count().map_err(Error::format(path, format))?;
    if count != records.len() {
        let expected = format!("{count}, as many rows in the .dbf as shapes in the .shx");
        return Err(Error::Count { path: path.into(), found: records.len(), expected });
    }
    let (mut areas, mut edition) = (Vec::new(), 2016);
    for (index, (code, dguid)) in records.iter().enumerate() {
        let Some(fsa) = Fsa::new(code.as_bytes()) else { continue };
        let shape = shapes.read_nth_shape(index).transpose().map_err(Error::format(path, format))?;
        let Some(Shape::Polygon(polygon)) = shape else {
            let expected = "a polygon";
            return Err(Error::Value { path: path.into(), feature: index + 1, found: "shape".into(), expected });
        };
        let geometry = polygons(polygon.rings(), |x, y| project(x, y).map_err(Error::format(path, format)))?;
        areas.push(SourceArea { area: Area::Fsa(fsa), name: fsa.to_string(), geometry });
        edition = edition_of(dguid.as_deref());
    }
    Ok(Source { areas, sha256: parts.sha256, edition })
}

struct Parts {
    shp: Vec<u8>,
    shx: Vec<u8>,
    dbf: Vec<u8>,
    prj: String,
    /// Of the archive or the .shp.
    sha256: String,
}

impl Parts {
    fn read(path: &Path) -> Result<Self, Error> {
        let zipped = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("zip"));
        let mut parts = if zipped { unzip(path)? } else { beside(path)? };
        let sha256 = read_file(path)?.1;
        let [shp, shx, dbf, prj] = &mut parts;
        let take = std::mem::take::<Vec<u8>>;
        let prj = String::from_utf8_lossy(prj).into_owned();
        Ok(Self { shp: take(shp), shx: take(shx), dbf: take(dbf), prj, sha256 })
    }
}

const EXTENSIONS: [&str; 4] = ["shp", "shx", "dbf", "prj"];

fn beside(path: &Path) -> Result<[Vec<u8>; 4], Error> {
    let mut parts = [const { Vec::new() }; 4];
    for (part, extension) in parts.iter_mut().zip(EXTENSIONS) {
        let file = path.with_extension(extension);
        *part = std::fs::read(&file).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::MissingPart { path: path.into(), extension },
            _ => Error::file(&file)(error),
        })?;
    }
    Ok(parts)
}

fn unzip(path: &Path) -> Result<[Vec<u8>; 4], Error> {
    let file = std::fs::File::open(path).map_err(Error::file(path))?;
    let mut archive = zip::ZipArchive::new(file).map_err(Error::format(path, "a ZIP archive"))?;
    let mut parts = [const { Vec::new() }; 4];
    for (part, extension) in parts.iter_mut().zip(EXTENSIONS) {
        let suffix = format!(".{extension}");
        let is_part = |name: &Cow<str>| name.to_ascii_lowercase().ends_with(&suffix);
        let name = archive.file_names().filter_map(Result::ok).find(is_part).map(Cow::into_owned);
        let name = name.ok_or_else(|| Error::MissingPart { path: path.into(), extension })?;
        let entry = archive.by_name(&name).map_err(Error::format(path, "a ZIP archive"))?;
        entry.take(LARGEST_PART).read_to_end(part).map_err(Error::file(path))?;
    }
    Ok(parts)
}

/// From the file's coordinates to degrees.
type Project = Box<dyn Fn(f64, f64) -> Result<(f64, f64), proj4rs::errors::Error>>;

fn projection(path: &Path, prj: &str) -> Result<Project, Error> {
    let unknown = || Error::Projection { path: path.with_extension("prj"), found: prj.chars().take(80).collect() };
    if prj.trim_start().starts_with("GEOGCS") && (prj.contains("WGS_1984") || prj.contains("North_American_1983")) {
        return Ok(Box::new(|x, y| Ok((x, y))));
    }
    let lambert = prj.contains("Lambert_Conformal_Conic")
        && prj.contains("North_American_1983")
        && LAMBERT_PARAMETERS
            .iter()
            .all(|&(name, value)| parameter(prj, name).is_some_and(|p| (p - value).abs() < 1e-6));
    if !lambert {
        return Err(unknown());
    }
    let from = Proj::from_proj_string(LAMBERT).map_err(|_| unknown())?;
    let to = Proj::from_proj_string("+proj=longlat +datum=WGS84").map_err(|_| unknown())?;
    Ok(Box::new(move |x, y| {
        let mut point = (x, y, 0.0);
        proj4rs::transform::transform(&from, &to, &mut point)?;
        Ok((point.0.to_degrees(), point.1.to_degrees()))
    }))
}

/// `PARAMETER["name",value]`, whatever the case of the name.
fn parameter(prj: &str, name: &str) -> Option<f64> {
    let (lower, key) = (prj.to_ascii_lowercase(), format!("\"{}\",", name.to_ascii_lowercase()));
    let after = &lower[lower.find(&key)? + key.len()..];
    after.split(']').next()?.trim().parse().ok()
}

/// Code and DGUID (from 2021 on) of every record.
fn codes(path: &Path, dbf: Vec<u8>) -> Result<Vec<(String, Option<String>)>, Error> {
    let format = "a .dbf table";
    // Lossy, because strict readers stop at the first accent.
    let reader = dbase::ReaderBuilder::new().with_encoding(UnicodeLossy).build(Cursor::new(dbf));
    let mut reader = reader.map_err(Error::format(path, format))?;
    let names: Vec<&str> = reader.fields().iter().map(|field| field.name()).collect();
    if !names.contains(&"CFSAUID") {
        let expected = "CFSAUID (the code of an FSA)";
        return Err(Error::Properties { path: path.into(), feature: 1, expected, found: names.join(", ") });
    }
    let rows = reader.iter_records().map(|row| {
        let row = row.map_err(Error::format(path, format))?;
        let field = |name: &str| match row.get(name) {
            Some(FieldValue::Character(Some(text))) => Some(text.trim().to_owned()),
            _ => None,
        };
        Ok((field("CFSAUID").unwrap_or_default(), field("DGUID")))
    });
    rows.collect()
}

fn polygons(
    rings: &[PolygonRing<shapefile::Point>],
    project: impl Fn(f64, f64) -> Result<(f64, f64), Error>,
) -> Result<MultiPolygon<f64>, Error> {
    let line =
        |points: &[shapefile::Point]| points.iter().map(|p| project(p.x, p.y)).collect::<Result<LineString<f64>, _>>();
    let (mut polygons, mut holes) = (Vec::new(), Vec::new());
    for ring in rings {
        match ring {
            PolygonRing::Outer(points) => polygons.push(Polygon::new(line(points)?, vec![])),
            PolygonRing::Inner(points) => holes.push(Polygon::new(line(points)?, vec![])),
        }
    }
    for hole in holes {
        let around = hole.interior_point().and_then(|inside| polygons.iter_mut().find(|p| p.contains(&inside)));
        if let Some(polygon) = around {
            polygon.interiors_push(hole.exterior().clone());
        }
    }
    Ok(MultiPolygon(polygons))
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::{Area as _, Contains};
    use shapefile::dbase::{Record, TableWriterBuilder};
    use std::io::Write;
    use std::path::PathBuf;

    const PRJ: &str = "PROJCS[\"PCS\",GEOGCS[\"GCS_North_American_1983\",DATUM[\"D_North_American_1983\"]],\
        PROJECTION[\"Lambert_Conformal_Conic\"],PARAMETER[\"False_Easting\",6200000.0],PARAMETER[\"False_Northing\",3000000.0],\
        PARAMETER[\"Central_Meridian\",-91.86666666666666],PARAMETER[\"Standard_Parallel_1\",49.0],\
        PARAMETER[\"Standard_Parallel_2\",77.0],PARAMETER[\"Latitude_Of_Origin\",63.390675],UNIT[\"Meter\",1.0]]";

    /// The CN Tower, 43.6426° N 79.3871° W, in EPSG:3347 (by pyproj).
    const TOWER: (f64, f64) = (7224736.60, 927453.13);

    fn square(half: f64, clockwise: bool) -> Vec<shapefile::Point> {
        let corners = [(-1.0, -1.0), (-1.0, 1.0), (1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)];
        let mut ring: Vec<_> =
            corners.iter().map(|(x, y)| shapefile::Point::new(TOWER.0 + x * half, TOWER.1 + y * half)).collect();
        if !clockwise {
            ring.reverse();
        }
        ring
    }

    /// A shapefile of a square kilometre with a hole around the tower, called M5J, and one elsewhere called L4C.
    fn written(folder: &Path) -> PathBuf {
        let path = folder.join("lfsa.shp");
        let name = |text: &str| dbase::FieldName::try_from(text).unwrap();
        let table = TableWriterBuilder::new()
            .add_character_field(name("CFSAUID"), 3)
            .add_character_field(name("PRNAME"), 100)
            .add_character_field(name("DGUID"), 20);
        let mut writer = shapefile::Writer::from_path(&path, table).unwrap();
        for code in ["L4C", "M5J"] {
            let rings = vec![PolygonRing::Inner(square(100.0, false)), PolygonRing::Outer(square(500.0, true))];
            let mut record = Record::default();
            let mut insert = |name: &str, text: String| record.insert(name.into(), FieldValue::Character(Some(text)));
            insert("CFSAUID", code.into());
            insert("PRNAME", "Ontario".into());
            insert("DGUID", format!("2021A0011{code}"));
            writer.write_shape_and_record(&shapefile::Polygon::with_rings(rings), &record).unwrap();
        }
        drop(writer);
        std::fs::write(path.with_extension("prj"), PRJ).unwrap();
        path
    }

    #[test]
    fn a_shapefile_in_lambert_becomes_degrees() {
        let folder = tempfile::tempdir().unwrap();
        let source = fsas(&written(folder.path())).unwrap();
        assert_eq!((source.areas.len(), source.areas[0].name.as_str(), source.edition), (1, "M5J", 2021));
        let geometry = &source.areas[0].geometry;
        assert!(geometry.contains(&geo::Point::new(-79.3871, 43.6456)));
        assert!(!geometry.contains(&geo::Point::new(-79.3871, 43.6426)), "in the hole");
        assert!((geometry.unsigned_area() * 80_609.0 * 111_106.0 - 0.96e6).abs() < 0.05e6);
    }

    #[test]
    fn latin_1_in_the_table_does_not_stop_the_reader() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let dbf = path.with_extension("dbf");
        let mut bytes = std::fs::read(&dbf).unwrap();
        let at = bytes.windows(7).position(|w| w == b"Ontario").unwrap();
        bytes[at..at + 7].copy_from_slice(b"Qu\xe9bec ");
        std::fs::write(&dbf, bytes).unwrap();
        assert_eq!(fsas(&path).unwrap().areas.len(), 1);
    }

    #[test]
    fn an_archive_is_read_like_the_files_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let zipped = folder.path().join("lfsa.ZIP");
        let mut archive = zip::ZipWriter::new(std::fs::File::create(&zipped).unwrap());
        for extension in EXTENSIONS {
            let options = zip::write::SimpleFileOptions::default();
            archive.start_file(format!("inside/LFSA.{}", extension.to_uppercase()), options).unwrap();
            archive.write_all(&std::fs::read(path.with_extension(extension)).unwrap()).unwrap();
        }
        archive.finish().unwrap();
        assert_eq!(fsas(&zipped).unwrap().areas[0].geometry, fsas(&path).unwrap().areas[0].geometry);
    }

    #[test]
    fn a_missing_companion_is_named() {
        for extension in EXTENSIONS {
            let folder = tempfile::tempdir().unwrap();
            let path = written(folder.path());
            std::fs::remove_file(path.with_extension(extension)).unwrap();
            let error = fsas(&path).unwrap_err();
            assert!(matches!(error, Error::MissingPart { extension: e, .. } if e == extension), "{error}");
        }
    }

    #[test]
    fn another_projection_is_refused_by_what_it_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        std::fs::write(path.with_extension("prj"), PRJ.replace("49.0", "44.5")).unwrap();
        assert!(matches!(fsas(&path), Err(Error::Projection { .. })));
        std::fs::write(path.with_extension("prj"), "GEOGCS[\"GCS_WGS_1984\",DATUM[\"D_WGS_1984\"]]").unwrap();
        assert_eq!(fsas(&path).unwrap().areas.len(), 1, "taken as degrees; that they are not, the caller finds out");
    }

    #[test]
    #[ignore = "needs ../shared"]
    fn shared_official_table_index_and_projection_are_read() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/geo/lfsa000b16a_e.shp");
        let part = |extension| std::fs::read(path.with_extension(extension)).unwrap();
        let codes = codes(&path, part("dbf")).unwrap();
        assert_eq!((codes.len(), codes.iter().filter(|(code, _)| code.starts_with('M')).count()), (1620, 96));
        // The .shp itself is not at hand; the index has a header of 100 bytes and 8 per shape.
        assert_eq!((part("shx").len() - 100) / 8, codes.len());
        assert!(projection(&path, &String::from_utf8(part("prj")).unwrap()).is_ok());
        assert!(matches!(fsas(&path), Err(Error::MissingPart { extension: "shp", .. })));
    }
}
