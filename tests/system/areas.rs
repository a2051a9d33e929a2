//! The files of areas over HTTP.

use serde_json::Value;

use crate::boundaries::geo_folder;
use crate::program::Server;

#[test]
fn the_list_of_sets_leads_to_their_files() {
    let lake = tempfile::tempdir().unwrap();
    let server = Server::start(lake.path());
    let list = server.get("/api/v1/areas").json();
    let sets = list["rows"].as_array().unwrap();
    let brief = |set: &Value| (set["id"].clone(), set["ward_model"].clone(), set["areas"].clone());
    let brief: Vec<_> = sets.iter().map(brief).collect();
    let row = |id: &str, model: Value, areas: u32| (id.into(), model, areas.into());
    assert_eq!(brief, [row("wards", "25".into(), 25), row("wards-44", "44".into(), 44), row("fsas", Value::Null, 96)]);
    assert_eq!((&sets[1]["valid_from"], &sets[1]["valid_to"]), (&"2000-12-01".into(), &"2018-11-30".into()));
    assert!(sets.iter().all(|set| !set["attribution"].as_array().unwrap().is_empty()));
    for link in sets.iter().flat_map(|set| set["links"].as_array().unwrap()) {
        let href = link["href"].as_str().unwrap();
        let file = server.get(href);
        assert_eq!((file.status, file.header("content-type")), (200, link["type"].as_str().unwrap()), "{href}");
        assert_eq!(
            (file.header("access-control-allow-origin"), file.body.len()),
            ("*", link["length"].as_u64().unwrap() as usize)
        );
        let for_ever = file.header("cache-control").contains("immutable");
        assert_eq!(for_ever, link["rel"] == "memento", "{href}");
        assert_eq!(file.header("cache-control").contains("stale-while-revalidate"), !for_ever, "{href}");
    }
}

#[test]
fn a_file_is_the_one_in_the_repository_compressed_and_not_sent_twice() {
    let lake = tempfile::tempdir().unwrap();
    let server = Server::start(lake.path());
    for set in ["wards", "wards-44", "fsas"] {
        for extension in ["geojson", "topojson"] {
            let name = format!("{set}.{extension}");
            let path = format!("/api/v1/areas/{name}");
            let plain = server.get(&path);
            assert_eq!(plain.body, std::fs::read_to_string(geo_folder().join(&name)).unwrap());
            assert_eq!(server.get_with(&path, &[("if-none-match", plain.header("etag"))]).status, 304);
            for encoding in ["br", "gzip"] {
                let packed = server.get_with(&path, &[("accept-encoding", encoding)]);
                assert_eq!(packed.header("content-encoding"), encoding);
                assert!(packed.header("content-length").parse::<usize>().unwrap() < plain.body.len() / 2, "{path}");
            }
        }
    }
}

#[test]
fn other_files_are_404_and_parameters_400() {
    let lake = tempfile::tempdir().unwrap();
    let server = Server::start(lake.path());
    for name in ["cities.geojson", "style.css", "map.js", "wards", "wards-000000000000.geojson"] {
        let answer = server.get(&format!("/api/v1/areas/{name}"));
        assert_eq!((answer.status, answer.header("content-type")), (404, "application/problem+json"), "{name}");
    }
    assert_eq!(server.get("/api/v1/areas/wards.geojson?crs=EPSG:26917").status, 400);
    assert_eq!(server.get("/api/v1/areas?x=1").status, 400);
}
