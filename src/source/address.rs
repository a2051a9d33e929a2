//! Which addresses may be asked: URLs come from the portal's answers, and a portal can be wrong or taken over.

use std::io;
use std::net::{IpAddr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Name, Resolve, Resolving};

use super::Error;

/// The portal and the hosts that its files may be on.
#[derive(Debug, Clone)]
pub struct Addresses {
    base: Url,
    hosts: Vec<String>,
    /// The portal is on this machine: a look-alike. Then plain HTTP and this machine's other ports will do.
    local: bool,
}

impl Addresses {
    /// Of a portal and of the hosts that it may send us to, besides its own.
    pub fn new(base: &str, allowed_hosts: &[String]) -> Result<Self, Error> {
        let fails = |why: &dyn std::fmt::Display| Error(format!("source {base:?}: {why}"));
        let url = Url::parse(base).map_err(|e| fails(&format!("{e}; expected a URL such as https://host")))?;
        let host = url.host_str().ok_or_else(|| fails(&"has no host"))?.to_owned();
        let local = is_loopback(&host);
        let mut hosts = allowed_hosts.to_vec();
        hosts.push(host);
        let addresses = Self { base: url.clone(), hosts, local };
        addresses.check(&url).map_err(|why| fails(&why))?;
        Ok(addresses)
    }

    /// The portal's own address with another path and query.
    pub(super) fn action(&self, action: &str, id: &str) -> Result<Url, Error> {
        let mut url = self.base.clone();
        let path = format!("{}/api/3/action/{action}", self.base.path().trim_end_matches('/'));
        url.set_path(&path);
        url.query_pairs_mut().clear().append_pair("id", id);
        Ok(url)
    }

    /// The portal.
    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// A URL that may be asked, or why not.
    pub(super) fn parse(&self, url: &str) -> Result<Url, String> {
        let url = Url::parse(url).map_err(|error| format!("its address is not a URL: {error}"))?;
        self.check(&url)?;
        Ok(url)
    }

    /// Says why a URL may not be asked.
    pub(super) fn check(&self, url: &Url) -> Result<(), String> {
        let host = url.host_str().unwrap_or_default();
        let local = self.local && is_loopback(host);
        if url.scheme() != "https" && !(local && url.scheme() == "http") {
            return Err(format!("its address {:?} is not https", shown(url)));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(format!("its address {:?} holds a user name", shown(url)));
        }
        if !local && !self.hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host)) {
            return Err(format!(
                "its address is on {host:?}; allowed are {} (setting TORONTO311_ALLOWED_HOSTS)",
                self.hosts.join(", ")
            ));
        }
        Ok(())
    }

    /// Looks up names for the HTTP client, and leaves out addresses of private networks.
    pub(super) fn resolver(&self) -> PublicOnly {
        PublicOnly { local: self.local }
    }
}

/// A URL without what may be secret in it.
pub(super) fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    shown.set_query(None);
    // Neither can fail for a URL with a host, and one without has no user.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.to_string()
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// A resolver by which a public name can't lead into a private network.
pub(super) struct PublicOnly {
    local: bool,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let local = self.local;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let fits = |address: &SocketAddr| is_public(address.ip()) || (local && address.ip().is_loopback());
            let public: Vec<SocketAddr> = found.filter(fits).collect();
            if public.is_empty() {
                let message = format!("{host} has no public address");
                return Err(Box::new(io::Error::new(io::ErrorKind::PermissionDenied, message)).into());
            }
            Ok(Box::new(public.into_iter()) as Box<dyn Iterator<Item = SocketAddr> + Send>)
        })
    }
}

/// Whether an address is on the open Internet, by the IANA registries of special-purpose addresses.
fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let benchmark = a == 198 && (18..20).contains(&b);
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_unspecified()
                || ip.is_multicast()
                || ip.is_broadcast()
                || ip.is_documentation()
                || shared
                || benchmark
                || a == 0
                || a >= 240)
        }
        // Only 2000::/3 is given out.
        IpAddr::V6(ip) => ip.segments()[0] & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn city() -> Addresses {
        Addresses::new("https://ckan.example.ca", &["www.example.ca".to_owned()]).unwrap()
    }

    #[test]
    fn files_may_be_on_the_portal_and_on_the_allowed_hosts_by_https_only() {
        assert!(city().parse("https://ckan.example.ca/dataset/sr2024.zip").is_ok());
        assert!(city().parse("https://WWW.example.ca/SR2021.zip").is_ok());
        for (bad, why) in [
            ("http://www.example.ca/SR2021.zip", "not https"),
            ("file:///etc/passwd", "not https"),
            ("https://evil.example/SR2021.zip", "allowed are"),
            ("https://www.example.ca.evil.example/", "allowed are"),
            ("https://www.example.ca@evil.example/", "user name"),
            ("http://169.254.169.254/latest/meta-data", "not https"),
            ("https://169.254.169.254/", "allowed are"),
            ("https://ckanadmin0.intra.prod-toronto.ca/", "allowed are"),
            ("https://127.0.0.1/", "allowed are"),
            ("/dataset/sr2024.zip", "not a URL"),
        ] {
            let found = city().parse(bad).unwrap_err();
            assert!(found.contains(why), "{bad}: {found}");
        }
    }

    #[test]
    fn a_look_alike_on_this_machine_may_use_http_on_this_machine() {
        let local = Addresses::new("http://127.0.0.1:9000", &[]).unwrap();
        assert!(local.parse("http://localhost:9001/sr2024.zip").is_ok());
        assert!(local.parse("http://10.0.0.1/sr2024.zip").is_err());
        assert!(Addresses::new("http://ckan.example.ca", &[]).is_err());
    }

    #[test]
    fn private_addresses_are_not_public() {
        let public = |ip: &str| is_public(ip.parse().unwrap());
        assert!(public("142.250.1.1") && public("2607:f8b0::1"));
        for ip in ["10.1.2.3", "127.0.0.1", "169.254.169.254", "100.64.0.1", "192.168.1.1", "0.0.0.0", "::1", "fd00::1"]
        {
            assert!(!public(ip), "{ip}");
        }
        assert!(!public("::ffff:10.0.0.1") && !public("fe80::1"));
    }

    #[test]
    fn messages_show_no_query_and_no_password() {
        let url = Url::parse("https://user:secret@host/a?token=secret").unwrap();
        assert_eq!(shown(&url), "https://host/a");
    }
}
