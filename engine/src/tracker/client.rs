//! All tracker requests of all torrents, over both transports, behind one interface.
//!
//! A request is paced, its host looked up, its addresses checked against the rules of [`crate::http::Access`], and
//! then asked once per address family that host and we have (BEP 7, as revised in 2020): two HTTP exchanges or two
//! UDP ones, merged into one answer. It is a success if one family's was.
//!
//! Invariants: exactly one `Done` per request that is not cancelled, and nothing about it afterwards; keys of streams
//! and lookups are never reused, and events for unknown ones are ignored.

mod datagrams;
mod hosts;
mod pacing;
mod request;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use self::hosts::Hosts;
use self::pacing::Pacing;
use self::request::{Part, Request};
use super::udp::{UdpExchanges, UdpKey};
use super::{
    AnnounceError, ClientOutput, LookupKey, RequestId, RequestKind, RequestOptions, Stage, StreamKey,
    TrackerReply, TrackerUrl,
};
use crate::config::{HttpConfig, TrackerConfig};
use crate::http::{Families, HttpError, HttpExchange, HttpOutput};
use crate::marks::Marks;
use crate::net::{CloseCause, DatagramFault, LookupError};
use crate::rng::Rng;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Addresses of one family that are used of a tracker; a name may have hundreds.
const ADDRESSES_MAX: usize = 8;

/// All tracker requests of all torrents.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrackerClient {
    config: TrackerConfig,
    http: HttpConfig,
    families: Families,
    user_agent: String,
    udp: UdpExchanges,
    requests: BTreeMap<RequestId, Request>,
    pacing: Pacing,
    hosts: Hosts,
    timers: BTreeSet<(Instant, RequestId)>,
    lookups: BTreeMap<LookupKey, (RequestId, Option<usize>)>,
    streams: BTreeMap<StreamKey, (RequestId, usize)>,
    keys_drawn: u64,
    outputs: VecDeque<ClientOutput>,
}

impl TrackerClient {
    /// A client without requests. `rng` draws the transaction ids.
    pub fn new(
        config: TrackerConfig,
        http: HttpConfig,
        ipv4: bool,
        ipv6: bool,
        user_agent: &str,
        rng: Rng,
    ) -> Self {
        Self {
            udp: UdpExchanges::new(config.clone(), rng),
            config,
            http,
            families: Families { v4: ipv4, v6: ipv6 },
            user_agent: user_agent.into(),
            requests: BTreeMap::new(),
            pacing: Pacing::default(),
            hosts: Hosts::default(),
            timers: BTreeSet::new(),
            lookups: BTreeMap::new(),
            streams: BTreeMap::new(),
            keys_drawn: 0,
            outputs: VecDeque::new(),
        }
    }

    /// Starts a request, which ends with exactly one `Done` unless it is cancelled.
    pub fn start(
        &mut self,
        now: Instant,
        id: RequestId,
        url: &TrackerUrl,
        kind: RequestKind,
        options: RequestOptions,
    ) {
        let request = match Request::new(now, url, kind, options, &self.config) {
            Ok(request) => request,
            Err(error) => {
                let result = Err(error);
                return self.outputs.push_back(ClientOutput::Done { request: id, result });
            }
        };
        let (hurry, udp) = (request.in_a_hurry(), request.is_udp());
        self.store(id, request);
        if hurry {
            self.begin(now, id);
        } else {
            self.pacing.wait(id, udp);
        }
        self.advance(now);
    }

    /// Ends a request without a `Done`. Unknown ids are ignored.
    pub fn cancel(&mut self, now: Instant, id: RequestId) {
        if let Some(request) = self.take(id) {
            self.clean_up(id, &request);
            self.advance(now);
        }
    }

