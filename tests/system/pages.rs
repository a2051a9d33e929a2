//! Pages about areas, request types and months, what can be taken away from them, and the search that finds them.

use serde_json::Value;

use crate::program::{Server, refresh};

fn demo() -> (Server, tempfile::TempDir) {
    let lake = tempfile::tempdir().unwrap();
    (Server::start(lake.path()), lake)
}

/// Label, ward and month of rows that a City's file could have.
fn file(rows: &[(&str, &str)]) -> String {
    let mut file = String::from(
        "Creation Date,Status,First 3 Chars of Postal Code,Intersection Street 1,Intersection Street 2,Ward,Service Request \
         Type,Division,Section\n",
    );
    for (label, month) in rows {
        file += &format!("{month}-31 07:08:09.0000000,New,M4C,,,Beaches-East York (19),\"{label}\",MLS,Bylaw\n");
    }
    file
}

#[test]
fn an_area_has_one_address_and_old_or_wrong_names_lead_to_it() {
    let (server, _lake) = demo();
    for (path, location) in [
        ("/wards/13", "/wards/13-toronto-centre"),
        ("/wards/13-old-name", "/wards/13-toronto-centre"),
        ("/wards/12.json", "/wards/12-toronto-st-paul-s.json"),
    ] {
        let answer = server.get(path);
        assert_eq!((answer.status, answer.header("location")), (308, location), "{path}");
        assert_eq!(server.get(location).status, 200, "{location}");
    }
    for path in [
        "/wards/0",
        "/wards/26",
        "/wards/013",
        "/wards/x",
        "/wards/13-toronto-centre.exe",
        "/wards/13/2031-01",
        "/wards/13/2024-13",
        "/wards/13-toronto-centre/2024-01",
        "/fsas/m5v",
        "/fsas/M0A",
        "/fsas/M5V/",
        "/types/no-such-type",
    ] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    assert_eq!(server.get("/fsas/M5V?x=1").status, 400);
}

#[test]
fn an_area_is_told_with_the_numbers_of_the_api() {
    let (server, _lake) = demo();
    for (path, geography, area) in [("/wards/13-toronto-centre", "ward", "13"), ("/fsas/M5V", "fsa", "M5V")] {
        let facts = server.get(&format!("{path}.json")).json();
        let month = facts["month"]["to"].as_str().unwrap();
        let rows = server.get(&format!("/api/v1/counts?geo={geography}&month={month}")).json()["rows"].clone();
        let row = rows.as_array().unwrap().iter().find(|row| row["area"] == area).unwrap();
        for name in ["requests", "value", "rank"] {
            assert_eq!(facts["month"][name], row[name], "{path} {name}");
        }
        let page = server.get(path).body;
        assert!(page.contains(facts["name"].as_str().unwrap()), "{path}");
        assert!(page.contains(&format!("<dd>{}</dd>", row["requests"])), "{path}");
        let year = (&facts["year"]["from"], &facts["year"]["to"], &facts["year"]["requests"]);
        let of_year = server.get(&format!(
            "/api/v1/choropleth?geo={geography}&from={}&to={}",
            year.0.as_str().unwrap(),
            year.1.as_str().unwrap()
        ));
        let feature = of_year.json()["features"].as_array().unwrap().iter().find(|f| f["id"] == area).unwrap().clone();
        assert_eq!(feature["properties"]["requests"], *year.2);
        // The types add up to the area's requests, as far as they are listed, and each is what the map of it says.
        let top = &facts["types"][0];
        let of_type = server.get(&format!(
            "/api/v1/choropleth?geo={geography}&type={}&from={}&to={}",
            top["id"].as_str().unwrap(),
            year.0.as_str().unwrap(),
            year.1.as_str().unwrap()
        ));
        let of_type = of_type.json();
        let feature = of_type["features"].as_array().unwrap().iter().find(|feature| feature["id"] == area).unwrap();
        assert_eq!(feature["properties"]["requests"], top["requests"], "{path}");
        let share = top["requests"].as_f64().unwrap() * 100.0 / year.2.as_f64().unwrap();
        assert!((top["share"].as_f64().unwrap() - share).abs() < 1e-9);
        assert_eq!(facts["series"].as_array().unwrap().len(), 36);
    }
}

