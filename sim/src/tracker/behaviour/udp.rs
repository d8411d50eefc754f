//! What a UDP tracker does wrong with its datagrams (BEP 15).

use super::{Outcome, made_up};
use crate::scenario::Use;
use crate::tracker::udp::{ANNOUNCE, CONNECT, ERROR, header, push_compact};
use seedbed_engine::rng::Rng;
use seedbed_engine::time::Duration;
use std::net::{IpAddr, SocketAddr};

/// Payload of the longest IPv4 datagram.
const DATAGRAM_MAX: usize = 65_507;
/// Forged answers in a flood at the most.
const FLOOD_MAX: u32 = 1_000;
/// Shortest whole answers: a connect's and an announce's.
const CONNECT_LENGTH: usize = 16;
const ANNOUNCE_LENGTH: usize = 20;

/// See the catalogue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UdpKind {
    /// Drops all answers.
    Silent,
    /// Drops answers to announces.
    ConnectOnly,
    /// Another transaction id.
    WrongTransaction,
    /// Another source.
    OtherSource,
    /// Another action.
    WrongAction,
    /// Cut below the least length.
    Short,
    /// A part of an entry behind the peers.
    Ragged,
    /// An error with this text in place of peers.
    Error(Vec<u8>),
    /// Everything twice, the second so much later.
    Duplicate(Duration),
    /// Everything so much later.
    Late(Duration),
    /// Another interval.
    Interval(u32),
    /// So many made-up peers behind the true ones.
    ManyPeers(u32),
    /// Each peer so many times.
    RepeatPeers(u32),
    /// Addresses that are no peer's.
    UnusablePeers,
    /// An ICMP message in place of an answer.
    Refused,
    /// Up to so many flipped bits.
    Corrupt(u32),
    /// So many forged answers before the true one.
    SpoofedFlood(u32),
    /// Zeros up to the longest datagram.
    Huge,
}

/// A request, as far as behaviours look at it.
#[derive(Clone, Copy, Debug)]
pub(in crate::tracker) struct Asked {
    pub(in crate::tracker) from: SocketAddr,
    pub(in crate::tracker) connection: u64,
    pub(in crate::tracker) action: u32,
    pub(in crate::tracker) transaction: u32,
    /// The port that an announce names.
    pub(in crate::tracker) port: u16,
}

impl Asked {
    /// The fields of a datagram, if it is long enough for a request.
    pub(in crate::tracker) fn read(from: SocketAddr, data: &[u8]) -> Option<Self> {
        let (connection, rest) = data.split_first_chunk::<8>()?;
        let (action, rest) = rest.split_first_chunk::<4>()?;
        let (transaction, _) = rest.split_first_chunk::<4>()?;
        let port = data
            .get(96..98)
            .map_or(0, |port| u16::from_be_bytes([port[0], port[1]]));
        Some(Self {
            from,
            connection: u64::from_be_bytes(*connection),
            action: u32::from_be_bytes(*action),
            transaction: u32::from_be_bytes(*transaction),
            port,
        })
    }
}

/// A datagram on its way out.
#[derive(Clone, Debug)]
pub(in crate::tracker) struct Reply {
    pub(in crate::tracker) after: Duration,
    pub(in crate::tracker) from: SocketAddr,
    pub(in crate::tracker) data: Vec<u8>,
}

