//! The side that was dialled.

use super::{
    Ciphers, Fault, INITIAL_MAX, KEY_LENGTH, Mode, Modes, PAD_MAX, Search, Secrets, SharedSecret, VC, fill,
    fill_decrypted, long, short,
};
use crate::id::InfoHash;
use alloc::boxed::Box;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Bytes of a hash.
const HASH_LENGTH: usize = 20;

/// Bytes of VC, crypto_provide and the length of PadC.
const OFFER_LENGTH: usize = 14;

/// The most bytes that a responder reads: key, PadA, two hashes, offer, PadC, the length of IA, and IA.
pub const RESPONDER_READ_MAX: u32 =
    (KEY_LENGTH + 2 * HASH_LENGTH + OFFER_LENGTH + 2) as u32 + 2 * PAD_MAX as u32 + INITIAL_MAX as u32;

/// The encrypted handshake of a connection that was accepted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Responder {
    takes: Modes,
    secrets: Secrets,
    secret: Option<SharedSecret>,
    state: State,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum State {
    /// Ya is coming.
    Key(Vec<u8>),
    /// PadA is coming, and HASH('req1', S) behind it.
    Sync(Search, SharedSecret),
    /// The hash that names the torrent is coming.
    Torrent(Vec<u8>, SharedSecret),
    /// What is offered is coming.
    Offer(Vec<u8>, Chosen),
    /// So many bytes of PadC are coming.
    Pad(u16, Mode, Chosen),
    /// The length of IA is coming.
    Length(Vec<u8>, Mode, Chosen),
    /// IA of this length is coming.
    Initial(Vec<u8>, u16, Mode, Chosen),
    Over,
}

/// Which torrent it is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Chosen {
    torrent: InfoHash,
    ciphers: Box<Ciphers>,
}

impl Chosen {
    fn find(
        masked: &[u8],
        secret: &SharedSecret,
        mut torrents: &mut dyn Iterator<Item = InfoHash>,
    ) -> Result<Self, Fault> {
        let named = |hash: &InfoHash| secret.torrent(*hash).as_slice() == masked;
        let torrent = Iterator::find(&mut torrents, named).ok_or(Fault::UnknownTorrent)?;
        let ciphers = secret.ciphers(torrent, false);
        Ok(Self { torrent, ciphers })
    }
}

/// What a responder has to say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Accepted {
    /// These bytes go out.
    Send(Vec<u8>),
    /// It is done.
    Done {
        /// The last bytes that go out.
        send: Vec<u8>,
        /// The torrent that the initiator proved to know.
        torrent: InfoHash,
        /// How the stream goes on.
        mode: Mode,
        /// They go on even where they are not used.
        ciphers: Box<Ciphers>,
        /// IA, the beginning of the initiator's stream. It may be empty.
        initial: Vec<u8>,
    },
}

impl Responder {
    /// A handshake before the first byte.
    pub const fn new(takes: Modes, secrets: Secrets) -> Self {
        Self {
            takes,
            secrets,
            secret: None,
            state: State::Key(Vec::new()),
        }
    }

    /// The secret of the connection, once both keys are known: for checkers that read along.
    pub const fn secret(&self) -> Option<&SharedSecret> {
        self.secret.as_ref()
    }

    /// Takes bytes of the initiator, none behind IA. None says that more are needed. `torrents` are all those that it
    /// may be about: one hash is computed for each, once a handshake, far less than its key costs.
    ///
    /// # Errors
    /// What it did wrong. The connection cannot go on.
    pub fn receive(
        &mut self,
        input: &mut &[u8],
        torrents: &mut dyn Iterator<Item = InfoHash>,
    ) -> Result<Option<Accepted>, Fault> {
        loop {
            let state = core::mem::replace(&mut self.state, State::Over);
            let (state, said) = self.advance(state, input, torrents)?;
            let waits = input.is_empty() && !state.needs_nothing();
            self.state = state;
            if said.is_some() || waits {
                return Ok(said);
            }
        }
    }

