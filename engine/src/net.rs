//! Words that the driver and the engine share about connections, datagrams and name lookups.

use alloc::string::String;
use core::fmt;
use serde::{Deserialize, Serialize};

/// The name that a TLS certificate has to be valid for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ServerName(pub String);

/// Why the driver says that a connection is no more, or never came to be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum CloseCause {
    /// The other side ended its stream.
    Eof,
    /// Reset by the other side.
    Reset,
    /// Nobody listens there.
    Refused,
    /// No route, or the network is down.
    Unreachable,
    /// The operating system gave up waiting.
    TimedOut,
    /// TLS failed; the sentence says which check.
    Tls(TlsFault),
    /// No descriptor was left, or a local rule (bound interface gone) forbade it: our side's fault, not the peer's.
    Local(String),
    /// Anything else, in the operating system's words.
    Other(String),
}

/// Which check of a TLS connection failed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TlsFault {
    /// The certificate chain ends in no authority that we trust (also self-signed).
    UnknownIssuer,
    /// The certificate is no longer valid, or not yet.
    Expired,
    /// The certificate is for another name.
    WrongName,
    /// Anything else.
    Other(String),
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownIssuer => f.write_str(
                "the certificate is self-signed or its issuer is not trusted (--ca FILE adds an authority)",
            ),
            Self::Expired => f.write_str("the certificate has expired or is not valid yet"),
            Self::WrongName => f.write_str("the certificate is for another host name"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for CloseCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Eof => f.write_str("closed by the other side"),
            Self::Reset => f.write_str("reset by the other side"),
            Self::Refused => f.write_str("connection refused"),
            Self::Unreachable => f.write_str("host or network unreachable"),
            Self::TimedOut => f.write_str("timed out"),
            Self::Tls(fault) => write!(f, "TLS: {fault}"),
            Self::Local(text) | Self::Other(text) => f.write_str(text),
        }
    }
}

/// Why a datagram did not go out, or came back as an ICMP message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum DatagramFault {
    /// Port unreachable: nobody listens there.
    Refused,
    /// No route, or the network is down.
    Unreachable,
    /// Longer than the path allows.
    TooLong,
    /// Anything else.
    Other,
}

impl fmt::Display for DatagramFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "connection refused",
            Self::Unreachable => "host or network unreachable",
            Self::TooLong => "datagram too long for the path",
            Self::Other => "datagram not sent",
        })
    }
}

/// A failed name lookup, in a sentence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LookupError(pub String);

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text that came from a torrent, a tracker or a peer, made fit for a terminal and a log: control, format and
/// bidirectional characters are escaped, and it is cut at `max` characters.
pub fn printable(text: &str, max: usize) -> String {
    let mut shown = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == max {
            shown.push('…');
            break;
        }
        let bidi = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if c.is_control() || bidi {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_steer_a_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb", 100), "a\\u{1b}[2Jb");
        assert_eq!(printable("abc\u{202e}txt.exe", 100), "abc\\u{202e}txt.exe");
        assert_eq!(printable("äöü", 2), "äö…");
    }
}
