//! What goes over a connection in clear, whether it is encrypted or not: checkers read along with the secret that the
//! engine logs, through a cipher of their own.

use crate::mse::{KEY, Lane, PLAIN};
use std::borrow::Cow;

/// Both directions of a connection.
#[derive(Clone, Debug)]
pub(crate) enum Tap {
    /// Too little was said to tell; what the other side said first.
    Undecided(Vec<u8>),
    Plain,
    Encrypted(Box<Encrypted>),
}

#[derive(Clone, Debug)]
pub(crate) struct Encrypted {
    /// Whether we dialled.
    dialled: bool,
    secret: Option<[u8; KEY]>,
    received: Lane,
    sent: Lane,
}

impl Tap {
    pub(crate) const fn new() -> Self {
        Self::Undecided(Vec::new())
    }

    fn decide(&mut self, first: &[u8], dialled: bool) {
        if let Self::Undecided(_) = self {
            *self = if first.starts_with(PLAIN) {
                Self::Plain
            } else {
                Self::Encrypted(Box::new(Encrypted {
                    dialled,
                    secret: None,
                    received: Lane::new(!dialled),
                    sent: Lane::new(dialled),
                }))
            };
        }
    }

    /// Bytes came. What stands in them, or in earlier ones, in clear.
    pub(crate) fn received<'a>(
        &mut self,
        data: &'a [u8],
        dialled: bool,
        torrent: &[u8; 20],
    ) -> Cow<'a, [u8]> {
        let mut data = Cow::Borrowed(data);
        if let Self::Undecided(first) = self {
            first.extend_from_slice(&data);
            if first.len() < PLAIN.len() && PLAIN.starts_with(first) {
                return Cow::default();
            }
            data = Cow::Owned(std::mem::take(first));
            self.decide(&data, dialled);
        }
        match self {
            Self::Undecided(_) | Self::Plain => data,
            Self::Encrypted(both) => {
                both.received.keep(&data);
                both.hear(torrent).into()
            }
        }
    }

    /// We say something.
    pub(crate) fn sent<'a>(&mut self, data: &'a [u8], dialled: bool, torrent: &[u8; 20]) -> Cow<'a, [u8]> {
        self.decide(data, dialled);
        match self {
            Self::Undecided(_) | Self::Plain => data.into(),
            Self::Encrypted(both) => {
                both.sent.keep(data);
                let Some(secret) = &both.secret else {
                    return Cow::default();
                };
                let mode = if both.dialled { both.received.modes } else { None };
                let mut clear = both.sent.read(secret, torrent, mode);
                if !both.dialled {
                    // the selection is ours
                    clear.extend(both.sent.read(secret, torrent, both.sent.modes));
                }
                clear.into()
            }
        }
    }

    /// Whether it waits for the secret.
    pub(crate) fn waits(&self) -> bool {
        matches!(self, Self::Encrypted(both) if both.secret.is_none())
    }

    /// The secret is known. What was received before it, in clear.
    pub(crate) fn secret(&mut self, secret: &[u8; KEY], torrent: &[u8; 20]) -> Vec<u8> {
        match self {
            Self::Undecided(_) | Self::Plain => Vec::new(),
            Self::Encrypted(both) => {
                both.secret = Some(*secret);
                both.hear(torrent)
            }
        }
    }

    /// Whether we offer to go on in plain behind the handshake.
    pub(crate) fn offers_plain(&self) -> bool {
        match self {
            Self::Undecided(_) | Self::Plain => false,
            Self::Encrypted(both) => both.dialled && both.sent.modes.is_some_and(|modes| modes & 1 != 0),
        }
    }

    /// Whether nothing of it is hidden: no encryption at all, or plain behind an encrypted handshake.
    pub(crate) fn is_open(&self) -> bool {
        match self {
            Self::Undecided(_) => false,
            Self::Plain => true,
            Self::Encrypted(both) => both.mode() == Some(1),
        }
    }
}

impl Encrypted {
    /// What was selected, by whoever was dialled.
    fn mode(&self) -> Option<u32> {
        if self.dialled {
            self.received.modes
        } else {
            self.sent.modes
        }
    }

    fn hear(&mut self, torrent: &[u8; 20]) -> Vec<u8> {
        let Some(secret) = self.secret else {
            return Vec::new();
        };
        let mode = self.mode();
        let mut clear = self.received.read(&secret, torrent, mode);
        if mode.is_none() && self.dialled {
            // the selection came with the first bytes of the stream
            clear.extend(self.received.read(&secret, torrent, self.mode()));
        }
        clear
    }
}
