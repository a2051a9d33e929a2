//! Fair use: how often a client may ask, how much is at work at a time, and for how long.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, OriginalUri, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use tokio::sync::Semaphore;

use super::error::Failure;
use crate::config::RateLimit;

/// Requests at work at a time. Each takes less than a millisecond of CPU and less than a megabyte, so when this many wait
/// it is better to say so than to be late for all.
const AT_WORK: usize = 512;

/// After this, whoever asked has gone: Cloud Run gives up after as long.
const DEADLINE: Duration = Duration::from_secs(25);

/// Seconds of its rate that a client may save up for a burst: a page with all that it loads, a script that walks months.
const BURST_SECONDS: u32 = 10;

/// Between times when clients that were not seen for a while are forgotten.
const FORGET: Duration = Duration::from_secs(60);

/// What may be asked, by whom.
pub struct Limits {
    clients: Option<DefaultKeyedRateLimiter<IpAddr>>,
    trusted_proxies: usize,
    at_work: Semaphore,
}

impl Limits {
    /// For a rate in each client's requests a second; `trusted_proxies` stand in front and add to `X-Forwarded-For`.
    pub fn new(rate: RateLimit, trusted_proxies: usize) -> Arc<Self> {
        let quota = |rate: NonZeroU32| Quota::per_second(rate).allow_burst(rate.saturating_mul(BURST));
        let clients = rate.per_second().map(|rate| DefaultKeyedRateLimiter::keyed(quota(rate)));
        let limits = Arc::new(Self { clients, trusted_proxies, at_work: Semaphore::new(AT_WORK) });
        tokio::spawn(forget(Arc::downgrade(&limits)));
        limits
    }

    /// Counts a request against what its client may ask for; refuses one too many.
    pub fn admit(&self, headers: &HeaderMap, peer: Option<SocketAddr>) -> Result<(), Failure> {
        let Some(clients) = &self.clients else { return Ok(()) };
        let wait = |refused: governor::NotUntil<_>| refused.wait_time_from(DefaultClock::default().now());
        let client = self.client(headers, peer);
        clients.check_key(&client).map_err(|refused| Failure::TooMany(wait(refused).as_secs() + 1))
    }

    /// The address that the nearest proxy which is not ours saw. Anything further left could be made up.
    fn client(&self, headers: &HeaderMap, peer: Option<SocketAddr>) -> IpAddr {
        let forwarded = headers.get_all("x-forwarded-for").iter().rev().filter_map(|value| value.to_str().ok());
        let mut hops = forwarded.flat_map(|value| value.rsplit(',')).map(str::trim);
        let named = self.trusted_proxies.checked_sub(1).and_then(|skip| hops.nth(skip));
        let client = named.and_then(|hop| hop.parse().ok()).or(peer.map(|peer| peer.ip()));
        network(client.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)))
    }
}

const BURST: NonZeroU32 = NonZeroU32::new(BURST_SECONDS).unwrap();

/// A household has a whole /64 of IPv6.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

async fn forget(limits: std::sync::Weak<Limits>) {
    loop {
        tokio::time::sleep(FORGET).await;
        match limits.upgrade().as_deref() {
            None => return,
            Some(Limits { clients: Some(clients), .. }) => {
                clients.retain_recent();
                clients.shrink_to_fit();
            }
            Some(_) => {}
        }
    }
}

/// Lets a request through to its handler or answers in its place.
pub async fn limit(State(limits): State<Arc<Limits>>, request: Request, next: Next) -> Response {
    // Of a nested router, the address itself lacks what it is nested under.
    let asked = request.extensions().get::<OriginalUri>().map_or(request.uri(), |OriginalUri(uri)| uri);
    let asked = asked.clone();
    let refuse = |failure: Failure| failure.respond(asked.path());
    let peer = request.extensions().get().map(|ConnectInfo(peer)| *peer);
    if let Err(failure) = limits.admit(request.headers(), peer) {
        return refuse(failure);
    }
    let Ok(_turn) = limits.at_work.try_acquire() else { return refuse(Failure::Busy) };
    tokio::time::timeout(DEADLINE, next.run(request)).await.unwrap_or_else(|_| refuse(Failure::Busy))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client(trusted_proxies: usize, forwarded: &[&str]) -> String {
        let limits = Limits { clients: None, trusted_proxies, at_work: Semaphore::new(1) };
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_str(value).unwrap());
        }
        limits.client(&headers, Some(SocketAddr::from(([192, 0, 2, 1], 4711)))).to_string()
    }

    #[test]
    fn only_what_trusted_proxies_saw_counts() {
        assert_eq!(client(0, &["203.0.113.7"]), "192.0.2.1", "no proxy, so anyone could have written it");
        assert_eq!(client(1, &["10.0.0.1, 203.0.113.7"]), "203.0.113.7");
        assert_eq!(client(1, &["made up", "198.51.100.2 , 203.0.113.7"]), "203.0.113.7");
        assert_eq!(client(2, &["198.51.100.2, 203.0.113.7"]), "198.51.100.2");
        assert_eq!(client(2, &["203.0.113.7"]), "192.0.2.1");
        assert_eq!(client(1, &["nonsense"]), "192.0.2.1");
        assert_eq!(client(1, &["2001:db8:1:2:3:4:5:6"]), "2001:db8:1:2::");
        assert_eq!(client(1, &["::ffff:203.0.113.7"]), "203.0.113.7");
    }
}
