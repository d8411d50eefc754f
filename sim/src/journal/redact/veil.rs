//! Streams of peers behind an encrypted handshake (MSE): their text in clear, from the secret that the replay of the
//! original comes to, and the same stream for the copy, encrypted with what the copy's engine will come to.
//!
//! The peer's key is another one, so the secret is; its paddings become zeros; which torrent is meant and what is agreed
//! on is written anew with the pseudonymous info-hash; the stream goes through both ciphers. No length changes.

use super::peers::{PROTOCOL, PeerStream};
use super::pseudonyms::Pseudonyms;
use crate::mse::{Cipher, KEY, Lane, ciphers, prime, req1, req23};
use seedbed_engine::id::{ConnId, InfoHash};
use seedbed_engine::time::Instant;
use seedbed_engine::{Engine, Event};
use std::ops::Range;

/// Bytes of an encrypted handshake that are kept: the engine refuses longer ones.
const HANDSHAKE_MAX: usize = 4096;

/// Bytes of VC, the modes and the length of the padding.
const HEAD: usize = 14;

/// What `crypto_select` is for RC4.
const RC4: u32 = 2;

/// Follows the stream of one peer, and writes it again.
#[derive(Clone, Debug)]
pub(super) struct Veil {
    /// Whether the peer dialled.
    opens: bool,
    /// What came until the stream began.
    handshake: Vec<u8>,
    secret: Option<[u8; KEY]>,
    layout: Option<Layout>,
    /// Behind the handshake: what reads the original.
    reads: Option<Stream>,
    /// What stands in the place of the handshake: the key alone at first.
    new: Vec<u8>,
    new_secret: Option<[u8; KEY]>,
    begun: bool,
    written: usize,
    /// Behind the handshake: what reads the original again, how far it is, and what writes the copy.
    again: Option<(Stream, u64, Stream)>,
    /// What the peer says in the copy, in clear, without payload.
    text: Vec<u8>,
    /// The end of it that is of the last read.
    last: Vec<u8>,
    /// What the engine says, in the original and in the copy.
    says: Lane,
    says_new: Lane,
}

/// Bytes of a stream through its cipher, if there is one.
#[derive(Clone, Debug)]
struct Stream {
    mode: u32,
    cipher: Cipher,
}

impl Stream {
    fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        match self.mode {
            RC4 => self.cipher.pass(bytes),
            _ => bytes.to_vec(),
        }
    }
}

/// What stands where in a handshake.
#[derive(Clone, Debug)]
struct Layout {
    torrent: [u8; 20],
    /// Where the encrypted part begins, with VC.
    from: usize,
    /// That part in clear, as far as it came.
    clear: Vec<u8>,
    whole: Option<Whole>,
}

#[derive(Clone, Debug)]
struct Whole {
    /// IA, in the encrypted part. It ends the handshake.
    initial: Range<usize>,
    mode: u32,
}

impl Veil {
    /// A connection whose peer said `first` so far.
    pub(super) fn new(opens: bool, first: &[u8]) -> Self {
        Self {
            opens,
            handshake: first.to_vec(),
            secret: None,
            layout: None,
            reads: None,
            new: Vec::new(),
            new_secret: None,
            begun: false,
            written: 0,
            again: None,
            text: Vec::new(),
            last: Vec::new(),
            says: Lane::new(!opens),
            says_new: Lane::new(!opens),
        }
    }

    /// How many of the next `length` bytes end the peer's key, if they do.
    pub(super) fn ends_key(&self, length: usize) -> Option<usize> {
        let missing = KEY
            .checked_sub(self.handshake.len())
            .filter(|missing| *missing > 0);
        missing.filter(|missing| *missing <= length)
    }

    /// The secret of the original is known.
    pub(super) const fn learn(&mut self, secret: Option<[u8; KEY]>) {
        self.secret = secret;
    }

