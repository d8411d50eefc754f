//! The side that dialled.

use super::{
    Ciphers, Fault, KEY_LENGTH, Mode, Modes, PAD_MAX, Search, Secrets, SharedSecret, VC, fill,
    fill_decrypted, long, short,
};
use crate::id::InfoHash;
use crate::wire::PROTOCOL;
use alloc::boxed::Box;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Bytes of crypto_select and the length of PadD.
const SELECT_LENGTH: usize = 6;

/// The encrypted handshake of a connection that we dialled.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Initiator {
    torrent: InfoHash,
    offers: Modes,
    secrets: Secrets,
    /// IA: our handshake.
    initial: Vec<u8>,
    secret: Option<SharedSecret>,
    state: State,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum State {
    /// Yb is coming.
    Key(Vec<u8>),
    /// PadB is coming, and the encrypted VC behind it. The read cipher stands behind that.
    Sync(Search, Box<Ciphers>),
    /// What is selected is coming.
    Select(Vec<u8>, Box<Ciphers>),
    /// So many bytes of PadD are coming.
    Pad(u16, Mode, Box<Ciphers>),
    Over,
}

/// What an initiator has to say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Opened {
    /// These bytes go out, IA at their end.
    Send(Vec<u8>),
    /// It is done. What follows is in this mode; the ciphers go on even where they are not used.
    Done(Mode, Box<Ciphers>),
}

impl Initiator {
    /// A handshake, and its first bytes. `initial` is our handshake of BEP 3.
    pub fn new(torrent: InfoHash, offers: Modes, secrets: Secrets, initial: Vec<u8>) -> (Self, Vec<u8>) {
        let mut first = secrets.public().to_vec();
        first.extend_from_slice(&secrets.pad);
        let initiator = Self {
            torrent,
            offers,
            secrets,
            initial,
            secret: None,
            state: State::Key(Vec::new()),
        };
        (initiator, first)
    }

    /// The secret of the connection, once both keys are known: for checkers that read along.
    pub const fn secret(&self) -> Option<&SharedSecret> {
        self.secret.as_ref()
    }

    /// Takes bytes of the responder, none behind the handshake. None says that more are needed.
    ///
    /// # Errors
    /// What it did wrong. The connection cannot go on.
    pub fn receive(&mut self, input: &mut &[u8]) -> Result<Option<Opened>, Fault> {
        loop {
            let state = core::mem::replace(&mut self.state, State::Over);
            match self.advance(state, input)? {
                (state, None) if input.is_empty() && !matches!(state, State::Pad(0, ..)) => {
                    self.state = state;
                    return Ok(None);
                }
                (state, None) => self.state = state,
                (state, said) => {
                    self.state = state;
                    return Ok(said);
                }
            }
        }
    }

    /// One step; without a word of it either all input is taken or the next state can go on.
    fn advance(&mut self, state: State, input: &mut &[u8]) -> Result<(State, Option<Opened>), Fault> {
        match state {
            State::Key(mut bytes) => {
                // who knows nothing of encryption may have sent its handshake at once
                let whole = fill(&mut bytes, PROTOCOL.len(), input);
                if whole && bytes.starts_with(&PROTOCOL) {
                    return Err(Fault::SpeaksPlain);
                }
                if !fill(&mut bytes, KEY_LENGTH, input) {
                    return Ok((State::Key(bytes), None));
                }
                self.key(&bytes)
            }
            State::Sync(mut search, ciphers) => {
                let next = if search.find(input)? {
                    State::Select(Vec::new(), ciphers)
                } else {
                    State::Sync(search, ciphers)
                };
                Ok((next, None))
            }
            State::Select(mut bytes, mut ciphers) => {
                if !fill_decrypted(&mut bytes, SELECT_LENGTH, input, &mut ciphers.read) {
                    return Ok((State::Select(bytes, ciphers), None));
                }
                let (selected, length) = (long(&bytes, 0), short(&bytes, 4));
                let mode = self
                    .offers
                    .selected(selected)
                    .ok_or(Fault::NotOffered { selected })?;
                if length > PAD_MAX {
                    return Err(Fault::PadTooLong { length });
                }
                Ok((State::Pad(length, mode, ciphers), None))
            }
            State::Pad(left, mode, mut ciphers) => {
                let mut pad = Vec::new();
                if fill_decrypted(&mut pad, usize::from(left), input, &mut ciphers.read) {
                    return Ok((State::Over, Some(Opened::Done(mode, ciphers))));
                }
                // shorter than `left`, a u16
                Ok((State::Pad(left - pad.len() as u16, mode, ciphers), None))
            }
            State::Over => {
                *input = &[];
                Ok((State::Over, None))
            }
        }
    }

    /// The other's key is whole: ours is proven, and what we offer goes out.
    fn key(&mut self, bytes: &[u8]) -> Result<(State, Option<Opened>), Fault> {
        let theirs = bytes.first_chunk().ok_or(Fault::DegenerateKey)?;
        let secret = self.secrets.shared(theirs)?;
        let mut ciphers = secret.ciphers(self.torrent, true);
        let mut out = secret.req1().to_vec();
        out.extend_from_slice(&secret.torrent(self.torrent));
        let clear = out.len();
        out.extend_from_slice(&VC);
        out.extend_from_slice(&self.offers.bits().to_be_bytes());
        out.extend_from_slice(&self.secrets.inner_pad.to_be_bytes());
        out.resize(out.len() + usize::from(self.secrets.inner_pad), 0);
        // a handshake has 68 bytes
        out.extend_from_slice(&(self.initial.len() as u16).to_be_bytes());
        out.append(&mut self.initial);
        ciphers.write.apply(out.get_mut(clear..).unwrap_or_default());
        let mut mark = VC;
        ciphers.read.apply(&mut mark);
        self.secret = Some(secret);
        Ok((State::Sync(Search::new(&mark), ciphers), Some(Opened::Send(out))))
    }
}