impl UdpKind {
    pub(super) fn of(name: &str, used: &Use) -> Option<Self> {
        let number = |name, default: u32| u32::try_from(used.int(name, default.into())).unwrap_or(default);
        let wait = |name, default| used.duration(name).unwrap_or(Duration::from_millis(default));
        Some(match name {
            "udp-silent" => Self::Silent,
            "udp-connect-only" => Self::ConnectOnly,
            "udp-wrong-transaction" => Self::WrongTransaction,
            "udp-other-source" => Self::OtherSource,
            "udp-wrong-action" => Self::WrongAction,
            "udp-short" => Self::Short,
            "udp-ragged" => Self::Ragged,
            "udp-error" => Self::Error(b"you are not welcome".to_vec()),
            "udp-error-mute" => Self::Error(Vec::new()),
            "udp-stale-id" => Self::Error(b"connection id unknown or expired".to_vec()),
            "udp-duplicate" => Self::Duplicate(wait("gap", 100)),
            "udp-late" => Self::Late(wait("by", 20_000)),
            // a negative number is what a tracker with a signed field sends
            "udp-interval" => Self::Interval(used.int("value", 0) as u32),
            "udp-many-peers" => Self::ManyPeers(number("count", 2_000).min(10_000)),
            "udp-repeat-peers" => Self::RepeatPeers(number("times", 50).min(1_000)),
            "udp-unusable-peers" => Self::UnusablePeers,
            "udp-refused" => Self::Refused,
            "udp-corrupt" => Self::Corrupt(number("bits", 3).max(1)),
            "udp-spoofed-flood" => Self::SpoofedFlood(number("count", 64).min(FLOOD_MAX)),
            "udp-huge" => Self::Huge,
            _ => return None,
        })
    }

    /// Whether this request is an occasion for it.
    pub(in crate::tracker) fn concerns(&self, asked: &Asked) -> bool {
        match self {
            Self::ConnectOnly
            | Self::Ragged
            | Self::Error(_)
            | Self::Interval(_)
            | Self::ManyPeers(_)
            | Self::RepeatPeers(_)
            | Self::UnusablePeers => asked.action == ANNOUNCE,
            Self::Silent
            | Self::WrongTransaction
            | Self::OtherSource
            | Self::WrongAction
            | Self::Short
            | Self::Duplicate(_)
            | Self::Late(_)
            | Self::Refused
            | Self::Corrupt(_)
            | Self::SpoofedFlood(_)
            | Self::Huge => asked.action == CONNECT || asked.action == ANNOUNCE,
        }
    }

    /// What the asker can make of the answer.
    pub(in crate::tracker) const fn outcome(&self) -> Outcome {
        match self {
            Self::Silent
            | Self::ConnectOnly
            | Self::WrongTransaction
            | Self::OtherSource
            | Self::WrongAction
            | Self::Short => Outcome::Nothing,
            Self::Late(_) | Self::Corrupt(_) | Self::Huge => Outcome::Unclear,
            Self::Error(_) | Self::Refused => Outcome::Failed,
            Self::Ragged
            | Self::Duplicate(_)
            | Self::Interval(_)
            | Self::ManyPeers(_)
            | Self::RepeatPeers(_)
            | Self::UnusablePeers
            | Self::SpoofedFlood(_) => Outcome::Good,
        }
    }

    /// Changes the answers to a request.
    pub(in crate::tracker) fn apply(&self, asked: &Asked, replies: &mut Vec<Reply>, rng: &mut Rng) {
        match self {
            Self::Silent | Self::ConnectOnly | Self::Refused => replies.clear(),
            Self::Duplicate(gap) => {
                let mut again = replies.clone();
                again.iter_mut().for_each(|reply| reply.after += *gap);
                replies.append(&mut again);
            }
            Self::SpoofedFlood(count) => {
                let forged: Vec<Reply> = (0..*count)
                    .filter_map(|_| forge(asked, replies.first()?, rng))
                    .collect();
                replies.splice(0..0, forged);
            }
            Self::WrongTransaction
            | Self::OtherSource
            | Self::WrongAction
            | Self::Short
            | Self::Ragged
            | Self::Error(_)
            | Self::Late(_)
            | Self::Interval(_)
            | Self::ManyPeers(_)
            | Self::RepeatPeers(_)
            | Self::UnusablePeers
            | Self::Corrupt(_)
            | Self::Huge => replies
                .iter_mut()
                .for_each(|reply| self.change(asked, reply, rng)),
        }
    }

