//! The server over HTTP, on the demo release that it builds for itself in an empty lake.

use serde_json::Value;

use crate::program::{Server, refresh};

fn demo() -> (Server, tempfile::TempDir) {
    let lake = tempfile::tempdir().unwrap();
    (Server::start(lake.path()), lake)
}

fn sum(rows: &Value, of: impl Fn(&Value) -> &Value) -> u64 {
    rows.as_array().unwrap().iter().map(|row| of(row).as_u64().unwrap()).sum()
}

#[test]
fn an_empty_lake_is_served_as_demo_data_that_says_so() {
    let (server, _lake) = demo();
    let page = server.get("/");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<strong>Demo data.</strong>"));
    assert_eq!(page.body.matches("<path id=\"area-").count(), 25);
    assert_eq!(page.body.matches("<tr id=\"row-").count(), 25);
    assert!(page.body.contains("Contains information licensed under the Open Government Licence – Toronto."));
    assert!(page.body.contains("This does not constitute an endorsement by Statistics Canada of this product."));
    assert!(
        !page.body.contains("http://")
            || page.body.matches("http://").count() == page.body.matches("http://www.w3.org/").count()
    );
    assert!(!page.body.contains("https://"), "nothing is loaded from elsewhere");
}

#[test]
fn page_geojson_and_counts_have_the_same_numbers() {
    let (server, _lake) = demo();
    for query in [
        "",
        "geo=fsa",
        "type=road-pot-hole&month=2024-03",
        "geo=fsa&from=2024-01&to=2024-12&status=closed&measure=count",
    ] {
        let map = server.get(&format!("/api/v1/choropleth?{query}")).json();
        let table = server.get(&format!("/api/v1/counts?{query}")).json();
        let page = server.get(&format!("/?{query}")).body;
        let features = map["features"].as_array().unwrap();
        assert_eq!(table["number_returned"], features.len());
        for row in table["rows"].as_array().unwrap() {
            let feature = features.iter().find(|feature| feature["id"] == row["area"]).unwrap();
            for name in ["requests", "value", "rank", "class", "state", "population", "name"] {
                assert_eq!(feature["properties"][name], row[name], "{query} {name}");
            }
            let code = row["area"].as_str().unwrap();
            let cells = page.split(&format!("<tr id=\"row-{code}\">")).nth(1).unwrap().split("</tr>").next().unwrap();
            assert!(cells.replace(',', "").contains(&format!(">{}</td>", row["requests"])), "{query} {code}: {cells}");
        }
        let mapped = sum(&map["features"], |feature| &feature["properties"]["requests"]);
        assert_eq!(mapped + map["not_mapped"].as_u64().unwrap(), map["total"].as_u64().unwrap());
    }
}

#[test]
fn rows_with_all_columns_are_the_rows_without_a_choice_of_columns() {
    let (server, _lake) = demo();
    for query in [
        "",
        "measure=change&from=2024-11&to=2025-02",
        "geo=fsa&type=road-pot-hole&status=closed&measure=share&classes=jenks",
        "geo=fsa&from=2024-01&to=2025-12&measure=per_km2",
    ] {
        let table = server.get(&format!("/api/v1/counts?{query}"));
        let first = table.json()["rows"][0].clone();
        let columns: Vec<&String> = first.as_object().unwrap().keys().collect();
        let columns = columns.into_iter().map(String::as_str).collect::<Vec<_>>().join("%2C");
        assert_eq!(server.get(&format!("/api/v1/counts?{query}&fields={columns}")).body, table.body, "{query}");
    }
}

#[test]
fn months_and_types_add_up_to_the_same_total() {
    let (server, _lake) = demo();
    let months = server.get("/api/v1/months").json();
    let types = server.get("/api/v1/types").json();
    assert_eq!(months["number_matched"], 36);
    let total = sum(&months["rows"], |row| &row["requests"]);
    assert!(total > 100_000);
    assert_eq!(sum(&types["rows"], |row| &row["requests"]), total);
    let whole = server.get("/api/v1/choropleth?from=2023-01&to=2025-12").json();
    assert_eq!(whole["total"], total);
    assert_eq!(
        months["rows"][0],
        serde_json::json!({
            "month": "2023-01", "requests": months["rows"][0]["requests"], "complete": true, "ward_model": "25"
        })
    );
}

