//! The first 68 bytes of a connection (BEP 3) and the reserved bits that later BEPs gave a meaning.
//!
//! The decoder streams because the parts are needed at different times: the dialled side answers after the
//! info-hash, byte 48, and the peer id may come only after that answer (NAT checks of trackers never send it).
//! The first byte that cannot belong to a handshake is an error at once: no stranger is waited for.

use crate::id::{InfoHash, PeerId};
use alloc::vec::Vec;
use core::fmt;
use serde::{Deserialize, Serialize};

/// What a handshake begins with: the length of the protocol's name, then the name.
pub const PROTOCOL: [u8; 20] = *b"\x13BitTorrent protocol";

/// Bytes of a whole handshake.
pub const HANDSHAKE_LENGTH: usize = 68;

/// Protocol, reserved bytes and info-hash: what can be answered.
const HEAD_LENGTH: usize = 48;

/// The eight reserved bytes. Bits that we do not know are kept and ignored (BitComet sets some).
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reserved(pub [u8; 8]);

impl Reserved {
    /// No bit set.
    pub const NONE: Self = Self([0; 8]);

    // bits of the eight bytes as one number
    const EXTENDED: u64 = 0x0010_0000;
    const DHT: u64 = 0x01;
    const FAST: u64 = 0x04;
    const V2: u64 = 0x10;

    /// The extension protocol is understood (BEP 10).
    pub const fn extended(self) -> bool {
        self.has(Self::EXTENDED)
    }

    /// A DHT node runs there (BEP 5).
    pub const fn dht(self) -> bool {
        self.has(Self::DHT)
    }

    /// The fast extension is understood; in force when both sides say so (BEP 6).
    pub const fn fast(self) -> bool {
        self.has(Self::FAST)
    }

    /// A hybrid torrent named by its v1 hash may be upgraded to v2 (BEP 52).
    pub const fn v2(self) -> bool {
        self.has(Self::V2)
    }

    /// With the extension protocol's bit set.
    #[must_use]
    pub const fn with_extended(self) -> Self {
        self.with(Self::EXTENDED)
    }

    /// With the DHT's bit set.
    #[must_use]
    pub const fn with_dht(self) -> Self {
        self.with(Self::DHT)
    }

    /// With the fast extension's bit set.
    #[must_use]
    pub const fn with_fast(self) -> Self {
        self.with(Self::FAST)
    }

    /// With the v2 upgrade's bit set.
    #[must_use]
    pub const fn with_v2(self) -> Self {
        self.with(Self::V2)
    }

    const fn has(self, bit: u64) -> bool {
        u64::from_be_bytes(self.0) & bit != 0
    }

    const fn with(self, bit: u64) -> Self {
        Self((u64::from_be_bytes(self.0) | bit).to_be_bytes())
    }
}

impl fmt::Display for Reserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::id::hex(&self.0, f)
    }
}

impl fmt::Debug for Reserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A whole handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handshake {
    /// What the sender understands.
    pub reserved: Reserved,
    /// Which torrent the connection is about.
    pub info_hash: InfoHash,
    /// Who the sender is.
    pub peer_id: PeerId,
}

impl Handshake {
    /// The bytes to send.
    pub fn encode(&self) -> [u8; HANDSHAKE_LENGTH] {
        let mut out = [0; HANDSHAKE_LENGTH];
        out[..20].copy_from_slice(&PROTOCOL);
        out[20..28].copy_from_slice(&self.reserved.0);
        out[28..48].copy_from_slice(&self.info_hash.0);
        out[48..].copy_from_slice(&self.peer_id.0);
        out
    }
}

/// A part of the handshake that has arrived whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HandshakePart {
    /// The first 48 bytes: enough to answer.
    Head {
        /// What the peer understands.
        reserved: Reserved,
        /// The torrent it wants.
        info_hash: InfoHash,
    },
    /// The last 20 bytes. The next byte is the first message's.
    PeerId(PeerId),
}

/// Why bytes are not a handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, Deserialize)]
pub enum HandshakeError {
    /// A byte differs from the protocol's name or from its length: another protocol, or an encrypted connection.
    #[error("not the BitTorrent protocol: byte {at} is {got:#04x}")]
    Protocol {
        /// Offset of the first byte that differs, 0 to 19.
        at: u8,
        /// What was there.
        got: u8,
    },
}

/// Takes a connection's first bytes and yields the parts of the handshake.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct HandshakeDecoder {
    bytes: Vec<u8>,
    head_yielded: bool,
    id_yielded: bool,
    failed: Option<HandshakeError>,
}

impl HandshakeDecoder {
    /// A decoder before the first byte.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next part. `input` is advanced behind what was taken, never beyond the handshake; none says that more
    /// bytes are needed, or that both parts were yielded.
    ///
    /// # Errors
    /// At the first byte that differs from the protocol's name; that byte is not taken, so what was taken until
    /// then is a prefix of [`PROTOCOL`]. Every later call gives the same error.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<HandshakePart>, HandshakeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let goal = if self.head_yielded {
            HANDSHAKE_LENGTH
        } else {
            HEAD_LENGTH
        };
        while self.bytes.len() < goal
            && let Some((&byte, rest)) = input.split_first()
        {
            let at = self.bytes.len();
            if PROTOCOL.get(at).is_some_and(|expected| *expected != byte) {
                // below 20, as the protocol's name is no longer
                let error = HandshakeError::Protocol {
                    at: at as u8,
                    got: byte,
                };
                self.failed = Some(error);
                return Err(error);
            }
            self.bytes.push(byte);
            *input = rest;
        }
        if self.bytes.len() < goal || self.id_yielded {
            return Ok(None);
        }
        Ok(Some(if self.head_yielded {
            self.id_yielded = true;
            HandshakePart::PeerId(PeerId(self.part(HEAD_LENGTH)))
        } else {
            self.head_yielded = true;
            HandshakePart::Head {
                reserved: Reserved(self.part(20)),
                info_hash: InfoHash(self.part(28)),
            }
        }))
    }

    /// Bytes taken so far, at most 68.
    pub fn taken(&self) -> usize {
        self.bytes.len()
    }

    /// `N` bytes from an offset; zeros where they have not come, which is never asked for.
    fn part<const N: usize>(&self, from: usize) -> [u8; N] {
        self.bytes
            .get(from..)
            .and_then(|rest| rest.first_chunk())
            .copied()
            .unwrap_or([0; N])
    }
}
