//! The requests to all UDP trackers: connection ids, transaction ids and the retransmission schedule of BEP 15.
//!
//! A request waits 15·2^n seconds for its answer, n from 0 to 8. n starts anew when the first connection id has
//! come, and goes on when an id has expired in between: both as in the standard's own timelines. Connection ids are
//! kept by endpoint (address and port) and shared; requests that wait for the same id share the connect, too.
//!
//! Invariants: an answer counts if it comes from the endpoint that was asked and has a transaction id of a request
//! that still waits (every retransmission has a new id and the old ones stay valid). Everything else is dropped
//! without a trace: it moves no timer and ends no request, so forged packets only cost their own bytes.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;

use super::endpoint::{Endpoint, canonical};
use super::{
    Body, Packet, announce_reply, encode_announce, encode_connect, encode_scrape, refusal, scrape_reply,
};
use crate::config::TrackerConfig;
use crate::marks::{Mark, Marks};
use crate::net::DatagramFault;
use crate::rng::Rng;
use crate::time::{Duration, Instant};
use crate::tracker::{AnnounceError, RequestId, RequestKind, Stage, TrackerReply};
use serde::{Deserialize, Serialize};

/// Endpoints without requests are forgotten when there are more than this many.
const ENDPOINTS_KEPT: usize = 64;

/// Connects without an answer that are remembered of an endpoint: more than the schedule of one request has.
const CONNECTS_KEPT: usize = 16;

/// One request at one address family.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct UdpKey {
    /// The request.
    pub request: RequestId,
    /// Its IPv6 half.
    pub v6: bool,
}

/// How often to send, if not as the standard says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hurry {
    /// Sends of each kind of packet.
    pub sends_max: u32,
    /// Time between them.
    pub period: Duration,
}

/// What the exchanges ask of their owner.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum UdpOutput {
    /// Send a datagram.
    Datagram {
        /// Where to.
        to: SocketAddr,
        /// What.
        data: Vec<u8>,
    },
    /// The request itself goes out for the first time; until then there were only connects.
    Asked {
        /// Which.
        key: UdpKey,
    },
    /// A request is over.
    Done {
        /// Which.
        key: UdpKey,
        /// The endpoint that answered, or that was asked last.
        from: SocketAddr,
        /// How.
        result: Result<TrackerReply, AnnounceError>,
    },
    /// A line for a timeline.
    Trace {
        /// Whose.
        key: UdpKey,
        /// The line.
        text: String,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Exchange {
    kind: RequestKind,
    url_data: String,
    hurry: Option<Hurry>,
    /// Addresses of the tracker; the first one is being asked.
    addresses: VecDeque<SocketAddr>,
    connecting: bool,
    /// Whether the request itself was ever sent.
    sent: bool,
    /// The n of the schedule.
    n: u32,
    /// Packets of the current kind that were sent.
    sends: u32,
    due: Instant,
    transactions: Vec<(SocketAddr, u32)>,
}

/// All requests to UDP trackers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UdpExchanges {
    config: TrackerConfig,
    rng: Rng,
    exchanges: BTreeMap<UdpKey, Exchange>,
    endpoints: BTreeMap<SocketAddr, Endpoint>,
    transactions: BTreeMap<(SocketAddr, u32), UdpKey>,
    timers: BTreeSet<(Instant, UdpKey)>,
    outputs: VecDeque<UdpOutput>,
    /// Branches that were taken.
    pub marks: Marks,
}

impl UdpExchanges {
    /// No requests yet. `rng` draws the transaction ids.
    pub fn new(config: TrackerConfig, rng: Rng) -> Self {
        Self {
            config,
            rng,
            exchanges: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            transactions: BTreeMap::new(),
            timers: BTreeSet::new(),
            outputs: VecDeque::new(),
            marks: Marks::default(),
        }
    }

