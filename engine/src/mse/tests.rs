//! The two machines against each other, cut anywhere, and against what breaks each of their rules.

use super::*;
use crate::id::InfoHash;
use crate::rng::Rng;
use alloc::boxed::Box;
use alloc::vec::Vec;
use quickcheck::quickcheck;

const TORRENT: InfoHash = InfoHash([9; 20]);

fn secrets(n: u8) -> Secrets {
    Secrets::draw(&mut Rng::from_seed([n; 32]))
}

/// Both machines after a handshake whose bytes were cut into pieces of `cut`.
struct Met {
    opened: Option<(Mode, Box<Ciphers>)>,
    accepted: Option<(Mode, Box<Ciphers>, InfoHash, Vec<u8>)>,
}

fn give(responder: &mut Responder, bytes: &[u8], cut: usize, met: &mut Met) -> Result<Vec<u8>, Fault> {
    let (mut out, mut stash) = (Vec::new(), Vec::new());
    for part in bytes.chunks(cut) {
        stash.extend_from_slice(part);
        let mut input = &stash[..];
        while let Some(said) = responder.receive(&mut input, &mut [InfoHash([1; 20]), TORRENT].into_iter())? {
            match said {
                Accepted::Send(bytes) => out.extend(bytes),
                Accepted::Done {
                    send,
                    torrent,
                    mode,
                    ciphers,
                    initial,
                } => {
                    out.extend(send);
                    met.accepted = Some((mode, ciphers, torrent, initial));
                }
            }
        }
        stash = input.to_vec();
    }
    Ok(out)
}

fn take(initiator: &mut Initiator, bytes: &[u8], cut: usize, met: &mut Met) -> Result<Vec<u8>, Fault> {
    let (mut out, mut stash) = (Vec::new(), Vec::new());
    for part in bytes.chunks(cut) {
        stash.extend_from_slice(part);
        let mut input = &stash[..];
        while let Some(said) = initiator.receive(&mut input)? {
            match said {
                Opened::Send(bytes) => out.extend(bytes),
                Opened::Done(mode, ciphers) => met.opened = Some((mode, ciphers)),
            }
        }
        stash = input.to_vec();
    }
    Ok(out)
}

fn meet(offers: Modes, takes: Modes, initial: &[u8], cut: usize) -> Result<Met, Fault> {
    let mut met = Met {
        opened: None,
        accepted: None,
    };
    let (mut initiator, first) = Initiator::new(TORRENT, offers, secrets(cut as u8), initial.to_vec());
    let mut responder = Responder::new(takes, secrets(2));
    let answer = give(&mut responder, &first, cut, &mut met)?;
    let third = take(&mut initiator, &answer, cut, &mut met)?;
    let fourth = give(&mut responder, &third, cut, &mut met)?;
    take(&mut initiator, &fourth, cut, &mut met)?;
    Ok(met)
}

#[test]
fn two_machines_agree_however_their_bytes_are_cut() {
    for cut in [1, 2, 7, 95, 96, 97, 500, 4000] {
        let met = meet(Modes::Both, Modes::Both, b"a handshake", cut).unwrap();
        let (mode, mut a) = met.opened.unwrap();
        let (accepted, mut b, torrent, initial) = met.accepted.unwrap();
        assert_eq!((mode, accepted, torrent), (Mode::Rc4, Mode::Rc4, TORRENT));
        assert_eq!(initial, b"a handshake");
        let mut bytes = *b"what follows";
        a.write.apply(&mut bytes);
        assert_ne!(bytes, *b"what follows");
        b.read.apply(&mut bytes);
        assert_eq!(bytes, *b"what follows");
        b.write.apply(&mut bytes);
        a.read.apply(&mut bytes);
        assert_eq!(bytes, *b"what follows");
    }
}

#[test]
fn an_absent_initial_payload_is_no_fault() {
    let met = meet(Modes::Both, Modes::Both, b"", 50).unwrap();
    assert_eq!(met.accepted.unwrap().3, b"");
    assert!(met.opened.is_some());
}

