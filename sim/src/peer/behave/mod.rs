//! Behaviours as middleware: each looks at what the reference peer is about to do and says what is done instead.
//!
//! They compose: what one behaviour makes of a message goes through the next. What a behaviour says on its own goes
//! out as it is.

mod blocks;
mod bytes;
mod handshake;
pub(in crate::peer) mod lost;
mod metadata;
mod moments;
pub mod pex;

pub use handshake::{Opening, opening};
pub use moments::{Moment, due, moment, timer};

use super::catalogue::{Entry, Kind};
use super::conn::Conn;
use crate::marks::Marks;
use crate::sample::Sample;
use crate::scenario::{Use, Value};
use seedbed_engine::id::ConnId;
use seedbed_engine::rng::Rng;
use seedbed_engine::time::{Duration, Instant};
use seedbed_engine::wire::Message;
use std::net::SocketAddr;

/// Something that goes out on a connection.
#[derive(Clone, Debug)]
pub enum Say {
    /// A well-formed message.
    Message(Message),
    /// Bytes as they are.
    Raw(Vec<u8>),
    /// The same, later.
    Later(Duration, Box<Self>),
    /// The connection is ended behind what was sent.
    Close,
    /// The connection is broken.
    Reset,
    /// Nothing more is ever sent.
    Mute,
}

/// What a behaviour may look at.
#[derive(Debug)]
pub struct View<'a> {
    /// The time.
    pub now: Instant,
    /// The connection's number.
    pub id: ConnId,
    /// The torrent.
    pub torrent: &'a Sample,
    /// Everybody else in the world who can be dialled, by name.
    pub others: &'a [(String, SocketAddr)],
    /// The peer's random numbers.
    pub rng: &'a mut Rng,
    /// Where firing is told.
    pub marks: &'a mut Marks,
}

/// One behaviour of one peer.
#[derive(Clone, Debug)]
pub struct Trait {
    /// What it is.
    pub entry: &'static Entry,
    /// How it was written.
    pub params: Use,
    after: Duration,
    lasts: Option<Duration>,
    from: u32,
    endgame: bool,
    every: u32,
    times: u32,
    /// Occasions so far.
    seen: u32,
    /// How often it fired.
    pub fired: u32,
    /// What it keeps from one occasion to the next.
    pub(super) held: Vec<(ConnId, Message)>,
    /// When something of it is due next.
    pub(super) next_at: Instant,
    /// How often it had fired when that was told.
    pub(super) told: u32,
    /// When it first came into force; windows are counted from the peer's start.
    pub(super) since: Instant,
}

impl Trait {
    /// A behaviour with its parameters.
    pub fn new(entry: &'static Entry, params: &Use, since: Instant) -> Self {
        let positive =
            |name: &str, default: i64| u32::try_from(params.int(name, default).max(1)).unwrap_or(u32::MAX);
        let endgame = params
            .params
            .iter()
            .any(|(name, value)| name == "from" && *value == Value::Text("endgame".into()));
        Self {
            entry,
            params: params.clone(),
            after: duration(params, "after").unwrap_or(Duration::ZERO),
            lasts: duration(params, "for"),
            from: positive("from", 1),
            endgame,
            every: positive("every", 1),
            times: positive("times", i64::from(u32::MAX)),
            seen: 0,
            fired: 0,
            told: 0,
            held: Vec::new(),
            next_at: Instant::START,
            since,
        }
    }

    /// An occasion: whether the behaviour shows at this one. If it does, that is marked.
    pub fn fires(&mut self, now: Instant, endgame: bool, marks: &mut Marks) -> bool {
        let age = now.since(self.since);
        let open = age >= self.after && self.lasts.is_none_or(|lasts| age < self.after + lasts);
        if !open || (self.endgame && !endgame) || self.fired >= self.times {
            return false;
        }
        self.seen = self.seen.saturating_add(1);
        if self.seen < self.from || !(self.seen - self.from).is_multiple_of(self.every) {
            return false;
        }
        self.fired += 1;
        marks.hit(self.entry.behaviour.name);
        true
    }

    /// How long it is until its window opens.
    pub fn opens_in(&self, now: Instant) -> Duration {
        (self.since + self.after).since(now)
    }

    /// A numeric parameter.
    pub fn int(&self, name: &str, default: u32) -> u32 {
        u32::try_from(self.params.int(name, i64::from(default))).unwrap_or(default)
    }

    /// A duration.
    pub fn time(&self, name: &str, default: Duration) -> Duration {
        duration(&self.params, name).unwrap_or(default)
    }
}