    /// The original goes on. What of the stream stands there in clear. `torrents` are those it may be about.
    pub(super) fn push<'t>(
        &mut self,
        data: &[u8],
        mut torrents: impl Iterator<Item = &'t InfoHash>,
    ) -> Vec<u8> {
        if let Some(stream) = &mut self.reads {
            return stream.pass(data);
        }
        let Some(secret) = self.secret.filter(|_| self.handshake.len() <= HANDSHAKE_MAX) else {
            let room = HANDSHAKE_MAX.saturating_sub(self.handshake.len());
            self.handshake.extend(data.iter().take(room));
            return Vec::new();
        };
        self.handshake.extend_from_slice(data);
        self.layout =
            torrents.find_map(|torrent| Layout::find(&self.handshake, self.opens, &secret, torrent.0));
        let Some(layout) = &mut self.layout else {
            return Vec::new();
        };
        let Some(whole) = &layout.whole else {
            return Vec::new();
        };
        let end = layout.from + whole.initial.end;
        let mut stream = layout.stream(&secret, self.opens, whole);
        layout.clear.truncate(whole.initial.end);
        let mut clear = layout.clear[whole.initial.clone()].to_vec();
        clear.extend(stream.pass(&self.handshake[end..]));
        self.handshake.truncate(end);
        self.reads = Some(stream);
        clear
    }

    /// A read of `data` will be written. `probe` says the copy's secret, given the rest of the peer's key.
    pub(super) fn prepare(
        &mut self,
        names: &mut Pseudonyms,
        peer: &PeerStream,
        data: &[u8],
        probe: impl FnOnce(&[u8]) -> Option<[u8; KEY]>,
    ) {
        if self.new.is_empty() {
            self.new = other_key(names, &self.handshake[..self.handshake.len().min(KEY)]);
        }
        if !self.begun && self.new.len() >= KEY && self.written + data.len() >= KEY {
            self.begun = true;
            self.new_secret = self
                .secret
                .and_then(|_| probe(&self.new[self.written.min(KEY)..KEY]));
            self.handshake(names, peer);
        }
    }

    /// Writes the whole handshake again.
    fn handshake(&mut self, names: &mut Pseudonyms, peer: &PeerStream) {
        self.new.resize(self.handshake.len(), 0);
        let (Some(old), Some(secret)) = (self.secret, self.new_secret) else {
            return;
        };
        let Some(layout) = &self.layout else {
            // a torrent that is not here: where the padding ends is all that is said
            let mark = req1(&old);
            let at = self.handshake.windows(mark.len()).position(|part| part == mark);
            if let Some(at) = at.filter(|at| self.opens && *at >= KEY) {
                self.new[at..at + mark.len()].copy_from_slice(&req1(&secret));
            }
            return;
        };
        let torrent = names.info_hash(InfoHash(layout.torrent)).0;
        if self.opens {
            let hashes = [req1(&secret), req23(&secret, &torrent)].concat();
            self.new[layout.from - hashes.len()..layout.from].copy_from_slice(&hashes);
        }
        let mut clear = layout.blank();
        if let Some(whole) = &layout.whole {
            peer.patch(0, &mut clear[whole.initial.clone()]);
            let again = layout.stream(&old, self.opens, whole);
            let other = Layout {
                torrent,
                ..layout.clone()
            };
            let writes = other.stream(&secret, self.opens, whole);
            self.again = Some((again, whole.initial.len() as u64, writes));
        }
        self.text.clone_from(&clear);
        let hidden = cipher(&secret, &torrent, self.opens).pass(&clear);
        self.new[layout.from..].copy_from_slice(&hidden);
    }

    /// The next bytes of the original, as they come in the copy.
    pub(super) fn write(&mut self, data: &[u8], peer: &PeerStream) -> Vec<u8> {
        let rest = self.new.get(self.written..).unwrap_or_default();
        let mut out = rest[..rest.len().min(data.len())].to_vec();
        self.written += data.len();
        let behind = &data[out.len()..];
        self.last.clear();
        match &mut self.again {
            Some((reads, at, writes)) => {
                let mut clear = reads.pass(behind);
                peer.patch(*at, &mut clear);
                *at += clear.len() as u64;
                out.extend(writes.pass(&clear));
                self.last = clear;
            }
            None => out.resize(data.len(), 0),
        }
        out
    }

    /// The copy's engine has taken the last read, of `length` bytes, and did not look at these.
    pub(super) fn taken(&mut self, length: usize, unread: &[Range<usize>]) {
        let last = std::mem::take(&mut self.last);
        let begin = length - last.len().min(length);
        let read = |at: &usize| !unread.iter().any(|span| span.contains(&(begin + at)));
        self.text.extend((0..last.len()).filter(read).map(|at| last[at]));
    }

    /// All that the peer says in the copy, in clear, without payload.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// What the engine says next in the original and in the copy, in clear; none where nobody can read it.
    pub(super) fn said(
        &mut self,
        names: &mut Pseudonyms,
        old: &[u8],
        new: &[u8],
    ) -> Option<(Vec<u8>, Vec<u8>)> {
        self.says.keep(old);
        self.says_new.keep(new);
        let layout = self.layout.as_ref()?;
        let (secret, new_secret) = (self.secret.as_ref()?, self.new_secret.as_ref()?);
        let torrent = names.info_hash(InfoHash(layout.torrent)).0;
        let mode = layout.whole.as_ref().map(|whole| whole.mode);
        Some((
            self.says.read(secret, &layout.torrent, mode),
            self.says_new.read(new_secret, &torrent, mode),
        ))
    }
}