#[test]
fn who_wants_rc4_gets_it_or_nothing() {
    for (offers, takes) in [
        (Modes::Rc4Only, Modes::Both),
        (Modes::Both, Modes::Rc4Only),
        (Modes::Rc4Only, Modes::Rc4Only),
    ] {
        assert_eq!(meet(offers, takes, b"", 50).unwrap().opened.unwrap().0, Mode::Rc4);
    }
    assert_eq!(Modes::Rc4Only.select(1), None);
    assert_eq!(Modes::Both.select(1), Some(Mode::Plain));
    assert_eq!(Modes::Both.select(0), None);
    assert_eq!(Modes::Both.select(4), None);
    assert_eq!(Modes::Both.select(7), Some(Mode::Rc4));
    assert_eq!(Modes::Both.selected(3), None);
    assert_eq!(Modes::Both.selected(1), Some(Mode::Plain));
    assert_eq!(Modes::Rc4Only.selected(1), None);
}

/// A responder that came as far as the offer, fed with what a bad initiator says there.
fn offered(vc: [u8; 8], provide: u32, pad: u16, initial: u16) -> Result<Option<Accepted>, Fault> {
    let mut met = Met {
        opened: None,
        accepted: None,
    };
    let mut responder = Responder::new(Modes::Both, secrets(2));
    let bad = secrets(3);
    let answer = give(&mut responder, &bad.public(), 500, &mut met)?;
    let secret = bad.shared(answer.first_chunk().unwrap()).unwrap();
    let mut ciphers = secret.ciphers(TORRENT, true);
    let mut out = [secret.req1(), secret.torrent(TORRENT)].concat();
    let mut hidden = vc.to_vec();
    hidden.extend(provide.to_be_bytes());
    hidden.extend(pad.to_be_bytes());
    hidden.resize(hidden.len() + usize::from(pad), 0);
    hidden.extend(initial.to_be_bytes());
    hidden.resize(hidden.len() + usize::from(initial), 0);
    ciphers.write.apply(&mut hidden);
    out.extend(hidden);
    let mut input = &out[..];
    responder.receive(&mut input, &mut [TORRENT].into_iter())
}

#[test]
fn a_bad_offer_is_refused_by_its_rule() {
    assert!(matches!(offered(VC, 3, 0, 0), Ok(Some(Accepted::Done { .. }))));
    assert!(matches!(offered(VC, 2, 512, 68), Ok(Some(Accepted::Done { .. }))));
    assert_eq!(offered([1; 8], 3, 0, 0), Err(Fault::WrongVc));
    assert_eq!(offered(VC, 0, 0, 0), Err(Fault::NothingOffered { offered: 0 }));
    assert_eq!(offered(VC, 4, 0, 0), Err(Fault::NothingOffered { offered: 4 }));
    assert_eq!(offered(VC, 3, 513, 0), Err(Fault::PadTooLong { length: 513 }));
    assert_eq!(offered(VC, 3, 0, 69), Err(Fault::InitialTooLong { length: 69 }));
}

/// An initiator that came as far as the selection, fed with what a bad responder says there.
fn selected(offers: Modes, padding: usize, select: u32, pad: u16) -> Result<Option<Opened>, Fault> {
    let (mut initiator, first) = Initiator::new(TORRENT, offers, secrets(1), Vec::new());
    let bad = secrets(3);
    let secret = bad.shared(first.first_chunk().unwrap()).unwrap();
    let mut out = bad.public().to_vec();
    out.resize(out.len() + padding, 0xee);
    let mut hidden = VC.to_vec();
    hidden.extend(select.to_be_bytes());
    hidden.extend(pad.to_be_bytes());
    hidden.resize(hidden.len() + usize::from(pad), 0);
    secret.ciphers(TORRENT, false).write.apply(&mut hidden);
    out.extend(hidden);
    let mut input = &out[..];
    let said = initiator.receive(&mut input)?;
    assert!(matches!(said, Some(Opened::Send(_))));
    initiator.receive(&mut input)
}

