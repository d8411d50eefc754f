//! Who sent the bad block: smart ban (protocol.md §9 "Hash failure"; the idea is libtorrent's).
//!
//! A piece that fails its hash says only that some block was bad. If one address sent all of it, that one is guilty.
//! If several did, nobody is banned: the digests of the blocks are kept, all contributors are on parole (they fetch
//! whole pieces alone from then on), and when a good copy of the piece is in, exactly those are banned whose block
//! differs from it. An address that shared a piece with a liar is never banned for that.
//!
//! How the caller goes about a failure: [`Blame::piece_failed`]; for [`Verdict::Suspect`] it asks the storage for the
//! block digests of the bad copy, passes them on, and only then lets the picker fetch the piece again, since a new
//! block would overwrite the evidence.
//!
//! Invariants: memory is bounded by the constants below; an address is in no verdict and no ban for a block that it
//! did not send.

#[cfg(test)]
mod tests;

use crate::id::{PieceIndex, Sha1Digest};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::IpAddr;
use serde::{Deserialize, Serialize};

/// Block records of failed copies that are kept, some 3 MiB; the copies that failed first are dropped. A piece of
/// 512 MiB has 32,768 blocks, so even of the largest pieces two copies can be compared.
const FAILED_BLOCKS_MAX: usize = 65_536;

/// Addresses kept as suspects, and as proven; far more than are connected at a time.
const ADDRESSES_MAX: usize = 4096;

/// Failures from disjoint contributors after which a piece counts as hopeless (protocol.md §9).
const HOPELESS_FAILURES: usize = 3;

/// What a failed hash says about the peers that contributed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// All blocks came from this address: ban it.
    BanSole(IpAddr),
    /// Several contributed, or one of good repute to a piece that fails from everyone: none is banned, all are on
    /// parole, and the digests of the blocks are wanted ([`Blame::digests_of_failed`]). By address.
    Suspect(Vec<IpAddr>),
    /// No contributor is known (data from an earlier run).
    Unknown,
}

/// An address whose block differs from the good copy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ban {
    /// Who sent the bad block.
    pub addr: IpAddr,
    /// The piece.
    pub piece: PieceIndex,
    /// Number of the first such block within the piece.
    pub block: u32,
}

/// A piece that fails whoever sends it: the torrent or the disk is corrupt, or many liars act together. To be
/// reported, and tried again with a growing wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PieceHopeless {
    /// The piece.
    pub piece: PieceIndex,
    /// Failures from sets of contributors that have no address in common.
    pub failures: u32,
}

/// A copy of a piece that failed.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct BadCopy {
    /// Order of the failures, over all pieces.
    serial: u64,
    senders: BTreeMap<u32, IpAddr>,
    digests: Option<Vec<Sha1Digest>>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct FailedPiece {
    copies: Vec<BadCopy>,
    /// Contributors of failures that had none in common; no more sets than [`HOPELESS_FAILURES`].
    disjoint: Vec<BTreeSet<IpAddr>>,
}

/// Contributions to the pieces in work, and what is known of those that failed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Blame {
    /// Who sent which block of the pieces that are in work.
    senders: BTreeMap<PieceIndex, BTreeMap<u32, IpAddr>>,
    failed: BTreeMap<PieceIndex, FailedPiece>,
    suspects: BTreeSet<IpAddr>,
    /// Addresses that sent a whole good piece alone.
    proven: BTreeSet<IpAddr>,
    next_serial: u64,
}

impl Blame {
    /// Nobody suspected.
    pub fn new() -> Self {
        Self::default()
    }

    /// A block was taken from this address (a later one for the same block replaces it).
    pub fn contributed(&mut self, piece: PieceIndex, block: u32, addr: IpAddr) {
        let senders = self.senders.entry(piece).or_default();
        senders.insert(block, addr.to_canonical());
    }

    /// The blocks of a piece in work were given up, without a hash.
    pub fn forget(&mut self, piece: PieceIndex) {
        self.senders.remove(&piece);
    }

    /// The hash of a piece is wrong.
    pub fn piece_failed(&mut self, piece: PieceIndex) -> Verdict {
        let senders = self.senders.remove(&piece).unwrap_or_default();
        let contributors: BTreeSet<IpAddr> = senders.values().copied().collect();
        let Some(first) = contributors.first().copied() else {
            return Verdict::Unknown;
        };
        let failed = self.failed.entry(piece).or_default();
        if failed.disjoint.len() < HOPELESS_FAILURES
            && failed
                .disjoint
                .iter()
                .all(|earlier| earlier.is_disjoint(&contributors))
        {
            failed.disjoint.push(contributors.clone());
        }
        let hopeless = failed.disjoint.len() >= HOPELESS_FAILURES;
        // whom would a sole ban hit if the torrent itself is wrong? Everyone, one after the other
        if contributors.len() == 1 && !(hopeless && self.proven.contains(&first)) {
            self.suspects.remove(&first);
            return Verdict::BanSole(first);
        }
        failed.copies.push(BadCopy {
            serial: self.next_serial,
            senders,
            digests: None,
        });
        self.next_serial += 1;
        self.drop_old_copies();
        for addr in &contributors {
            remember(&mut self.suspects, *addr);
        }
        Verdict::Suspect(contributors.into_iter().collect())
    }

