//! Bytes that wait to be sent on one connection, for as few system calls as possible.

use seedbed_engine::block::Block;
use std::collections::VecDeque;
use std::io::IoSlice;

/// Slices that are written with one system call: heads and bodies of 32 blocks, half a mebibyte.
pub(crate) const SLICES: usize = 64;

/// Heads are put together up to this: many small messages become one slice, without copying for ever.
const HEAD_MAX: usize = 16 * 1024;

/// A queue of heads and bodies.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    chunks: VecDeque<Chunk>,
    /// Bytes of the first chunk that are sent already.
    sent: usize,
}

#[derive(Debug)]
enum Chunk {
    Head(Vec<u8>),
    Body(Block),
}

impl Chunk {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Head(bytes) => bytes,
            Self::Body(block) => block.as_bytes(),
        }
    }
}

impl Outbox {
    /// Queues messages and the payload behind them.
    pub(crate) fn push(&mut self, head: Vec<u8>, body: Option<Block>) {
        match self.chunks.back_mut() {
            Some(Chunk::Head(last)) if last.len() + head.len() <= HEAD_MAX => last.extend_from_slice(&head),
            _ if head.is_empty() => {}
            _ => self.chunks.push_back(Chunk::Head(head)),
        }
        if let Some(body) = body.filter(|body| !body.is_empty()) {
            self.chunks.push_back(Chunk::Body(body));
        }
    }

    /// Whether everything was sent.
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// What is to be sent next: fills slices, returns how many and their bytes.
    pub(crate) fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>; SLICES]) -> (usize, usize) {
        let mut bytes = 0;
        let mut count = 0;
        for (slice, chunk) in slices.iter_mut().zip(&self.chunks) {
            let skip = if count == 0 { self.sent } else { 0 };
            let chunk = chunk.bytes().get(skip..).unwrap_or_default();
            bytes += chunk.len();
            count += 1;
            *slice = IoSlice::new(chunk);
        }
        (count, bytes)
    }

    /// So many bytes were sent.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.sent += bytes;
        while let Some(first) = self.chunks.front().map(|chunk| chunk.bytes().len())
            && self.sent >= first
        {
            self.sent -= first;
            self.chunks.pop_front();
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.chunks.clear();
        self.sent = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(outbox: &mut Outbox, at_a_time: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while !outbox.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let (count, bytes) = outbox.slices(&mut slices);
            let joined: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.to_vec()).collect();
            assert_eq!(joined.len(), bytes);
            let now = bytes.min(at_a_time);
            all.extend_from_slice(&joined[..now]);
            outbox.consume(now);
        }
        all
    }

    #[test]
    fn bytes_keep_their_order_however_they_are_taken() {
        for at_a_time in [1, 2, 3, 5, 1000] {
            let mut outbox = Outbox::default();
            outbox.push(b"ab".to_vec(), Some(Block::from(b"cde".to_vec())));
            outbox.push(Vec::new(), Some(Block::from(b"f".to_vec())));
            outbox.push(b"g".to_vec(), None);
            outbox.push(b"h".to_vec(), Some(Block::default()));
            assert_eq!(drain(&mut outbox, at_a_time), b"abcdefgh", "{at_a_time}");
        }
    }

    #[test]
    fn small_messages_become_one_slice() {
        let mut outbox = Outbox::default();
        for _ in 0..1000 {
            outbox.push(vec![0; 17], None);
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        assert_eq!(outbox.slices(&mut slices), (2, 17_000));
    }
}
