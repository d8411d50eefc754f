//! The rules of blame, and random runs with liars among honest peers.

use super::*;
use crate::rng::Rng;
use alloc::vec;
use quickcheck::{Gen, QuickCheck};

fn ip(n: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, n])
}

fn good(block: u32) -> Sha1Digest {
    [block as u8; 20]
}

fn bad(block: u32) -> Sha1Digest {
    [block as u8 ^ 0x80; 20]
}

const P: PieceIndex = PieceIndex(3);

fn contribute(blame: &mut Blame, senders: &[u8]) {
    for (block, n) in (0..).zip(senders) {
        blame.contributed(P, block, ip(*n));
    }
}

#[test]
fn a_sole_contributor_is_banned_at_once() {
    let mut blame = Blame::new();
    contribute(&mut blame, &[1, 1, 1]);
    assert_eq!(blame.piece_failed(P), Verdict::BanSole(ip(1)));
    assert!(!blame.wants_good_digests(P));
    assert_eq!(
        blame.piece_failed(P),
        Verdict::Unknown,
        "nothing was contributed since"
    );
}

#[test]
fn one_host_under_two_spellings_is_one_contributor() {
    let mut blame = Blame::new();
    blame.contributed(P, 0, "::ffff:10.0.0.1".parse().unwrap());
    blame.contributed(P, 1, ip(1));
    assert_eq!(blame.piece_failed(P), Verdict::BanSole(ip(1)));
}

#[test]
fn of_several_only_those_are_banned_whose_block_differs() {
    let mut blame = Blame::new();
    contribute(&mut blame, &[1, 2, 3, 2]);
    assert_eq!(blame.piece_failed(P), Verdict::Suspect(vec![ip(1), ip(2), ip(3)]));
    assert!([1, 2, 3].into_iter().all(|n| blame.is_suspect(ip(n))));
    assert!(
        !blame.wants_good_digests(P),
        "there is nothing to compare with yet"
    );
    blame.digests_of_failed(P, vec![good(0), bad(1), good(2), bad(3)]);
    contribute(&mut blame, &[4, 4, 4, 4]);
    blame.piece_verified(P);
    assert!(blame.wants_good_digests(P));
    let bans = blame.digests_of_good(P, (0..4).map(good).collect());
    let expected = Ban {
        addr: ip(2),
        piece: P,
        block: 1,
    };
    assert_eq!(bans, [expected]);
    assert_eq!(blame.suspects().count(), 0, "the others are acquitted");
    assert_eq!(blame.digests_of_good(P, vec![]), [], "the piece is done with");
}

#[test]
fn a_whole_good_piece_ends_parole() {
    let mut blame = Blame::new();
    contribute(&mut blame, &[1, 2]);
    blame.piece_failed(P);
    blame.contributed(PieceIndex(9), 0, ip(1));
    blame.piece_verified(PieceIndex(9));
    assert!(!blame.is_suspect(ip(1)) && blame.is_suspect(ip(2)));
    blame.contributed(PieceIndex(8), 0, ip(2));
    blame.contributed(PieceIndex(8), 1, ip(5));
    blame.piece_verified(PieceIndex(8));
    assert!(blame.is_suspect(ip(2)), "a shared piece proves nothing");
}

#[test]
fn without_digests_nobody_is_banned_and_nobody_acquitted() {
    let mut blame = Blame::new();
    contribute(&mut blame, &[1, 2]);
    blame.piece_failed(P);
    blame.digests_of_failed(P, vec![bad(0)]);
    blame.piece_verified(P);
    let bans = blame.digests_of_good(P, vec![good(0), good(1)]);
    assert_eq!(bans.iter().map(|ban| ban.addr).collect::<Vec<_>>(), [ip(1)]);
    assert!(blame.is_suspect(ip(2)), "its block was not read");
}

#[test]
fn every_failed_copy_is_compared() {
    let mut blame = Blame::new();
    for (senders, digests) in [([1, 2], [bad(0), good(1)]), ([3, 1], [good(0), bad(1)])] {
        contribute(&mut blame, &senders);
        blame.piece_failed(P);
        blame.digests_of_failed(P, digests.to_vec());
    }
    blame.piece_verified(P);
    let bans = blame.digests_of_good(P, vec![good(0), good(1)]);
    assert_eq!(
        bans,
        [Ban {
            addr: ip(1),
            piece: P,
            block: 0
        }],
        "once, for its first bad block"
    );
}

#[test]
fn who_is_accused_for_another_piece_stays_on_parole() {
    let mut blame = Blame::new();
    for piece in [P, PieceIndex(4)] {
        blame.contributed(piece, 0, ip(1));
        blame.contributed(piece, 1, ip(2));
        blame.piece_failed(piece);
    }
    blame.digests_of_failed(P, vec![good(0), bad(1)]);
    blame.digests_of_good(P, vec![good(0), good(1)]);
    assert!(
        blame.is_suspect(ip(1)) && !blame.is_suspect(ip(2)),
        "2 is banned, not suspected"
    );
}

