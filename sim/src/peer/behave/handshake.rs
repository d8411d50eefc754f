//! Handshakes that are not what they should be.

use super::{Say, Trait, View};
use crate::peer::catalogue::Kind;
use crate::peer::conn::Conn;
use seedbed_engine::id::PeerId;
use seedbed_engine::time::Duration;
use seedbed_engine::wire::{Handshake, Reserved};

/// Protocol, reserved bytes, info-hash.
const HEAD: usize = 48;

/// How long a late peer id is late.
const ID_LATE: Duration = Duration::from_secs(2);

/// How a connection is begun.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    /// What is said at once.
    pub says: Vec<Say>,
    /// What is said to be understood.
    pub reserved: Reserved,
    /// Whether the peer id is said only when the other's is known, and is the same.
    pub echoes_id: bool,
    /// Bytes at a time and the wait between, if it comes little by little.
    pub pace: Option<(usize, Duration)>,
    /// How long messages wait, for the end of the handshake.
    pub delay: Duration,
    /// Whether the greeting goes into the same bytes.
    pub greets: bool,
}

/// The opening that all behaviours agree on. `reserved` and `peer_id` are what a good peer says.
pub fn opening(traits: &mut [Trait], view: &mut View<'_>, conn: &Conn, mut good: Handshake) -> Opening {
    let mut opening = Opening::default();
    let mut bytes = None;
    for one in traits.iter_mut().filter(|one| one.entry.kind.is_of_handshake()) {
        if !one.fires(view.now, false, view.marks) {
            continue;
        }
        match one.entry.kind {
            Kind::NoFast | Kind::HaveAllNoFast => good.reserved.0[7] &= !0x04,
            Kind::Plain => good.reserved = Reserved::NONE,
            Kind::AllReserved => good.reserved = Reserved([0xff; 8]),
            Kind::WrongInfoHash => good.info_hash.0[0] ^= 0xff,
            Kind::OtherId => view.rng.fill(&mut good.peer_id.0),
            Kind::OwnId => match conn.their_id {
                Some(PeerId(id)) => good.peer_id = PeerId(id),
                None => opening.echoes_id = true,
            },
            Kind::WrongProtocol => {
                let mut wrong = good.encode();
                let at = one.int("byte", 5) as usize % 20;
                wrong[at] ^= 0x20;
                bytes = Some(vec![Say::Raw(wrong.to_vec())]);
            }
            Kind::OtherProtocol => bytes = Some(vec![Say::Raw(other_protocol(one, view))]),
            Kind::HandshakeCut => {
                let at = one.int("bytes", 30) as usize % good.encode().len();
                bytes = Some(vec![Say::Raw(good.encode()[..at].to_vec()), Say::Close]);
            }
            Kind::LatePeerId => {
                let whole = good.encode();
                let id = Say::Raw(whole[HEAD..].to_vec());
                opening.delay = one.time("late", ID_LATE);
                bytes = Some(vec![
                    Say::Raw(whole[..HEAD].to_vec()),
                    Say::Later(opening.delay, Box::new(id)),
                ]);
            }
            Kind::SilentAccept => bytes = Some(vec![Say::Mute]),
            Kind::HandshakeTrickle => opening.pace = Some((1, one.time("gap", Duration::from_millis(50)))),
            Kind::HandshakeLump => opening.greets = true,
            _ => {}
        }
    }
    opening.reserved = good.reserved;
    opening.says = bytes.unwrap_or_else(|| {
        let whole = good.encode();
        let length = if opening.echoes_id { HEAD } else { whole.len() };
        vec![Say::Raw(whole[..length].to_vec())]
    });
    opening
}

/// What others who try a port say first.
fn other_protocol(one: &Trait, view: &mut View<'_>) -> Vec<u8> {
    match one.int("which", view.rng.below(3)) % 3 {
        0 => b"GET / HTTP/1.1\r\nHost: seedbed\r\n\r\n".to_vec(),
        1 => vec![0x16, 0x03, 0x01, 0x00, 0xa5, 0x01, 0x00, 0x00, 0xa1, 0x03, 0x03],
        _ => {
            // the public key of an encrypted connection, which looks like noise
            let mut key = vec![0; 96];
            view.rng.fill(&mut key);
            key[0] |= 0x80;
            key
        }
    }
}
