//! Bandwidth of access links, shared fairly between the streams that have something to send.
//!
//! No packets: each active pipe has a rate, and the world jumps to the next time at which one of them has transmitted
//! what it was about to. Rates are max-min fair: no stream can have more without another, that has no more than it,
//! having less. A world without limits never comes here.

use crate::net::stream::EndRef;
use crate::net::{Cutter, NetEvent};
use crate::world::{ActorId, World};
use seedbed_engine::time::{Duration, Instant};
use std::collections::BTreeMap;

/// Micro-bytes, so that bytes a second times microseconds is exact.
const MICRO: u64 = 1_000_000;
/// Bytes arrive in portions of about a tenth of a second, but at least a segment.
const PORTIONS: u64 = 10;

#[derive(Clone, Debug)]
struct Flow {
    at: EndRef,
    from: ActorId,
    to: ActorId,
    /// Bytes in transmission; none: waits for something to send.
    portion: usize,
    /// Micro-bytes of them that are not yet transmitted.
    left: u64,
    /// Bytes a second.
    rate: u64,
}

/// The pipes in transmission, in the order of their streams.
#[derive(Clone, Debug, Default)]
pub(super) struct Flows {
    list: Vec<Flow>,
    /// Up to when transmission was counted.
    counted: Instant,
    /// For when the next look is in the queue.
    next: Option<Instant>,
    /// The set or a link changed since rates were shared out.
    changed: bool,
}

impl Flows {
    pub(super) fn remove(&mut self, at: EndRef) {
        if !self.list.is_empty() {
            let before = self.list.len();
            self.list.retain(|flow| flow.at != at);
            self.changed |= self.list.len() != before;
        }
    }

    pub(super) fn change(&mut self) {
        self.changed = true;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Counts what was transmitted up to now.
    fn count(&mut self, now: Instant) {
        let micros = now.since(self.counted).as_micros() as u64;
        self.counted = now;
        if micros > 0 {
            for flow in &mut self.list {
                flow.left = flow.left.saturating_sub(flow.rate.saturating_mul(micros));
            }
        }
    }

    /// When the first of them is through.
    fn due(&self) -> Option<Instant> {
        let busy = self.list.iter().filter(|flow| flow.portion > 0);
        busy.map(|flow| self.counted + Duration::from_micros(flow.left.div_ceil(flow.rate.max(1))))
            .min()
    }
}

/// Max-min fair rates in bytes a second, at least 1. `capacity` tells the limit of an actor's link up (true) or down,
/// 0 for none; a flow over no limited link at all gets `u64::MAX`.
pub(super) fn shares(flows: &[(ActorId, ActorId)], capacity: impl Fn(ActorId, bool) -> u64) -> Vec<u64> {
    let mut links: BTreeMap<(ActorId, bool), (u64, u64)> = BTreeMap::new();
    let over = |(from, to): (ActorId, ActorId)| [(from, true), (to, false)];
    for link in flows.iter().copied().flat_map(over) {
        let limit = capacity(link.0, link.1);
        if limit != 0 {
            links.entry(link).or_insert((limit, 0)).1 += 1;
        }
    }
    let mut rates = vec![None; flows.len()];
    // each round settles the flows over the tightest link, so there are no more rounds than links
    while let Some((tightest, share)) = links
        .iter()
        .filter(|(_, (_, count))| *count > 0)
        .map(|(link, (left, count))| (*link, left / count))
        .min_by_key(|(_, share)| *share)
    {
        for (flow, rate) in flows.iter().zip(&mut rates) {
            if rate.is_none() && over(*flow).contains(&tightest) {
                *rate = Some(share.max(1));
                for link in over(*flow) {
                    if let Some((left, count)) = links.get_mut(&link) {
                        *left = left.saturating_sub(share);
                        *count -= 1;
                    }
                }
            }
        }
    }
    rates.into_iter().map(|rate| rate.unwrap_or(u64::MAX)).collect()
}

impl World {
    /// This end has something to transmit over a limited link; `most` bytes fit into the other end's buffer.
    pub(super) fn start_flow(&mut self, at: EndRef, from: ActorId, to: ActorId, most: usize) {
        self.net.flows.count(self.now);
        let flows = &mut self.net.flows;
        let place = |flow: &Flow| (flow.at.serial, flow.at.side);
        let index = match flows.list.binary_search_by_key(&(at.serial, at.side), place) {
            Ok(index) => index,
            Err(index) => {
                let flow = Flow {
                    at,
                    from,
                    to,
                    portion: 0,
                    left: 0,
                    rate: 0,
                };
                flows.list.insert(index, flow);
                flows.changed = true;
                index
            }
        };
        self.share_out();
        let flow = &mut self.net.flows.list[index];
        let least = Cutter::SEGMENT as u64;
        let portion = (flow.rate / PORTIONS).clamp(least, Cutter::READ_MAX as u64) as usize;
        flow.portion = most.min(portion);
        flow.left = flow.portion as u64 * MICRO;
        if let Some(end) = self.net.end(at) {
            end.flowing = true;
        }
        self.schedule_flows();
    }

    /// Shares the links out anew if anything changed.
    fn share_out(&mut self) {
        if std::mem::take(&mut self.net.flows.changed) {
            self.marks.hit("bandwidth-shared");
            let pairs: Vec<_> = self
                .net
                .flows
                .list
                .iter()
                .map(|flow| (flow.from, flow.to))
                .collect();
            let rates = shares(&pairs, |id, up| {
                let link = self.net.link(id);
                if up { link.up } else { link.down }
            });
            for (flow, rate) in self.net.flows.list.iter_mut().zip(rates) {
                flow.rate = rate;
            }
        }
    }

    fn schedule_flows(&mut self) {
        let Some(due) = self.net.flows.due() else {
            return;
        };
        if self.net.flows.next.is_none_or(|next| due < next) {
            self.net.flows.next = Some(due);
            self.push_net(due, NetEvent::Flow);
        }
    }

    /// Transmissions that are through arrive; the next ones begin.
    pub(super) fn flows_advance(&mut self) {
        if self.net.flows.next.is_some_and(|next| next <= self.now) {
            self.net.flows.next = None;
        }
        self.net.flows.count(self.now);
        let through = self
            .net
            .flows
            .list
            .iter_mut()
            .filter(|flow| flow.portion > 0 && flow.left == 0);
        let through: Vec<_> = through
            .map(|flow| (flow.at, std::mem::take(&mut flow.portion)))
            .collect();
        for (at, portion) in through {
            if let Some(end) = self.net.end(at) {
                end.flowing = false;
                self.flow_through(at, portion);
            }
        }
        let before = self.net.flows.list.len();
        self.net.flows.list.retain(|flow| flow.portion > 0);
        self.net.flows.changed |= before != self.net.flows.list.len();
        self.share_out();
        self.schedule_flows();
    }

    /// A link changed.
    pub(super) fn reshare(&mut self) {
        self.net.flows.change();
        if !self.net.flows.is_empty() {
            self.net.flows.count(self.now);
            self.share_out();
            self.schedule_flows();
        }
    }
}
