//! Views chosen by chance, whose counts are held against the truth: any type, status and range of months, both geographies.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use toronto311::domain::{Month, TypeId};

use super::source::Source;
use crate::program::{Server, serve};

const VIEWS: usize = 500;

/// A view, and what its areas should count.
struct View {
    geography: &'static str,
    request_type: Option<String>,
    status: Option<&'static str>,
    from: Month,
    to: Month,
    meant: BTreeMap<String, u64>,
}

impl View {
    fn of_chance(random: &mut fastrand::Rng, types: &[String], months: &[Month]) -> Self {
        let geography = if random.bool() { "ward" } else { "fsa" };
        // Months of 25 wards: a range across the change of wards has no answer.
        let redrawn: Month = "2018-01".parse().unwrap();
        let months = &months[if geography == "ward" { months.partition_point(|month| *month < redrawn) } else { 0 }..];
        let (a, b) = (random.usize(..months.len()), random.usize(..months.len()));
        let statuses = ["completed", "closed", "cancelled", "in_progress", "new", "initiated", "unknown"];
        Self {
            geography,
            request_type: (random.u8(..10) < 7).then(|| types[random.usize(..types.len())].clone()),
            status: random.bool().then(|| statuses[random.usize(..statuses.len())]),
            from: months[a.min(b)],
            to: months[a.max(b)],
            meant: BTreeMap::new(),
        }
    }

    fn query(&self) -> String {
        let mut query = format!("geo={}&measure=count&from={}&to={}", self.geography, self.from, self.to);
        if let Some(id) = &self.request_type {
            query.push_str(&format!("&type={id}"));
        }
        if let Some(status) = self.status {
            query.push_str(&format!("&status={status}"));
        }
        query
    }
}

/// Reads the truth once and adds each of its rows to the views that it is in.
fn fill(views: &mut [View], source: &Source) {
    let mut of_type: HashMap<Option<String>, Vec<usize>> = HashMap::new();
    for (at, view) in views.iter().enumerate() {
        of_type.entry(view.request_type.clone()).or_default().push(at);
    }
    let mut types: HashMap<String, Option<String>> = HashMap::new();
    source.each_of("counts.csv.gz", |row| {
        let month: Month = row[0].parse().unwrap();
        let label = row[4].to_owned();
        let id = types.entry(label).or_insert_with_key(|label| {
            // The one pair of spellings whose slugs differ.
            let label = label.replace("Pot hole on Expressway", "Pothole on Expressway");
            TypeId::of_label(&label).map(|id| id.to_string())
        });
        let status = row[7].to_lowercase().replace([' ', '-'], "_");
        for at in [&None, &*id].into_iter().flat_map(|id| of_type.get(id).into_iter().flatten()) {
            let view = &mut views[*at];
            if view.from <= month && month <= view.to && view.status.is_none_or(|wanted| wanted == status) {
                let area = if view.geography == "ward" { format!("{:0>2}", &row[2]) } else { row[3].to_owned() };
                *view.meant.entry(area).or_default() += row[8].parse::<u64>().unwrap();
            }
        }
    });
}

/// Holds what is served against the truth, view by view and area by area.
pub fn assert_served_as_meant(lake: &Path, source: &Source) {
    let server = Server::of(serve(lake, &["--refresh", "off"]));
    let column = |resource: &str, column: &str| -> Vec<String> {
        let list = server.get(&format!("/api/v1/{resource}")).json();
        list["rows"].as_array().unwrap().iter().map(|row| row[column].as_str().unwrap().to_owned()).collect()
    };
    let types = column("types", "id");
    let months: Vec<Month> = column("months", "month").iter().map(|month| month.parse().unwrap()).collect();
    let mut random = fastrand::Rng::with_seed(311);
    let mut views: Vec<View> = (0..VIEWS).map(|_| View::of_chance(&mut random, &types, &months)).collect();
    fill(&mut views, source);
    let mut requests = 0;
    for view in &views {
        let query = view.query();
        let answer = server.get(&format!("/api/v1/counts?{query}"));
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        for row in answer.json()["rows"].as_array().unwrap() {
            let meant = view.meant.get(row["area"].as_str().unwrap()).copied().unwrap_or(0);
            assert_eq!(row["requests"].as_u64(), Some(meant), "{query} {}", row["area"]);
            requests += meant;
        }
    }
    assert!(requests > 1_000_000, "the views are all but empty: {requests} requests");
}