    /// The digests of all blocks of the copy that failed last, in order. Fewer are fine: a storage error gives none.
    pub fn digests_of_failed(&mut self, piece: PieceIndex, digests: Vec<Sha1Digest>) {
        if let Some(copy) = self
            .failed
            .get_mut(&piece)
            .and_then(|failed| failed.copies.last_mut())
        {
            copy.digests.get_or_insert(digests);
        }
    }

    /// The hash of a piece is right. Who sent all of it is off parole.
    pub fn piece_verified(&mut self, piece: PieceIndex) {
        let senders = self.senders.remove(&piece).unwrap_or_default();
        let contributors: BTreeSet<IpAddr> = senders.into_values().collect();
        if let (1, Some(sole)) = (contributors.len(), contributors.first()) {
            self.suspects.remove(sole);
            remember(&mut self.proven, *sole);
        }
        if !self.wants_good_digests(piece) {
            self.failed.remove(&piece);
        }
    }

    /// Whether the block digests of the good copy of this piece are wanted, to compare failed ones with them.
    pub fn wants_good_digests(&self, piece: PieceIndex) -> bool {
        self.failed
            .get(&piece)
            .is_some_and(|failed| failed.copies.iter().any(|copy| copy.digests.is_some()))
    }

    /// The digests of all blocks of the verified copy, in order. Returns exactly the addresses that sent a block that
    /// differs, by address; the others are no longer suspected for this piece. The piece is done with.
    pub fn digests_of_good(&mut self, piece: PieceIndex, digests: Vec<Sha1Digest>) -> Vec<Ban> {
        let Some(failed) = self.failed.remove(&piece) else {
            return Vec::new();
        };
        let mut guilty: BTreeMap<IpAddr, u32> = BTreeMap::new();
        let mut unclear: BTreeSet<IpAddr> = BTreeSet::new();
        for copy in &failed.copies {
            for (block, addr) in &copy.senders {
                let place = *block as usize;
                let bad = copy.digests.as_ref().and_then(|bad| bad.get(place));
                match (bad, digests.get(place)) {
                    (Some(bad), Some(good)) if bad != good => {
                        guilty.entry(*addr).or_insert(*block);
                    }
                    (Some(_), Some(_)) => {}
                    (None, _) | (_, None) => {
                        unclear.insert(*addr);
                    }
                }
            }
        }
        let accused_elsewhere: BTreeSet<IpAddr> = self
            .failed
            .values()
            .flat_map(|failed| &failed.copies)
            .flat_map(|copy| copy.senders.values().copied())
            .collect();
        for addr in failed.copies.iter().flat_map(|copy| copy.senders.values()) {
            if guilty.contains_key(addr) || !(unclear.contains(addr) || accused_elsewhere.contains(addr)) {
                self.suspects.remove(addr);
            }
        }
        guilty
            .into_iter()
            .map(|(addr, block)| Ban { addr, piece, block })
            .collect()
    }

    /// Whether an address is on parole: it may fetch whole pieces alone, and nothing else.
    pub fn is_suspect(&self, addr: IpAddr) -> bool {
        self.suspects.contains(&addr.to_canonical())
    }

    /// The addresses on parole, in order.
    pub fn suspects(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.suspects.iter().copied()
    }

    /// Whether a piece has failed from so many disjoint contributors that the fault is hardly theirs.
    pub fn hopeless(&self, piece: PieceIndex) -> Option<PieceHopeless> {
        let failures = self.failed.get(&piece)?.disjoint.len();
        (failures >= HOPELESS_FAILURES).then_some(PieceHopeless {
            piece,
            failures: failures as u32,
        })
    }

    fn drop_old_copies(&mut self) {
        let blocks = |failed: &BTreeMap<PieceIndex, FailedPiece>| -> usize {
            let copies = failed.values().flat_map(|failed| &failed.copies);
            copies.map(|copy| copy.senders.len()).sum()
        };
        while blocks(&self.failed) > FAILED_BLOCKS_MAX {
            let copies = self.failed.iter().flat_map(|(piece, failed)| {
                let serials = failed.copies.iter().map(|copy| copy.serial);
                serials.map(move |serial| (serial, *piece))
            });
            let Some((serial, piece)) = copies.min() else {
                return;
            };
            if let Some(failed) = self.failed.get_mut(&piece) {
                failed.copies.retain(|copy| copy.serial != serial);
            }
        }
    }
}

/// Adds to a bounded set.
fn remember(set: &mut BTreeSet<IpAddr>, addr: IpAddr) {
    set.insert(addr);
    if set.len() > ADDRESSES_MAX {
        set.pop_first();
    }
}
