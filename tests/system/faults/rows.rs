//! The CSV: its bytes, its header, its rows.

use super::End::{Held, Rows, SameTables};
use super::{Case, case};
use crate::city::City;
use crate::city::files::HEADER;

/// The end of a row that is as good as any.
const REST: &str = "New,M4C,,,Beaches-East York (19),Noise,Municipal Licensing & Standards,By-Law Enforcement";

pub fn cases() -> Vec<Case> {
    [bytes(), headers(), shapes(), dates(), places(), amounts(), payloads()].into_iter().flatten().collect()
}

fn bytes() -> Vec<Case> {
    vec![
        case("a byte order mark", SameTables, |city| city.change_csv(|csv| format!("\u{feff}{csv}").into())),
        case("UTF-16, little end first", Held(""), |city| {
            city.change_csv(|csv| format!("\u{feff}{csv}").encode_utf16().flat_map(u16::to_le_bytes).collect());
        }),
        case("UTF-16, big end first", Held(""), |city| {
            city.change_csv(|csv| format!("\u{feff}{csv}").encode_utf16().flat_map(u16::to_be_bytes).collect());
        }),
        case("Windows-1252", SameTables, |city| {
            city.change_csv(|csv| csv.chars().map(|c| u8::try_from(c).unwrap()).collect());
        }),
        case("NUL in some rows", Rows(0, &[("bad_encoding", 3)]), |city| {
            add(city, &format!("2025-03-05 09:00:00,{}\n", REST.replace("Noise", "Noi\0se")).repeat(3));
        }),
        case("CR LF", SameTables, |city| city.change_csv(|csv| csv.replace('\n', "\r\n").into())),
        case("CR LF and LF by turns", SameTables, |city| {
            city.change_csv(|csv| {
                let by_turns = |(n, line): (usize, &str)| format!("{line}{}", if n % 2 == 0 { "\r\n" } else { "\n" });
                csv.lines().enumerate().map(by_turns).collect::<String>().into()
            });
        }),
        case("CR alone", Held(""), |city| city.change_csv(|csv| csv.replace('\n', "\r").into())),
        case("no end of the last line", SameTables, |city| city.change_csv(|csv| csv.trim_end().into())),
        case("blank lines at the end", SameTables, |city| city.change_csv(|csv| (csv + "\n\n  \n").into())),
    ]
}

fn headers() -> Vec<Case> {
    vec![
        case("no header", Held("lacks the column"), |city| {
            city.change_csv(|csv| csv.split_once('\n').unwrap().1.into());
        }),
        case("nothing but a header", Held(""), |city| city.change_csv(|_| format!("{HEADER}\n").into())),
        case("columns in another order", SameTables, |city| {
            city.change_csv(|csv| {
                // Where no comma is unquoted, or nobody could tell which field it is in.
                let move_status = |line: &str| {
                    let mut fields = line.splitn(3, ',');
                    let (date, status, rest) = (fields.next().unwrap(), fields.next().unwrap(), fields.next().unwrap());
                    format!("{status},{date},{rest}\n")
                };
                csv.lines().map(move_status).collect::<String>().into()
            });
        }),
        case("one column more", SameTables, |city| {
            city.change_csv(|csv| with_first_field(&csv, "Channel", "Phone"));
        })
        .also(|seen| assert_eq!(seen.lake.input(2025)["extra_columns"], serde_json::json!(["Channel"]))),
        case("a column under its name in the documentation", SameTables, |city| {
            city.change_csv(|csv| csv.replacen("Creation Date", "Service Request Creation Date and Time", 1).into());
        }),
        case("a column under another name", Held("lacks the column Ward"), |city| {
            city.change_csv(|csv| csv.replacen("Ward", "City Ward", 1).into());
        }),
        case("a column less", Held("lacks the column Creation Date"), |city| {
            city.change_csv(|csv| {
                csv.lines().map(|line| line.split_once(',').unwrap().1.to_owned() + "\n").collect::<String>().into()
            });
        }),
        case("semicolons", Held("';'"), |city| city.change_csv(|csv| csv.replace(',', ";").into())),
        case("the header again", Rows(0, &[("repeated_header", 1)]), |city| add(city, &format!("{HEADER}\n"))),
    ]
}

