//! Received bytes without the payload in them.
//!
//! Between its payload, a stream of blocks is nearly all heads of `piece` messages, and nearly all of these follow from
//! the one before: the next block of the same piece. Such a head takes no bytes of its own.

use super::bytes::{Broken, Cursor, put};
use crate::block::Spans;
use crate::id::ConnId;
use crate::wire::PIECE_HEAD_LENGTH;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Range;

/// Connections of which the last head is remembered. More only cost bytes.
const CONNECTIONS_MAX: usize = 256;

/// Bytes that one event can stand for, payload included: no driver reads more at once.
const RECEIVED_MAX: usize = 1 << 24;

/// The id of `piece` (BEP 3).
const PIECE: u8 = 7;

type Head = [u8; PIECE_HEAD_LENGTH];

/// What the writer and the reader know of the stream so far, alike.
#[derive(Clone, Debug, Default)]
pub(super) struct Heads(BTreeMap<ConnId, Head>);

/// What a segment is: the low two bits of its number, whose rest is its length.
mod tag {
    /// Bytes that follow.
    pub(super) const LITERAL: u64 = 0;
    /// Bytes that nobody looked at, left out.
    pub(super) const UNREAD: u64 = 1;
    /// The head of the next block, then so many bytes of it, both left out.
    pub(super) const NEXT_BLOCK: u64 = 2;
}

impl Heads {
    /// Forgets a connection that is over.
    pub(super) fn forget(&mut self, conn: ConnId) {
        self.0.remove(&conn);
    }

    /// Appends `data` without the spans that nobody looked at.
    pub(super) fn put(&mut self, out: &mut Vec<u8>, conn: ConnId, data: &[u8], unread: &[Range<usize>]) {
        let count_at = out.len();
        out.push(0);
        let (mut count, mut at) = (0u64, 0);
        for span in unread {
            let mut literal = data.get(at..span.start).unwrap_or_default();
            let head = literal.last_chunk::<PIECE_HEAD_LENGTH>().copied();
            let foretold = head.is_some() && head == self.next(conn);
            if foretold {
                literal = &literal[..literal.len() - PIECE_HEAD_LENGTH];
            }
            if !literal.is_empty() {
                put_segment(out, tag::LITERAL, literal.len(), &mut count);
                out.extend_from_slice(literal);
            }
            let tag = if foretold { tag::NEXT_BLOCK } else { tag::UNREAD };
            put_segment(out, tag, span.len(), &mut count);
            if let Some(head) = head {
                self.note(conn, head);
            }
            at = span.end;
        }
        let rest = data.get(at..).unwrap_or_default();
        if !rest.is_empty() {
            put_segment(out, tag::LITERAL, rest.len(), &mut count);
            out.extend_from_slice(rest);
        }
        if count < 0x80 {
            out[count_at] = count as u8;
        } else {
            // rare: so many small parts in one read
            let segments = out.split_off(count_at + 1);
            out.pop();
            put(out, count);
            out.extend_from_slice(&segments);
        }
    }

    /// Reads what [`Heads::put`] wrote; zeros stand for what was left out, and `unread` says where.
    pub(super) fn get(
        &mut self,
        cursor: &mut Cursor<'_>,
        conn: ConnId,
        data: &mut Vec<u8>,
        unread: &mut Spans,
    ) -> Result<(), Broken> {
        data.clear();
        unread.clear();
        for _ in 0..cursor.number()? {
            let number = cursor.number()?;
            let length = usize::try_from(number >> 2).map_err(|_| Broken::Nonsense)?;
            if length > RECEIVED_MAX || data.len() > RECEIVED_MAX {
                return Err(Broken::Nonsense);
            }
            match number & 3 {
                tag::LITERAL => {
                    data.extend_from_slice(cursor.bytes(length)?);
                    continue;
                }
                tag::UNREAD => {}
                tag::NEXT_BLOCK => data.extend_from_slice(&self.next(conn).ok_or(Broken::Nonsense)?),
                _ => return Err(Broken::Nonsense),
            }
            // the segments before this one end where it begins, so a head that is whole stands at their end; a
            // literal that was cut by another span before is shorter than a head on the other side as well
            let from = unread.last().map_or(0, |span| span.end);
            let literal = data.get(from..).unwrap_or_default();
            if let Some(head) = literal.last_chunk::<PIECE_HEAD_LENGTH>().copied() {
                self.note(conn, head);
            }
            let start = data.len();
            data.resize(start + length, 0);
            unread.push(start..start + length);
        }
        Ok(())
    }

