//! The streams of peers: where in them something private stands, and what stands there instead. Nothing changes its
//! length, so how the stream was cut stays as it was.

use super::bencode::{extended_handshake, metadata, peer_exchange};
use super::pseudonyms::Pseudonyms;
use seedbed_engine::extension::UT_METADATA;
use seedbed_engine::extension::{LT_DONTHAVE, UT_PEX};
use seedbed_engine::id::{InfoHash, PeerId};
use std::collections::BTreeMap;

/// The first 20 bytes of a handshake (BEP 3).
pub(super) const PROTOCOL: &[u8; 20] = b"\x13BitTorrent protocol";

/// The whole handshake.
const HANDSHAKE: u64 = 68;

/// Where the info-hash and the peer id stand in it.
const INFO_HASH_AT: u64 = 28;
const PEER_ID_AT: u64 = 48;

/// Longest extended message that is looked into; the engine refuses longer ones.
const EXTENDED_MAX: u32 = 1 << 20;

/// `extended` (BEP 10).
const EXTENDED: u8 = 20;

/// Ids of messages whose payload says nothing of anybody: BEP 3, BEP 6.
const KNOWN: [u8; 15] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 15, 16, 17];

/// Follows the stream of one peer.
#[derive(Clone, Debug, Default)]
pub(super) struct PeerStream {
    /// Bytes so far.
    at: u64,
    handshake: Vec<u8>,
    state: State,
    /// By the place where it begins: what stands there from now on.
    patches: BTreeMap<u64, Vec<u8>>,
}

#[derive(Clone, Debug, Default)]
enum State {
    #[default]
    Handshake,
    /// The length and perhaps the id of the next message.
    Head(Vec<u8>),
    /// So many bytes that stay.
    Keep(u32),
    /// An extended message: how long it is, and what of it is there.
    Extended { length: u32, bytes: Vec<u8> },
    /// So many bytes that nobody understands.
    Blank(u32),
    /// No BitTorrent any more: the engine does not read on.
    Lost,
}

impl PeerStream {
    /// Takes the next bytes of the stream.
    pub(super) fn push(&mut self, names: &mut Pseudonyms, mut data: &[u8]) {
        while !data.is_empty() {
            let before = data.len();
            self.advance(names, &mut data);
            self.at += (before - data.len()) as u64;
        }
    }

    /// How many bytes of the next read are as in the name of the protocol, while it is not whole; none behind it.
    pub(super) fn left_of_protocol(&self) -> Option<&'static [u8]> {
        let left = PROTOCOL.get(usize::try_from(self.at).ok()?..)?;
        (!left.is_empty()).then_some(left)
    }

    /// What was at `at..at + data.len()` becomes what it is from now on.
    pub(super) fn patch(&self, at: u64, data: &mut [u8]) {
        let end = at + data.len() as u64;
        // a patch is never longer than a message
        let from = at.saturating_sub(u64::from(EXTENDED_MAX));
        for (start, bytes) in self.patches.range(from..end) {
            for (n, byte) in bytes.iter().enumerate() {
                let place = start + n as u64;
                if (at..end).contains(&place) {
                    data[(place - at) as usize] = *byte;
                }
            }
        }
    }

    /// Takes some of the bytes, at least one.
    fn advance(&mut self, names: &mut Pseudonyms, data: &mut &[u8]) {
        match &mut self.state {
            State::Handshake => {
                let want = HANDSHAKE as usize - self.handshake.len();
                let got = take(data, want);
                self.handshake.extend_from_slice(got);
                self.handshaken(names);
            }
            State::Head(bytes) => {
                bytes.extend_from_slice(take(data, 1));
                let bytes = std::mem::take(bytes);
                self.state = self.head(bytes);
            }
            State::Keep(left) => {
                let got = take(data, *left as usize).len() as u32;
                *left -= got;
                if *left == 0 {
                    self.state = State::Head(Vec::new());
                }
            }
            State::Extended { length, bytes } => {
                let begin = self.at - bytes.len() as u64;
                bytes.extend_from_slice(take(data, *length as usize - bytes.len()));
                if bytes.len() == *length as usize {
                    let new = extended(names, self.handshake.get(INFO_HASH_AT as usize..), bytes);
                    self.patches.insert(begin, new);
                    self.state = State::Head(Vec::new());
                }
            }
            State::Blank(left) => {
                let got = take(data, *left as usize).len() as u32;
                self.patches.insert(self.at, vec![0; got as usize]);
                *left -= got;
                if *left == 0 {
                    self.state = State::Head(Vec::new());
                }
            }
            State::Lost => {
                self.patches.insert(self.at, vec![0; data.len()]);
                *data = &[];
            }
        }
    }

    /// The handshake has grown: what is known of it becomes a pseudonym.
    fn handshaken(&mut self, names: &mut Pseudonyms) {
        let shown = self.handshake.len().min(PROTOCOL.len());
        if self.handshake[..shown] != PROTOCOL[..shown] {
            self.patches.insert(0, self.wrong_protocol(shown));
            self.state = State::Lost;
            return;
        }
        let part = |range: std::ops::Range<u64>| {
            let bytes = self.handshake.get(range.start as usize..range.end as usize);
            bytes.and_then(|bytes| <[u8; 20]>::try_from(bytes).ok())
        };
        if let Some(hash) = part(INFO_HASH_AT..PEER_ID_AT) {
            let hash = names.info_hash(InfoHash(hash));
            self.patches.insert(INFO_HASH_AT, hash.0.to_vec());
        }
        if let Some(id) = part(PEER_ID_AT..HANDSHAKE) {
            let id = names.peer_id(PeerId(id));
            self.patches.insert(PEER_ID_AT, id.0.to_vec());
            self.state = State::Head(Vec::new());
        }
    }

    /// The same up to the first byte that is wrong, then nothing that could be read.
    fn wrong_protocol(&self, shown: usize) -> Vec<u8> {
        let right = self.handshake[..shown]
            .iter()
            .zip(PROTOCOL)
            .take_while(|(one, other)| one == other);
        let mut new = PROTOCOL[..right.count()].to_vec();
        new.resize(self.handshake.len(), 0xff);
        new
    }

    fn head(&self, bytes: Vec<u8>) -> State {
        let Some((prefix, rest)) = bytes.split_first_chunk::<4>() else {
            return State::Head(bytes);
        };
        let length = u32::from_be_bytes(*prefix);
        match (length, rest.first()) {
            (0, _) => State::Head(Vec::new()),
            (_, None) => State::Head(bytes),
            (1, _) => State::Head(Vec::new()),
            (_, Some(id)) if KNOWN.contains(id) => State::Keep(length - 1),
            (_, Some(&EXTENDED)) if length <= EXTENDED_MAX => State::Extended {
                length: length - 1,
                bytes: Vec::new(),
            },
            _ => State::Blank(length - 1),
        }
    }
}

