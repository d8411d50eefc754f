//! Names of things: every index, id and hash is a type of its own, and an id is never used twice.
//!
//! A late event for a dead id finds nothing and is ignored; it can never reach a younger thing of the same number.

use core::fmt;
use serde::{Deserialize, Serialize};

/// A torrent of this engine, numbered from 1 in the order of `AddTorrent`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct TorrentId(pub u32);

/// A TCP connection. The engine numbers what it dials, the driver what it accepts; the two ranges do not meet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnId(u64);

/// A request to the driver that is answered later (name lookup, disk job).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct OpId(pub u64);

impl ConnId {
    const ACCEPTED: u64 = 1 << 63;

    /// The `n`-th connection that the engine dialled. Only the top 2^63 values are another range.
    pub const fn dialled(n: u64) -> Self {
        Self(n & !Self::ACCEPTED)
    }

    /// The `n`-th connection that the driver accepted. The driver must never use an `n` twice.
    pub const fn accepted(n: u64) -> Self {
        Self(n | Self::ACCEPTED)
    }

    /// Whether the other side dialled.
    pub const fn is_accepted(self) -> bool {
        self.0 & Self::ACCEPTED != 0
    }

    /// The bare number, for journals.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_accepted() { 'a' } else { 'c' };
        write!(f, "{kind}{}", self.0 & !Self::ACCEPTED)
    }
}

impl fmt::Debug for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for TorrentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}

/// Index of a piece, from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct PieceIndex(pub u32);

impl PieceIndex {
    /// For indexing a slice; lossless, since the engine's targets have at least 32-bit addresses.
    pub const fn as_usize(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for PieceIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", self.0)
    }
}

/// A SHA-1 digest.
pub type Sha1Digest = [u8; 20];

/// SHA-1 over the exact bytes of `info` (BEP 3), or the first 20 bytes of its SHA-256 (BEP 52).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InfoHash(pub [u8; 20]);

/// The 20 bytes that a client chooses for a run (BEP 3, BEP 20).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub [u8; 20]);

/// Writes bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

impl fmt::Display for InfoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for InfoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl PeerId {
    /// The client and version that an Azureus-style id names (BEP 20), or the printable part of any other.
    /// Never holds a control byte.
    pub fn client(&self) -> alloc::string::String {
        let printable = |bytes: &[u8]| -> alloc::string::String {
            bytes
                .iter()
                .take_while(|b| b.is_ascii_graphic())
                .map(|b| char::from(*b))
                .collect()
        };
        let id = &self.0;
        if id[0] == b'-' && id[7] == b'-' && id[1..7].iter().all(u8::is_ascii_graphic) {
            return printable(&id[1..7]);
        }
        let text = printable(id);
        if text.is_empty() { "unknown".into() } else { text }
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn dialled_and_accepted_connections_never_share_an_id() {
        assert_ne!(ConnId::dialled(4), ConnId::accepted(4));
        assert_eq!(ConnId::dialled(4).to_string(), "c4");
        assert_eq!(ConnId::accepted(4).to_string(), "a4");
    }

    #[test]
    fn a_client_name_holds_no_control_byte() {
        assert_eq!(PeerId(*b"-TR3000-abcdefghijkl").client(), "TR3000");
        assert_eq!(PeerId(*b"\x1b[2Jxxxxxxxxxxxxxxxx").client(), "unknown");
    }
}
