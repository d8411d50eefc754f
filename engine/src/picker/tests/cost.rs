//! What a pick costs, in elementary steps: it must not grow with the pieces of the torrent or the peers of the swarm.

use super::super::*;

const PIECES: u32 = 1_000_000;
const BLOCKS: u64 = 16;
const PEERS: u64 = 1_000;

fn big_picker() -> Picker {
    let geometry = Geometry::new(u64::from(PIECES) * BLOCKS * 10, BLOCKS * 10, 10).unwrap();
    Picker::new(geometry, PickerConfig::default(), Rng::from_seed([1; 32]))
}

/// Steps of picking `n` blocks, as often as told, each block delivered, each piece verified.
fn steps_a_block(picker: &mut Picker, peer: ConnId, rounds: usize, n: usize) -> u64 {
    let mut picks = Vec::new();
    picker.probes.take();
    for _ in 0..rounds {
        let start = picks.len();
        picker.pick(peer, n, PickMode::default(), &mut picks);
        for pick in &picks[start..] {
            if let Receipt::New {
                piece_complete: true, ..
            } = picker.received(peer, pick.range)
            {
                picker.piece_verified(pick.range.piece);
            }
        }
    }
    assert_eq!(picks.len(), rounds * n, "there was enough to pick");
    picker.probes.take() / picks.len() as u64
}

/// A million pieces, a thousand peers: seeds, leechers with a random share, peers with a handful of pieces.
fn big_swarm() -> Picker {
    let mut picker = big_picker();
    let mut rng = Rng::from_seed([2; 32]);
    for n in 0..PEERS {
        let peer = ConnId::dialled(n);
        picker.peer_joined(peer);
        match n % 100 {
            // a few dense sets suffice, and a debug build has to end
            0 => {
                let mut bytes = alloc::vec![0; (PIECES / 8) as usize];
                if n < 400 {
                    rng.fill(&mut bytes);
                }
                picker.peer_has_set(peer, Bitfield::from_wire(&bytes, PIECES).unwrap().0);
            }
            1..50 => picker.peer_has_all(peer),
            _ => (0..100).for_each(|_| picker.peer_has(peer, PieceIndex(rng.below(PIECES)))),
        }
    }
    picker
}

#[test]
fn a_block_costs_the_same_in_a_large_torrent_with_many_peers() {
    let mut picker = big_swarm();
    for n in 0..4 {
        picker.mark_have(PieceIndex(n));
    }
    let mut out = Vec::new();
    for n in 0..PEERS {
        // everybody is busy with something, so there are many partial pieces
        picker.pick(
            ConnId::dialled(n),
            3,
            PickMode {
                fast: n % 2 == 0,
                ..PickMode::default()
            },
            &mut out,
        );
    }
    for (peer, what, most) in [
        (1, "seed", 15),
        (100, "leecher", 30),
        (77, "a hundred pieces", 60),
    ] {
        let steps = steps_a_block(&mut picker, ConnId::dialled(peer), 50, 8);
        assert!(steps <= most, "{what}: {steps} steps a block");
    }
}

#[test]
fn a_peer_with_nothing_to_give_is_not_searched_again() {
    let mut picker = big_picker();
    let (idle, busy) = (ConnId::dialled(1), ConnId::dialled(2));
    for peer in [idle, busy] {
        picker.peer_joined(peer);
        (0..1000).for_each(|n| picker.peer_has(peer, PieceIndex(n * 1000)));
    }
    let mut out = Vec::new();
    picker.pick(busy, 1000 * BLOCKS as usize, PickMode::default(), &mut out);
    picker.pick(idle, 1, PickMode::default(), &mut out);
    assert_eq!(out.len(), 1000 * BLOCKS as usize);
    picker.probes.take();
    for _ in 0..100 {
        picker.pick(idle, 1, PickMode::default(), &mut out);
    }
    assert_eq!(picker.probes.take(), 0);
    picker.release(busy, out[5].range);
    picker.pick(idle, 1, PickMode::default(), &mut out);
    assert_eq!(out.last().map(|pick| pick.range), Some(out[5].range));
}

#[test]
fn a_dense_peer_without_any_rare_piece_is_cheap_too() {
    let mut picker = big_picker();
    let (dense, sparse) = (ConnId::dialled(1), ConnId::dialled(2));
    // the rarest half million pieces are all elsewhere
    for (peer, byte) in [(dense, 0xf0), (sparse, 0x0f), (ConnId::dialled(3), 0xf0)] {
        picker.peer_joined(peer);
        let bytes = alloc::vec![byte; (PIECES / 8) as usize];
        picker.peer_has_set(peer, Bitfield::from_wire(&bytes, PIECES).unwrap().0);
    }
    (0..4).for_each(|n| picker.mark_have(PieceIndex(n)));
    let steps = steps_a_block(&mut picker, dense, 50, 16);
    assert!(steps < 60, "{steps} steps a block");
}