    /// Remembers bytes before a span, if they are the head of a block.
    fn note(&mut self, conn: ConnId, head: Head) {
        let known = self.0.contains_key(&conn) || self.0.len() < CONNECTIONS_MAX;
        if head[4] == PIECE && known {
            self.0.insert(conn, head);
        }
    }

    /// The head of the block behind the last one.
    fn next(&self, conn: ConnId) -> Option<Head> {
        let mut head = *self.0.get(&conn)?;
        let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let begin = word(9).wrapping_add(word(0).wrapping_sub(9));
        head[9..].copy_from_slice(&begin.to_be_bytes());
        Some(head)
    }
}

fn put_segment(out: &mut Vec<u8>, tag: u64, length: usize, count: &mut u64) {
    put(out, (length as u64) << 2 | tag);
    *count += 1;
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn round_trip(reads: &[(Vec<u8>, Vec<Range<usize>>)]) -> Vec<usize> {
        let (mut writer, mut reader) = (Heads::default(), Heads::default());
        let conn = ConnId::dialled(1);
        let mut sizes = Vec::new();
        for (data, unread) in reads {
            let mut out = Vec::new();
            writer.put(&mut out, conn, data, unread);
            sizes.push(out.len());
            let (mut got, mut spans) = (Vec::new(), Spans::new());
            let mut cursor = Cursor::new(&out, 0);
            assert_eq!(reader.get(&mut cursor, conn, &mut got, &mut spans), Ok(()));
            assert!(cursor.is_at_end());
            let mut expected = data.clone();
            unread.iter().for_each(|span| expected[span.clone()].fill(0));
            assert_eq!((got, spans.to_vec()), (expected, unread.clone()));
        }
        sizes
    }

    fn block(piece: u32, begin: u32, length: u32) -> Vec<u8> {
        let mut bytes = (length + 9).to_be_bytes().to_vec();
        bytes.push(PIECE);
        bytes.extend_from_slice(&piece.to_be_bytes());
        bytes.extend_from_slice(&begin.to_be_bytes());
        bytes.extend(core::iter::repeat_n(0xaa, length as usize));
        bytes
    }

    #[test]
    fn blocks_in_a_row_take_a_few_bytes() {
        let spans = || core::iter::once(13..113).collect();
        let reads: Vec<_> = (0..4).map(|n| (block(7, n * 100, 100), spans())).collect();
        assert_eq!(round_trip(&reads), [17, 3, 3, 3]);
    }

    #[test]
    fn several_blocks_and_torn_heads_come_back() {
        let mut stream = vec![0, 0, 0, 1, 1];
        let mut spans = Vec::new();
        for (piece, begin) in [(3, 0), (3, 50), (4, 0), (4, 50)] {
            let bytes = block(piece, begin, 50);
            spans.push(stream.len() + 13..stream.len() + 63);
            stream.extend_from_slice(&bytes);
        }
        for cut in 0..stream.len() {
            let part = |from: usize, to: usize| {
                let inside = spans.iter().map(|span| span.start.max(from)..span.end.min(to));
                let inside = inside.filter(|span| span.start < span.end);
                let spans = inside.map(|span| span.start - from..span.end - from).collect();
                (stream[from..to].to_vec(), spans)
            };
            round_trip(&[part(0, cut), part(cut, stream.len())]);
        }
    }

    #[test]
    fn a_hostile_length_is_refused() {
        let mut out = vec![1];
        put(&mut out, u64::MAX);
        let (mut data, mut unread) = (Vec::new(), Spans::new());
        let got = Heads::default().get(
            &mut Cursor::new(&out, 0),
            ConnId::dialled(1),
            &mut data,
            &mut unread,
        );
        assert_eq!(got, Err(Broken::Nonsense));
        let mut out = vec![200, 1];
        (0..200).for_each(|_| put(&mut out, (RECEIVED_MAX as u64) << 2 | tag::UNREAD));
        let got = Heads::default().get(
            &mut Cursor::new(&out, 0),
            ConnId::dialled(1),
            &mut data,
            &mut unread,
        );
        assert_eq!(got, Err(Broken::Nonsense));
    }
}
