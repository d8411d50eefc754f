//! A number for the state of a torrent: equal states have equal numbers on every machine, others hardly ever.

use super::{Phase, Torrent};
use crate::time::Instant;

/// FNV-1a over whole words, 64 bits: cheap, and the same everywhere. It is no defence against intent.
#[derive(Clone, Copy, Debug)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    /// Takes a word.
    pub const fn word(&mut self, word: u64) {
        // a rotation, since multiplying never carries a high bit into a lower one
        self.0 = (self.0 ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
    }

    /// Takes a number of things.
    pub const fn count(&mut self, count: usize) {
        self.word(count as u64);
    }

    /// Takes bytes and how many they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        for part in bytes.chunks(8) {
            let word = part.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
            self.word(word);
        }
    }

    /// Takes a time, or that there is none.
    pub const fn time(&mut self, at: Option<Instant>) {
        self.word(match at {
            Some(at) => at.as_micros(),
            None => u64::MAX - 1,
        });
    }

    /// The number.
    pub const fn value(self) -> u64 {
        self.0
    }
}

impl core::fmt::Write for Digest {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.bytes(text.as_bytes());
        Ok(())
    }
}

impl Torrent {
    fn phase_word(&self) -> u64 {
        match &self.phase {
            Phase::Queued(_) => 10,
            Phase::Opening => 1,
            Phase::Checking(checking) => 2 | u64::from(checking.done) << 8,
            Phase::Preparing => 3,
            Phase::Active => 4,
            Phase::DiskFailed { .. } => 5,
            Phase::Failed { .. } => 6,
            Phase::Stopping => 7,
            Phase::Gone => 8,
            Phase::Choosing => 11,
            Phase::Metadata(fetching) => {
                let fetch = fetching.fetch();
                9 | fetch.bytes() << 8
                    | (fetch.sources() as u64) << 40
                    | u64::from(fetching.is_loading()) << 60
            }
        }
    }

    /// Takes the state of the torrent into a digest: its phase, pieces, figures, requests and timers.
    pub fn digest(&self, digest: &mut Digest) {
        digest.word(self.phase_word());
        digest.word(self.paused.into());
        digest.bytes(self.picker.have().as_wire());
        digest.count(self.picker.partials());
        digest.word(self.verified);
        digest.word(self.writing);
        digest.word(self.traffic.uploaded);
        let ledger = &self.traffic.ledger;
        digest.word(ledger.useful);
        digest.word(ledger.duplicate);
        digest.word(ledger.failed_hash);
        digest.word(ledger.unrequested);
        digest.word(ledger.late);
        digest.word(ledger.protocol);
        digest.count(self.ops.len());
        digest.word(self.ops.last_key_value().map_or(0, |(op, _)| op.0));
        digest.count(self.verifying.hashing.len());
        digest.count(self.verifying.unhashed.len());
        digest.count(self.candidates.known());
        digest.count(self.candidates.connecting_count());
        digest.count(self.candidates.ready_count());
        let deadline = self.deadline();
        digest.time(deadline.map(|(at, _)| at));
        digest.word(deadline.map_or(u64::MAX, |(_, due)| due as u64));
        for (conn, peer) in &self.sessions {
            let session = &peer.session;
            digest.word(conn.as_u64());
            let flags = [
                session.is_connecting(),
                session.is_open(),
                session.am_choking(),
                session.am_interested(),
                session.peer_choking(),
                session.peer_interested(),
                session.snubbed(),
            ];
            digest.word(flags.iter().fold(0, |word, flag| word << 1 | u64::from(*flag)));
            if session.is_encrypting() || session.encryption().is_some() {
                digest.word(session.encryption().map_or(1, |mode| 2 + mode as u64));
            }
            let (downloaded, uploaded) = session.transferred();
            digest.word(downloaded);
            digest.word(uploaded);
            digest.word(session.unsent());
            digest.count(session.uploads_queued());
            digest.count(session.stashed());
            digest.word(peer.read_owed.into());
            digest.word(self.picker.peer_set(*conn).map_or(0, |set| set.count().into()));
            for (range, released) in session.requests() {
                digest.word(u64::from(range.piece.0) << 32 | u64::from(range.begin));
                digest.word(released.into());
            }
        }
    }
}