fn shapes() -> Vec<Case> {
    vec![
        case("commas in quotes", SameTables, |city| {
            city.change_csv(|csv| {
                let quoted = csv.replace("Parks, Forestry & Recreation", "\"Parks, Forestry & Recreation\"");
                quoted.replace("Transfer, Disposal & Operations", "\"Transfer, Disposal & Operations\"").into()
            });
        })
        .also(|seen| assert_eq!(seen.lake.input(2025)["repaired"], 0)),
        case("an unquoted comma that is known", Rows(1, &[]), |city| {
            add(city, "2025-03-05 09:00:00,New,M4C,,,,Tree,Environment, Climate & Forestry,Forestry\n");
        }),
        case("an unquoted comma elsewhere", Rows(0, &[("bad_width", 1)]), |city| {
            add(city, "2025-03-05 09:00:00,New,M4C,,,,Noise, loud,Municipal Licensing & Standards,By-Law\n");
        }),
        case("twelve fields", Rows(0, &[("bad_width", 1)]), |city| {
            add(city, &format!("2025-03-05 09:00:00,{REST},,,\n"));
        }),
        case("three fields", Rows(0, &[("bad_width", 1)]), |city| add(city, "2025-03-05 09:00:00,New,M4C\n")),
        case("a line break in quotes", Rows(0, &[("bad_quote", 1), ("bad_width", 1)]), |city| {
            add(city, "2025-03-05 09:00:00,New,M4C,\"Leslie\nSt\",,,Noise,Municipal Licensing & Standards,By-Law\n");
        }),
        case("a quote that never closes", Rows(0, &[("bad_quote", 1)]), |city| {
            add(city, &format!("2025-03-05 09:00:00,{}", REST.replace("Noise", "\"Noise")));
        }),
        case("a quote that never closes, with rows after it", Rows(1, &[("bad_quote", 1)]), |city| {
            let open = REST.replace("Noise", "\"Noise");
            add(city, &format!("2025-03-05 09:00:00,{open}\n2025-03-05 10:00:00,{REST}\n"));
        }),
        case("a field of 10 MB", Rows(0, &[("oversized", 1)]), |city| {
            add(city, &format!("2025-03-05 09:00:00,{}\n", REST.replace("Noise", &"x".repeat(10 << 20))));
        })
        .also(|seen| assert!(seen.run.peak_mb < 300, "{:#?}", seen.run)),
    ]
}

fn dates() -> Vec<Case> {
    fn on(city: &City, dates: &[&str]) {
        let rows: String = dates.iter().map(|date| format!("{date},{REST}\n")).collect();
        add(city, &rows);
    }
    /// All dates of the file in another form: a change of the source.
    fn all(city: &City, form: &'static str) {
        city.change_csv(|csv| {
            let rewrite =
                |line: &str| match jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S", &line[..19.min(line.len())]) {
                    Ok(date) => format!("{}{}\n", date.strftime(form), &line[line.find(',').unwrap()..]),
                    Err(_) => format!("{line}\n"),
                };
            csv.lines().map(rewrite).collect::<String>().into()
        });
    }
    vec![
        case("dates without a fraction", SameTables, |city| all(city, "%Y-%m-%d %H:%M:%S")),
        case("dates with a T", Held("bad_date"), |city| all(city, "%Y-%m-%dT%H:%M:%S")),
        case("dates as in America", Held("bad_date"), |city| all(city, "%m/%d/%Y %I:%M:%S %p")),
        case("dates without a second", Held("bad_date"), |city| all(city, "%Y-%m-%d %H:%M")),
        case("some dates in other forms", Rows(0, &[("bad_date", 5)]), |city| {
            on(city, &["", "N/A", "03/05/2025 09:00:00 AM", "2025-03-05T09:00:00Z", "45721.375"]);
        }),
        case("the 30th of February", Rows(0, &[("bad_date", 3)]), |city| {
            on(city, &["2025-02-30 09:00:00", "2025-02-29 09:00:00", "2025-13-01 25:61:61"]);
        }),
        // The hour that the clocks skip: nobody can have called, but the City's own clock may say so.
        case("half past two on the day in spring", Rows(1, &[]), |city| on(city, &["2025-03-09 02:30:00"])),
        case("half past one twice on the day in autumn", Rows(2, &[]), |city| {
            on(city, &["2025-11-02 01:30:00", "2025-11-02 01:30:00"]);
        }),
        case("dates of other years", Rows(0, &[("date_outside_file", 2), ("future_date", 1)]), |city| {
            on(city, &["2024-12-31 23:59:59", "1970-01-01 00:00:00", "2026-01-01 00:00:00"]);
        }),
        case("all dates of the year before", Held("date_outside_file"), |city| {
            city.change_csv(|csv| csv.replace("2025-", "2024-").into());
        }),
    ]
}

