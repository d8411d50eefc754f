//! Which addresses a URL that somebody else chose may reach: the rules against server-side request forgery.
//!
//! A torrent, a tracker's answer or a redirect must not make us talk to services of this machine, its local network
//! or a cloud's metadata address [Mozilla's audit of libtorrent 2020, F1; libtorrent's `ssrf_mitigation`]. The rules
//! are checked on every resolved address right before it is used, so a name that resolves differently the second
//! time changes nothing.

use core::net::IpAddr;

use super::url::{Scheme, Url};
use crate::scope::Scope;
use serde::{Deserialize, Serialize};

/// What a request is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Use {
    /// An announce or a scrape.
    Tracker,
    /// Anything else: a .torrent file, a web seed.
    Fetch,
}

/// Where a redirect came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Origin<'a> {
    /// The scope of the address that redirected.
    pub(crate) scope: Scope,
    /// The query of the first request: ours, so it may be repeated.
    pub(crate) query: Option<&'a str>,
}

/// What one request may reach.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Access {
    /// What the request is for.
    pub purpose: Use,
    /// Local addresses are allowed throughout (`--allow-local-services`).
    pub allow_local: bool,
    /// The user typed the URL: its own address is exempt, what it redirects to is not.
    pub typed: bool,
}

/// Whether `url` may be requested from `address`. `user_query` says whether whoever wrote the URL gave it a query.
///
/// # Errors
/// The reason, for the user.
pub(crate) fn allowed(
    url: &Url,
    address: IpAddr,
    access: Access,
    user_query: bool,
    origin: Option<&Origin<'_>>,
) -> Result<(), &'static str> {
    let to = Scope::of(address);
    if to == Scope::Nobody {
        return Err("the address belongs to no host");
    }
    if access.allow_local || to == Scope::Global || access.typed && origin.is_none() {
        return Ok(());
    }
    if origin.is_some_and(|origin| origin.scope == Scope::Global) {
        return Err("a global host may not redirect to a local one");
    }
    if to == Scope::Link {
        return Err("link-local addresses are refused");
    }
    let query_allowed = match origin {
        None => !user_query,
        Some(origin) => url.query().is_none() || url.query() == origin.query,
    };
    match access.purpose {
        Use::Fetch if query_allowed => Ok(()),
        Use::Fetch => Err("a local URL may have no query"),
        Use::Tracker if query_allowed && local_path(url) => Ok(()),
        Use::Tracker => Err("a local tracker may only have the path /announce and no query"),
    }
}

fn local_path(url: &Url) -> bool {
    match url.path() {
        "/announce" | "/scrape" => true,
        // a UDP tracker's path is data, not an address of a service
        "" | "/" => url.scheme() == Scheme::Udp,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, address: &str, access: Access, from: Option<Scope>, wanted: bool) {
        let parsed = Url::parse(url).unwrap();
        let origin = from.map(|scope| Origin {
            scope,
            query: Some("ours"),
        });
        let user_query = parsed.query().is_some();
        let got = allowed(
            &parsed,
            address.parse().unwrap(),
            access,
            user_query,
            origin.as_ref(),
        );
        assert_eq!(got.is_ok(), wanted, "{url} at {address} from {from:?}: {got:?}");
    }

    #[test]
    fn rules_of_trackers() {
        let tracker = Access {
            purpose: Use::Tracker,
            allow_local: false,
            typed: false,
        };
        check("http://t/announce", "127.0.0.1", tracker, None, true);
        check("http://t/announce?passkey=x", "127.0.0.1", tracker, None, false);
        check("http://t/api", "::1", tracker, None, false);
        check("http://t/announce/x", "10.0.0.1", tracker, None, false);
        check("http://t/announce", "10.0.0.1", tracker, None, true);
        check("http://t/announce", "169.254.169.254", tracker, None, false);
        check("udp://t", "127.0.0.1", tracker, None, true);
        check("udp://t/announce?x", "127.0.0.1", tracker, None, false);
        check("http://t/anything?x=1", "8.8.8.8", tracker, None, true);
        check(
            "http://t/announce",
            "0.0.0.0",
            Access {
                allow_local: true,
                ..tracker
            },
            None,
            false,
        );
        check(
            "http://t/api?x",
            "127.0.0.1",
            Access {
                allow_local: true,
                ..tracker
            },
            None,
            true,
        );
        check(
            "http://t/api?x",
            "127.0.0.1",
            Access {
                typed: true,
                ..tracker
            },
            None,
            true,
        );
    }

    #[test]
    fn rules_of_redirects() {
        let tracker = Access {
            purpose: Use::Tracker,
            allow_local: false,
            typed: false,
        };
        let typed = Access {
            typed: true,
            ..tracker
        };
        check(
            "http://t/announce",
            "127.0.0.1",
            tracker,
            Some(Scope::Global),
            false,
        );
        check(
            "http://t/announce",
            "127.0.0.1",
            typed,
            Some(Scope::Global),
            false,
        );
        check(
            "http://t/announce?ours",
            "127.0.0.1",
            tracker,
            Some(Scope::Loopback),
            true,
        );
        check(
            "http://t/announce?other",
            "127.0.0.1",
            tracker,
            Some(Scope::Loopback),
            false,
        );
        check("http://t/x?y", "8.8.8.8", tracker, Some(Scope::Global), true);
        let fetch = Access {
            purpose: Use::Fetch,
            ..tracker
        };
        check("http://t/secret", "127.0.0.1", fetch, Some(Scope::Global), false);
        check("http://t/file", "127.0.0.1", fetch, None, true);
        check("http://t/file?x", "127.0.0.1", fetch, None, false);
    }
}