#[test]
fn a_piece_that_fails_from_everyone_is_reported_and_the_proven_are_spared() {
    let mut blame = Blame::new();
    for n in 1..=5 {
        blame.contributed(PieceIndex(100), 0, ip(n));
        blame.piece_verified(PieceIndex(100));
    }
    for n in [1, 2] {
        contribute(&mut blame, &[n]);
        assert_eq!(blame.piece_failed(P), Verdict::BanSole(ip(n)));
        assert_eq!(blame.hopeless(P), None);
    }
    contribute(&mut blame, &[3]);
    assert_eq!(blame.piece_failed(P), Verdict::Suspect(vec![ip(3)]));
    assert_eq!(
        blame.hopeless(P),
        Some(PieceHopeless {
            piece: P,
            failures: 3
        })
    );
    contribute(&mut blame, &[9]);
    assert_eq!(
        blame.piece_failed(P),
        Verdict::BanSole(ip(9)),
        "it never sent anything good"
    );
    blame.piece_verified(P);
    assert_eq!(blame.hopeless(P), None);
}

#[test]
fn the_same_liar_again_does_not_make_a_piece_hopeless() {
    let mut blame = Blame::new();
    for n in 2..9 {
        contribute(&mut blame, &[1, n]);
        blame.piece_failed(P);
    }
    assert_eq!(blame.hopeless(P), None);
}

#[test]
fn memory_is_bounded() {
    let mut blame = Blame::new();
    for n in 0..40u32 {
        for block in 0..4096 {
            blame.contributed(PieceIndex(n), block, ip(block as u8));
        }
        blame.piece_failed(PieceIndex(n));
    }
    let copies: usize = blame.failed.values().map(|failed| failed.copies.len()).sum();
    assert_eq!(copies, FAILED_BLOCKS_MAX / 4096);
    assert!(
        blame.failed[&PieceIndex(0)].copies.is_empty(),
        "the oldest went first"
    );
    let mut set = BTreeSet::new();
    for n in 0..10_000u32 {
        remember(&mut set, IpAddr::from(n.to_be_bytes()));
    }
    assert_eq!(set.len(), ADDRESSES_MAX);
}

/// A swarm of honest peers and liars that sends one piece until it is good. Suspects fetch it alone, as the picker
/// sees to; a liar's block is bad with a chance of one half. Returns the banned, and who lied in a copy that failed.
fn run(seed: u64, peers: u8, liars: u8) -> (BTreeSet<IpAddr>, BTreeSet<IpAddr>) {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut rng = Rng::from_seed(bytes);
    let mut blame = Blame::new();
    let (mut banned, mut lied) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..1000 {
        let present: Vec<u8> = (0..peers).filter(|n| !banned.contains(&ip(*n))).collect();
        let free: Vec<u8> = present
            .iter()
            .copied()
            .filter(|n| !blame.is_suspect(ip(*n)))
            .collect();
        let alone = free.is_empty() || rng.chance(1, 3);
        let among = if alone {
            vec![present[rng.below(present.len() as u32) as usize]]
        } else {
            free
        };
        let senders: Vec<u8> = (0..8)
            .map(|_| among[rng.below(among.len() as u32) as usize])
            .collect();
        let is_bad: Vec<bool> = senders.iter().map(|n| *n < liars && rng.chance(1, 2)).collect();
        contribute(&mut blame, &senders);
        if is_bad.contains(&true) {
            for (n, _) in senders.iter().zip(&is_bad).filter(|(_, bad)| **bad) {
                lied.insert(ip(*n));
            }
            match blame.piece_failed(P) {
                Verdict::BanSole(addr) => {
                    banned.insert(addr);
                }
                Verdict::Suspect(_) => {
                    let digest = |block: u32| {
                        if is_bad[block as usize] {
                            bad(block)
                        } else {
                            good(block)
                        }
                    };
                    blame.digests_of_failed(P, (0..8).map(digest).collect());
                }
                Verdict::Unknown => panic!("the contributors are known"),
            }
        } else {
            blame.piece_verified(P);
            if blame.wants_good_digests(P) {
                let bans = blame.digests_of_good(P, (0..8).map(good).collect());
                banned.extend(bans.into_iter().map(|ban| ban.addr));
            }
            return (banned, lied);
        }
    }
    panic!("the piece never became good");
}

#[test]
fn in_random_swarms_exactly_the_liars_are_banned() {
    fn holds(seed: u64, peers: u8, liars: u8) -> bool {
        let peers = 1 + peers % 30;
        let (banned, lied) = run(seed, peers, liars % peers);
        // every liar whose bad block was seen, and nobody else
        banned == lied
    }
    QuickCheck::new()
        .rng(Gen::from_size_and_seed(100, 5))
        .tests(2000)
        .quickcheck(holds as fn(u64, u8, u8) -> bool);
}