    fn change(&self, asked: &Asked, reply: &mut Reply, rng: &mut Rng) {
        let data = &mut reply.data;
        match self {
            Self::WrongTransaction => {
                let wrong = asked.transaction ^ (1 + rng.below(u32::MAX - 1));
                put(data, 4, wrong);
            }
            Self::OtherSource => {
                reply.from = if rng.chance(1, 2) {
                    SocketAddr::new(reply.from.ip(), reply.from.port() ^ 1)
                } else {
                    made_up(rng, reply.from.is_ipv6())
                }
            }
            // never an error (3), which would be a refusal
            Self::WrongAction => {
                let others: &[u32] = if asked.action == CONNECT {
                    &[1, 2, 7]
                } else {
                    &[0, 2, 7]
                };
                put(data, 0, others[rng.below(3) as usize]);
            }
            Self::Short => {
                let least = if asked.action == CONNECT {
                    CONNECT_LENGTH
                } else {
                    ANNOUNCE_LENGTH
                };
                data.truncate(rng.below(least as u32) as usize);
            }
            Self::Ragged => data.extend((0..=rng.below(5)).map(|_| 0xff)),
            Self::Error(text) => {
                *data = header(ERROR, asked.transaction);
                data.extend_from_slice(text);
            }
            Self::Late(by) => reply.after += *by,
            Self::Interval(value) => put(data, 8, *value),
            Self::ManyPeers(count) => {
                (0..*count).for_each(|_| push_compact(data, made_up(rng, asked.from.is_ipv6())));
            }
            Self::RepeatPeers(times) => {
                let peers = data.get(ANNOUNCE_LENGTH..).unwrap_or_default().to_vec();
                let room = (DATAGRAM_MAX / 2 / peers.len().max(1)) as u32;
                (1..(*times).min(room)).for_each(|_| data.extend_from_slice(&peers));
            }
            Self::UnusablePeers => push_unusable(data, asked),
            Self::Corrupt(bits) => {
                for _ in 0..=rng.below(*bits) {
                    let at = rng.below((data.len() * 8).max(1) as u32) as usize;
                    if let Some(byte) = data.get_mut(at / 8) {
                        *byte ^= 1 << (at % 8);
                    }
                }
            }
            Self::Huge => data.resize(DATAGRAM_MAX.max(data.len()), 0),
            Self::Silent | Self::ConnectOnly | Self::Refused | Self::Duplicate(_) | Self::SpoofedFlood(_) => {
            }
        }
    }
}

/// An answer of the right form with a guessed transaction id and peers that are not there.
fn forge(asked: &Asked, like: &Reply, rng: &mut Rng) -> Option<Reply> {
    let mut reply = like.clone();
    put(&mut reply.data, 4, rng.next_u32());
    if asked.action == ANNOUNCE {
        reply.data.truncate(ANNOUNCE_LENGTH);
        push_compact(&mut reply.data, made_up(rng, asked.from.is_ipv6()));
    }
    let guessed = reply.data.get(4..8)? == asked.transaction.to_be_bytes();
    (!guessed).then_some(reply)
}

/// Port 0, nobody's addresses, this machine's, and the asker itself, before and behind the true peers.
fn push_unusable(data: &mut Vec<u8>, asked: &Asked) {
    let mut bad = Vec::new();
    let v4 = |text: &str| text.parse::<IpAddr>().ok();
    let nobody = if asked.from.is_ipv6() {
        [v4("::"), v4("ff02::1"), v4("::1"), v4("fe80::1")]
    } else {
        [
            v4("0.0.0.0"),
            v4("224.0.0.1"),
            v4("127.0.0.1"),
            v4("255.255.255.255"),
        ]
    };
    for ip in nobody.into_iter().flatten() {
        push_compact(&mut bad, SocketAddr::new(ip, 6881));
    }
    push_compact(&mut bad, SocketAddr::new(asked.from.ip(), 0));
    push_compact(&mut bad, SocketAddr::new(asked.from.ip(), asked.port));
    let at = ANNOUNCE_LENGTH.min(data.len());
    data.splice(at..at, bad.iter().copied());
    data.append(&mut bad);
}

fn put(data: &mut [u8], at: usize, word: u32) {
    if let Some(place) = data.get_mut(at..at + 4) {
        place.copy_from_slice(&word.to_be_bytes());
    }
}
