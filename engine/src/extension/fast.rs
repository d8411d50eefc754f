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
