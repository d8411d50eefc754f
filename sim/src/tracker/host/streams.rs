//! Streams of a tracker: a request's head is awaited, answered once, and sent as the behaviours have it.

use super::TrackerHost;
use crate::actor::{Cx, Output};
use crate::timeline::Arrow;
use crate::tracker::behaviour::{Adjusted, Answer, End, HttpKind, Kind, Outcome};
use crate::tracker::bencode::Value;
use crate::tracker::check::What;
use crate::tracker::{AnnounceEvent, Named, head_length};
use seedbed_engine::id::ConnId;
use seedbed_engine::time::{Duration, Instant};
use std::collections::VecDeque;
use std::net::SocketAddr;

/// Bytes of requests that are read from a stream.
const READ: u64 = 64 * 1024;

/// One stream, from its opening to its end.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    from: SocketAddr,
    request: Vec<u8>,
    /// What is left of the answer.
    pieces: VecDeque<Vec<u8>>,
    gap: Duration,
    end: End,
    /// When the next piece goes out; none while there is nothing to send.
    due: Option<Instant>,
    /// Whether the request was heard.
    heard: bool,
}

impl Exchange {
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }
}

impl TrackerHost {
    pub(super) fn accepted(&mut self, cx: &mut Cx<'_>, stream: ConnId, from: SocketAddr) {
        for active in &mut self.behaviours {
            if active.kind == Kind::Http(HttpKind::Reset) && active.takes(cx.now) {
                cx.marks.hit(active.name);
                cx.out.push(Output::Reset { stream });
                return;
            }
        }
        let exchange = Exchange {
            from,
            request: Vec::new(),
            pieces: VecDeque::new(),
            gap: Duration::ZERO,
            end: End::Close,
            due: None,
            heard: false,
        };
        self.exchanges.insert(stream, exchange);
        cx.out.push(Output::Read { stream, budget: READ });
    }

    pub(super) fn received(&mut self, cx: &mut Cx<'_>, stream: ConnId, data: &[u8]) {
        cx.out.push(Output::Read {
            stream,
            budget: data.len() as u64,
        });
        let Some(exchange) = self.exchanges.get_mut(&stream).filter(|exchange| !exchange.heard) else {
            return;
        };
        exchange.request.extend_from_slice(data);
        let Some(length) = head_length(&exchange.request) else {
            return;
        };
        exchange.heard = true;
        let mut request = std::mem::take(&mut exchange.request);
        request.truncate(length);
        let from = exchange.from;
        let answer = self
            .site(cx, &request)
            .or_else(|| self.answer(cx, from, &request));
        if let (Some(answer), Some(exchange)) = (answer, self.exchanges.get_mut(&stream)) {
            exchange.end = answer.end;
            (exchange.pieces, exchange.gap) = answer.pieces();
            exchange.due = Some(cx.now);
        }
        self.pump_exchanges(cx);
    }

    /// What the tracker's site has, if the request is for that: the .torrent file, and a place where it was before.
    fn site(&self, cx: &Cx<'_>, request: &[u8]) -> Option<Answer> {
        if request.starts_with(b"GET /sample.torrent ") {
            return Some(Answer::new("200 OK", self.torrent.to_vec()));
        }
        request.starts_with(b"GET /moved.torrent ").then(|| {
            let here = SocketAddr::new(cx.ip, self.addr.port());
            let mut answer = Answer::new("302 Found", Vec::new());
            answer.headers = format!("Location: http://{here}/sample.torrent\r\n");
            answer
        })
    }

    /// The answer to a request; none if it never comes.
    fn answer(&mut self, cx: &mut Cx<'_>, from: SocketAddr, request: &[u8]) -> Option<Answer> {
        let announce = request.windows(9).any(|window| window == b"/announce");
        let mut adjusted = if announce {
            self.adjust(cx, from)
        } else {
            Adjusted::default()
        };
        let mut outcome = if adjusted.dead {
            Outcome::Failed
        } else {
            Outcome::Good
        };
        let before = self.change_intervals(&mut adjusted);
        let logged = self.tracker.announces().len();
        let mut value = self.tracker.answer(cx.now, from, request);
        let log = self.tracker.announces();
        let heard = (log.len() != logged).then(|| log.last().cloned()).flatten();
        let stopped = heard
            .as_ref()
            .is_some_and(|heard| heard.event == AnnounceEvent::Stopped);

        let mut renamed = false;
        let mut framing = Vec::new();
        for (n, active) in self.behaviours.iter_mut().enumerate() {
            let Kind::Http(kind) = &active.kind else { continue };
            let kind = kind.clone();
            if !kind.concerns(announce, stopped) || !active.takes(cx.now) {
                continue;
            }
            cx.marks.hit(active.name);
            outcome = outcome.max(kind.outcome());
            renamed |= matches!(kind, HttpKind::Interval(_) | HttpKind::WrongTypes);
            adjusted.dead |= kind == HttpKind::Stall;
            let edited = value
                .as_mut()
                .is_ok_and(|value| kind.edit(value, &mut active.rng));
            if !edited {
                framing.push(n);
            }
        }
        let told = self.told(outcome, renamed);
        self.tracker.set_intervals(before.0, before.1);
        self.tracker.name(Named::Swarm);
        if let Some(announce) = heard {
            self.answered += u64::from(outcome == Outcome::Good);
            self.tell(cx, Arrow::In, from.ip(), || {
                format!("announce {} left={}", announce.event.word(), announce.left)
            });
            let what = What::Announce {
                announce,
                connection: None,
                answered: told,
            };
            self.hear(cx.now, from, what);
        }
        (!adjusted.dead).then(|| self.framed(cx, &value, &framing))
    }

    fn framed(
        &self,
        cx: &Cx<'_>,
        value: &Result<Value, (&'static str, &'static str)>,
        by: &[usize],
    ) -> Answer {
        let mut answer = match value {
            Ok(value) => {
                let mut body = Vec::new();
                value.write(&mut body);
                Answer::new("200 OK", body)
            }
            Err((status, text)) => Answer::new(status, text.as_bytes().to_vec()),
        };
        let here = SocketAddr::new(cx.ip, self.addr.port()).to_string();
        for active in by.iter().filter_map(|n| self.behaviours.get(*n)) {
            if let Kind::Http(kind) = &active.kind {
                kind.frame(&here, &mut answer);
            }
        }
        answer
    }

    /// Sends the pieces that are due.
    pub(super) fn pump_exchanges(&mut self, cx: &mut Cx<'_>) {
        let mut over = Vec::new();
        for (stream, exchange) in &mut self.exchanges {
            if exchange.due.is_none_or(|due| due > cx.now) {
                continue;
            }
            if let Some(data) = exchange.pieces.pop_front() {
                cx.out.push(Output::Send {
                    stream: *stream,
                    data,
                });
            }
            exchange.due = (!exchange.pieces.is_empty()).then(|| cx.now + exchange.gap);
            if exchange.pieces.is_empty() && exchange.end == End::Close {
                over.push(*stream);
            }
        }
        for stream in over {
            self.exchanges.remove(&stream);
            cx.out.push(Output::Close { stream });
        }
    }
}
