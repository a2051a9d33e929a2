//! Years of both ward models and months without data, over HTTP.

use std::path::Path;

use crate::program::{Server, refresh};

const HEADER: &str = "Creation Date,Status,First 3 Chars of Postal Code,Intersection Street 1,Intersection Street 2,Ward,\
                      Service Request Type,Division,Section\n";

/// One request a day of some months of a year.
fn year(folder: &Path, year: u16, months: std::ops::RangeInclusive<u8>, ward: &str) {
    let mut csv = HEADER.to_owned();
    for month in months {
        for day in 1..=31 {
            csv.push_str(&format!("{year}-{month:02}-{day:02} 08:00:00.0000000,New,M4C,,,{ward},Noise,MLS,Bylaw\n"));
        }
    }
    // Days that a month doesn't have.
    let csv: String = csv
        .split_inclusive('\n')
        .filter(|line| {
            !["-02-3", "-02-29", "-04-31", "-06-31", "-09-31", "-11-31"].iter().any(|day| line.contains(day))
        })
        .collect();
    std::fs::write(folder.join(format!("SR{year}.csv")), csv).unwrap();
}

/// 2016 with 44 wards; 2021 with 25, up to October; 2022 up to the middle of March.
fn served() -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (source, lake) = (folder.path().join("source"), folder.path().join("lake"));
    std::fs::create_dir(&source).unwrap();
    year(&source, 2016, 1..=12, "Davenport (18)");
    year(&source, 2021, 1..=10, "Davenport (09)");
    year(&source, 2022, 1..=3, "Davenport (09)");
    let cut = std::fs::read_to_string(source.join("SR2022.csv")).unwrap();
    std::fs::write(source.join("SR2022.csv"), &cut[..cut.find("2022-03-16").unwrap()]).unwrap();
    let ended = refresh(&source, &lake);
    assert_eq!((ended.code, ended.errors), (0, vec![]));
    (Server::start(&lake), folder)
}

#[test]
fn months_before_2018_are_drawn_by_the_44_wards() {
    let (server, _folder) = served();
    let map = server.get("/api/v1/choropleth?month=2016-05").json();
    assert_eq!((&map["ward_model"], map["features"].as_array().unwrap().len()), (&"44".into(), 44));
    assert_eq!(map["features"][17]["properties"]["requests"], 31);
    assert_eq!(map["measure"], "per_km2", "no census counts residents by these wards");
    let refused = server.get("/api/v1/choropleth?month=2016-05&measure=per_1000");
    assert_eq!(refused.json()["errors"][0]["param"], "measure");
    let page = server.get("/?month=2016-05");
    assert_eq!(page.body.matches("<path id=\"area-").count(), 44);
    assert!(!page.body.contains("Per 1,000"));
    assert!(!page.body.contains("Change in a year"), "there is no year before");
    // What the form sends when the month is changed on a page of the 25 wards.
    let form = server.get("/?geo=ward&type=&from=2016-05&to=2016-05&status=&measure=");
    assert_eq!((form.status, form.header("location")), (303, "/?month=2016-05"));
}

#[test]
fn a_period_across_the_change_of_wards_is_refused_with_both_halves() {
    let (server, _folder) = served();
    let refused = server.get("/api/v1/counts?from=2016-12&to=2021-10&measure=count");
    assert_eq!(refused.status, 400);
    let error = refused.json()["errors"][0].clone();
    assert!(error["allowed"].as_str().unwrap().contains("geo=fsa"));
    let alternatives: Vec<_> =
        error["alternatives"].as_array().unwrap().iter().map(|query| query.as_str().unwrap().to_owned()).collect();
    assert_eq!(
        alternatives,
        [
            "month=2016-12&measure=count",
            "from=2021-01&to=2021-10&measure=count",
            "geo=fsa&from=2016-12&to=2021-10&measure=count"
        ]
    );
    let mut total = 0;
    for query in &alternatives[..2] {
        total += server.get(&format!("/api/v1/choropleth?{query}")).json()["total"].as_u64().unwrap();
    }
    assert_eq!(server.get(&format!("/api/v1/choropleth?{}", alternatives[2])).json()["total"], total);
    let page = server.get("/?from=2016-12&to=2021-10");
    assert!(page.body.contains("<a href=\"/?month=2016-12\">"), "{}", page.body);
}

#[test]
fn months_without_data_are_not_zeros() {
    let (server, _folder) = served();
    let months = server.get("/api/v1/months").json();
    let listed: Vec<_> = months["rows"].as_array().unwrap().iter().map(|row| row["month"].as_str().unwrap()).collect();
    assert_eq!(listed.len(), 12 + 10 + 3);
    assert!(!listed.contains(&"2021-11") && !listed.contains(&"2019-01"));
    assert_eq!(server.get("/api/v1/counts?month=2021-11").status, 400);
    let across = server.get("/api/v1/choropleth?from=2021-09&to=2022-01").json();
    assert_eq!((&across["partial"], &across["total"]), (&true.into(), &(30 + 31 + 31).into()));
    let page = server.get("/?from=2021-09&to=2022-01").body;
    assert!(page.contains("incomplete: months between November 2021 and December 2021 have no data"));
}

#[test]
fn the_incomplete_month_is_marked_and_is_not_the_default() {
    let (server, _folder) = served();
    let map = server.get("/api/v1/choropleth").json();
    assert_eq!(
        (&map["complete_through"], &map["to"], &map["partial"]),
        (&"2022-02".into(), &"2022-02".into(), &false.into())
    );
    let partial = server.get("/api/v1/choropleth?from=2022-03").json();
    assert_eq!((&partial["to"], &partial["partial"], &partial["total"]), (&"2022-03".into(), &true.into(), &15.into()));
    assert!(server.get("/").body.contains("Mar 2022 (incomplete)"));
}
