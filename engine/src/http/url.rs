//! URLs, split but not rewritten: what the user or the torrent wrote goes to the server byte for byte.
//!
//! A general URL library normalises (`..`, `'`, default ports); a passkey in a path or query must not be touched.
//! Only bytes that cannot stand in a request line are percent-encoded, so no URL can smuggle a line break into a
//! request. Limits: [`URL_MAX`] bytes.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::{String, ToString as _};
use core::fmt;
use core::net::{IpAddr, Ipv6Addr};
use serde::{Deserialize, Serialize};

/// Longest URL that is read. Servers refuse request lines over 8 KiB [Apache, nginx].
pub const URL_MAX: usize = 8 * 1024;

/// The schemes that anything here speaks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Scheme {
    /// HTTP in clear.
    Http,
    /// HTTP over TLS.
    Https,
    /// The UDP tracker protocol (BEP 15).
    Udp,
}

impl Scheme {
    const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Udp => "udp",
        }
    }

    /// The port of a URL that names none. UDP has no default of its own; 80 is what libtorrent takes.
    const fn default_port(self) -> u16 {
        match self {
            Self::Http | Self::Udp => 80,
            Self::Https => 443,
        }
    }
}

/// Why a text is not a URL that can be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum UrlError {
    /// Longer than [`URL_MAX`].
    TooLong,
    /// No scheme, or none of http, https and udp.
    Scheme,
    /// No host, or one with characters that no host name has.
    Host,
    /// An internationalised host name, which may look like another one (libtorrent's audit, finding F7).
    Idna,
    /// The port is 0, over 65535 or no number.
    Port,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the URL is too long",
            Self::Scheme => "only http, https and udp URLs are supported",
            Self::Host => "the URL names no valid host",
            Self::Idna => "internationalised host names are refused because they can look like another name",
            Self::Port => "the URL's port is not valid",
        })
    }
}

/// A URL of one of our schemes, split. `Display` shows all of it, secrets included.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Url {
    scheme: Scheme,
    user_info: Option<String>,
    host: String,
    port: u16,
    /// Path and query as they go into a request; may be empty.
    target: String,
}

impl Url {
    /// Splits `text`. White space around it and a fragment are dropped.
    ///
    /// # Errors
    /// Says what is wrong with the text; see [`UrlError`].
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        if text.len() > URL_MAX {
            return Err(UrlError::TooLong);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let scheme = [Scheme::Http, Scheme::Https, Scheme::Udp]
            .into_iter()
            .find(|known| scheme.eq_ignore_ascii_case(known.name()))
            .ok_or(UrlError::Scheme)?;
        let rest = rest.split('#').next().unwrap_or("");
        let (authority, target) = match rest.find(['/', '?']) {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (user_info, host_port) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let (host, port) = split_port(host_port)?;
        let port = match port {
            Some(port) => port,
            None => scheme.default_port(),
        };
        Ok(Self {
            scheme,
            user_info: user_info.map(encode_odd),
            host: check_host(host)?,
            port,
            target: encode_odd(target),
        })
    }

    /// The scheme.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// `user:password`, still percent-encoded. A secret.
    pub fn user_info(&self) -> Option<&str> {
        self.user_info.as_deref()
    }

    /// Host name in lower case, or an address; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, the scheme's default if the URL names none.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The address, if the host is one.
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Path and query as written, odd bytes percent-encoded. Empty if the URL ends with the host.
    pub fn path_and_query(&self) -> &str {
        &self.target
    }

    /// The path alone.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or("")
    }

    /// The query, without its question mark.
    pub fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// What stands in an HTTP request line: path and query, never without a leading slash.
    pub fn request_target(&self) -> String {
        if self.target.starts_with('/') {
            self.target.clone()
        } else {
            format!("/{}", self.target)
        }
    }

    /// What stands in the `Host` header.
    pub fn host_header(&self) -> String {
        let host = self.bracketed_host();
        if self.port == self.scheme.default_port() {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }

    /// Whether a label of the host is in the encoding of internationalised names (or the host is not ASCII).
    pub fn has_idna_host(&self) -> bool {
        is_idna(&self.host)
    }

    /// The same URL with another path and query.
    #[must_use]
    pub fn with_target(&self, target: &str) -> Self {
        Self {
            target: encode_odd(target),
            ..self.clone()
        }
    }

    /// The URL that a `Location` header means, seen from this one (RFC 3986 §5).
    ///
    /// # Errors
    /// As [`Url::parse`].
    pub fn join(&self, location: &str) -> Result<Self, UrlError> {
        if location.len() > URL_MAX {
            return Err(UrlError::TooLong);
        }
        // a Location may hold raw bytes; they must not reach a request line
        let location = encode_odd(location.trim());
        if Self::parse(&location).is_ok() {
            return Self::parse(&location);
        }
        let base = url::Url::parse(&self.to_string()).map_err(|_| UrlError::Host)?;
        let joined = base.join(&location).map_err(|_| UrlError::Host)?;
        Self::parse(joined.as_str())
    }

    fn bracketed_host(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        }
    }