#[test]
fn what_is_normal_is_the_range_of_earlier_years() {
    let (server, _lake) = demo();
    let facts = server.get("/wards/13-toronto-centre.json").json();
    let series = facts["series"].as_array().unwrap();
    let point = |month: &str| series.iter().find(|point| point["month"] == month).unwrap();
    let requests = |month: &str| point(month)["requests"].as_u64().unwrap();
    let mut earlier = [requests("2023-07"), requests("2024-07")];
    earlier.sort_unstable();
    assert_eq!(point("2025-07")["normal"], serde_json::json!(earlier));
    assert_eq!(point("2024-07")["normal"], Value::Null, "one year makes no range");
    let csv = server.get("/wards/13-toronto-centre.csv");
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    let line = format!("2025-07,{},{},{}", requests("2025-07"), earlier[0], earlier[1]);
    assert!(csv.body.lines().any(|of_csv| of_csv == line), "{line}");
}

#[test]
fn a_report_is_of_one_month_and_can_be_cited() {
    let (server, _lake) = demo();
    let report = server.get("/wards/13/2024-11").body;
    let release = server.get("/api/v1/months").json()["release"].as_str().unwrap().to_owned();
    assert!(
        report.contains(&format!("“Ward 13 Toronto Centre, November 2024”, /wards/13/2024-11, release {release}."))
    );
    assert!(report.contains("href=\"/wards/13/2024-10\"") && report.contains("href=\"/wards/13/2024-12\""));
    let facts = server.get("/wards/13/2024-11.json").json();
    assert_eq!((&facts["month"]["from"], &facts["types"].as_array().unwrap().len()), (&"2024-11".into(), &10));
    assert!(!server.get("/fsas/M5V/2023-01").body.contains("month before"), "there is none");
}

#[test]
fn feeds_have_an_entry_for_each_month() {
    let (server, _lake) = demo();
    for (path, href) in [
        ("/wards/13-toronto-centre", "href=\"/wards/13/2025-12\""),
        ("/types/adequate-heat", "href=\"/types/adequate-heat\""),
    ] {
        let feed = server.get(&format!("{path}.atom"));
        assert_eq!(feed.header("content-type"), "application/atom+xml");
        assert_eq!(feed.body.matches("<entry>").count(), 24);
        assert!(
            feed.body.contains(&format!("<id>tag:toronto311,2026:{path}/2025-12</id>")) && feed.body.contains(href)
        );
        let page = server.get(path).body;
        assert!(page.contains(&format!("type=\"application/atom+xml\" href=\"{path}.atom\"")), "readers find it");
    }
}

#[test]
fn the_search_finds_areas_and_types() {
    let (server, _lake) = demo();
    for (text, location) in
        [("ward+13", "/wards/13-toronto-centre"), ("m5v+3a8", "/fsas/M5V"), ("adequate+heat", "/types/adequate-heat")]
    {
        let answer = server.get(&format!("/search?q={text}"));
        assert_eq!((answer.status, answer.header("location")), (303, location), "{text}");
    }
    let york = server.get("/search?q=york").body;
    assert!(york.contains("/wards/6-york-centre") && york.contains("/wards/19-beaches-east-york"));
    let nothing = server.get("/search?q=%3Cscript%3Ealert(1)").body;
    assert!(nothing.contains("is called this") && !nothing.contains("<script>alert"));
    assert_eq!(server.get(&format!("/search?q={}", "x".repeat(101))).status, 400);
    assert_eq!(server.get("/search").status, 200);
}

#[test]
fn a_view_is_taken_away_in_every_form_with_the_same_numbers() {
    let (server, _lake) = demo();
    let query = "type=adequate-heat&from=2024-01&to=2024-12&measure=change";
    let rows = server.get(&format!("/map.json?{query}")).json()["rows"].clone();
    let csv = server.get(&format!("/map.csv?{query}"));
    for path in ["/map.csv", "/wards/13-toronto-centre.json", "/types/adequate-heat.json", "/types.json"] {
        assert_eq!(server.get(path).header("access-control-allow-origin"), "*", "{path}");
    }
    let mut lines = csv.body.lines();
    let names: Vec<_> = lines.next().unwrap().split(',').collect();
    for row in rows.as_array().unwrap() {
        let line: Vec<_> = lines.next().unwrap().split(',').collect();
        let cell = |name: &str| line[names.iter().position(|of| *of == name).unwrap()];
        assert_eq!(cell("area"), row["area"].as_str().unwrap());
        assert_eq!(cell("requests"), row["requests"].to_string());
        assert_eq!(cell("value").parse::<f64>().ok(), row["value"].as_f64());
    }
    assert_eq!(lines.next(), None);
    let svg = server.get(&format!("/map.svg?{query}"));
    assert_eq!(svg.header("content-type"), "image/svg+xml");
    assert!(svg.body.contains("Adequate Heat") && svg.body.matches("<path d=\"M").count() == 25 + 10);
    let png = server.get(&format!("/map.png?{query}&area=13"));
    assert_eq!(png.header("content-type"), "image/png");
    assert!(png.body.len() > 10_000);
    for form in ["json", "csv", "geojson", "svg", "png"] {
        assert_eq!(server.get(&format!("/map.{form}?measure=love")).status, 400, "{form}");
    }
}

