//! A lane a peer: its connections, who chokes whom, who wants something, blocks and requests.

use super::data::{Peer, Span};
use seedbed_engine::id::ConnId;
use seedbed_engine::net::printable;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Lanes on a page.
pub(super) const LANES_MAX: usize = 120;
/// Connections of one lane.
const CONNS_MAX: usize = 300;
/// Connections of all lanes together.
const ALL_CONNS_MAX: usize = 8_000;
/// Buckets of all lanes together, for each of the four counts.
const BUCKETS_MAX: usize = 30_000;
/// Stretches of time of all lanes together.
const SPANS_MAX: usize = 20_000;
/// Different reasons why connections ended.
const REASONS_MAX: usize = 400;
const TEXT_MAX: usize = 160;

/// Something that is so from time to time.
#[derive(Clone, Debug, Default)]
struct Phases {
    since: Option<u64>,
    spans: Vec<Span>,
}

impl Phases {
    fn set(&mut self, at: u64, on: bool) {
        if on {
            self.since.get_or_insert(at);
        } else if let Some(since) = self.since.take() {
            self.spans.push((since, at));
        }
    }
}

/// What is counted in buckets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Count {
    BlockIn,
    BlockOut,
    RequestOut,
    RequestIn,
}

/// What is so for a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    UnchokedUs,
    UnchokedIt,
    Want,
    Wanted,
}

/// A connection: from, handshake, to, whether we dialled, reason.
#[derive(Clone, Debug)]
struct Conn {
    from: u64,
    handshake: Option<u64>,
    to: Option<u64>,
    dialled: bool,
    reason: Option<usize>,
}

#[derive(Clone, Debug, Default)]
struct Lane {
    name: String,
    client: String,
    bytes: (u64, u64),
    hash_failures: u32,
    banned: bool,
    conns: Vec<Conn>,
    left_out: u32,
    phases: [Phases; 4],
    counts: [BTreeMap<u32, u32>; 4],
}

/// Where a connection is drawn.
#[derive(Clone, Copy, Debug)]
struct Place {
    addr: SocketAddr,
    /// Its number in the lane, if there was room.
    number: Option<usize>,
    handshaken: bool,
}

/// All lanes.
#[derive(Clone, Debug, Default)]
pub(super) struct Lanes {
    lanes: BTreeMap<SocketAddr, Lane>,
    conns: BTreeMap<ConnId, Place>,
    reasons: Vec<String>,
}

impl Lanes {
    /// A connection begins.
    pub(super) fn begin(&mut self, at: u64, conn: ConnId, addr: SocketAddr, name: String, dialled: bool) {
        let lane = self.lanes.entry(addr).or_default();
        lane.name = name;
        let number = (lane.conns.len() < CONNS_MAX).then_some(lane.conns.len());
        match number {
            Some(_) => lane.conns.push(Conn {
                from: at,
                handshake: None,
                to: None,
                dialled,
                reason: None,
            }),
            None => lane.left_out += 1,
        }
        let place = Place {
            addr,
            number,
            handshaken: false,
        };
        self.conns.insert(conn, place);
    }

    pub(super) fn handshaken(&mut self, at: u64, conn: ConnId, client: &str) {
        if let Some(place) = self.conns.get_mut(&conn) {
            place.handshaken = true;
        }
        let Some((lane, place)) = self.of(conn) else {
            return;
        };
        lane.client = printable(client, TEXT_MAX);
        if let Some(conn) = place.number.and_then(|number| lane.conns.get_mut(number)) {
            conn.handshake = Some(at);
        }
    }

    /// A connection ended. True if it got past its handshake.
    pub(super) fn closed(&mut self, at: u64, conn: ConnId, why: &str) -> bool {
        let reason = self.reason(why);
        let Some((lane, place)) = self.of(conn) else {
            return false;
        };
        for phases in &mut lane.phases {
            phases.set(at, false);
        }
        if let Some(conn) = place.number.and_then(|number| lane.conns.get_mut(number)) {
            (conn.to, conn.reason) = (Some(at), reason);
        }
        self.conns.remove(&conn);
        place.handshaken
    }

    pub(super) fn phase(&mut self, at: u64, conn: ConnId, phase: Phase, on: bool) {
        if let Some((lane, _)) = self.of(conn) {
            lane.phases[phase as usize].set(at, on);
        }
    }

    /// One of them in this bucket, with so many bytes of payload.
    pub(super) fn count(&mut self, bucket: u32, conn: ConnId, count: Count, bytes: u64) {
        let Some((lane, _)) = self.of(conn) else { return };
        *lane.counts[count as usize].entry(bucket).or_default() += 1;
        match count {
            Count::BlockIn => lane.bytes.0 += bytes,
            Count::BlockOut => lane.bytes.1 += bytes,
            Count::RequestOut | Count::RequestIn => {}
        }
    }

    /// Somebody at an address of this name sent parts of a piece that failed.
    pub(super) fn hash_failed(&mut self, name: &str) {
        for lane in self.lanes.values_mut().filter(|lane| lane.name == name) {
            lane.hash_failures += 1;
        }
    }

    pub(super) fn banned(&mut self, name: &str) {
        for lane in self.lanes.values_mut().filter(|lane| lane.name == name) {
            lane.banned = true;
        }
    }

    fn of(&mut self, conn: ConnId) -> Option<(&mut Lane, Place)> {
        let place = *self.conns.get(&conn)?;
        self.lanes.get_mut(&place.addr).map(|lane| (lane, place))
    }

