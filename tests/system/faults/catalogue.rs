//! What `package_show` says.

use std::time::Duration;

use serde_json::{Value, json};

use super::End::{Failed, Held, NoChange, Published};
use super::http::keeps_the_secret;
use super::{Case, Seen, case};
use crate::city::server::{Answer, Delivery, Framing, Then};
use crate::city::{City, FILE, METADATA, WARDS, WARDS_FILE, resource};

pub fn cases() -> Vec<Case> {
    [answers(), years(), dates(), addresses(), boundaries()].into_iter().flatten().collect()
}

/// Not an answer at all.
fn answers() -> Vec<Case> {
    vec![
        case("no success", Failed(""), |city| {
            city.change_package(|all| *all = json!({"success": false, "error": {"message": "Not found"}}));
        }),
        case("no success, but a result", Failed(""), |city| city.change_package(|all| all["success"] = false.into())),
        case("no success, with much to say", Failed(""), |city| {
            let message = "Not found\n".repeat(100_000);
            city.change_package(|all| *all = json!({"success": false, "error": {"message": message}}));
        })
        .also(|seen| assert!(seen.run.errors[0].len() < 2000, "{} bytes", seen.run.errors[0].len())),
        case("an empty result", Failed(""), |city| city.change_package(|all| all["result"] = json!({}))),
        case("no result", Failed(""), |city| city.change_package(|all| all["result"] = Value::Null)),
        case("no resources", Failed(""), |city| city.change_package(|all| all["result"]["resources"] = json!([]))),
        case("resources are no list", Failed(""), |city| {
            city.change_package(|all| all["result"]["resources"] = json!({"0": {}}));
        }),
        case("no JSON", Failed("it begins \"Service temp"), |city| {
            answer(city, |_| b"Service temporarily unavailable".to_vec())
        }),
        case("an empty answer", Failed(""), |city| answer(city, |_| Vec::new())),
        case("a number", Failed(""), |city| answer(city, |_| b"17".to_vec())),
        case("truncated JSON", Failed(""), |city| answer(city, |whole| whole[..whole.len() / 2].to_vec())),
        case("JSON in UTF-16", Failed(""), |city| {
            answer(city, |whole| String::from_utf8_lossy(&whole).encode_utf16().flat_map(u16::to_le_bytes).collect());
        }),
        case("JSON as deep as a stack", Failed(""), |city| {
            answer(city, |_| [b"{\"success\":true,\"result\":".to_vec(), b"[".repeat(1 << 20)].concat());
        }),
        case("100 MB of JSON", Failed("10 MB"), |city| {
            city.fault(METADATA, |_, answer| {
                answer.framing = Framing::Claimed(100 << 20);
                answer.body = vec![b' '; 1 << 20].into();
                answer.delivery = Delivery::Repeated(100 << 20);
            });
        }),
        case("retired", Failed("retired"), |city| {
            city.change_package(|all| all["result"]["is_retired"] = "true".into())
        }),
        case("retired, as a boolean", Failed("retired"), |city| {
            city.change_package(|all| all["result"]["is_retired"] = true.into());
        }),
        case("not found", Failed("404"), |city| {
            city.fault(METADATA, |_, answer| answer.become_page(404, "Not found"));
        }),
    ]
}

/// Which resource is which year.
fn years() -> Vec<Case> {
    vec![
        case("two resources for a year", Held("2025"), |city| {
            city.change_package(|all| {
                let mut other = resource(all).clone();
                other["id"] = "another".into();
                push(all, other);
            });
        }),
        case("a year has gone", NoChange, |city| {
            city.change_package(|all| {
                let resources = all["result"]["resources"].as_array_mut().unwrap();
                resources.retain(|resource| resource["name"] != "311 Service Requests 2025");
            });
        }),
        case("all years have gone but the readme", Failed(""), |city| {
            city.change_package(|all| {
                all["result"]["resources"].as_array_mut().unwrap().retain(|resource| resource["format"] == "XLSX");
            });
        }),
        case("a resource has another name", Published, |city| {
            city.change_resource(|file| file["name"] = "service requests, 2025 (customer initiated)".into());
        }),
        case("the year is in the URL only", Published, |city| {
            city.change_resource(|file| file["name"] = "Service Requests".into());
        }),
        case("the resource has another id and another place", Published, |city| {
            city.change_resource(|file| file["id"] = "0a4c1ab0-0000-4000-8000-000000000000".into());
        }),
        case("another id, the same bytes", NoChange, |city| {
            city.change_resource(|file| file["id"] = "0a4c1ab0-0000-4000-8000-000000000000".into());
        }),
        case("another order of the resources", Published, |city| {
            city.change_package(|all| all["result"]["resources"].as_array_mut().unwrap().reverse());
        }),
        case("a format in lower case", Published, |city| city.change_resource(|file| file["format"] = "zip".into())),
        case("things that are no resources", Published, |city| {
            city.change_package(|all| {
                push(all, json!({"id": 17, "name": 17, "format": null, "url": ["x"]}));
                push(all, json!("a resource"));
                push(all, Value::Null);
            });
        }),
        case("things that are no yearly file", Published, |city| {
            city.change_package(|all| {
                let url = "https://www.toronto.ca/";
                push(all, json!({"id": "1", "name": "311 API", "format": "HTML", "url": url}));
                push(all, json!({"id": "2", "name": "Dashboard 2025", "format": "HTML", "url": url}));
                push(all, json!({"id": "3", "name": "All years", "format": "CSV", "url": url}));
                push(all, json!({"id": "4"}));
            });
        }),
    ]
}