/// A parameter that is a time: `20s`, `150ms`, `2m`, or a number of seconds.
pub fn duration(params: &Use, name: &str) -> Option<Duration> {
    let (_, value) = params.params.iter().find(|(known, _)| known == name)?;
    match value {
        Value::Int(seconds) => u64::try_from(*seconds).ok().map(Duration::from_secs),
        Value::Text(text) => {
            let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            let (number, unit) = text.split_at(digits);
            let number: u64 = number.parse().ok()?;
            match unit {
                "ms" => Some(Duration::from_millis(number)),
                "s" => Some(Duration::from_secs(number)),
                "m" | "min" => Some(Duration::from_secs(number.checked_mul(60)?)),
                _ => None,
            }
        }
        Value::Bool(_) => None,
    }
}

/// What becomes of a message that the reference peer says.
pub fn outgoing(traits: &mut [Trait], view: &mut View<'_>, conn: &Conn, message: Message) -> Vec<Say> {
    let mut says = vec![Say::Message(message)];
    for one in traits.iter_mut().filter(|one| one.entry.kind.looks_at_messages()) {
        let mut next = Vec::with_capacity(says.len());
        for say in says {
            match say {
                Say::Message(message) => one.replace(view, conn, message, &mut next),
                other => next.push(other),
            }
        }
        says = next;
    }
    says
}

impl Trait {
    /// What this behaviour says instead of a message.
    fn replace(&mut self, view: &mut View<'_>, conn: &Conn, message: Message, next: &mut Vec<Say>) {
        if let Message::Piece { .. } = message {
            return self.replace_block(view, conn, message, next);
        }
        let set = matches!(
            message,
            Message::Bitfield(_) | Message::HaveAll | Message::HaveNone
        );
        let concerned = match self.entry.kind {
            Kind::NeverUnchokes => message == Message::Unchoke,
            Kind::NeverRequests => matches!(message, Message::Request(_)),
            Kind::NeverSpeaks => message != Message::KeepAlive,
            Kind::NoBitfield
            | Kind::BitfieldLength
            | Kind::SpareBits
            | Kind::BitfieldLate
            | Kind::HintsOnly
            | Kind::ClaimsAll => set,
            Kind::UploadOnly | Kind::OddReqq | Kind::ExtLies => {
                matches!(message, Message::Extended { id: 0, .. })
            }
            Kind::Unaligned => matches!(message, Message::Request(_)),
            kind if metadata::concerns(kind, &message) => true,
            _ => false,
        };
        if !concerned || !self.fires(view.now, conn.is_endgame(), view.marks) {
            next.push(Say::Message(message));
            return;
        }
        if metadata::concerns(self.entry.kind, &message) {
            metadata::instead(self, view, message, next);
        } else {
            bytes::instead(self, view, conn, message, next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::catalogue::find;

    fn fired(params: Use, occasions: u32) -> Vec<u32> {
        let entry = find("corrupts").expect("is listed");
        let (mut one, mut marks) = (Trait::new(entry, &params, Instant::START), Marks::default());
        let shown: Vec<u32> = (1..=occasions)
            .filter(|n| one.fires(Instant::from_secs(u64::from(*n)), false, &mut marks))
            .collect();
        assert_eq!(marks.count("corrupts"), shown.len() as u64);
        shown
    }

    #[test]
    fn a_window_says_when() {
        let text = |value: &str| Value::Text(value.into());
        assert_eq!(fired(Use::new("corrupts"), 3), [1, 2, 3]);
        assert_eq!(fired(Use::new("corrupts").with("every", 3), 8), [1, 4, 7]);
        assert_eq!(
            fired(Use::new("corrupts").with("from", 3).with("every", 2), 8),
            [3, 5, 7]
        );
        assert_eq!(fired(Use::new("corrupts").with("times", 2), 8), [1, 2]);
        let mut window = Use::new("corrupts");
        window.params.push(("after".into(), text("3s")));
        window.params.push(("for".into(), text("2000ms")));
        assert_eq!(fired(window, 8), [3, 4]);
        let mut endgame = Use::new("corrupts");
        endgame.params.push(("from".into(), text("endgame")));
        assert!(fired(endgame, 8).is_empty());
    }

    #[test]
    fn durations_have_units() {
        let of = |value: Value| {
            let params = Use {
                name: String::new(),
                params: vec![("t".into(), value)],
            };
            duration(&params, "t")
        };
        assert_eq!(of(Value::Int(7)), Some(Duration::from_secs(7)));
        assert_eq!(of(Value::Text("150ms".into())), Some(Duration::from_millis(150)));
        assert_eq!(of(Value::Text("2m".into())), Some(Duration::from_secs(120)));
        assert_eq!(of(Value::Text("fast".into())), None);
        assert_eq!(of(Value::Int(-1)), None);
    }
}