    fn reason(&mut self, why: &str) -> Option<usize> {
        let why = printable(why, TEXT_MAX);
        let known = self.reasons.iter().position(|reason| *reason == why);
        known.or_else(|| {
            (self.reasons.len() < REASONS_MAX).then(|| {
                self.reasons.push(why);
                self.reasons.len() - 1
            })
        })
    }

    /// The lanes that find room in order of their names, how many do not, the reasons, and how many of `buckets` make
    /// one bucket of the lanes.
    pub(super) fn end(mut self, duration: u64, buckets: usize) -> (Vec<Peer>, usize, Vec<String>, u32) {
        let mut lanes: Vec<_> = std::mem::take(&mut self.lanes).into_iter().collect();
        lanes.sort_by_key(|(_, lane)| (!lane.banned, std::cmp::Reverse(lane.weight()), lane.number()));
        let left_out = lanes.len().saturating_sub(LANES_MAX);
        lanes.truncate(LANES_MAX);
        lanes.sort_by_key(|(_, lane)| lane.number());
        let conns_max = ALL_CONNS_MAX / lanes.len().max(1);
        for (_, lane) in &mut lanes {
            lane.left_out += lane.conns.len().saturating_sub(conns_max) as u32;
            lane.conns.truncate(conns_max);
        }
        let merge = (buckets * lanes.len()).div_ceil(BUCKETS_MAX).max(1) as u32;
        let ends = lanes.into_iter();
        let mut peers: Vec<Peer> = ends.map(|(addr, lane)| lane.end(addr, duration, merge)).collect();
        thin(&mut peers, duration);
        (peers, left_out, self.reasons, merge)
    }
}

impl Lane {
    /// Number of its name.
    fn number(&self) -> u32 {
        self.name
            .get(1..)
            .and_then(|digits| digits.parse().ok())
            .unwrap_or(u32::MAX)
    }

    /// How much went on.
    fn weight(&self) -> (usize, u64) {
        let handshakes = self.conns.iter().filter(|conn| conn.handshake.is_some()).count();
        (handshakes.min(1), self.bytes.0 + self.bytes.1)
    }

    fn end(mut self, addr: SocketAddr, duration: u64, merge: u32) -> Peer {
        for phases in &mut self.phases {
            phases.set(duration, false);
        }
        let [unchoked_us, unchoked_it, want, wanted] = self.phases.map(|phases| phases.spans);
        let [blocks_in, blocks_out, requests_out, requests_in] =
            self.counts.map(|counts| merged(&counts, merge));
        let conns = self.conns.iter().map(|conn| {
            let handshake = conn.handshake.map_or(-1, |at| at as i64);
            let reason = conn.reason.map_or(-1, |reason| reason as i32);
            let to = conn.to.unwrap_or(duration);
            (conn.from, handshake, to, u8::from(conn.dialled), reason)
        });
        Peer {
            name: self.name,
            addr: addr.to_string(),
            client: self.client,
            down: self.bytes.0,
            up: self.bytes.1,
            hash_failures: self.hash_failures,
            banned: self.banned,
            conns: conns.collect(),
            conns_left_out: self.left_out,
            unchoked_us,
            unchoked_it,
            want,
            wanted,
            blocks_in,
            blocks_out,
            requests_out,
            requests_in,
        }
    }
}

/// Counts with so many buckets made one: bucket, count, and so on.
fn merged(counts: &BTreeMap<u32, u32>, merge: u32) -> Vec<u32> {
    let mut flat: Vec<u32> = Vec::new();
    for (bucket, count) in counts {
        let bucket = bucket / merge;
        match flat.as_mut_slice() {
            [.., last, sum] if *last == bucket => *sum += count,
            _ => flat.extend([bucket, *count]),
        }
    }
    flat
}

/// Joins stretches of time with the smallest gaps, until there are few enough.
fn thin(peers: &mut [Peer], duration: u64) {
    let mut gap = duration / 4_000;
    let spans = |peer: &Peer| {
        [&peer.unchoked_us, &peer.unchoked_it, &peer.want, &peer.wanted]
            .iter()
            .map(|spans| spans.len())
            .sum::<usize>()
    };
    while peers.iter().map(spans).sum::<usize>() > SPANS_MAX {
        gap = gap * 2 + 1;
        for peer in &mut *peers {
            for spans in [
                &mut peer.unchoked_us,
                &mut peer.unchoked_it,
                &mut peer.want,
                &mut peer.wanted,
            ] {
                join(spans, gap);
            }
        }
    }
}

fn join(spans: &mut Vec<Span>, gap: u64) {
    let mut joined: Vec<Span> = Vec::new();
    for span in spans.drain(..) {
        match joined.last_mut() {
            Some(last) if span.0.saturating_sub(last.1) <= gap => last.1 = last.1.max(span.1),
            _ => joined.push(span),
        }
    }
    *spans = joined;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_merge_and_near_spans_join() {
        let counts = BTreeMap::from([(0, 1), (1, 2), (4, 5)]);
        assert_eq!(merged(&counts, 2), [0, 3, 2, 5]);
        let mut spans = vec![(0, 10), (12, 20), (50, 60)];
        join(&mut spans, 5);
        assert_eq!(spans, [(0, 20), (50, 60)]);
    }

    #[test]
    fn a_peer_that_changes_its_mind_all_the_time_takes_no_more_room() {
        let spans: Vec<Span> = (0..100_000).map(|n| (n * 10, n * 10 + 5)).collect();
        let mut peers = vec![Peer {
            unchoked_us: spans,
            ..Peer::default()
        }];
        thin(&mut peers, 1_000_000);
        assert!(peers[0].unchoked_us.len() <= SPANS_MAX);
    }
}
