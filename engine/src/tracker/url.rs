//! Announce URLs: http, https and udp only, kept byte for byte, shown without their secrets.

use alloc::format;
use alloc::string::String;
use core::fmt;

use crate::http::{Scheme, Url, UrlError};
use serde::{Deserialize, Serialize};

/// Arguments that only the client may set. A torrent that brings them along could make us announce something else
/// than we mean to [libtorrent `has_tracker_query_string`].
const RESERVED: [&str; 9] = [
    "info_hash",
    "peer_id",
    "port",
    "event",
    "left",
    "uploaded",
    "downloaded",
    "corrupt",
    "key",
];

/// What is shorter is no secret: passkeys have 16 characters and more, and `id=1` stands in many a sentence.
const SECRET_MIN: usize = 6;

/// The URL of a tracker. `Display` shows it without passkeys and credentials.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TrackerUrl {
    text: String,
    url: Url,
}

impl TrackerUrl {
    /// Reads an announce URL. White space around it is dropped.
    ///
    /// # Errors
    /// The scheme is another one, the host is internationalised or not valid, or the URL is too long.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let url = Url::parse(text)?;
        if url.has_idna_host() {
            return Err(UrlError::Idna);
        }
        Ok(Self {
            text: text.trim().into(),
            url,
        })
    }

    /// The text as given, secrets included: for saving and comparing, never for showing.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL, split.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The scheme, which decides the protocol.
    pub const fn scheme(&self) -> Scheme {
        self.url.scheme()
    }

    /// The host: a name in lower case, or an address without brackets.
    pub fn host(&self) -> &str {
        self.url.host()
    }

    /// The port; the scheme's default if the URL names none.
    pub const fn port(&self) -> u16 {
        self.url.port()
    }

    /// Path and query as written, odd bytes percent-encoded (BEP 41 sends them to UDP trackers).
    pub fn path_and_query(&self) -> &str {
        self.url.path_and_query()
    }

    /// A tracker's words without what is secret of its URL: some name the passkey that they do not know.
    pub fn without_secrets(&self, text: &str) -> String {
        let elements = self.url.path().split('/').filter(|element| !is_plain(element));
        let arguments = self.url.query().into_iter().flat_map(|query| query.split('&'));
        let values = arguments.filter_map(|argument| argument.split('=').next_back());
        let user = self.url.user_info().into_iter().flat_map(|user| user.split(':'));
        let mut text = String::from(text);
        for secret in elements.chain(values).chain(user) {
            if secret.len() >= SECRET_MIN {
                text = text.replace(secret, "…");
            }
        }
        text
    }

    /// Whether the query already has an argument that only the client may set.
    pub fn has_reserved_argument(&self) -> bool {
        self.url.query().is_some_and(has_reserved_argument)
    }

    /// Where to scrape (BEP 48): the last path element must begin with `announce`, which `scrape` replaces. A UDP
    /// tracker is scraped where it is announced to.
    pub fn scrape_url(&self) -> Option<Self> {
        if self.scheme() == Scheme::Udp {
            return Some(self.clone());
        }
        let path = self.url.path();
        let (folder, last) = path.rsplit_once('/')?;
        let rest = last.strip_prefix("announce")?;
        let query = self.path_and_query().get(path.len()..).unwrap_or("");
        let url = self.url.with_target(&format!("{folder}/scrape{rest}{query}"));
        Some(Self {
            text: format!("{url}"),
            url,
        })
    }
}

/// Whether a query string has an argument that only the client may set.
pub fn has_reserved_argument(query: &str) -> bool {
    query
        .split('&')
        .filter_map(|argument| argument.split('=').next())
        .any(|name| RESERVED.contains(&name))
}

/// Whether a path element is surely a name and no passkey.
fn is_plain(element: &str) -> bool {
    let known = ["announce", "scrape"]
        .iter()
        .any(|start| element.starts_with(start));
    let short = element.len() <= 16
        && element
            .bytes()
            .all(|b| b.is_ascii_lowercase() || matches!(b, b'.' | b'_'));
    element.len() <= 24 && known || short
}

impl fmt::Display for TrackerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url.origin())?;
        let path = self.url.path();
        if let Some((folder, last)) = path.rsplit_once('/') {
            let last = if is_plain(last) { last } else { "…" };
            let folder = if folder.is_empty() { "" } else { "/…" };
            write!(f, "{folder}/{last}")?;
        }
        if self.url.query().is_some() {
            f.write_str("?…")?;
        }
        Ok(())
    }
}

impl fmt::Debug for TrackerUrl {
    /// Redacted as well: a debug print must not leak a passkey.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    #[test]
    fn shows_no_secret() {
        let cases = [
            (
                "http://user:pass@t.example/announce",
                "http://t.example:80/announce",
            ),
            (
                "https://t.example/0123456789abcdef0123/announce",
                "https://t.example:443/…/announce",
            ),
            (
                "http://t.example/announce?passkey=secret",
                "http://t.example:80/announce?…",
            ),
            ("http://t.example/0123456789abcdef", "http://t.example:80/…"),
            (
                "http://t.example:8080/a/b/announce.php?k=1",
                "http://t.example:8080/…/announce.php?…",
            ),
            (
                "http://t.example/0123456789abcdef/tracker_v.php",
                "http://t.example:80/…/tracker_v.php",
            ),
            ("udp://[::1]:6969", "udp://[::1]:6969"),
        ];
        for (text, shown) in cases {
            let url = TrackerUrl::parse(text).unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), shown);
            assert_eq!(url.as_str(), text);
        }
    }

    #[test]
    fn a_trackers_words_repeat_no_secret() {
        let url =
            "http://somebody:pass-word@t.example/0123456789abcdef0123/announce?passkey=SECRET99&n=1&long";
        let url = TrackerUrl::parse(url).unwrap();
        let check = |words: &str, shown: &str| assert_eq!(url.without_secrets(words), shown);
        check("passkey SECRET99 is unknown", "passkey … is unknown");
        check(
            "somebody:pass-word at /0123456789abcdef0123/announce",
            "…:… at /…/announce",
        );
        check("1 torrent a long time", "1 torrent a long time");
        check("", "");
    }

    #[test]
    fn scrape_urls() {
        let cases = [
            ("http://x/announce", Some("http://x:80/scrape")),
            ("http://x/a/announce?k=1", Some("http://x:80/a/scrape?k=1")),
            ("http://x/announce.php", Some("http://x:80/scrape.php")),
            ("http://x/a", None),
            ("http://x/announce/", None),
            ("http://x/x%064announce", None),
            ("http://x", None),
            ("udp://x:1/y", Some("udp://x:1/y")),
        ];
        for (announce, wanted) in cases {
            let scrape = TrackerUrl::parse(announce).unwrap().scrape_url();
            assert_eq!(scrape.as_ref().map(TrackerUrl::as_str), wanted, "{announce}");
        }
    }

    #[test]
    fn reserved_arguments() {
        assert!(has_reserved_argument("a=b&info_hash=x"));
        assert!(has_reserved_argument("&&corrupt=1"));
        assert!(!has_reserved_argument("info_hash1=x&passkey=y"));
    }

    #[test]
    fn refuses_other_schemes_and_look_alike_hosts() {
        assert_eq!(TrackerUrl::parse("wss://t.example"), Err(UrlError::Scheme));
        assert_eq!(
            TrackerUrl::parse("http://xn--e1afmkfd.example/announce"),
            Err(UrlError::Idna)
        );
    }
}