    fn advance(
        &mut self,
        state: State,
        input: &mut &[u8],
        torrents: &mut dyn Iterator<Item = InfoHash>,
    ) -> Result<(State, Option<Accepted>), Fault> {
        let next = match state {
            State::Key(mut bytes) => {
                if fill(&mut bytes, KEY_LENGTH, input) {
                    return self.key(&bytes);
                }
                State::Key(bytes)
            }
            State::Sync(mut search, secret) => {
                if search.find(input)? {
                    State::Torrent(Vec::new(), secret)
                } else {
                    State::Sync(search, secret)
                }
            }
            State::Torrent(mut bytes, secret) => {
                if fill(&mut bytes, HASH_LENGTH, input) {
                    State::Offer(Vec::new(), Chosen::find(&bytes, &secret, torrents)?)
                } else {
                    State::Torrent(bytes, secret)
                }
            }
            State::Offer(mut bytes, mut chosen) => {
                if fill_decrypted(&mut bytes, OFFER_LENGTH, input, &mut chosen.ciphers.read) {
                    self.offer(&bytes, chosen)?
                } else {
                    State::Offer(bytes, chosen)
                }
            }
            State::Pad(left, mode, mut chosen) => {
                let mut pad = Vec::new();
                if fill_decrypted(&mut pad, usize::from(left), input, &mut chosen.ciphers.read) {
                    State::Length(Vec::new(), mode, chosen)
                } else {
                    // shorter than `left`, a u16
                    State::Pad(left - pad.len() as u16, mode, chosen)
                }
            }
            State::Length(mut bytes, mode, mut chosen) => {
                if fill_decrypted(&mut bytes, 2, input, &mut chosen.ciphers.read) {
                    let length = short(&bytes, 0);
                    if length > INITIAL_MAX {
                        return Err(Fault::InitialTooLong { length });
                    }
                    State::Initial(Vec::new(), length, mode, chosen)
                } else {
                    State::Length(bytes, mode, chosen)
                }
            }
            State::Initial(mut bytes, length, mode, mut chosen) => {
                if fill_decrypted(&mut bytes, usize::from(length), input, &mut chosen.ciphers.read) {
                    return Ok((State::Over, Some(self.done(bytes, mode, chosen))));
                }
                State::Initial(bytes, length, mode, chosen)
            }
            State::Over => {
                *input = &[];
                State::Over
            }
        };
        Ok((next, None))
    }

    /// The other's key is whole: ours goes out.
    fn key(&mut self, bytes: &[u8]) -> Result<(State, Option<Accepted>), Fault> {
        let theirs = bytes.first_chunk().ok_or(Fault::DegenerateKey)?;
        let secret = self.secrets.shared(theirs)?;
        let mut out = self.secrets.public().to_vec();
        out.append(&mut self.secrets.pad);
        self.secret = Some(secret.clone());
        Ok((
            State::Sync(Search::new(&secret.req1()), secret),
            Some(Accepted::Send(out)),
        ))
    }

    fn offer(&self, bytes: &[u8], chosen: Chosen) -> Result<State, Fault> {
        if !bytes.starts_with(&VC) {
            return Err(Fault::WrongVc);
        }
        let (offered, length) = (long(bytes, 8), short(bytes, 12));
        let mode = self
            .takes
            .select(offered)
            .ok_or(Fault::NothingOffered { offered })?;
        if length > PAD_MAX {
            return Err(Fault::PadTooLong { length });
        }
        Ok(State::Pad(length, mode, chosen))
    }

    fn done(&self, initial: Vec<u8>, mode: Mode, chosen: Chosen) -> Accepted {
        let Chosen { torrent, mut ciphers } = chosen;
        let mut send = VC.to_vec();
        send.extend_from_slice(&mode.bit().to_be_bytes());
        send.extend_from_slice(&self.secrets.inner_pad.to_be_bytes());
        send.resize(send.len() + usize::from(self.secrets.inner_pad), 0);
        ciphers.write.apply(&mut send);
        Accepted::Done {
            send,
            torrent,
            mode,
            ciphers,
            initial,
        }
    }
}

impl State {
    /// Whether it goes on without a further byte.
    const fn needs_nothing(&self) -> bool {
        matches!(self, Self::Pad(0, ..) | Self::Initial(_, 0, ..))
    }
}
