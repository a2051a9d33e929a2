//! The City's portal: which files a package has, by CKAN's `package_show`.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;

use super::address::{Addresses, shown};
use super::http::Http;
use super::{Downloaded, Error, Listing, Look, Patience, Resource};

/// The package of the requests.
const REQUESTS: &str = "311-service-requests-customer-initiated";

/// The package of the ward boundaries.
const WARDS: &str = "city-wards";

/// A CKAN portal.
pub struct Ckan {
    http: Http,
}

#[derive(Deserialize)]
struct Answer {
    success: bool,
    #[serde(default)]
    error: Value,
    result: Option<Package>,
}

#[derive(Deserialize)]
struct Package {
    /// `"true"` or `true`.
    #[serde(default)]
    is_retired: Value,
    /// As values: one that is malformed is no reason to read none.
    resources: Option<Vec<Value>>,
}

/// Of all that CKAN says of a file, dates and sizes are not read: they are now and then wrong for hours.
#[derive(Deserialize)]
struct CkanResource {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    state: Option<String>,
}

impl Ckan {
    pub(super) fn new(addresses: Addresses, patience: Patience) -> Result<Self, Error> {
        Ok(Self { http: Http::new(addresses, patience)? })
    }

    pub(super) async fn list(&self) -> Result<Listing, Error> {
        let resources = self.package(REQUESTS).await?;
        let listing = listing(&resources, self.http.addresses());
        if listing.years.is_empty() {
            return Err(Error(format!(
                "package {REQUESTS} has no yearly file among its {} resources; expected ZIP or CSV resources with a \
                 year in their name or address",
                resources.len()
            )));
        }
        Ok(listing)
    }

    /// The GeoJSON in WGS 84.
    pub(super) async fn wards(&self) -> Result<Resource, Error> {
        let resources = self.package(WARDS).await?;
        let fits = |resource: &&CkanResource| {
            resource.format.as_deref().is_some_and(|format| format.eq_ignore_ascii_case("geojson"))
                && resource.name.as_deref().is_some_and(|name| name.contains("4326"))
        };
        let found = resources.iter().find(fits);
        let location = found.and_then(|resource| resource.url.clone());
        let missing = || Error(format!("package {WARDS} has no GeoJSON resource named 4326"));
        Ok(Resource { name: WARDS.to_owned(), location: location.ok_or_else(missing)? })
    }

    pub(super) async fn look(&self, resource: &Resource) -> Result<Look, Error> {
        let url = self.url(resource)?;
        Ok(self.http.look(&url).await)
    }

    pub(super) async fn download(
        &self,
        resource: &Resource,
        look: &Look,
        to: &Path,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Downloaded, Error> {
        let url = self.url(resource)?;
        self.http.download(&url, look, to, progress).await.map_err(|error| of(resource, &error))
    }

    fn url(&self, resource: &Resource) -> Result<Url, Error> {
        self.http.addresses().parse(&resource.location).map_err(|why| Error(format!("{}: {why}", resource.name)))
    }

    async fn package(&self, id: &str) -> Result<Vec<CkanResource>, Error> {
        let url = self.http.addresses().action("package_show", id)?;
        let fails = |why: &dyn fmt::Display| Error(format!("package {id} of {self}: {why}"));
        let json = self.http.get(&url).await.map_err(|error| fails(&error))?;
        package(&json).map_err(|why| fails(&why))
    }
}

impl fmt::Display for Ckan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(shown(self.http.addresses().base()).trim_end_matches('/'))
    }
}

fn of(resource: &Resource, error: &Error) -> Error {
    Error(format!("{}: {error}", resource.name))
}

fn package(json: &[u8]) -> Result<Vec<CkanResource>, String> {
    let answer: Answer = serde_json::from_slice(json).map_err(|error| {
        let start: String = String::from_utf8_lossy(json).chars().take(60).collect();
        format!("its answer is not that of CKAN's package_show: {error}; it begins {start:?}")
    })?;
    if !answer.success {
        let error: String = answer.error.to_string().chars().take(200).collect();
        return Err(format!("it answers success: false, {error}"));
    }
    let package = answer.result.ok_or("its answer has no result")?;
    if package.is_retired == Value::Bool(true) || package.is_retired.as_str() == Some("true") {
        return Err("it is retired: the City publishes it no more, or elsewhere".to_owned());
    }
    let resources = package.resources.ok_or("its answer has no resources")?;
    Ok(resources.into_iter().filter_map(|resource| serde_json::from_value(resource).ok()).collect())
}

