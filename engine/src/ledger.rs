//! What became of the bytes that peers sent: each byte belongs to exactly one class.
//!
//! Bytes are counted where their fate is decided: payload by whoever takes or refuses the block, everything else where
//! it is decoded or left unread. Nothing is what remains of a total, so that a total counted elsewhere can prove the
//! sum. Only bytes of a block that is still arriving are in no class yet.

use serde::{Deserialize, Serialize};

/// Bytes by class, all that came on the connections of one torrent in one run. The names are those of the JSON of the
/// command line: classes may be added, never renamed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Payload of blocks that are verified, or stored and may still become so. It stays here when the run ends before
    /// the piece is whole.
    pub useful: u64,
    /// Payload of which there is another copy: of a block that we had already, that a peer sent again, or that came of
    /// two requests neither of which was given up. Also a copy that was needed and that our side lost (storage did not
    /// take it, a recheck or an error made us forget its piece), since another has to come in its place.
    pub duplicate: u64,
    /// Payload of pieces that failed their hash.
    pub failed_hash: u64,
    /// Payload of blocks that were never asked for, or that the torrent does not have.
    pub unrequested: u64,
    /// Payload of blocks that we asked for and then cancelled or gave up (time-out, choke, silence, reject), and that
    /// nobody needed any more when they came. One that is still of use is useful.
    pub late: u64,
    /// Everything that is no payload of a whole block: handshakes, heads of messages, all other messages, payload of a
    /// block that its connection did not live to finish, and what stood behind the end that we made.
    pub protocol: u64,
}

impl Ledger {
    /// All bytes.
    pub const fn total(&self) -> u64 {
        self.payload() + self.protocol
    }

    /// Payload of whole blocks, of use or not.
    pub const fn payload(&self) -> u64 {
        self.useful + self.wasted()
    }

    /// Payload that was of no use.
    pub const fn wasted(&self) -> u64 {
        self.duplicate + self.failed_hash + self.unrequested + self.late
    }

    /// Takes over what another one counted.
    pub const fn merge(&mut self, other: Self) {
        let Self {
            useful,
            duplicate,
            failed_hash,
            unrequested,
            late,
            protocol,
        } = other;
        self.useful += useful;
        self.duplicate += duplicate;
        self.failed_hash += failed_hash;
        self.unrequested += unrequested;
        self.late += late;
        self.protocol += protocol;
    }

    /// A piece of which these bytes came failed its hash.
    pub fn hash_failed(&mut self, bytes: u64) {
        self.failed_hash += self.useless(bytes);
    }

    /// These bytes were stored and are lost: another copy has to come, or is there.
    pub fn lost(&mut self, bytes: u64) {
        self.duplicate += self.useless(bytes);
    }

    /// Takes bytes out of the useful ones, never more than there are, so that the sum stays true.
    fn useless(&mut self, bytes: u64) -> u64 {
        let moved = bytes.min(self.useful);
        self.useful -= moved;
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_change_their_class_and_the_sum_stays() {
        let mut ledger = Ledger {
            useful: 100,
            duplicate: 1,
            failed_hash: 2,
            unrequested: 4,
            late: 8,
            protocol: 16,
        };
        assert_eq!(
            (ledger.total(), ledger.payload(), ledger.wasted()),
            (131, 115, 15)
        );
        ledger.hash_failed(30);
        ledger.lost(60);
        assert_eq!(
            (ledger.useful, ledger.failed_hash, ledger.duplicate),
            (10, 32, 61)
        );
        ledger.lost(20);
        assert_eq!((ledger.useful, ledger.total()), (0, 131));
        let mut sum = ledger;
        sum.merge(ledger);
        assert_eq!((sum.total(), sum.late, sum.unrequested), (262, 16, 8));
    }
}
