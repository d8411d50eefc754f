//! Who sent the bad block: smart ban (protocol.md §9, "Hash failure").

use crate::id::{PieceIndex, Sha1Digest};
use alloc::vec::Vec;
use core::net::IpAddr;

/// What a failed hash says about the peers that contributed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// All blocks came from this address: ban it.
    BanSole(IpAddr),
    /// Several contributed: none is banned, all are on parole, and the digests of the blocks are asked of the storage
    /// ([`Blame::digests_of_failed`]) before the piece is overwritten.
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
    /// Number of the block within the piece.
    pub block: u32,
}

/// A piece that fails whoever sends it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PieceHopeless {
    /// The piece.
    pub piece: PieceIndex,
    /// Failures from sets of contributors that have no address in common.
    pub failures: u32,
}

/// Contributions and digests of the pieces in work.
#[derive(Clone, Debug, Default)]
pub struct Blame {}

#[allow(unused_variables, missing_docs)]
impl Blame {
    pub fn new() -> Self {
        Self {}
    }
    pub fn contributed(&mut self, piece: PieceIndex, block: u32, addr: IpAddr) {}
    pub fn piece_failed(&mut self, piece: PieceIndex) -> Verdict {
        Verdict::Unknown
    }
    pub fn digests_of_failed(&mut self, piece: PieceIndex, digests: Vec<Sha1Digest>) {}
    /// Whether the digests of the good copy of this piece are wanted.
    pub fn wants_good_digests(&self, piece: PieceIndex) -> bool {
        false
    }
    pub fn piece_verified(&mut self, piece: PieceIndex) {}
    pub fn digests_of_good(&mut self, piece: PieceIndex, digests: Vec<Sha1Digest>) -> Vec<Ban> {
        Vec::new()
    }
    pub fn is_suspect(&self, addr: IpAddr) -> bool {
        false
    }
    pub fn hopeless(&self, piece: PieceIndex) -> Option<PieceHopeless> {
        None
    }
}