impl Layout {
    fn find(raw: &[u8], opens: bool, secret: &[u8; KEY], torrent: [u8; 20]) -> Option<Self> {
        let mark = if opens {
            [req1(secret), req23(secret, &torrent)].concat()
        } else {
            cipher(secret, &torrent, opens).pass(&[0; 8])
        };
        let at = raw
            .get(KEY..)?
            .windows(mark.len())
            .position(|part| part == mark)?;
        let from = KEY + at + if opens { mark.len() } else { 0 };
        let clear = cipher(secret, &torrent, opens).pass(&raw[from..]);
        Some(Self {
            torrent,
            from,
            whole: whole(&clear, opens),
            clear,
        })
    }

    /// What goes on behind the handshake.
    fn stream(&self, secret: &[u8; KEY], opens: bool, whole: &Whole) -> Stream {
        let mut cipher = cipher(secret, &self.torrent, opens);
        cipher.pass(&vec![0; whole.initial.end]);
        Stream {
            mode: whole.mode,
            cipher,
        }
    }

    /// The encrypted part without its padding; without all that nobody has read when it ends too early.
    fn blank(&self) -> Vec<u8> {
        let mut clear = self.clear.clone();
        let pad_end = match &self.whole {
            // the length of IA stands before it, where the peer dialled
            Some(whole) => HEAD + pad(&clear).unwrap_or(0).min(whole.initial.start),
            None => clear.len(),
        };
        if let Some(padding) = clear.get_mut(HEAD..pad_end) {
            padding.fill(0);
        }
        // behind the padding, if it is too short to be whole
        if self.whole.is_none()
            && let Some(at) = pad(&self.clear).map(|pad| HEAD + pad)
            && let (Some(new), Some(old)) = (clear.get_mut(at..at + 2), self.clear.get(at..at + 2))
        {
            new.copy_from_slice(old);
        }
        clear
    }
}

/// What the peer writes with.
fn cipher(secret: &[u8; KEY], torrent: &[u8; 20], opens: bool) -> Cipher {
    let (a, b) = ciphers(secret, torrent);
    if opens { a } else { b }
}

fn short(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_be_bytes(*bytes).into())
}

/// How long the padding is.
fn pad(clear: &[u8]) -> Option<usize> {
    short(clear, HEAD - 2)
}

/// Where the handshake ends, once all of it is there.
fn whole(clear: &[u8], opens: bool) -> Option<Whole> {
    let mut start = HEAD + pad(clear)?;
    let mut end = start;
    if opens {
        start += 2;
        end = start + short(clear, start - 2)?;
    }
    let modes = u32::from_be_bytes(*clear.get(8..)?.first_chunk()?);
    // who was dialled selects: the engine takes RC4 where it is offered
    let mode = if opens && modes & RC4 != 0 { RC4 } else { modes };
    (clear.len() >= end).then_some(Whole {
        initial: start..end,
        mode,
    })
}

/// Another key for as much of one as came. It begins differently from the plain protocol at the same byte, and it makes
/// no secret where the first one makes none.
fn other_key(names: &Pseudonyms, key: &[u8]) -> Vec<u8> {
    let mut last = prime();
    last[KEY - 1] -= 1;
    let small = key.len() == KEY && key[..KEY - 1].iter().all(|byte| *byte == 0) && key[KEY - 1] <= 1;
    if small || (key.len() == KEY && *key >= last[..]) {
        return key.to_vec();
    }
    let plain = key.iter().zip(PROTOCOL).take_while(|(one, other)| one == other);
    let kept = (plain.count() + 1).min(key.len());
    let mut new = names.noise(key, KEY);
    new[..kept].copy_from_slice(&key[..kept]);
    new.truncate(key.len());
    new
}

/// The secret of a connection, once the rest of the peer's key is there.
pub(super) fn secret(engine: &Engine, at: Instant, conn: ConnId, rest: &[u8]) -> Option<[u8; KEY]> {
    let mut engine = engine.clone();
    engine.handle(at, Event::Received { conn, data: rest });
    engine.shared_secret(conn).map(|secret| *secret.as_bytes())
}