/// An extended message, from its id on, of a stream whose handshake goes on so with the info-hash.
fn extended(names: &mut Pseudonyms, handshake: Option<&[u8]>, bytes: &[u8]) -> Vec<u8> {
    let mut new = bytes.to_vec();
    match bytes.split_first() {
        Some((0, payload)) => new[1..].copy_from_slice(&extended_handshake(names, payload)),
        // a piece, which says nothing of anybody
        Some((&LT_DONTHAVE, _)) | None => {}
        Some((&UT_PEX, payload)) => new[1..].copy_from_slice(&peer_exchange(names, payload)),
        Some((&UT_METADATA, payload)) => {
            let torrent = handshake.and_then(<[u8]>::first_chunk).copied();
            let torrent = InfoHash(torrent.unwrap_or_default());
            new[1..].copy_from_slice(&metadata(names, torrent, payload));
        }
        // an extension that was not offered: its id alone is looked at
        Some(_) => new[1..].fill(0),
    }
    new
}

fn take<'a>(data: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (front, rest) = data.split_at(count.min(data.len()));
    *data = rest;
    front
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_cut_anywhere_is_patched_the_same() {
        let mut stream = PROTOCOL.to_vec();
        stream.extend_from_slice(&[0; 8]);
        stream.extend_from_slice(&[7; 20]);
        stream.extend_from_slice(b"-TR3000-abcdefghijkl");
        let payload = b"\x14\x00d1:v5:mine!6:yourip4:\x7f\x00\x00\x02e";
        stream.extend_from_slice(&(payload.len() as u32).to_be_bytes());
        stream.extend_from_slice(payload);
        stream.extend_from_slice(b"\0\0\0\x05\x04\0\0\0\x09\0\0\0\x04\x63abc");
        let mut expected = None;
        for cut in 0..stream.len() {
            let mut names = Pseudonyms::new([3; 32]);
            let mut peer = PeerStream::default();
            peer.push(&mut names, &stream[..cut]);
            peer.push(&mut names, &stream[cut..]);
            let (mut one, mut two) = (stream[..cut].to_vec(), stream[cut..].to_vec());
            peer.patch(0, &mut one);
            peer.patch(cut as u64, &mut two);
            one.extend(two);
            assert_eq!(*expected.get_or_insert_with(|| one.clone()), one, "cut at {cut}");
        }
        let new = expected.expect("a stream");
        assert!(new.starts_with(PROTOCOL) && new[48..56] == *b"-TR3000-");
        assert!(!new.windows(20).any(|part| part == [7; 20]), "the info-hash");
        assert!(!new.windows(4).any(|part| part == [127, 0, 0, 2]), "our address");
        assert!(new.windows(5).any(|part| part == b"mine!"), "the client stays");
        assert!(new.ends_with(b"\0\0\0\x05\x04\0\0\0\x09\0\0\0\x04\x63\0\0\0"));
    }

    #[test]
    fn what_is_no_handshake_says_nothing() {
        let mut names = Pseudonyms::new([3; 32]);
        let mut peer = PeerStream::default();
        let mut data = b"\x13BitTHost: secret.example".to_vec();
        peer.push(&mut names, &data);
        peer.patch(0, &mut data);
        assert!(data.starts_with(b"\x13BitT\xff"), "{data:?}");
        assert!(!data.windows(6).any(|part| part == b"secret"));
    }
}
