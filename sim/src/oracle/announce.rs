//! Announces as they stand on the wire, over UDP (BEP 15) and HTTP (BEP 3): their order, distance and figures.

use super::decisions::Decision;
use super::table::Oracle;
use super::verdicts::Verdicts;
use super::watch::Watch;
use seedbed_engine::config::TrackerConfig;
use seedbed_engine::time::{Duration, Instant};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// What an HTTP answer says that refuses an announce (BEP 3).
const REFUSED: &[u8] = b"14:failure reason";

/// Connection ids of one tracker that are remembered.
const IDS_KEPT: usize = 32;

/// Transaction ids of one tracker that are remembered: more than one announce's whole schedule has.
const TRANSACTIONS_KEPT: usize = 64;

/// What an announce says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Said {
    downloaded: u64,
    left: u64,
    uploaded: u64,
    event: Word,
}

/// Its event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Word {
    None,
    Completed,
    Started,
    Stopped,
}

/// One tracker.
#[derive(Clone, Debug, Default)]
struct Asked {
    /// The last packet that nothing came back for: when, its kind, and how long it had been since the one before.
    unanswered: Option<(Instant, u32, Option<Duration>)>,
    /// Connection ids, and when they came.
    ids: Vec<(u64, Instant)>,
    /// The last announce.
    last: Option<Said>,
    /// When it last answered an announce well, and how long it wants to be left alone.
    answered: Option<(Instant, Duration)>,
    /// The next announce may come early: the user or the network said so.
    early: bool,
    /// The last announce, of no event or of a completion, has no answer yet: another may follow.
    pending: bool,
    /// An announce has neither an answer nor failed. What comes after the first answer is nothing to the engine.
    awaits: bool,
    /// A connection over HTTP has brought no good answer yet.
    trying: bool,
    started: bool,
    completed: bool,
    stopped: u32,
    /// Transaction ids of packets that may be answered.
    transactions: Vec<u32>,
    /// Transaction ids of `completed` over UDP.
    completions: Vec<u32>,
    /// A well answered `completed`.
    completion_known: bool,
}

/// All of them.
#[derive(Clone, Debug)]
pub(crate) struct Announces {
    config: TrackerConfig,
    asked: BTreeMap<SocketAddr, Asked>,
    /// Every figure that `left` has had.
    lefts: BTreeSet<u64>,
    /// Figures that were told since the engine last settled.
    told_left: Vec<u64>,
    pub(crate) several_addresses: bool,
    stopping: bool,
    /// A tracker was probed: a scrape may wait for the same connection id by a schedule of its own.
    probed: bool,
    /// Answers to announces over UDP that came, and those of which the engine told.
    over_udp: (u64, u64),
}

impl Announces {
    pub(crate) fn new(config: &TrackerConfig, total: u64) -> Self {
        Self {
            config: config.clone(),
            asked: BTreeMap::new(),
            lefts: BTreeSet::from([total]),
            told_left: Vec::new(),
            several_addresses: false,
            stopping: false,
            probed: false,
            over_udp: (0, 0),
        }
    }

    pub(crate) fn disturbed(&mut self) {
        for asked in self.asked.values_mut() {
            asked.early = true;
        }
        self.forgive();
    }

    pub(crate) fn stopping(&mut self) {
        self.stopping = true;
        self.forgive();
    }

    pub(crate) fn begin_again(&mut self) {
        self.stopping = false;
        self.probed = false;
        for asked in self.asked.values_mut() {
            *asked = Asked {
                ids: std::mem::take(&mut asked.ids),
                transactions: std::mem::take(&mut asked.transactions),
                ..Asked::default()
            };
        }
    }

    /// The longest interval that one of these trackers wants to be left alone for, by its last good answer.
    pub(crate) fn told(&self, trackers: &[IpAddr]) -> Duration {
        let of = |(addr, _): &(&SocketAddr, &Asked)| trackers.contains(&addr.ip());
        let wanted = self
            .asked
            .iter()
            .filter(of)
            .filter_map(|(_, asked)| asked.answered);
        wanted.map(|(_, wanted)| wanted).max().unwrap_or(Duration::ZERO)
    }

