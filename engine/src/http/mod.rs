//! A sans-IO HTTP/1.1 client for one GET: the transport of HTTP trackers (BEP 3) and of fetched .torrent files.
//!
//! It lives in the engine, so that every misbehaviour of a server is in the simulator's reach. Resolution, TCP and
//! TLS are the driver's; everything that a server may do wrong (framing, size, redirects, silence) is handled here.
//!
//! Invariants: at most one connection at a time; exactly one [`HttpOutput::Done`], which is the last output but for
//! the `Close` before it; head, body and inflated body never exceed their limits; it ends within `total_timeout`.

mod access;
mod exchange;
mod inflate;
mod response;
mod url;

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;

use crate::net::{CloseCause, LookupError, ServerName};

pub(crate) use access::allowed;
pub use access::{Access, Use};
pub use exchange::HttpExchange;
use serde::{Deserialize, Serialize};
pub(crate) use url::push_percent;
pub use url::{Scheme, URL_MAX, Url, UrlError, is_idna};

/// A whole answer, for who looks at recorded bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Where it redirects to.
    pub location: Option<String>,
    /// The body, inflated.
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads an answer from the bytes of a connection; `ended` says whether the other side closed it behind them. None
    /// if it is not whole, or no answer.
    pub fn read(bytes: &[u8], ended: bool, limits: &crate::config::HttpConfig) -> Option<Self> {
        let mut response = response::Response::default();
        let whole = response.receive(bytes, limits).ok()?;
        if !(whole || ended && response.finish()) {
            return None;
        }
        let (head, body) = response.take();
        let body = inflate::inflate(head.content_encoding.as_deref(), body, limits.body_max).ok()?;
        Some(Self {
            status: head.status,
            location: head.location,
            body,
        })
    }
}

/// Which address families there are sockets for, or which one a request is meant to use.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Families {
    /// IPv4.
    pub v4: bool,
    /// IPv6.
    pub v6: bool,
}

impl Families {
    /// Whether `address` is of one of these families.
    pub const fn contain(self, address: &core::net::IpAddr) -> bool {
        match address {
            core::net::IpAddr::V4(_) => self.v4,
            core::net::IpAddr::V6(_) => self.v6,
        }
    }

    /// The family of an address alone.
    pub const fn of(address: &core::net::IpAddr) -> Self {
        let v6 = address.is_ipv6();
        Self { v4: !v6, v6 }
    }

    /// These and those.
    #[must_use]
    pub const fn union(self, more: Self) -> Self {
        Self {
            v4: self.v4 || more.v4,
            v6: self.v6 || more.v6,
        }
    }

    /// Whether there is any.
    pub const fn any(self) -> bool {
        self.v4 || self.v6
    }
}

/// What an exchange asks of its owner.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum HttpOutput {
    /// Look up a name and answer with `handle_resolved`.
    Resolve {
        /// The name.
        host: String,
    },
    /// Open a connection.
    Connect {
        /// Address and port.
        to: SocketAddr,
        /// The name that the certificate has to be valid for; none for HTTP in clear.
        tls: Option<ServerName>,
    },
    /// Send on the connection.
    Send(Vec<u8>),
    /// Close the connection (or give up connecting).
    Close,
    /// It is over.
    Done(Result<HttpBody, HttpError>),
    /// A line for a timeline, without secrets.
    Trace(String),
}

/// A whole answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HttpBody {
    /// The status code, 200 to 599 but for followed redirects.
    pub status: u16,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The body, inflated.
    pub body: Vec<u8>,
    /// The URL that answered, after redirects. May hold secrets.
    pub final_url: Url,
    /// The address that answered.
    pub from: SocketAddr,
}

/// What an exchange was waiting for when time ran out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Stage {
    /// The name lookup.
    Lookup,
    /// The connection, TLS included, or the first answer of a UDP tracker.
    Connect,
    /// The answer.
    Answer,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lookup => "while looking up the host",
            Self::Connect => "while connecting",
            Self::Answer => "while waiting for the answer",
        })
    }
}

/// Why an exchange failed. `Display` is a sentence for the user.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum HttpError {
    /// The name lookup failed.
    Lookup(LookupError),
    /// The host has no address of a family that we have.
    NoAddress,
    /// No address could be connected to; the cause of the last one.
    Connect(CloseCause),
    /// The connection ended before the answer was whole.
    Closed(CloseCause),
    /// Time ran out.
    Timeout(Stage),
    /// Not HTTP, or framing that contradicts itself.
    Malformed(Cow<'static, str>),
    /// The head is longer than `head_max`.
    HeadTooLong,
    /// The body, or the inflated body, is longer than `body_max`.
    BodyTooLong,
    /// A content or transfer encoding that was not asked for.
    Encoding(String),
    /// More than `redirects_max` redirects.
    TooManyRedirects,
    /// A redirect that is not followed, and why.
    BadRedirect(Cow<'static, str>),
    /// An address that the URL may not reach (see [`Access`]), and why.
    Forbidden(Cow<'static, str>),
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lookup(error) => write!(f, "host name lookup failed: {error}"),
            Self::NoAddress => f.write_str("the host has no address of a usable family"),
            Self::Connect(cause) => write!(f, "could not connect: {cause}"),
            Self::Closed(cause) => write!(f, "the connection ended before the answer was whole: {cause}"),
            Self::Timeout(stage) => write!(f, "timed out {stage}"),
            Self::Malformed(what) => write!(f, "not a valid HTTP answer: {what}"),
            Self::HeadTooLong => f.write_str("the headers of the answer are too long"),
            Self::BodyTooLong => f.write_str("the answer is too long"),
            Self::Encoding(name) => write!(f, "the answer has an unknown encoding: {name}"),
            Self::TooManyRedirects => f.write_str("too many redirects"),
            Self::BadRedirect(why) => write!(f, "redirect not followed: {why}"),
            Self::Forbidden(why) => write!(f, "not contacted: {why}"),
        }
    }
}

#[cfg(test)]
mod tests;