/// What nothing shall be decided by.
fn dates() -> Vec<Case> {
    fn modified(city: &City, value: &Value) {
        city.change_resource(|file| file["last_modified"] = value.clone());
    }
    vec![
        case("no date", Published, |city| modified(city, &Value::Null)),
        case("a date before the last one", Published, |city| modified(city, &"2024-12-08T14:03:12.123456".into())),
        case("a date in the future", Published, |city| modified(city, &"2099-01-01T00:00:00".into())),
        case("a date in another form", Published, |city| modified(city, &"2025-04-08 14:03:12".into())),
        case("a date that is none", Published, |city| modified(city, &"soon".into())),
        case("another size than the file's", Published, |city| city.change_resource(|file| file["size"] = 17.into())),
        case("a size that is none", Published, |city| city.change_resource(|file| file["size"] = "big".into())),
        case("a hash that is none", Published, |city| city.change_resource(|file| file["hash"] = "d41d8cd9".into())),
    ]
}

/// URLs that nobody asked to be fetched.
fn addresses() -> Vec<Case> {
    fn at(city: &City, url: &str) {
        city.change_resource(|file| file["url"] = url.into());
    }
    vec![
        case("a host of the City's own network", Held("ckanadmin0.intra.prod-toronto.ca"), |city| {
            at(city, "https://ckanadmin0.intra.prod-toronto.ca/dataset/x/resource/y/download/sr2025.zip");
        })
        .also(|seen| seen.within(3)),
        case("a file of this machine", Held("file:"), |city| at(city, "file:///etc/passwd?sr2025.zip")),
        case("the metadata of a cloud", Held("169.254.169.254"), |city| {
            at(city, "http://169.254.169.254/latest/meta-data/sr2025.zip");
        })
        .also(|seen| seen.within(3)),
        case("the metadata of a cloud, as a number", Held(""), |city| at(city, "http://2852039166/sr2025.zip"))
            .also(|seen| seen.within(3)),
        case("the metadata of a cloud, in IPv6", Held(""), |city| {
            at(city, "http://[::ffff:169.254.169.254]/sr2025.zip");
        })
        .also(|seen| seen.within(3)),
        case("a user before another host", Held(""), |city| at(city, "https://127.0.0.1@169.254.169.254/sr2025.zip"))
            .also(|seen| seen.within(3)),
        case("a password", Held(""), |city| {
            at(city, &city.file_url().replace("http://", "http://user:a-secret@"));
        })
        .also(|seen| {
            assert_eq!(seen.downloads(), 0);
            keeps_the_secret(seen);
        }),
        case("a secret in what is no URL", Held(""), |city| at(city, "http://[::?token=a-secret"))
            .also(keeps_the_secret),
        case("a secret in a URL that is not allowed", Held(""), |city| {
            at(city, "https://elsewhere.example/sr2025.zip?token=a-secret");
        })
        .also(keeps_the_secret),
        case("another scheme", Held("ftp"), |city| at(city, "ftp://127.0.0.1/sr2025.zip")),
        case("no URL", Held(""), |city| at(city, "SR2025.zip")),
        case("an empty URL", Held(""), |city| at(city, "")),
        case("a URL with a line of a header in it", Held(""), |city| {
            at(city, &format!("{}\r\nX-Evil: 1", city.file_url()));
        })
        .also(|seen| {
            let evil = |logged: &crate::city::Logged| logged.request.header("x-evil").is_some();
            assert!(!seen.city.requests("GET", FILE).iter().any(evil));
        }),
    ]
}

/// The package of the ward boundaries, which is only watched: whatever is wrong with it, requests are published.
fn boundaries() -> Vec<Case> {
    vec![
        case("the boundaries' catalogue fails", Published, |city| {
            city.fault(WARDS, |_, answer| answer.become_page(503, "Maintenance"));
        })
        .also(warns),
        case("the boundaries' catalogue is silent", Published, |city| {
            city.fault(WARDS, |_, answer| answer.delivery = Delivery::Nothing(Then::Silence));
        })
        .flags(&["--stall-seconds", "0.3"])
        .also(warns),
        case("the boundaries' catalogue is a page", Published, |city| {
            city.fault(WARDS, |_, answer| answer.become_page(200, "Request rejected"));
        })
        .also(warns),
        case("the boundaries are no more", Published, |city| {
            city.change_wards(|all| all["result"]["resources"] = json!([]));
        })
        .also(warns),
        case("the boundaries are elsewhere", Published, |city| {
            city.change_wards(|all| all["result"]["resources"][0]["url"] = "http://169.254.169.254/wards".into());
        })
        .also(warns),
        case("the boundaries' file is not found", Published, |city| {
            city.fault(WARDS_FILE, |_, answer| answer.become_page(404, "Not found"));
        })
        .also(warns),
        case("the boundaries' file never ends", Published, |city| {
            city.fault(WARDS_FILE, |_, answer| answer.delivery = Delivery::Drip(1, Duration::from_millis(100)));
        })
        .flags(&["--download-seconds", "2"])
        .also(warns),
        case("other boundaries", Published, |city| {
            city.fault_times(WARDS_FILE, &["GET", "HEAD"], usize::MAX, |_, answer| {
                answer.body = b"{}".to_vec().into();
                answer.set("ETag", "\"other\"");
            });
        })
        .also(warns),
    ]
}

fn warns(seen: &Seen<'_>) {
    let warned = seen.lake.runs().into_values().any(|run| run["warnings"].to_string().contains("ward boundaries"));
    assert!(warned, "{:#?}", seen.lake.runs());
}

fn answer(city: &City, change: fn(Vec<u8>) -> Vec<u8>) {
    city.fault(METADATA, move |_, answer: &mut Answer| answer.body = change(answer.body.to_vec()).into());
}

fn push(package: &mut Value, resource: Value) {
    package["result"]["resources"].as_array_mut().unwrap().push(resource);
}