    pub(crate) fn left_is(&mut self, left: u64) {
        self.lefts.insert(left);
    }

    /// What was told to be left was true at some time.
    pub(crate) fn check_left(&mut self, verdicts: &mut Verdicts) {
        while let Some(left) = self.told_left.pop() {
            verdicts.check(Oracle::I21, self.lefts.contains(&left), || {
                format!("left was never {left}")
            });
        }
    }

    /// I21: a tracker is told to have answered. Over UDP a datagram of its address has to be the answer (BEP 15).
    pub(crate) fn told_ok(&mut self, url: &str, verdicts: &mut Verdicts) {
        if url.starts_with("udp:") {
            self.over_udp.1 += 1;
            let (came, told) = self.over_udp;
            verdicts.check(Oracle::I21, told <= came, || {
                format!("{told} answers over UDP are told, {came} have come")
            });
        }
    }

    pub(crate) fn forgive(&mut self) {
        for asked in self.asked.values_mut() {
            asked.unanswered = None;
        }
    }

    pub(crate) fn refused(&mut self, by: SocketAddr) {
        if let Some(asked) = self.asked.get_mut(&by) {
            asked.unanswered = None;
            asked.awaits = false;
        }
    }

    /// A tracker is probed, by a scrape perhaps.
    pub(crate) fn scraped(&mut self) {
        self.probed = true;
    }

    /// A datagram came.
    pub(crate) fn answer(&mut self, now: Instant, from: SocketAddr, data: &[u8]) {
        let Some(asked) = self.asked.get_mut(&from) else {
            return;
        };
        // a datagram that nobody asked for, or that changed on its way, is none
        if !word(data, 4).is_some_and(|id| asked.transactions.contains(&id)) {
            return;
        }
        // one that is too short is none either (BEP 15)
        let least = match word(data, 0) {
            Some(0) => 16,
            Some(1) => 20,
            _ => 8,
        };
        if data.len() < least {
            return;
        }
        asked.unanswered = None;
        self.over_udp.0 += u64::from(word(data, 0) == Some(1));
        match word(data, 0) {
            Some(0) => {
                if let Some(id) = data.get(8..16).and_then(|id| id.first_chunk()) {
                    if asked.ids.len() == IDS_KEPT {
                        asked.ids.remove(0);
                    }
                    asked.ids.push((u64::from_be_bytes(*id), now));
                }
            }
            Some(1) if std::mem::take(&mut asked.awaits) => {
                let interval = word(data, 8).map_or(0, |interval| interval.min(i32::MAX as u32));
                asked.answered = Some((now, Duration::from_secs(interval.into())));
                asked.pending = false;
                let transaction = word(data, 4);
                asked.completion_known |= transaction.is_some_and(|id| asked.completions.contains(&id));
            }
            // the back-off counts from now on
            Some(3) => {
                asked.answered = None;
                asked.awaits = false;
            }
            _ => {}
        }
    }

    /// A tracker is connected to over HTTP: if the last try came to nothing, the back-off counts.
    pub(crate) fn connects(&mut self, to: SocketAddr) {
        if let Some(asked) = self.asked.get_mut(&to)
            && std::mem::replace(&mut asked.trying, true)
        {
            asked.answered = None;
        }
    }

    /// Bytes of an HTTP answer, all that came so far.
    pub(crate) fn http_answer(&mut self, now: Instant, from: SocketAddr, answer: &[u8]) {
        let Some(asked) = self.asked.get_mut(&from) else {
            return;
        };
        let well = answer.starts_with(b"HTTP/1.1 200") || answer.starts_with(b"HTTP/1.0 200");
        if !well || !is_whole(answer) {
            return;
        }
        let least = number_behind(answer, b"12:min intervali");
        if let Some(interval) = number_behind(answer, b"8:intervali") {
            let least = least.unwrap_or(0);
            let seconds = interval.max(least).min(i32::MAX as u64);
            let taken = !answer.windows(REFUSED.len()).any(|window| window == REFUSED);
            asked.well_answered(now, Duration::from_secs(seconds), taken);
        }
    }