fn places() -> Vec<Case> {
    fn at(city: &City, fsa: &str, ward: &str) {
        add(city, &format!("2025-03-05 09:00:00,New,{fsa},Leslie St,,{ward},Noise,Licensing,By-Law\n"));
    }
    vec![
        case("a ward with its number", Rows(1, &[]), |city| at(city, "", "Toronto Centre (13)")),
        case("a ward without its number, but an FSA", Rows(1, &[]), |city| at(city, "M4C", "Toronto Centre")),
        case("a ward without its number and no FSA", Rows(0, &[("no_area", 1)]), |city| at(city, "", "Toronto Centre")),
        case("a ward that is none", Rows(0, &[("no_area", 1)]), |city| at(city, "Intersection", "Nowhere (99)")),
        case("an FSA in lower case", Rows(1, &[]), |city| at(city, "m4c", "")),
        case("an intersection in a ward", Rows(1, &[]), |city| at(city, "Intersection", "Davenport (09)")),
        case("an FSA of elsewhere", Rows(0, &[("no_area", 1)]), |city| at(city, "L4K", "")),
        case("neither FSA nor ward", Rows(0, &[("no_area", 1)]), |city| at(city, "", "")),
        case("no type", Rows(0, &[("bad_type", 1)]), |city| {
            add(city, "2025-03-05 09:00:00,New,M4C,,,, ,Licensing,By-Law\n");
        }),
        case("a status that nobody knows", Rows(1, &[]), |city| {
            add(city, "2025-03-05 09:00:00,Escalated,M4C,,,,Noise,Licensing,By-Law\n");
        })
        .also(|seen| assert_eq!(seen.lake.input(2025)["unknown_statuses"], serde_json::json!({"Escalated": 1}))),
    ]
}

fn amounts() -> Vec<Case> {
    /// Only the rows of which the number is so.
    fn keep(city: &City, keep: fn(usize, &str) -> bool) {
        city.change_csv(|csv| {
            let lines = csv.lines().enumerate().filter(|(n, line)| *n == 0 || keep(*n, line));
            lines.map(|(_, line)| format!("{line}\n")).collect::<String>().into()
        });
    }
    fn february_again(city: &City) {
        city.change_csv(|csv| {
            let february: String =
                csv.lines().filter(|line| line.starts_with("2025-02")).map(|line| format!("{line}\n")).collect();
            (csv + &february).into()
        });
    }
    fn half_of_january(n: usize, line: &str) -> bool {
        !line.starts_with("2025-01") || n.is_multiple_of(2)
    }
    vec![
        case("rows that are equal", Rows(2, &[]), |city| add(city, &format!("2025-03-05 09:00:00,{REST}\n").repeat(2)))
            .also(|seen| assert_eq!(seen.lake.input(2025)["duplicates"], 1)),
        case("half of a month is gone", Held("2025-01"), |city| keep(city, half_of_january)),
        case("a month is gone", Held("2025-01"), |city| keep(city, |_, line| !line.starts_with("2025-01"))),
        case("a month is there twice", Held("2025-02"), february_again),
        case("half of a month is gone, and that is accepted", Rows(-62, &[]), |city| keep(city, half_of_january))
            .flags(&["--accept", "2025"])
            // That the rows come back is no less a surprise.
            .then_flags(&["--accept", "2025"]),
        case("half of a month is gone, and that of another year is accepted", Held("2025-01"), |city| {
            keep(city, half_of_january);
        })
        .flags(&["--accept", "2024"]),
        case("a few rows of a month are gone", Rows(-12, &[]), |city| {
            keep(city, |n, line| !line.starts_with("2025-01") || n % 10 != 0);
        }),
        case("the new month has few rows", Rows(-93, &[]), |city| {
            keep(city, |n, line| !line.starts_with("2025-03") || n % 4 == 0);
        })
        .then_flags(&["--accept", "2025"]),
        case("ten rows in quarantine", Rows(0, &[("bad_date", 10)]), |city| {
            add(city, &format!("?,{REST}\n").repeat(10))
        }),
        case("eleven rows in quarantine", Held("bad_date"), |city| add(city, &format!("?,{REST}\n").repeat(11))),
        case("eleven rows in quarantine, within a larger budget", Rows(0, &[("bad_date", 11)]), |city| {
            add(city, &format!("?,{REST}\n").repeat(11));
        })
        .flags(&["--quarantine-budget", "10"]),
    ]
}

/// Text is data, whatever it says.
fn payloads() -> Vec<Case> {
    fn of_type(city: &City, label: &str) {
        add(city, &format!("2025-03-05 09:00:00,New,M4C,,,,{label},Licensing,By-Law\n"));
    }
    vec![
        case("a type that is a script", Rows(1, &[]), |city| of_type(city, "<script>alert(1)</script>")),
        case("a type that is a formula", Rows(1, &[]), |city| of_type(city, "=cmd|' /C calc'!A0")),
        case("a type that is a path", Rows(1, &[]), |city| of_type(city, "../../../../etc/passwd")),
        case("a type that is a log line", Rows(1, &[]), |city| of_type(city, "{\"level\":\"ERROR\"}")),
        case("a type that turns the text around", Rows(1, &[]), |city| of_type(city, "Noise \u{202e}esioN")),
    ]
}

fn add(city: &City, rows: &str) {
    city.add_rows(rows.as_bytes());
}

fn with_first_field(csv: &str, name: &str, value: &str) -> Vec<u8> {
    let field = |n: usize| if n == 0 { name } else { value };
    csv.lines().enumerate().map(|(n, line)| format!("{},{line}\n", field(n))).collect::<String>().into()
}