    /// A request that is under way has until then and no longer, and so less time between its datagrams. Unknown ids
    /// are ignored.
    pub fn hurry(&mut self, now: Instant, id: RequestId, until: Instant) {
        let Some(mut request) = self.take(id) else {
            return;
        };
        request.options.sends_max = Some(self.config.stopped_sends_max);
        request.options.deadline = Some(until);
        let known = self.hosts.last(request.url.host()).map(<[IpAddr]>::to_vec);
        if let Some(addresses) = known.filter(|_| request.begun && request.parts.is_empty()) {
            // there is no time for the lookup that is under way
            self.lookups.retain(|_, (owner, _)| *owner != id);
            self.store(id, request);
            self.resolved(now, id, Ok(addresses));
            return self.advance(now);
        }
        if let Some(hurry) = request.hurry(now) {
            for part in &request.parts {
                if let Part::Udp(key) = part {
                    self.udp.hurry(now, *key, hurry);
                }
            }
        }
        self.store(id, request);
    }

    /// The answer to `Resolve`.
    pub fn handle_resolved(
        &mut self,
        now: Instant,
        lookup: LookupKey,
        result: Result<Vec<IpAddr>, LookupError>,
    ) {
        let Some((id, part)) = self.lookups.remove(&lookup) else {
            return;
        };
        match part {
            None => self.resolved(now, id, result),
            Some(part) => self.with_http(now, id, part, |exchange| exchange.handle_resolved(now, result)),
        }
        self.advance(now);
    }

    /// A connection stands (TLS included).
    pub fn handle_connected(&mut self, now: Instant, stream: StreamKey) {
        if let Some((id, part)) = self.streams.get(&stream).copied() {
            self.with_http(now, id, part, |exchange| exchange.handle_connected(now));
        }
    }

    /// Bytes of a connection.
    pub fn handle_received(&mut self, now: Instant, stream: StreamKey, data: &[u8]) {
        if let Some((id, part)) = self.streams.get(&stream).copied() {
            self.with_http(now, id, part, |exchange| exchange.handle_received(now, data));
            self.advance(now);
        }
    }

    /// A connection is no more, or never came to be.
    pub fn handle_closed(&mut self, now: Instant, stream: StreamKey, cause: CloseCause) {
        if let Some((id, part)) = self.streams.remove(&stream) {
            self.with_http(now, id, part, |exchange| exchange.handle_closed(now, cause));
            self.advance(now);
        }
    }