#[test]
fn others_may_frame_the_embedded_map_and_nothing_else() {
    let (server, _lake) = demo();
    let framed = server.get("/embed?geo=fsa&legend=off");
    assert!(framed.header("content-security-policy").contains("frame-ancestors *"));
    assert_eq!(framed.body.matches("<path id=\"area-").count(), 96);
    assert!(!framed.body.contains("class=\"legend\"") && !framed.body.contains("<script"));
    assert!(server.get("/").header("content-security-policy").contains("frame-ancestors 'self'"));
    let wrong = server.get("/embed?legend=no&colour=red");
    assert_eq!(wrong.status, 400);
    assert!(wrong.body.contains("allowed is off") && wrong.body.contains("no parameter but"));
}

#[test]
fn twelve_months_lie_side_by_side() {
    let (server, _lake) = demo();
    let page = server.get("/months?measure=count").body;
    assert_eq!(page.matches("<figure>").count(), 12);
    assert_eq!(page.matches("<use href=\"#s").count(), 12 * 25);
    assert!(page.contains("January 2025") && page.contains("December 2025"));
    let changes = server.get("/months?month=2024-03&measure=change").body;
    assert_eq!(changes.matches("<figure>").count(), 3, "there is no change before 2024");
}

#[test]
fn pictures_in_previews_have_whole_addresses() {
    let lake = tempfile::tempdir().unwrap();
    let arguments = ["--refresh", "off", "--public-url", "https://311.example.org/"];
    let server = Server::start_with(lake.path(), &arguments);
    let page = server.get("/?geo=fsa");
    assert!(page.body.contains("<meta property=\"og:image\" content=\"https://311.example.org/map.png?geo=fsa\">"));
    assert!(page.body.contains("<link rel=\"canonical\" href=\"https://311.example.org/?geo=fsa\">"));
    // Who has the page without them has another page.
    let without = Server::start_with(lake.path(), &["--refresh", "off"]);
    assert_ne!(without.get("/?geo=fsa").header("etag"), page.header("etag"));
}

#[test]
fn hostile_labels_are_text_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let (source, lake) = (folder.path().join("source"), folder.path().join("lake"));
    std::fs::create_dir(&source).unwrap();
    let long = "Wheel ".repeat(60);
    let labels = [
        "<script>alert(1)</script>",
        "=HYPERLINK(1) & 'more'",
        "\u{202e}txet desrever",
        "]]><svg onload=x>",
        long.as_str(),
    ];
    let rows: Vec<_> = labels.iter().flat_map(|label| ["2023-05", "2024-05"].map(|month| (*label, month))).collect();
    for year in ["2023", "2024"] {
        let of_year: Vec<_> = rows.iter().copied().filter(|(_, month)| month.starts_with(year)).collect();
        std::fs::write(source.join(format!("SR{year}.csv")), file(&of_year)).unwrap();
    }
    assert_eq!(refresh(&source, &lake).code, 0);
    let server = Server::start(&lake);
    let types = server.get("/api/v1/types").json();
    let ids: Vec<_> =
        types["rows"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    assert!(ids.len() >= 4, "{ids:?}");
    let mut paths = vec![
        "/types".to_owned(),
        "/".to_owned(),
        "/wards/19-beaches-east-york".to_owned(),
        "/wards/19/2024-05".to_owned(),
    ];
    for id in &ids {
        paths.extend(["", ".atom", ".json", ".csv"].map(|form| format!("/types/{id}{form}")));
        paths.extend(
            ["/", "/embed", "/months", "/map.svg", "/map.png", "/map.csv", "/values"]
                .map(|page| format!("{page}?type={id}")),
        );
    }
    for path in paths {
        let answer = server.get(&path);
        assert_eq!(answer.status, 200, "{path}");
        let is_markup = ["html", "svg", "xml"].iter().any(|kind| answer.header("content-type").contains(kind));
        if is_markup {
            assert!(!answer.body.contains("<script>alert") && !answer.body.contains("<svg onload"), "{path}");
        }
    }
}