#[test]
fn a_renamed_type_is_read_alone_or_with_its_other_names() {
    let (server, _lake) = demo();
    let total = |query: &str| {
        server.get(&format!("/api/v1/choropleth?from=2023-01&to=2025-12&{query}")).json()["total"].as_u64().unwrap()
    };
    let (old, new) = (total("type=road-pot-hole"), total("type=road-pothole-road-damage"));
    assert!(old > 0 && new > 0);
    assert_eq!(total("type=road-pot-hole&renames=joined"), old + new);
    assert_eq!(total("type=road-pothole-road-damage&renames=joined"), old + new);
    let types = server.get("/api/v1/types").json();
    let row = types["rows"].as_array().unwrap().iter().find(|row| row["id"] == "road-pot-hole").unwrap();
    assert_eq!(row["renames"], serde_json::json!(["road-pothole-road-damage"]));
    let nothing_to_join = server.get("/?type=noise&renames=joined").status;
    assert!(nothing_to_join == 400 || nothing_to_join == 303, "{nothing_to_join}");
    let page = server.get("/?type=road-pothole-road-damage").body;
    assert!(page.contains("other names: Road - Pot hole (2023-01 to 2024-1"));
}

#[test]
fn the_choropleth_is_rfc_7946_with_a_legend() {
    let (server, _lake) = demo();
    let answer = server.get("/api/v1/choropleth");
    assert_eq!(answer.header("content-type"), "application/geo+json");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let map: geojson::FeatureCollection = answer.body.parse().unwrap();
    assert_eq!(map.features.len(), 25);
    assert!(map.bbox.is_some());
    let json = answer.json();
    let classes = json["legend"]["classes"].as_array().unwrap();
    for feature in json["features"].as_array().unwrap() {
        let properties = &feature["properties"];
        let Some(class) = properties["class"].as_u64() else { continue };
        assert_eq!(classes[class as usize]["colour"], properties["colour"]);
        let value = properties["value"].as_f64().unwrap();
        let expected = properties["requests"].as_f64().unwrap() * 1000.0 / properties["population"].as_f64().unwrap();
        assert!((value - expected).abs() < 1e-9);
        assert!(classes[class as usize]["from"].as_f64().is_none_or(|from| from <= value));
        assert!(classes[class as usize]["below"].as_f64().is_none_or(|below| value < below));
    }
}