fn listing(resources: &[CkanResource], addresses: &Addresses) -> Listing {
    let mut listing = Listing::default();
    for resource in resources.iter().filter(|resource| resource.is_table()) {
        let Some(year) = resource.year() else {
            let name = resource.name.as_deref().unwrap_or_default();
            listing.warnings.push(format!("resource {name:?} has no year in its name or address and is left alone"));
            continue;
        };
        let name = format!("SR{year}");
        let location = resource.url.clone().unwrap_or_default();
        let found = match listing.years.remove(&year) {
            None => addresses
                .parse(&location)
                .map(|_| Resource { name: name.clone(), location })
                .map_err(|why| Error(format!("{name}: {why}"))),
            Some(_) => Err(Error(format!("{name}: the package has more than one resource for {year}, expected one"))),
        };
        listing.years.insert(year, found);
    }
    listing
}

impl CkanResource {
    fn is_table(&self) -> bool {
        let ends = |text: &str| {
            let text = text.to_ascii_lowercase();
            text.ends_with("zip") || text.ends_with("csv")
        };
        let active = self.state.as_deref().is_none_or(|state| state == "active");
        let format = self.format.as_deref().filter(|format| !format.is_empty());
        active && format.or(self.url.as_deref()).is_some_and(ends)
    }

    /// The only year in the name, else the only one in the last part of the address.
    fn year(&self) -> Option<u16> {
        let only = |text: &str| {
            let digits = text.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() == 4);
            let years: BTreeSet<u16> =
                digits.filter_map(|run| run.parse().ok()).filter(|year| (2000..3000).contains(year)).collect();
            if years.len() == 1 { years.first().copied() } else { None }
        };
        let last = self.url.as_deref().and_then(|url| url.rsplit('/').next());
        self.name.as_deref().and_then(only).or_else(|| last.and_then(only))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(resources: Value) -> Listing {
        let json = serde_json::json!({"success": true, "result": {"resources": resources}}).to_string();
        let addresses = Addresses::new("https://ckan.example", &[]).unwrap();
        listing(&package(json.as_bytes()).unwrap(), &addresses)
    }

    #[test]
    fn years_come_from_names_and_addresses_and_never_from_a_table() {
        let url = |last: &str| format!("https://ckan.example/dataset/2e54bc0e-4399-2017/resource/download/{last}");
        let listing = listed(serde_json::json!([
            {"name": "311-service-requests-readme", "format": "XLSX", "url": url("readme-2024.xlsx")},
            {"name": "311 Service Requests 2031", "format": "ZIP", "url": url("sr.zip")},
            {"name": "renamed", "format": "ZIP", "url": url("SR2018.zip")},
            {"name": "311 Service Requests 2026", "format": "", "url": url("sr2026.csv")},
            {"name": "Requests 2010 to 2012", "format": "ZIP", "url": url("all.zip")},
            {"name": "gone 2016", "format": "ZIP", "url": url("sr2016.zip"), "state": "deleted"},
        ]));
        assert_eq!(listing.years.keys().copied().collect::<Vec<_>>(), [2018, 2026, 2031]);
        assert!(listing.years.values().all(Result::is_ok));
        assert_eq!(listing.warnings.len(), 1);
    }

    #[test]
    fn two_resources_for_a_year_and_foreign_addresses_are_refused_year_by_year() {
        let listing = listed(serde_json::json!([
            {"name": "2024", "format": "ZIP", "url": "https://ckan.example/a.zip"},
            {"name": "again 2024", "format": "ZIP", "url": "https://ckan.example/b.zip"},
            {"name": "2025", "format": "ZIP", "url": "https://evil.example/b.zip"},
            {"name": "2026", "format": "ZIP", "url": "https://ckan.example/c.zip"},
        ]));
        let error = |year: u16| listing.years[&year].as_ref().unwrap_err().to_string();
        assert!(error(2024).contains("more than one resource for 2024"), "{}", error(2024));
        assert!(error(2025).starts_with("SR2025: its address is on \"evil.example\""), "{}", error(2025));
        assert!(listing.years[&2026].is_ok());
    }

    #[test]
    fn an_answer_that_is_none_says_what_it_was() {
        let why = |json: &str| package(json.as_bytes()).err().unwrap();
        assert!(why("<!doctype html>").contains("begins \"<!doctype html>\""));
        assert!(why(r#"{"success": false, "error": {"message": "Not found"}}"#).contains("Not found"));
        assert!(why(r#"{"success": true}"#).contains("no result"));
        assert!(why(r#"{"success": true, "result": {}}"#).contains("no resources"));
        assert!(why(r#"{"success": true, "result": {"is_retired": "true", "resources": []}}"#).contains("retired"));
    }
}