    /// A datagram. Returns whether it belonged to a request.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, data: &[u8]) -> bool {
        let ours = self.udp.handle_datagram(now, from, data);
        self.drain_udp(now);
        ours
    }

    /// Our address may be another one: connection ids belong to the old one (BEP 15).
    pub fn network_changed(&mut self) {
        self.udp.forget_ids();
    }

    /// A datagram did not go out, or was refused by the other machine.
    pub fn handle_datagram_error(&mut self, now: Instant, to: SocketAddr, fault: DatagramFault) {
        self.udp.handle_datagram_error(now, to, fault);
        self.drain_udp(now);
    }

    /// Time has passed; call it at [`TrackerClient::deadline`].
    pub fn handle_timeout(&mut self, now: Instant) {
        self.udp.handle_timeout(now);
        self.drain_udp(now);
        while let Some((due, id)) = self.timers.first().copied() {
            if due > now {
                break;
            }
            self.timeout(now, id);
        }
        self.advance(now);
    }

    /// When `handle_timeout` is due.
    pub fn deadline(&self) -> Option<Instant> {
        let timer = self.timers.first().map(|(due, _)| *due);
        [timer, self.udp.deadline(), self.pacing.deadline(&self.config)]
            .into_iter()
            .flatten()
            .min()
    }

    /// Branches that were taken.
    pub const fn marks(&self) -> Marks {
        self.udp.marks
    }

    /// What to do next, in order.
    pub fn poll_output(&mut self) -> Option<ClientOutput> {
        self.outputs.pop_front()
    }

    /// Starts the requests whose turn it is and hears what came of it.
    fn advance(&mut self, now: Instant) {
        while let Some(id) = self.pacing.next(now, &self.config) {
            self.begin(now, id);
        }
        self.drain_udp(now);
    }

    fn take(&mut self, id: RequestId) -> Option<Request> {
        let request = self.requests.remove(&id)?;
        self.timers.remove(&(request.deadline(), id));
        Some(request)
    }

    fn store(&mut self, id: RequestId, request: Request) {
        self.timers.insert((request.deadline(), id));
        self.requests.insert(id, request);
    }

    fn draw_key(&mut self) -> u64 {
        self.keys_drawn += 1;
        self.keys_drawn
    }

    /// A request's turn has come: its host is looked up, unless it is an address.
    fn begin(&mut self, now: Instant, id: RequestId) {
        let Some(mut request) = self.take(id) else {
            return;
        };
        self.pacing.begun(request.is_udp());
        request.begin(now, &self.http);
        let literal = request.url.url().address().map(|address| [address].to_vec());
        let known = || self.hosts.last(request.url.host()).map(<[IpAddr]>::to_vec);
        let known = literal.or_else(|| request.in_a_hurry().then(known).flatten());
        if known.is_none() {
            let lookup = LookupKey(self.draw_key());
            self.lookups.insert(lookup, (id, None));
            let host = request.url.host().into();
            self.outputs.push_back(ClientOutput::Resolve { lookup, host });
        }
        self.store(id, request);
        if let Some(addresses) = known {
            self.resolved(now, id, Ok(addresses));
        }
    }

    /// The addresses of a request's host are known: ask each family.
    fn resolved(&mut self, now: Instant, id: RequestId, result: Result<Vec<IpAddr>, LookupError>) {
        let Some(mut request) = self.take(id) else {
            return;
        };
        let addresses = match result {
            Ok(addresses) => {
                let addresses = self.hosts.found(request.url.host(), addresses);
                request.usable(&addresses, self.families)
            }
            Err(error) => Err(AnnounceError::Lookup(error)),
        };
        let addresses = match addresses {
            Ok(addresses) => addresses,
            Err(error) => return self.finish(id, &request, Err(error)),
        };
        request.lookup_at = Instant::FAR_FUTURE;
        for v6 in [false, true] {
            let mut family: Vec<IpAddr> = addresses
                .iter()
                .copied()
                .filter(|ip| ip.is_ipv6() == v6)
                .collect();
            family.truncate(ADDRESSES_MAX);
            let families = Families { v4: !v6, v6 };
            let Some(kind) = request.kind_over(families).filter(|_| !family.is_empty()) else {
                continue;
            };
            if request.is_udp() {
                self.start_udp(now, UdpKey { request: id, v6 }, &mut request, kind, &family);
            } else {
                let mut exchange = request.http_exchange(&kind, now, families, &self.http, &self.user_agent);
                // it asks for the host that has just been looked up
                exchange.handle_resolved(now, Ok(family));
                request.parts.push(Part::Http {
                    exchange: Box::new(exchange),
                    stream: None,
                    looked_up: request.url.url().address().is_some(),
                    family: families,
                });
            }
        }
        if request.parts.is_empty() {
            // over what is left nobody has heard of us
            let error = AnnounceError::Http(HttpError::NoAddress);
            return self.finish(id, &request, Err(error));
        }
        self.pump(now, id, request);
    }

    /// Lets one HTTP exchange handle an event.
    fn with_http(&mut self, now: Instant, id: RequestId, part: usize, event: impl FnOnce(&mut HttpExchange)) {
        let Some(mut request) = self.take(id) else {
            return;
        };
        if let Some(Part::Http { exchange, .. }) = request.parts.get_mut(part) {
            event(exchange);
        }
        self.pump(now, id, request);
    }

    /// Translates what the exchanges of a request want, and ends the request if it is over.
    fn pump(&mut self, now: Instant, id: RequestId, mut request: Request) {
        for index in 0..request.parts.len() {
            self.pump_part(id, index, &mut request, now);
        }
        self.settle(id, request);
    }

    fn pump_part(&mut self, id: RequestId, index: usize, request: &mut Request, now: Instant) {
        while let Some(Part::Http {
            exchange,
            stream,
            looked_up,
            family,
        }) = request.parts.get_mut(index)
        {
            match exchange.poll_output() {
                None => return,
                // the first lookup of a name was made for all families
                Some(HttpOutput::Resolve { .. }) if !*looked_up => *looked_up = true,
                Some(HttpOutput::Resolve { host }) => {
                    let lookup = LookupKey(self.draw_key());
                    self.lookups.insert(lookup, (id, Some(index)));
                    self.outputs.push_back(ClientOutput::Resolve { lookup, host });
                }
                Some(HttpOutput::Connect { to, tls }) => {
                    let key = StreamKey(self.keys_drawn + 1);
                    *stream = Some(key);
                    self.keys_drawn += 1;
                    self.streams.insert(key, (id, index));
                    self.outputs
                        .push_back(ClientOutput::Connect { stream: key, to, tls });
                }
                Some(HttpOutput::Send(data)) => {
                    if let Some(stream) = *stream {
                        let family = *family;
                        self.outputs
                            .push_back(ClientOutput::Asked { request: id, family });
                        self.outputs.push_back(ClientOutput::Send { stream, data });
                    }
                }
                Some(HttpOutput::Close) => {
                    if let Some(stream) = stream.take() {
                        self.close(stream);
                    }
                }
                Some(HttpOutput::Trace(text)) => {
                    self.outputs.push_back(ClientOutput::Trace { request: id, text });
                }
                Some(HttpOutput::Done(result)) => {
                    if let Ok(answer) = &result {
                        self.hosts.answered(request.url.host(), answer.from.ip());
                    }
                    let result = request.read_http(result, self.config.peers_max);
                    request.part_done(now, index, result, &self.config);
                }
            }
        }
    }

    fn close(&mut self, stream: StreamKey) {
        if self.streams.remove(&stream).is_some() {
            self.outputs.push_back(ClientOutput::Close { stream });
        }
    }

    /// Stores a request that goes on, or ends it.
    fn settle(&mut self, id: RequestId, mut request: Request) {
        match request.outcome() {
            Some(result) => self.finish(id, &request, result),
            None => self.store(id, request),
        }
    }

    fn finish(&mut self, id: RequestId, request: &Request, result: Result<TrackerReply, AnnounceError>) {
        self.clean_up(id, request);
        self.outputs.push_back(ClientOutput::Done { request: id, result });
    }

    /// Frees what a request holds that has been taken out.
    fn clean_up(&mut self, id: RequestId, request: &Request) {
        self.pacing.over(id, request.begun, request.is_udp());
        for part in &request.parts {
            match part {
                Part::Udp(key) => self.udp.cancel(*key),
                Part::Http { stream, .. } => {
                    if let Some(stream) = stream {
                        self.close(*stream);
                    }
                }
                Part::Over => {}
            }
        }
        self.lookups.retain(|_, (owner, _)| *owner != id);
    }

    /// A timer of a request is due.
    fn timeout(&mut self, now: Instant, id: RequestId) {
        let Some(mut request) = self.take(id) else {
            return;
        };
        if now >= request.first_timeout_at {
            request.first_timeout_at = Instant::FAR_FUTURE;
            self.outputs.push_back(ClientOutput::FirstTimeout { request: id });
        }
        let given_up = request.options.deadline.is_some_and(|deadline| now >= deadline);
        if now >= request.lookup_at || given_up {
            let stages = request.parts.iter().filter_map(|part| match part {
                Part::Udp(key) => self.udp.stage(*key),
                Part::Http { .. } => Some(Stage::Answer),
                Part::Over => None,
            });
            // the furthest that any family came: the request may have been delivered there
            let stage = stages
                .max_by_key(|stage| *stage == Stage::Answer)
                .unwrap_or(Stage::Lookup);
            let result = request
                .early_outcome()
                .unwrap_or(Err(AnnounceError::Timeout { stage }));
            return self.finish(id, &request, result);
        }
        if now >= request.grace_at
            && let Some(result) = request.early_outcome()
        {
            return self.finish(id, &request, result);
        }
        for part in &mut request.parts {
            if let Part::Http { exchange, .. } = part {
                exchange.handle_timeout(now);
            }
        }
        self.pump(now, id, request);
    }
}

#[cfg(test)]
mod tests;