    /// Asks the tracker at `addresses` (all of one family, at least one). A key is used once.
    pub fn start(
        &mut self,
        now: Instant,
        key: UdpKey,
        addresses: Vec<SocketAddr>,
        kind: RequestKind,
        url_data: &str,
        hurry: Option<Hurry>,
    ) {
        self.forget_idle_endpoints(now);
        let addresses: VecDeque<SocketAddr> = addresses.into_iter().map(canonical).collect();
        if addresses.is_empty() || self.exchanges.contains_key(&key) {
            return;
        }
        let exchange = Exchange {
            kind,
            url_data: url_data.into(),
            hurry,
            addresses,
            connecting: false,
            sent: false,
            n: 0,
            sends: 0,
            due: Instant::FAR_FUTURE,
            transactions: Vec::new(),
        };
        self.exchanges.insert(key, exchange);
        self.transmit(now, key);
    }

    /// A request under way keeps to this pace from now on; what it waits for counts as its first send.
    pub fn hurry(&mut self, now: Instant, key: UdpKey, hurry: Hurry) {
        let Some(exchange) = self.exchanges.get_mut(&key) else {
            return;
        };
        self.timers.remove(&(exchange.due, key));
        exchange.hurry = Some(hurry);
        exchange.sends = 1;
        exchange.due = exchange.due.min(now + hurry.period);
        self.timers.insert((exchange.due, key));
    }

    /// Ends a request without a word.
    pub fn cancel(&mut self, key: UdpKey) {
        self.remove(key);
    }

    /// What a request waits for; `None` if it is over.
    pub fn stage(&self, key: UdpKey) -> Option<Stage> {
        self.exchanges.get(&key).map(Exchange::stage)
    }

    /// When `handle_timeout` is due.
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// What to do next, in order.
    pub fn poll_output(&mut self) -> Option<UdpOutput> {
        self.outputs.pop_front()
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((due, key)) = self.timers.first().copied() {
            if due > now {
                break;
            }
            self.timers.remove(&(due, key));
            self.retransmit(now, key);
        }
    }

