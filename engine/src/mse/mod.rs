//! Message stream encryption (MSE/PE, protocol.md §15): a connection that looks like noise.
//!
//! Both sides exchange Diffie–Hellman keys of 768 bits with random padding behind them; the info-hash is the secret
//! that a listener on the line does not know. Then they agree on what follows: RC4, or the plain protocol.
//!
//! ```text
//! A → B  Ya, PadA
//! B → A  Yb, PadB
//! A → B  HASH('req1', S), HASH('req2', SKEY) ^ HASH('req3', S), ENC(VC, provide, len PadC, PadC, len IA), ENC(IA)
//! B → A  ENC(VC, select, len PadD, PadD), then the stream in the selected mode
//! ```
//!
//! [`Initiator`] and [`Responder`] are the two machines. They take bytes cut anywhere, keep at most some hundred of
//! them, and never take one that belongs to what follows. It hides the protocol from who only looks on and is no
//! protection from anybody who knows the info-hash: it authenticates nothing.

mod initiator;
mod key;
mod rc4;
mod responder;
#[cfg(test)]
mod tests;

pub use initiator::{Initiator, Opened};
pub use key::{KEY_LENGTH, Secrets, SharedSecret};
pub use rc4::Rc4;
pub use responder::{Accepted, RESPONDER_READ_MAX, Responder};

use core::fmt;
use serde::{Deserialize, Serialize};

/// Most bytes of each of the four paddings (the MSE text).
const PAD_MAX: u16 = 512;

/// The verification constant: eight zeros.
const VC: [u8; 8] = [0; 8];

/// Most bytes of IA, the initiator's first payload: a handshake. libtorrent drops more.
const INITIAL_MAX: u16 = 68;

/// What follows the encrypted handshake.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Mode {
    /// The plain protocol: only the handshake was hidden.
    Plain,
    /// Everything is RC4.
    Rc4,
}

impl Mode {
    /// It in a word, for programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Rc4 => "rc4",
        }
    }

    /// Its bit in `crypto_provide` and `crypto_select`.
    const fn bit(self) -> u32 {
        match self {
            Self::Plain => 1,
            Self::Rc4 => 2,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain behind an encrypted handshake",
            Self::Rc4 => "RC4",
        })
    }
}

/// Which modes we offer or take.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Modes {
    /// RC4, and plain with those who want no more.
    Both,
    /// RC4 alone.
    Rc4Only,
}

impl Modes {
    const fn bits(self) -> u32 {
        match self {
            Self::Both => Mode::Plain.bit() | Mode::Rc4.bit(),
            Self::Rc4Only => Mode::Rc4.bit(),
        }
    }

    /// The best of what is offered, if any of it is taken.
    const fn select(self, offered: u32) -> Option<Mode> {
        let common = self.bits() & offered;
        if common & Mode::Rc4.bit() != 0 {
            Some(Mode::Rc4)
        } else if common & Mode::Plain.bit() != 0 {
            Some(Mode::Plain)
        } else {
            None
        }
    }

    /// What was selected, if it is exactly one of what we offered.
    const fn selected(self, selected: u32) -> Option<Mode> {
        match selected {
            1 if self.bits() & 1 != 0 => Some(Mode::Plain),
            2 => Some(Mode::Rc4),
            _ => None,
        }
    }
}

/// The two key streams of a connection. Each goes on for as long as the connection does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ciphers {
    /// For what we receive.
    pub read: Rc4,
    /// For what we send.
    pub write: Rc4,
}

/// What the other side did wrong in the encrypted handshake, one variant a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Fault {
    /// Its public key is 0, 1, p − 1 or not below p: the shared secret would be no secret.
    DegenerateKey,
    /// Its padding did not end within 512 bytes.
    NoSync,
    /// The verification constant behind its hashes is not eight zeros.
    WrongVc,
    /// PadC or PadD is announced as longer than 512 bytes.
    PadTooLong {
        /// Bytes announced.
        length: u16,
    },
    /// IA is announced as longer than a handshake.
    InitialTooLong {
        /// Bytes announced.
        length: u16,
    },
    /// It offers nothing that we take.
    NothingOffered {
        /// Its bits.
        offered: u32,
    },
    /// It selected not exactly one of what we offered.
    NotOffered {
        /// Its bits.
        selected: u32,
    },
    /// Its hashes belong to no torrent of ours.
    UnknownTorrent,
    /// It answered with the plain protocol. No fault as such: it knows nothing of encryption.
    SpeaksPlain,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DegenerateKey => f.write_str("encryption with a key that makes no secret"),
            Self::NoSync => f.write_str("encryption whose padding does not end"),
            Self::WrongVc => f.write_str("encryption with a wrong verification constant"),
            Self::PadTooLong { length } => {
                write!(f, "encryption with a padding of {length} bytes, 512 are allowed")
            }
            Self::InitialTooLong { length } => {
                write!(
                    f,
                    "encryption with {length} bytes of first payload, 68 are allowed"
                )
            }
            Self::NothingOffered { offered } => {
                write!(f, "encryption that offers nothing that we take ({offered:#x})")
            }
            Self::NotOffered { selected } => {
                write!(f, "encryption that selects what was not offered ({selected:#x})")
            }
            Self::UnknownTorrent => f.write_str("encryption for a torrent that is not here"),
            Self::SpeaksPlain => f.write_str("answered an encrypted handshake with a plain one"),
        }
    }
}

/// Looks for a mark of `N` bytes in a stream, behind at most [`PAD_MAX`] others.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Search {
    mark: alloc::vec::Vec<u8>,
    tail: alloc::collections::VecDeque<u8>,
    taken: usize,
}

impl Search {
    fn new(mark: &[u8]) -> Self {
        Self {
            mark: mark.to_vec(),
            tail: alloc::collections::VecDeque::with_capacity(mark.len()),
            taken: 0,
        }
    }

    /// Takes bytes up to the end of the mark; true when it was found.
    fn find(&mut self, input: &mut &[u8]) -> Result<bool, Fault> {
        while let Some((byte, rest)) = input.split_first() {
            *input = rest;
            self.taken += 1;
            if self.tail.len() == self.mark.len() {
                self.tail.pop_front();
            }
            self.tail.push_back(*byte);
            if self.tail.iter().eq(self.mark.iter()) {
                return Ok(true);
            }
            if self.taken >= usize::from(PAD_MAX) + self.mark.len() {
                return Err(Fault::NoSync);
            }
        }
        Ok(false)
    }
}

/// Moves bytes from the input until `bytes` has `length` of them; true when it has.
fn fill(bytes: &mut alloc::vec::Vec<u8>, length: usize, input: &mut &[u8]) -> bool {
    let missing = length.saturating_sub(bytes.len());
    let (front, rest) = input.split_at(missing.min(input.len()));
    bytes.extend_from_slice(front);
    *input = rest;
    bytes.len() >= length
}

/// The same through a cipher.
fn fill_decrypted(
    bytes: &mut alloc::vec::Vec<u8>,
    length: usize,
    input: &mut &[u8],
    cipher: &mut Rc4,
) -> bool {
    let before = bytes.len();
    let whole = fill(bytes, length, input);
    cipher.apply(bytes.get_mut(before..).unwrap_or_default());
    whole
}

/// A big-endian number of two bytes at an offset; 0 behind the end, which is never asked for.
fn short(bytes: &[u8], at: usize) -> u16 {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.map_or(0, |bytes| u16::from_be_bytes(*bytes))
}

/// The same of four bytes.
fn long(bytes: &[u8], at: usize) -> u32 {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.map_or(0, |bytes| u32::from_be_bytes(*bytes))
}
