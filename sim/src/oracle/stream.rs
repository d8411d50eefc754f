//! Reads one direction of a peer connection, written anew from BEP 3, 6 and 10: the oracles must not see the wire
//! through the engine's eyes.

use seedbed_engine::geometry::BlockRange;
use seedbed_engine::id::PieceIndex;

/// Length of a handshake (BEP 3).
const HANDSHAKE: usize = 68;

/// Prefix, id, piece and offset of a block.
const PIECE_HEAD: usize = 13;

/// A longer message is read by nobody; what follows its prefix is not looked at.
const LENGTH_MAX: usize = 2 * 1024 * 1024;

/// A message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Said<'a> {
    /// The 68 bytes.
    Handshake(&'a [u8]),
    /// Length 0.
    KeepAlive,
    /// Id 0.
    Choke,
    /// Id 1.
    Unchoke,
    /// Id 2.
    Interested,
    /// Id 3.
    NotInterested,
    /// Id 4.
    Have(PieceIndex),
    /// Id 5.
    Bitfield(&'a [u8]),
    /// Id 6.
    Request(BlockRange),
    /// Id 7.
    Piece(PieceIndex, u32, &'a [u8]),
    /// Id 8.
    Cancel(BlockRange),
    /// Id 13.
    Suggest(PieceIndex),
    /// Id 14.
    HaveAll,
    /// Id 15.
    HaveNone,
    /// Id 16.
    Reject(BlockRange),
    /// Id 17.
    AllowedFast(PieceIndex),
    /// Id 20.
    Extended(&'a [u8]),
    /// Any other, or one whose length does not fit its id.
    Other(u8),
    /// A prefix that is longer than any message; nothing comes behind it.
    TooLong(u32),
}

/// One direction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stream {
    stash: Vec<u8>,
    shaken: bool,
    broken: bool,
}

impl Stream {
    /// Bytes that went this way; calls `tell` for each message that they complete.
    pub(crate) fn feed(&mut self, data: &[u8], mut tell: impl FnMut(Said<'_>)) {
        if self.broken {
            return;
        }
        if self.stash.is_empty() {
            let used = self.parse(data, &mut tell);
            self.stash.extend_from_slice(&data[used..]);
        } else {
            let mut stash = std::mem::take(&mut self.stash);
            stash.extend_from_slice(data);
            let used = self.parse(&stash, &mut tell);
            stash.drain(..used);
            self.stash = stash;
        }
    }

    /// Bytes that are here of the payload of a block that is not whole: what stands behind the head of its message.
    pub(crate) fn arriving(&self) -> u64 {
        let is_block = self.shaken && self.stash.get(4) == Some(&7);
        let payload = self.stash.len().saturating_sub(PIECE_HEAD);
        if is_block { payload as u64 } else { 0 }
    }

    fn parse(&mut self, data: &[u8], tell: &mut impl FnMut(Said<'_>)) -> usize {
        let mut at = 0;
        if !self.shaken {
            if data.len() < HANDSHAKE {
                return 0;
            }
            self.shaken = true;
            tell(Said::Handshake(&data[..HANDSHAKE]));
            at = HANDSHAKE;
        }
        while let Some(prefix) = data[at..].first_chunk::<4>() {
            let length = u32::from_be_bytes(*prefix);
            if length as usize > LENGTH_MAX {
                self.broken = true;
                tell(Said::TooLong(length));
                return data.len();
            }
            let begin = at + 4;
            let Some(body) = data.get(begin..begin + length as usize) else {
                break;
            };
            tell(message(body));
            at = begin + length as usize;
        }
        at
    }
}

fn number(bytes: &[u8], n: usize) -> u32 {
    let at = n * 4;
    let bytes = bytes.get(at..at + 4).and_then(|bytes| bytes.first_chunk::<4>());
    bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

fn message(body: &[u8]) -> Said<'_> {
    let Some((id, rest)) = body.split_first() else {
        return Said::KeepAlive;
    };
    let piece = PieceIndex(number(rest, 0));
    let range = BlockRange {
        piece,
        begin: number(rest, 1),
        length: number(rest, 2),
    };
    match (id, rest.len()) {
        (0, 0) => Said::Choke,
        (1, 0) => Said::Unchoke,
        (2, 0) => Said::Interested,
        (3, 0) => Said::NotInterested,
        (4, 4) => Said::Have(piece),
        (5, _) => Said::Bitfield(rest),
        (6, 12) => Said::Request(range),
        (7, 8..) => Said::Piece(piece, range.begin, &rest[8..]),
        (8, 12) => Said::Cancel(range),
        (13, 4) => Said::Suggest(piece),
        (14, 0) => Said::HaveAll,
        (15, 0) => Said::HaveNone,
        (16, 12) => Said::Reject(range),
        (17, 4) => Said::AllowedFast(piece),
        (20, _) => Said::Extended(rest),
        _ => Said::Other(*id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(cuts: &[&[u8]]) -> Vec<String> {
        let (mut stream, mut told) = (Stream::default(), Vec::new());
        for cut in cuts {
            stream.feed(cut, |said| told.push(format!("{said:?}")));
        }
        told
    }

    #[test]
    fn messages_are_the_same_however_they_are_cut() {
        let mut bytes = vec![7; HANDSHAKE];
        bytes.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 5, 4, 0, 0, 0, 9]);
        bytes.extend_from_slice(&[0, 0, 0, 11, 7, 0, 0, 0, 1, 0, 0, 0, 64, 8, 9]);
        let whole = told(&[&bytes]);
        assert_eq!(whole.len(), 5);
        assert_eq!(whole[1..4], ["KeepAlive", "Unchoke", "Have(PieceIndex(9))"]);
        assert_eq!(whole[4], "Piece(PieceIndex(1), 64, [8, 9])");
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(told(&single), whole);
    }

    #[test]
    fn a_block_arrives_behind_the_head_of_its_message() {
        let mut stream = Stream::default();
        let mut told = 0;
        stream.feed(&[7; HANDSHAKE], |_| told += 1);
        for (cut, arriving) in [
            (&[0, 0, 0, 12, 7, 0, 0, 0, 1, 0, 0, 0][..], 0),
            (&[64][..], 0),
            (&[1, 2], 2),
            (&[3, 0, 0], 0),
            (&[0, 11, 20, 0, 0, 0, 0, 0, 0, 0, 0], 0),
        ] {
            stream.feed(cut, |_| told += 1);
            assert_eq!(stream.arriving(), arriving, "{cut:?}");
        }
        assert_eq!(told, 2);
    }

    #[test]
    fn nothing_is_read_behind_an_over_long_prefix() {
        let mut bytes = vec![7; HANDSHAKE];
        bytes.extend_from_slice(&[255, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(told(&[&bytes, &[0, 0, 0, 0]])[1..], ["TooLong(4278190080)"]);
    }
}