#[test]
fn a_value_that_cannot_be_is_400_with_what_can() {
    let (server, _lake) = demo();
    for (query, param, allowed) in [
        ("geo=city", "geo", "ward or fsa"),
        ("type=no-such-type", "type", "an id listed by /api/v1/types"),
        ("month=2031-01", "month", "a month from 2023-01 to 2025-12 that /api/v1/months lists, as YYYY-MM"),
        ("month=yesterday", "month", "a month from 2023-01 to 2025-12 that /api/v1/months lists, as YYYY-MM"),
        ("from=2024-05&to=2024-03", "to", "a month that is not before 2024-05"),
        ("month=2024-05&to=2024-06", "to", "month alone, or from and to without month"),
        ("status=done", "status", "completed, closed, cancelled, in_progress, new, initiated, unknown"),
        ("measure=love", "measure", "per_1000, count, per_km2, share, change"),
        ("classes=five", "classes", "quantile, equal, jenks"),
        ("area=26", "area", "a code of these areas, 01 to 25"),
        ("geo=fsa&area=13", "area", "a code of these areas, M1B to M9W"),
        (
            "month=2023-05&measure=change",
            "measure",
            "per_1000, count, per_km2, share: change is of complete months whose year before is in the data, too, and \
             by ward has the same wards",
        ),
        ("geo=ward&geo=fsa", "geo", "once only"),
        (
            "colour=red",
            "colour",
            "no parameter but geo, type, renames, month, from, to, status, measure, classes, area, release, fields",
        ),
    ] {
        let answer = server.get(&format!("/api/v1/counts?{query}"));
        assert_eq!(answer.status, 400, "{query}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        let problem = answer.json();
        assert_eq!(problem["errors"][0]["param"], param, "{query}");
        assert_eq!(problem["errors"][0]["allowed"], allowed, "{query}");
        let page = server.get(&format!("/?{query}"));
        assert_eq!((page.status, page.header("content-type")), (400, "text/html; charset=utf-8"), "{query}");
    }
    let all = server.get("/api/v1/counts?geo=city&status=done&x=%3Cscript%3E").json();
    assert_eq!(all["errors"].as_array().unwrap().len(), 3, "all problems are said at once");
    assert_eq!(server.get("/api/v1/types?x=1").status, 400);
    assert!(!server.get("/?x=%3Cscript%3E").body.contains("<script>"));
}

#[test]
fn change_and_share_are_those_of_the_counts() {
    let (server, _lake) = demo();
    let requests = |query: &str| {
        let rows = server.get(&format!("/api/v1/counts?{query}")).json()["rows"].clone();
        let of = |row: &Value| (row["area"].as_str().unwrap().to_owned(), row["requests"].as_f64().unwrap());
        rows.as_array().unwrap().iter().map(of).collect::<std::collections::BTreeMap<_, _>>()
    };
    let map = |query: &str| server.get(&format!("/api/v1/choropleth?{query}")).json();
    let (now, before) = (requests("from=2024-11&to=2025-02"), requests("from=2023-11&to=2024-02"));
    let (closed, all) = (requests("month=2024-06&status=closed"), requests("month=2024-06"));
    let change = map("from=2024-11&to=2025-02&measure=change");
    let share = map("month=2024-06&status=closed&measure=share");
    let mut compared = 0;
    for (map, part, whole, less) in [(&change, &now, &before, 1.0), (&share, &closed, &all, 0.0)] {
        for feature in map["features"].as_array().unwrap() {
            let (code, properties) = (feature["id"].as_str().unwrap(), &feature["properties"]);
            let expected = (part[code] / whole[code] - less) * 100.0;
            assert!((properties["value"].as_f64().unwrap() - expected).abs() < 1e-9, "{code}");
            assert_eq!(properties["base"].as_f64().unwrap(), whole[code]);
            compared += 1;
        }
    }
    assert_eq!(compared, 50);
    let breaks = |map: &Value| -> Vec<f64> {
        map["legend"]["classes"].as_array().unwrap().iter().filter_map(|class| class["from"].as_f64()).collect()
    };
    let of_change = breaks(&change);
    assert!(of_change.iter().zip(of_change.iter().rev()).all(|(low, high)| *low == -high), "{of_change:?}");
    assert_ne!(breaks(&map("")), breaks(&map("classes=equal")));
    assert_eq!(map("classes=jenks")["legend"]["method"], "jenks");
    let all_in_all = map("measure=share");
    assert!(all_in_all["warnings"][0].as_str().unwrap().contains("choose a request type"));
}

#[test]
fn values_alone_are_small_and_those_of_the_page() {
    let (server, _lake) = demo();
    for (query, most) in
        [("", 1024), ("type=adequate-heat&from=2024-01&to=2024-12&measure=change", 1200), ("geo=fsa", 3000)]
    {
        let packed = server.get_with(&format!("/values?{query}"), &[("accept-encoding", "br")]);
        let bytes: usize = packed.header("content-length").parse().unwrap();
        assert!(bytes <= most, "{query}: {bytes} bytes");
        let values = server.get(&format!("/values?{query}")).json();
        let page = server.get(&format!("/?{query}")).body;
        assert!(page.contains(values["header"].as_str().unwrap()) && page.contains(values["legend"].as_str().unwrap()));
        for row in values["rows"].as_array().unwrap() {
            let code = row[0].as_str().unwrap();
            let cells = page.split(&format!("<tr id=\"row-{code}\"")).nth(1).unwrap().split("</tr>").next().unwrap();
            for number in row[3].as_array().unwrap() {
                assert!(
                    cells.contains(&format!("<td class=\"n\">{}</td>", number.as_str().unwrap())),
                    "{query} {code}"
                );
            }
            assert!(page.contains(&format!("<path id=\"area-{code}\" class=\"{}\"", row[2].as_str().unwrap())));
        }
    }
    assert_eq!(server.get("/values?geo=city").status, 400);
}

#[test]
fn an_address_can_be_pinned_to_the_release_that_is_live() {
    let (server, _lake) = demo();
    let release = server.get("/api/v1/months").json()["release"].as_str().unwrap().to_owned();
    assert_eq!(server.get(&format!("/?release={release}")).status, 200);
    let other = server.get("/api/v1/counts?release=2020-01-000000000000");
    assert_eq!(other.status, 400);
    let allowed = other.json()["errors"][0]["allowed"].clone();
    assert_eq!(allowed, "a release that /api/v1/releases lists");
}

#[test]
fn the_page_about_the_data_accounts_for_every_row_and_has_the_contract() {
    let (server, _lake) = demo();
    let page = server.get("/data");
    assert_eq!(page.status, 200);
    for rule in toronto311::clean::contract::RULES {
        assert!(page.body.contains(&rule.on_break.text()), "{}", rule.about);
    }
    assert!(page.body.contains("SR2024") && page.body.contains("134,296 lines of 2022 to 2025"));
    assert_eq!(server.get("/data?x=1").status, 400);
}

#[test]
fn what_is_not_there_is_404_in_the_form_of_its_place() {
    let (server, _lake) = demo();
    let problem = server.get("/api/v1/nothing");
    assert_eq!((problem.status, problem.header("content-type")), (404, "application/problem+json"));
    let page = server.get("/nothing");
    assert_eq!((page.status, page.header("content-type")), (404, "text/html; charset=utf-8"));
    assert_eq!(server.get("/assets/nothing.js").status, 404);
    assert_eq!(server.ask("POST", "/api/v1/counts", &[]).status, 405);
    let preflight = [
        ("origin", "https://example.org"),
        ("access-control-request-method", "GET"),
        ("access-control-request-headers", "if-none-match"),
    ];
    let allowed = server.ask("OPTIONS", "/api/v1/counts", &preflight);
    assert_eq!((allowed.status, allowed.header("access-control-allow-headers")), (200, "if-none-match,if-range,range"));
    let many = server.get(&format!("/api/v1/counts?{}", "a=1&".repeat(500)));
    assert!(many.status == 400 && many.body.len() < 10_000);
}

#[test]
fn one_view_has_one_address() {
    let (server, _lake) = demo();
    let form = "/?geo=ward&type=&from=2025-12&to=2025-12&status=&measure=per_1000";
    let redirected = server.get(form);
    assert_eq!((redirected.status, redirected.header("location")), (303, "/"));
    let redirected = server.get("/?measure=count&to=2024-03&from=2024-03&geo=fsa");
    assert_eq!(redirected.header("location"), "/?geo=fsa&month=2024-03&measure=count");
    assert_eq!(server.get(redirected.header("location")).status, 200);
}

#[test]
fn answers_are_compressed_and_not_sent_twice() {
    let (server, _lake) = demo();
    for path in ["/", "/api/v1/choropleth", "/api/v1/counts", "/api/v1/types", "/api/v1/months"] {
        let plain = server.get(path);
        let packed = server.get_with(path, &[("accept-encoding", "br")]);
        assert_eq!(packed.header("content-encoding"), "br", "{path}");
        assert!(packed.header("vary").ends_with("accept-encoding"), "{path}");
        assert_ne!(packed.header("etag"), plain.header("etag"));
        let again = server.get_with(path, &[("if-none-match", plain.header("etag"))]);
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        assert!(plain.header("cache-control").contains("stale-while-revalidate"));
    }
}

#[test]
fn assets_are_ours_named_by_content_and_kept_for_ever() {
    let (server, _lake) = demo();
    let page = server.get("/").body;
    let assets: Vec<_> = page.split(['"', '\'']).filter(|text| text.starts_with("/assets/")).collect();
    assert_eq!(assets.len(), 5, "icon, two style sheets, two scripts");
    let icon = server.get("/favicon.ico");
    assert!((icon.status, icon.header("location")) == (307, assets[0]), "{}", icon.header("location"));
    for asset in assets {
        let answer = server.get(asset);
        assert_eq!(answer.status, 200, "{asset}");
        assert!(answer.header("cache-control").contains("immutable"));
    }
}

#[test]
fn a_new_release_is_served_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (source, lake) = (folder.path().join("source"), folder.path().join("lake"));
    let server = Server::start(&lake);
    let before = server.get("/api/v1/months").json()["release"].clone();
    std::fs::create_dir(&source).unwrap();
    std::fs::write(
        source.join("SR2024.csv"),
        "Creation Date,Status,First 3 Chars of Postal Code,Intersection Street 1,Intersection Street 2,Ward,Service Request \
         Type,Division,Section\n2024-05-31 07:08:09.0000000,New,M4C,,,Beaches-East York (19),<b>Noise</b>,MLS,Bylaw\n",
    )
    .unwrap();
    assert_eq!(refresh(&source, &lake).code, 0);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while server.get("/api/v1/months").json()["release"] == before {
        assert!(std::time::Instant::now() < until, "still the old release after 30 seconds");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let page = server.get("/").body;
    assert!(!page.contains("Demo data"));
    assert!(!page.contains("<b>Noise"), "labels are text");
    assert_eq!(server.get("/api/v1/counts").json()["rows"][0]["area"], "19");
}

#[test]
fn sigterm_ends_the_server_cleanly() {
    let (mut server, _lake) = demo();
    assert_eq!(server.get("/health/live").status, 200);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn classes_are_the_same_in_all_months_however_rare_the_type() {
    let (server, _lake) = demo();
    let types = server.get("/api/v1/types").json();
    let mut compared = 0;
    for id in types["rows"].as_array().unwrap().iter().filter_map(|row| row["id"].as_str()) {
        for method in ["quantile", "jenks"] {
            let classes = |month: &str| {
                let view = format!("/api/v1/choropleth?geo=fsa&type={id}&month={month}&classes={method}");
                server.get(&view).json()["legend"]["classes"].clone()
            };
            let [one, other] = ["2024-03", "2024-09"].map(classes);
            assert_eq!(one, other, "{id}, {method}");
            compared += usize::from(one.as_array().is_some_and(|classes| !classes.is_empty()));
        }
    }
    assert!(compared > 20, "{compared}");
}