#[test]
fn a_bad_selection_is_refused_by_its_rule() {
    let done = |offers, select| matches!(selected(offers, 512, select, 512), Ok(Some(Opened::Done(..))));
    assert!(done(Modes::Both, 1) && done(Modes::Both, 2) && done(Modes::Rc4Only, 2));
    for select in [0, 3, 4] {
        let fault = Err(Fault::NotOffered { selected: select });
        assert_eq!(selected(Modes::Both, 0, select, 0), fault);
    }
    let fault = Err(Fault::NotOffered { selected: 1 });
    assert_eq!(selected(Modes::Rc4Only, 0, 1, 0), fault);
    let fault = Err(Fault::PadTooLong { length: 513 });
    assert_eq!(selected(Modes::Both, 0, 2, 513), fault);
    assert_eq!(selected(Modes::Both, 513, 2, 0), Err(Fault::NoSync));
}

#[test]
fn padding_that_does_not_end_is_refused() {
    let mut responder = Responder::new(Modes::Both, secrets(2));
    let mut noise = secrets(3).public().to_vec();
    noise.resize(96 + 512 + 20, 0);
    let mut input = &noise[..];
    let said = responder.receive(&mut input, &mut core::iter::empty());
    assert!(matches!(said, Ok(Some(Accepted::Send(_)))));
    let said = responder.receive(&mut input, &mut core::iter::empty());
    assert_eq!(said, Err(Fault::NoSync));
}

#[test]
fn an_unknown_torrent_is_refused() {
    let mut met = Met {
        opened: None,
        accepted: None,
    };
    let other = InfoHash([4; 20]);
    let (mut initiator, first) = Initiator::new(other, Modes::Both, secrets(1), Vec::new());
    let mut responder = Responder::new(Modes::Both, secrets(2));
    let answer = give(&mut responder, &first, 100, &mut met).unwrap();
    let third = take(&mut initiator, &answer, 100, &mut met).unwrap();
    assert_eq!(
        give(&mut responder, &third, 100, &mut met),
        Err(Fault::UnknownTorrent)
    );
}

#[test]
fn a_plain_answer_is_known_by_its_first_bytes() {
    let (mut initiator, _) = Initiator::new(TORRENT, Modes::Both, secrets(1), Vec::new());
    let mut input = &b"\x13BitTorrent protocol"[..];
    assert_eq!(initiator.receive(&mut input), Err(Fault::SpeaksPlain));
}

quickcheck! {
    /// Any bytes, cut in any way, end in the same way and take no byte that belongs to what follows.
    fn any_bytes_are_taken_alike_however_they_are_cut(key: bool, noise: Vec<u8>, more: Vec<u8>, cut: u8) -> bool {
        let mut bytes = if key { secrets(5).public().to_vec() } else { Vec::new() };
        (0..8).for_each(|_| bytes.extend_from_slice(&noise));
        bytes.extend(more);
        let run = |cut: usize| {
            let mut met = Met { opened: None, accepted: None };
            let mut responder = Responder::new(Modes::Both, secrets(2));
            let accepted = give(&mut responder, &bytes, cut, &mut met);
            let (mut initiator, _) = Initiator::new(TORRENT, Modes::Both, secrets(1), Vec::new());
            let opened = take(&mut initiator, &bytes, cut, &mut met);
            (accepted, opened)
        };
        run(usize::from(cut).max(1)) == run(bytes.len().max(1))
    }

    /// Any flip of a byte behind the keys ends in a fault or in nothing, never in agreement on what was not said.
    fn a_flipped_byte_never_makes_another_torrent(at: u16, bit: u8) -> bool {
        let mut met = Met { opened: None, accepted: None };
        let (mut initiator, first) = Initiator::new(TORRENT, Modes::Both, secrets(1), b"0123456789".to_vec());
        let mut responder = Responder::new(Modes::Both, secrets(2));
        let answer = give(&mut responder, &first, 1000, &mut met).unwrap();
        let mut third = take(&mut initiator, &answer, 1000, &mut met).unwrap();
        let at = usize::from(at) % third.len();
        third[at] ^= 1 << (bit % 8);
        let _ = give(&mut responder, &third, 1000, &mut met);
        met.accepted.is_none_or(|(_, _, torrent, _)| torrent == TORRENT)
    }
}