    /// A datagram. Returns whether it belonged to a request.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, data: &[u8]) -> bool {
        let from = canonical(from);
        let Some(packet) = Packet::parse(data) else {
            return false;
        };
        let connect = self
            .endpoints
            .get(&from)
            .is_some_and(|endpoint| endpoint.connects.contains(&packet.transaction));
        if connect {
            return self.handle_connect_reply(now, from, &packet);
        }
        let Some(key) = self.transactions.get(&(from, packet.transaction)).copied() else {
            return false;
        };
        let Some(exchange) = self.exchanges.get(&key) else {
            return false;
        };
        let result = match (&packet.body, &exchange.kind) {
            (Body::Announce { .. }, RequestKind::Announce(_)) => {
                announce_reply(&packet.body, key.v6, self.config.peers_max)
                    .map(TrackerReply::Announce)
                    .map(Ok)
            }
            (Body::Scrape(_), RequestKind::Scrape(hashes)) => scrape_reply(&packet.body, hashes)
                .map(TrackerReply::Scrape)
                .map(Ok),
            (Body::Error(message), _) => Some(Err(refusal(message))),
            (Body::Connect(_) | Body::Announce { .. } | Body::Scrape(_), _) => None,
        };
        let Some(result) = result else {
            return false;
        };
        if result.is_err() {
            // the tracker may have forgotten the id
            self.forget_id(from);
        }
        self.finish(key, from, result);
        true
    }

    /// A datagram to `to` did not go out or was refused: whoever asks there asks the next address, or has failed.
    pub fn handle_datagram_error(&mut self, now: Instant, to: SocketAddr, fault: DatagramFault) {
        let to = canonical(to);
        if self.endpoints.remove(&to).is_none() {
            return;
        }
        for key in self.keys(|exchange| exchange.addresses.front() == Some(&to)) {
            let Some(exchange) = self.exchanges.get_mut(&key) else {
                continue;
            };
            if exchange.addresses.len() == 1 {
                self.finish(key, to, Err(AnnounceError::Datagram(fault)));
            } else {
                exchange.addresses.pop_front();
                self.marks.hit(Mark::UdpNextAddress);
                exchange.sends = 0;
                self.transmit(now, key);
            }
        }
    }

    fn handle_connect_reply(&mut self, now: Instant, from: SocketAddr, packet: &Packet<'_>) -> bool {
        let waiting = self.keys(|exchange| exchange.connecting && exchange.addresses.contains(&from));
        match packet.body {
            Body::Connect(id) => {
                if let Some(endpoint) = self.endpoints.get_mut(&from) {
                    endpoint.id = Some((id, now));
                    // a duplicate of this answer must not make the id look younger
                    endpoint.connects.clear();
                }
                for key in waiting {
                    self.trace(key, format!("<- {from} connect: a connection id"));
                    if let Some(exchange) = self.exchanges.get_mut(&key) {
                        // a late answer of an address that was tried before counts
                        if let Some(at) = exchange.addresses.iter().position(|address| *address == from) {
                            exchange.addresses.rotate_left(at);
                        }
                        exchange.sends = 0;
                    }
                    self.transmit(now, key);
                }
                true
            }
            Body::Error(message) => {
                self.forget_id(from);
                for key in waiting {
                    self.finish(key, from, Err(refusal(message)));
                }
                true
            }
            Body::Announce { .. } | Body::Scrape(_) => false,
        }
    }

    fn keys(&self, wanted: impl Fn(&Exchange) -> bool) -> Vec<UdpKey> {
        let chosen = self.exchanges.iter().filter(|(_, exchange)| wanted(exchange));
        chosen.map(|(key, _)| *key).collect()
    }

    /// No connection id can be used any more.
    pub fn forget_ids(&mut self) {
        self.endpoints
            .values_mut()
            .for_each(|endpoint| endpoint.id = None);
    }

    fn forget_id(&mut self, endpoint: SocketAddr) {
        if let Some(endpoint) = self.endpoints.get_mut(&endpoint) {
            endpoint.id = None;
            endpoint.connects.clear();
        }
    }

    fn forget_idle_endpoints(&mut self, now: Instant) {
        if self.endpoints.len() < ENDPOINTS_KEPT + self.exchanges.len() {
            return;
        }
        let used: BTreeSet<SocketAddr> = self
            .exchanges
            .values()
            .flat_map(|e| e.addresses.iter().copied())
            .collect();
        let lifetime = self.config.connection_id_lifetime;
        self.endpoints
            .retain(|address, endpoint| used.contains(address) || endpoint.fresh_id(now, lifetime).is_some());
    }

    fn trace(&mut self, key: UdpKey, text: String) {
        self.outputs.push_back(UdpOutput::Trace { key, text });
    }

    fn remove(&mut self, key: UdpKey) -> Option<Exchange> {
        let exchange = self.exchanges.remove(&key)?;
        self.timers.remove(&(exchange.due, key));
        for transaction in &exchange.transactions {
            self.transactions.remove(transaction);
        }
        Some(exchange)
    }

    fn finish(&mut self, key: UdpKey, from: SocketAddr, result: Result<TrackerReply, AnnounceError>) {
        if self.remove(key).is_none() {
            return;
        }
        let arrow = match result {
            Ok(_) | Err(AnnounceError::Failure { .. }) => "<-",
            Err(_) => "--",
        };
        self.trace(key, format!("{arrow} {from} {}", describe(&result)));
        self.outputs.push_back(UdpOutput::Done { key, from, result });
    }

    /// The time for an answer is up.
    fn retransmit(&mut self, now: Instant, key: UdpKey) {
        let Some(exchange) = self.exchanges.get_mut(&key) else {
            return;
        };
        exchange.n += 1;
        let over = match exchange.hurry {
            Some(hurry) => exchange.sends >= hurry.sends_max,
            None => exchange.n > self.config.udp_retries,
        };
        if over {
            let stage = exchange.stage();
            let from = exchange.addresses.front().copied();
            if let Some(from) = from {
                self.finish(key, from, Err(AnnounceError::Timeout { stage }));
            }
            return;
        }
        self.marks.hit(Mark::UdpRetransmit);
        if exchange.connecting {
            // another address of the same tracker may be alive
            exchange.addresses.rotate_left(1);
        }
        self.transmit(now, key);
    }

    /// Sends what is next: the request, or a connect if there is no fresh id and none was sent a moment ago.
    fn transmit(&mut self, now: Instant, key: UdpKey) {
        let Some(mut exchange) = self.exchanges.remove(&key) else {
            return;
        };
        self.timers.remove(&(exchange.due, key));
        if let Some(to) = exchange.addresses.front().copied() {
            let endpoint = self.endpoints.entry(to).or_default();
            let id = endpoint.fresh_id(now, self.config.connection_id_lifetime);
            if id.is_none() && exchange.sent && !exchange.connecting {
                self.marks.hit(Mark::UdpIdExpired);
            }
            if exchange.connecting != id.is_none() {
                exchange.connecting = id.is_none();
                exchange.sends = 0;
            }
            if id.is_some() && !exchange.sent {
                exchange.sent = true;
                exchange.n = 0;
                self.outputs.push_back(UdpOutput::Asked { key });
            }
            let wait = exchange.wait(&self.config);
            match id {
                Some(id) => self.send_request(key, &mut exchange, to, id),
                None => self.send_connect(now, key, to, wait.min(self.config.udp_timeout)),
            }
            exchange.sends += 1;
            exchange.due = now + wait;
        }
        self.timers.insert((exchange.due, key));
        self.exchanges.insert(key, exchange);
    }

    fn send_connect(&mut self, now: Instant, key: UdpKey, to: SocketAddr, shared_for: Duration) {
        let transaction = self.draw_transaction(to);
        let Some(endpoint) = self.endpoints.get_mut(&to) else {
            return;
        };
        let pending = endpoint.connects.last().is_some();
        if pending && now.since(endpoint.connect_sent) < shared_for {
            self.marks.hit(Mark::UdpConnectShared);
            self.trace(key, format!("-- {to} shares the connect that is on its way"));
            return;
        }
        if endpoint.connects.len() == CONNECTS_KEPT {
            endpoint.connects.remove(0);
        }
        endpoint.connects.push(transaction);
        endpoint.connect_sent = now;
        self.trace(key, format!("-> {to} connect, transaction {transaction:08x}"));
        let data = encode_connect(transaction);
        self.outputs.push_back(UdpOutput::Datagram { to, data });
    }

    fn send_request(&mut self, key: UdpKey, exchange: &mut Exchange, to: SocketAddr, id: u64) {
        let transaction = self.draw_transaction(to);
        exchange.transactions.push((to, transaction));
        self.transactions.insert((to, transaction), key);
        let (data, name) = match &exchange.kind {
            RequestKind::Announce(params) => {
                let name = format!("announce {}", params.event.name().unwrap_or("(no event)"));
                (encode_announce(id, transaction, params, &exchange.url_data), name)
            }
            RequestKind::Scrape(hashes) => (encode_scrape(id, transaction, hashes), String::from("scrape")),
        };
        self.trace(key, format!("-> {to} {name}, transaction {transaction:08x}"));
        self.outputs.push_back(UdpOutput::Datagram { to, data });
    }

    /// A transaction id that nobody at this endpoint waits for.
    fn draw_transaction(&mut self, to: SocketAddr) -> u32 {
        loop {
            let drawn = self.rng.next_u32();
            let connects = self
                .endpoints
                .get(&to)
                .is_some_and(|endpoint| endpoint.connects.contains(&drawn));
            if !connects && !self.transactions.contains_key(&(to, drawn)) {
                return drawn;
            }
        }
    }
}

impl Exchange {
    const fn stage(&self) -> Stage {
        if self.sent { Stage::Answer } else { Stage::Connect }
    }

    /// How long the answer to the next packet may take.
    fn wait(&self, config: &TrackerConfig) -> Duration {
        match self.hurry {
            Some(hurry) => hurry.period,
            None => config
                .udp_timeout
                .saturating_mul(1 << self.n.min(config.udp_retries).min(31)),
        }
    }
}

/// One line about an answer.
fn describe(result: &Result<TrackerReply, AnnounceError>) -> String {
    match result {
        Ok(TrackerReply::Announce(reply)) => format!(
            "announce: interval {} s, {} seeders, {} leechers, {} peers",
            reply.interval.map_or(0, |interval| interval.as_secs()),
            reply.seeders.unwrap_or(0),
            reply.leechers.unwrap_or(0),
            reply.peers.len()
        ),
        Ok(TrackerReply::Scrape(reply)) => format!("scrape: {} torrents", reply.files.len()),
        Err(error) => format!("{error}"),
    }
}
