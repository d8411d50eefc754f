//! A session behind an encrypted handshake (MSE, protocol.md §15): from the first key to the two key streams.
//!
//! What is received is decrypted before anything reads it, what is sent is encrypted when it is taken out, blocks
//! included: a copy of each is made then, which plain connections do without. Nothing here looks at what the bytes
//! are, so payload decides nothing under RC4 either, and the key streams go on by lengths alone.

use super::{Outgoing, Phase, Session};
use crate::mse::{Ciphers, Fault, Initiator, Mode, Modes, Opened, Secrets, SharedSecret};
use crate::time::Instant;
use crate::wire::HandshakeDecoder;
use alloc::boxed::Box;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// What an encrypted handshake came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Agreed {
    /// How the stream goes on.
    pub mode: Mode,
    /// They stand behind the last byte that was taken.
    pub ciphers: Box<Ciphers>,
    /// For checkers that read along.
    pub secret: Option<SharedSecret>,
}

impl Agreed {
    /// Further received bytes in clear.
    pub fn decrypt(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut clear = bytes.to_vec();
        if self.mode == Mode::Rc4 {
            self.ciphers.read.apply(&mut clear);
        }
        clear
    }
}

/// What a session keeps of its encryption; nothing when it is plain.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Encrypted {
    /// What is offered and drawn for a connection that is not established yet.
    plan: Option<Box<(Modes, Secrets)>>,
    /// The session ended before the encrypted handshake did.
    pub(super) unfinished: bool,
    /// Bytes of the encrypted handshake that wait to go out.
    raw: Vec<u8>,
    mode: Option<Mode>,
    /// The key streams, where everything is RC4.
    ciphers: Option<Box<Ciphers>>,
    secret: Option<Box<SharedSecret>>,
}

impl Session {
    /// The connection that is being dialled begins with an encrypted handshake.
    #[must_use]
    pub fn with_encryption(mut self, offers: Modes, secrets: Secrets) -> Self {
        self.encrypted.plan = Some(Box::new((offers, secrets)));
        self
    }

    /// The connection was accepted, and this was agreed on before its handshake was whole.
    #[must_use]
    pub fn with_agreed(mut self, agreed: Agreed) -> Self {
        self.agree(agreed.mode, agreed.ciphers);
        self.encrypted.secret = agreed.secret.map(Box::new);
        self
    }

    fn agree(&mut self, mode: Mode, ciphers: Box<Ciphers>) {
        self.encrypted.mode = Some(mode);
        self.encrypted.ciphers = (mode == Mode::Rc4).then_some(ciphers);
    }

    /// Begins the encrypted handshake, if one was planned. Our own handshake is its first payload.
    pub(super) fn begin_encryption(&mut self, now: Instant) -> bool {
        let Some(plan) = self.encrypted.plan.take() else {
            return false;
        };
        let (offers, secrets) = *plan;
        let handshake = self.handshake().to_vec();
        let (initiator, first) = Initiator::new(self.rules.info_hash, offers, secrets, handshake);
        self.send_raw(now, first);
        self.phase = Phase::Encrypting(Box::new(initiator));
        true
    }

    fn send_raw(&mut self, now: Instant, bytes: Vec<u8>) {
        self.uploads.unsent += bytes.len() as u64;
        self.last_sent = now;
        self.encrypted.raw.extend(bytes);
    }

    /// Takes what belongs to the encrypted handshake, if one is under way; `input` is advanced behind it.
    ///
    /// # Errors
    /// What the peer did wrong in it.
    pub fn take_encrypted(&mut self, now: Instant, input: &mut &[u8]) -> Result<(), Fault> {
        let before = input.len();
        if before > 0 && self.is_encrypting() {
            self.last_received = now;
        }
        let result = loop {
            let Phase::Encrypting(initiator) = &mut self.phase else {
                break Ok(());
            };
            match initiator.receive(input) {
                Ok(None) => break Ok(()),
                Ok(Some(Opened::Send(bytes))) => {
                    self.send_raw(now, bytes);
                    self.trace_handshake();
                }
                Ok(Some(Opened::Done(mode, ciphers))) => {
                    self.encrypted.secret = initiator.secret().cloned().map(Box::new);
                    self.agree(mode, ciphers);
                    self.phase = Phase::Handshaking(HandshakeDecoder::new());
                }
                Err(fault) => break Err(fault),
            }
        };
        self.received.protocol += (before - input.len()) as u64;
        result
    }

    /// The next received bytes in clear; none when they are clear as they are.
    pub fn decrypt(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let ciphers = self.encrypted.ciphers.as_mut()?;
        let mut clear = bytes.to_vec();
        ciphers.read.apply(&mut clear);
        Some(clear)
    }

    /// What is to be sent, in order, as it goes out.
    pub fn take_outgoing(&mut self) -> Vec<Outgoing> {
        let mut outgoing = core::mem::take(&mut self.outbox);
        if let Some(ciphers) = &mut self.encrypted.ciphers {
            for what in &mut outgoing {
                ciphers.write.apply(&mut what.head);
                if let Some(body) = &mut what.body {
                    let mut copy = body.as_bytes().to_vec();
                    ciphers.write.apply(&mut copy);
                    *body = copy.into();
                }
            }
        }
        if !self.encrypted.raw.is_empty() {
            let head = core::mem::take(&mut self.encrypted.raw);
            outgoing.insert(0, Outgoing { head, body: None });
        }
        outgoing
    }

    /// Whether anything is to be sent.
    pub fn has_outgoing(&self) -> bool {
        !self.outbox.is_empty() || !self.encrypted.raw.is_empty()
    }

    /// Bytes that were given out before the session began and are not taken by the system yet.
    pub fn owes_sent(&mut self, bytes: u64) {
        self.uploads.unsent += bytes;
    }

    /// Whether the encrypted handshake is under way.
    pub const fn is_encrypting(&self) -> bool {
        matches!(self.phase, Phase::Encrypting(_))
    }

    /// Whether the encrypted handshake is under way, or was when the session ended.
    pub const fn left_encrypting(&self) -> bool {
        self.is_encrypting() || self.encrypted.unfinished
    }

    /// What the encrypted handshake agreed on; none on a connection that never had one.
    pub const fn encryption(&self) -> Option<Mode> {
        self.encrypted.mode
    }

    /// The secret of an encrypted connection, once it is known.
    pub fn shared_secret(&self) -> Option<&SharedSecret> {
        match &self.phase {
            Phase::Encrypting(initiator) => initiator.secret(),
            Phase::Connecting | Phase::Handshaking(_) | Phase::Open(_) | Phase::Over => {
                self.encrypted.secret.as_deref()
            }
        }
    }
}