    fn announce(&mut self, now: Instant, to: SocketAddr, said: Said, verdicts: &mut Verdicts) {
        let (floor, ceiling) = (self.config.interval_floor, self.config.interval_ceiling);
        let manual = self.config.manual_min;
        let stopping = self.stopping;
        let asked = self.asked.entry(to).or_default();
        let early = asked.early || stopping;
        let first = !asked.started && said.event != Word::Stopped;
        verdicts.check(Oracle::I21, !first || said.event == Word::Started, || {
            format!("the first announce is {said:?}")
        });
        verdicts.check(
            Oracle::I21,
            !(asked.completion_known && said.event == Word::Completed),
            || "completed is announced again".into(),
        );
        self.told_left.push(said.left);
        if let Some(last) = asked.last {
            let grows = said.downloaded >= last.downloaded && said.uploaded >= last.uploaded;
            verdicts.check(Oracle::I21, grows, || format!("{last:?} is followed by {said:?}"));
        }
        let regular = said.event == Word::None && !asked.pending;
        if let Some((at, wanted)) = asked.answered.filter(|_| regular) {
            let least = if early {
                manual
            } else {
                floor.max(wanted.min(ceiling)).min(floor)
            };
            verdicts.check(Oracle::I21, now >= at + least, || {
                format!("announced {:?} after the last answer", now.since(at))
            });
        }
        asked.started |= said.event == Word::Started;
        asked.completed |= said.event == Word::Completed;
        asked.stopped += u32::from(said.event == Word::Stopped);
        asked.last = Some(said);
        asked.pending = matches!(said.event, Word::None | Word::Completed);
        asked.awaits = true;
        asked.early &= said.event != Word::None;
    }

    /// I22: a packet that repeats one without an answer.
    fn repeats(&mut self, now: Instant, to: SocketAddr, kind: u32, verdicts: &mut Verdicts) {
        let first = self.config.udp_timeout;
        let scheduled = |gap: Duration| (0..=self.config.udp_retries).any(|n| gap == first * 2u32.pow(n));
        let asked = self.asked.entry(to).or_default();
        let mut gap = None;
        if let Some((at, before, last)) = asked.unanswered
            && before == kind
            && !self.probed
            && !self.several_addresses
            && !self.stopping
        {
            let waited = now.since(at);
            let longest = first * 2u32.pow(self.config.udp_retries);
            let kept = scheduled(waited) && last.is_none_or(|last| waited > last) || waited >= longest;
            verdicts.check(Oracle::I22, kept, || {
                format!("a tracker is asked again after {waited:?}, before after {last:?}")
            });
            // the schedule was gone through, this is another announce
            gap = Some(waited).filter(|waited| *waited < longest);
        }
        asked.unanswered = Some((now, kind, gap));
    }

    /// I23: the connection id of a packet.
    fn uses(&self, now: Instant, to: SocketAddr, id: u64, verdicts: &mut Verdicts) {
        let of = self.asked.get(&to);
        let came = of.and_then(|asked| asked.ids.iter().rev().find(|(known, _)| *known == id));
        let lifetime = self.config.connection_id_lifetime;
        let kept = came.is_some_and(|(_, at)| now < *at + lifetime);
        verdicts.check(Oracle::I23, kept, || {
            format!(
                "a connection id is used that came at {:?}",
                came.map(|(_, at)| at)
            )
        });
    }
}

impl Asked {
    /// An answer as the standard has it; whether what was told was `taken`, or refused.
    fn well_answered(&mut self, now: Instant, wanted: Duration, taken: bool) {
        self.answered = Some((now, wanted));
        self.pending = false;
        self.trying = false;
        self.completion_known |= taken && self.last.is_some_and(|last| last.event == Word::Completed);
    }
}

