//! The allowed-fast set (BEP 6, "Allowed Fast Set Generation"): pieces that a choked peer may have, so that a
//! newcomer gets something to trade.
//!
//! The set hangs on the peer's /24 network, so that more addresses there do not give more pieces. It is for sending
//! only: clients compute theirs in other ways (libtorrent neither masks nor leaves IPv6 out), so a received set is
//! never held against it.

use crate::id::{InfoHash, PieceIndex};
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use sha1::{Digest as _, Sha1};

/// Hashing stops after this many rounds for each piece wanted. Finding the last piece of a torrent that has just
/// `count` takes `count · ln(count)` draws on average at five a round; the bound is only against an endless loop.
const ROUNDS_PER_PIECE: usize = 64;

/// The first `count` pieces that a peer at `ip` may ask for while choked, in the standard's order; all of them, in
/// the same order, when the torrent has no more. `ip` is the peer's address as seen from here.
pub fn allowed_fast_set(ip: Ipv4Addr, info_hash: InfoHash, pieces: u32, count: usize) -> Vec<PieceIndex> {
    let wanted = count.min(pieces as usize);
    let mut set: Vec<PieceIndex> = Vec::with_capacity(wanted);
    let network = ip.to_bits() & 0xffff_ff00;
    let mut digest = Sha1::new()
        .chain_update(network.to_be_bytes())
        .chain_update(info_hash.0)
        .finalize();
    for _ in 0..wanted * ROUNDS_PER_PIECE {
        for chunk in digest.as_chunks::<4>().0 {
            let piece = PieceIndex(u32::from_be_bytes(*chunk) % pieces);
            if set.len() < wanted && !set.contains(&piece) {
                set.push(piece);
            }
        }
        if set.len() == wanted {
            break;
        }
        digest = Sha1::digest(digest);
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ip: [u8; 4], hash: u8, pieces: u32, count: usize, expected: &[u32]) {
        let set = allowed_fast_set(ip.into(), InfoHash([hash; 20]), pieces, count);
        let set: Vec<u32> = set.iter().map(|piece| piece.0).collect();
        assert_eq!(set, expected);
    }

    const BEP_6: [u32; 9] = [1059, 431, 808, 1217, 287, 376, 1188, 353, 508];

    /// BEP 6, "Example results".
    #[test]
    fn the_examples_of_the_standard() {
        check([80, 4, 4, 200], 0xaa, 1313, 7, &BEP_6[..7]);
        check([80, 4, 4, 200], 0xaa, 1313, 9, &BEP_6);
    }

    #[test]
    fn a_whole_network_has_one_set() {
        check([80, 4, 4, 0], 0xaa, 1313, 9, &BEP_6);
        check([80, 4, 4, 255], 0xaa, 1313, 9, &BEP_6);
        let other = allowed_fast_set([80, 4, 5, 200].into(), InfoHash([0xaa; 20]), 1313, 9);
        assert_ne!(other[0].0, BEP_6[0]);
    }

    /// The standard's own loop does not end when fewer pieces exist than are wanted.
    #[test]
    fn it_ends_when_there_are_fewer_pieces_than_wanted() {
        for pieces in 0..40 {
            let mut set = allowed_fast_set([192, 0, 2, 1].into(), InfoHash([0xbb; 20]), pieces, 40);
            set.sort_unstable();
            assert_eq!(set, (0..pieces).map(PieceIndex).collect::<Vec<_>>());
        }
        check([192, 0, 2, 1], 0xbb, 1313, 0, &[]);
    }
}