    /// Scheme, host and port: the part that holds no secret.
    pub fn origin(&self) -> String {
        format!("{}://{}:{}", self.scheme.name(), self.bracketed_host(), self.port)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme.name())?;
        if let Some(user) = &self.user_info {
            write!(f, "{user}@")?;
        }
        write!(f, "{}:{}{}", self.bracketed_host(), self.port, self.target)
    }
}

/// Whether any label begins with `xn--`, in any case, or a character is outside ASCII.
pub fn is_idna(host: &str) -> bool {
    !host.is_ascii()
        || host.split('.').any(|label| {
            label
                .get(..4)
                .is_some_and(|start| start.eq_ignore_ascii_case("xn--"))
        })
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), UrlError> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']').ok_or(UrlError::Host)?;
        if host.parse::<Ipv6Addr>().is_err() {
            return Err(UrlError::Host);
        }
        match after.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if after.is_empty() => (host, None),
            None => return Err(UrlError::Host),
        }
    } else {
        match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        }
    };
    match port {
        // RFC 3986 allows an empty port
        None | Some("") => Ok((host, None)),
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => match digits.parse() {
            Ok(0) | Err(_) => Err(UrlError::Port),
            Ok(port) => Ok((host, Some(port))),
        },
        Some(_) => Err(UrlError::Port),
    }
}

fn check_host(host: &str) -> Result<String, UrlError> {
    if host.parse::<Ipv6Addr>().is_ok() {
        return Ok(host.to_ascii_lowercase());
    }
    if !host.is_ascii() {
        return Err(UrlError::Idna);
    }
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    // 253: the longest name that DNS can carry
    if host.is_empty() || host.len() > 253 || !host.bytes().all(legal) {
        return Err(UrlError::Host);
    }
    Ok(host.to_ascii_lowercase())
}

/// Percent-encodes what may not stand in a request line: controls, space and everything outside ASCII.
fn encode_odd(text: &str) -> String {
    if text.bytes().all(|b| b.is_ascii_graphic()) {
        return text.to_owned();
    }
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_graphic() {
            encoded.push(char::from(byte));
        } else {
            push_percent(&mut encoded, byte);
        }
    }
    encoded
}

/// Appends `%XX`.
pub(crate) fn push_percent(text: &mut String, byte: u8) {
    text.push('%');
    for digit in [byte >> 4, byte & 15] {
        let digit = char::from_digit(digit.into(), 16);
        text.extend(digit.map(|digit| digit.to_ascii_uppercase()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_without_rewriting() {
        let url = Url::parse("HTTP://User:p%40ss@Tracker.Example:8080/a/../b'?k=\"x\"&y#frag").unwrap();
        assert_eq!(url.scheme(), Scheme::Http);
        assert_eq!((url.host(), url.port()), ("tracker.example", 8080));
        assert_eq!(url.user_info(), Some("User:p%40ss"));
        assert_eq!(url.path_and_query(), "/a/../b'?k=\"x\"&y");
        assert_eq!(url.path(), "/a/../b'");
        assert_eq!(url.query(), Some("k=\"x\"&y"));
        assert_eq!(url.host_header(), "tracker.example:8080");
    }

    #[test]
    fn odd_bytes_are_encoded_so_that_no_line_break_reaches_a_request() {
        let url = Url::parse("http://t.example/a b\r\nX: y?ü").unwrap();
        assert_eq!(url.path_and_query(), "/a%20b%0D%0AX:%20y?%C3%BC");
    }

    #[test]
    fn addresses_and_ports() {
        let url = Url::parse("udp://[2001:DB8::1]:6969/announce").unwrap();
        assert_eq!((url.host(), url.port()), ("2001:db8::1", 6969));
        assert_eq!(url.host_header(), "[2001:db8::1]:6969");
        assert_eq!(Url::parse("https://t.example").unwrap().port(), 443);
        assert_eq!(
            Url::parse("http://t.example?x=1").unwrap().request_target(),
            "/?x=1"
        );
        for bad in ["http://t:0/", "http://t:65536/", "http://t:+5/", "http://[::1]x/"] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn refuses_what_is_no_host() {
        for bad in [
            "http://",
            "http:///x",
            "http://a b/",
            "http://ex\u{e4}mple/",
            "x",
            "file:///etc/passwd",
        ] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn joins_locations() {
        let base = Url::parse("http://t.example:8080/a/announce?x=1").unwrap();
        let cases = [
            ("https://other/b", "https://other:443/b"),
            ("/c?d", "http://t.example:8080/c?d"),
            ("e", "http://t.example:8080/a/e"),
            ("//third/f", "http://third:80/f"),
        ];
        for (location, wanted) in cases {
            assert_eq!(base.join(location).unwrap().to_string(), wanted);
        }
        assert!(base.join("ftp://x/").is_err());
        assert!(base.join("javascript:alert(1)").is_err());
    }
}