impl Watch {
    pub(crate) fn datagram(&mut self, to: SocketAddr, data: &[u8]) {
        let now = self.now;
        let Some(action) = word(data, 8) else { return };
        if action > 2 {
            return;
        }
        self.contacts(to.ip());
        if let Some(transaction) = word(data, 12) {
            let asked = self.announces.asked.entry(to).or_default();
            if asked.transactions.len() == TRANSACTIONS_KEPT {
                asked.transactions.remove(0);
            }
            asked.transactions.push(transaction);
        }
        // another event is another announce
        let kind = action | word(data, 80).filter(|_| action == 1).unwrap_or(0) << 8;
        self.announces.repeats(now, to, kind, &mut self.verdicts);
        if let (1.., Some(id)) = (action, data.first_chunk()) {
            self.announces
                .uses(now, to, u64::from_be_bytes(*id), &mut self.verdicts);
        }
        if let (1, Some(1), Some(id)) = (action, word(data, 80), word(data, 12)) {
            self.announces.asked.entry(to).or_default().completions.push(id);
        }
        let long = |n: usize| data.get(n..n + 8).and_then(|bytes| bytes.first_chunk());
        if let (1, Some(downloaded), Some(left), Some(uploaded)) = (action, long(56), long(64), long(72)) {
            let event = match word(data, 80) {
                Some(1) => Word::Completed,
                Some(2) => Word::Started,
                Some(3) => Word::Stopped,
                _ => Word::None,
            };
            self.announced_to(
                to,
                Said {
                    downloaded: u64::from_be_bytes(*downloaded),
                    left: u64::from_be_bytes(*left),
                    uploaded: u64::from_be_bytes(*uploaded),
                    event,
                },
            );
        }
    }

    pub(crate) fn http_request(&mut self, to: SocketAddr, head: &[u8]) {
        let number = |key: &[u8]| number_behind(head, key);
        let (Some(downloaded), Some(left), Some(uploaded)) =
            (number(b"downloaded="), number(b"left="), number(b"uploaded="))
        else {
            return;
        };
        let has = |what: &[u8]| head.windows(what.len()).any(|window| window == what);
        let event = if has(b"event=started") {
            Word::Started
        } else if has(b"event=stopped") {
            Word::Stopped
        } else if has(b"event=completed") {
            Word::Completed
        } else {
            Word::None
        };
        self.announced_to(
            to,
            Said {
                downloaded,
                left,
                uploaded,
                event,
            },
        );
    }

    fn announced_to(&mut self, to: SocketAddr, said: Said) {
        self.summary.announces += 1;
        let event = Decision::Announce(said.event as u8);
        self.decisions.add(self.now, to.ip(), event);
        self.announces.announce(self.now, to, said, &mut self.verdicts);
        let (received, sent) = (self.traffic.received, self.traffic.sent);
        let kept = said.downloaded <= received && said.uploaded <= sent;
        self.verdicts.check(Oracle::I21, kept, || {
            format!("{said:?} with {received} bytes received and {sent} sent")
        });
        self.moment("announce", Some(to.ip()));
    }
}

/// Whether an HTTP answer has the length that it says. One that says none may or may not be taken.
fn is_whole(answer: &[u8]) -> bool {
    let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return false;
    };
    let length = number_behind(&answer[..head + 2], b"\r\nContent-Length: ");
    length.is_some_and(|length| length == (answer.len() - head - 4) as u64)
}

fn word(data: &[u8], at: usize) -> Option<u32> {
    let bytes = data.get(at..at + 4)?.first_chunk()?;
    Some(u32::from_be_bytes(*bytes))
}

/// The digits behind a key.
fn number_behind(text: &[u8], key: &[u8]) -> Option<u64> {
    let at = text.windows(key.len()).position(|window| window == key)? + key.len();
    let digits = text.get(at..)?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}
