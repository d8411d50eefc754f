//! What trackers do wrong, as data: a [`Use`] becomes a [`Kind`] with a [`Window`], and several of them compose: each
//! takes the answer that the one before it has made.

mod http;
mod list;
mod sample;
mod udp;
mod window;

pub use list::{BEHAVIOURS, blocks_peers, misleads};
pub use sample::sample;
pub use window::Window;

pub(super) use http::{Answer, End, HttpKind};
pub(super) use udp::{Asked, Reply, UdpKind};

use super::Named;
use crate::scenario::Use;
use seedbed_engine::rng::Rng;
use seedbed_engine::time::{Duration, Instant};
use std::net::SocketAddr;

/// What a tracker does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// With datagrams.
    Udp(UdpKind),
    /// With streams.
    Http(HttpKind),
    /// Whatever the transport.
    Both(Policy),
}

/// What a tracker does whatever its transport.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Policy {
    /// Does not answer.
    Dead,
    /// Answers so many announces, then is dead.
    Dies(u64),
    /// Knows nobody.
    NoPeers,
    /// Knows only this many peers that are not there.
    DeadPeers(u32),
    /// Knows only the asker.
    OnlyUs,
    /// Wants an announce each second, but not within so many seconds.
    ShortInterval(u64),
}

/// What the asker can make of an answer, from good to bad.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) enum Outcome {
    /// It counts.
    #[default]
    Good,
    /// It is a failure.
    Failed,
    /// That is up to chance, or to the asker.
    Unclear,
    /// There is none.
    Nothing,
}

/// A behaviour at work.
#[derive(Clone, Debug)]
pub struct Active {
    /// Its name in the catalogue.
    pub name: &'static str,
    /// What it does.
    pub kind: Kind,
    /// When.
    pub window: Window,
    /// Its own randomness, so that another behaviour more or less changes nothing.
    pub(super) rng: Rng,
    occasions: u64,
}

/// How the tracker changes for one announce.
#[derive(Debug, Default)]
pub(super) struct Adjusted {
    pub(super) named: Named,
    pub(super) interval: Option<(Duration, Option<Duration>)>,
    pub(super) dead: bool,
}

impl Active {
    /// The behaviour that a use names; `None` if no tracker does such a thing.
    pub fn new(used: &Use, rng: Rng) -> Option<Self> {
        let known = BEHAVIOURS.iter().find(|known| known.name == used.name)?;
        let kind = UdpKind::of(known.name, used)
            .map(Kind::Udp)
            .or_else(|| HttpKind::of(known.name, used).map(Kind::Http))
            .or_else(|| policy(known.name, used).map(Kind::Both))?;
        let mut window = Window::of(used);
        if known.name == "tracker-flaps" && window.flap.is_zero() {
            window.flap = Duration::from_secs(60);
        }
        Some(Self {
            name: known.name,
            kind,
            window,
            rng,
            occasions: 0,
        })
    }

    /// What it leaves to chance comes from here from now on.
    pub(super) fn draw_anew(&mut self, rng: Rng) {
        self.rng = rng;
    }

    /// Whether it is at work at this occasion, which counts.
    pub(super) fn takes(&mut self, now: Instant) -> bool {
        if !self.window.has_come(now) {
            return false;
        }
        self.occasions += 1;
        self.window.takes(self.occasions - 1)
    }

    /// Changes the tracker for one announce; true if it did.
    pub(super) fn adjust(
        &mut self,
        now: Instant,
        from: SocketAddr,
        answered: u64,
        adjusted: &mut Adjusted,
    ) -> bool {
        let Kind::Both(policy) = self.kind else {
            return false;
        };
        let dies = matches!(policy, Policy::Dies(answers) if answered < answers);
        if dies || !self.takes(now) {
            return false;
        }
        match policy {
            Policy::Dead | Policy::Dies(_) => adjusted.dead = true,
            Policy::NoPeers => adjusted.named = Named::Nobody,
            Policy::OnlyUs => adjusted.named = Named::Asker,
            Policy::DeadPeers(count) => {
                let peers = (0..count).map(|_| made_up(&mut self.rng, from.is_ipv6()));
                adjusted.named = Named::These(peers.collect());
            }
            Policy::ShortInterval(least) => {
                let least = Duration::from_secs(least);
                adjusted.interval = Some((Duration::from_secs(1), Some(least)));
            }
        }
        true
    }
}

fn policy(name: &str, used: &Use) -> Option<Policy> {
    let number = |name, default: u32| u32::try_from(used.int(name, default.into())).unwrap_or(default);
    Some(match name {
        "tracker-dead" | "tracker-flaps" => Policy::Dead,
        "tracker-dies" => Policy::Dies(number("answers", 1).into()),
        "tracker-no-peers" => Policy::NoPeers,
        "tracker-dead-peers" => Policy::DeadPeers(number("count", 8).min(1_000)),
        "tracker-only-us" => Policy::OnlyUs,
        "tracker-short-interval" => Policy::ShortInterval(number("least", 600).into()),
        _ => return None,
    })
}

/// An address where nobody is, of the networks for benchmarks (RFC 2544, RFC 5180).
pub(super) fn made_up(rng: &mut Rng, v6: bool) -> SocketAddr {
    let port = 1_024 + rng.below(60_000) as u16;
    let [a, b, c, _] = rng.next_u32().to_be_bytes();
    if v6 {
        let words = [0x2001, 0x0002, 0, 0, 0, u16::from(a), u16::from(b), u16::from(c)];
        return SocketAddr::from((words, port));
    }
    SocketAddr::from(([198, 18 + (a & 1), b, c], port))
}
