//! Datagrams of a tracker: the honest answer, changed by each behaviour in turn.

use super::TrackerHost;
use crate::actor::{Cx, Output};
use crate::timeline::Arrow;
use crate::tracker::Named;
use crate::tracker::behaviour::{Adjusted, Asked, Kind, Outcome, Reply, UdpKind};
use crate::tracker::check::{Answered, What};
use crate::tracker::udp::{ANNOUNCE, CONNECT};
use seedbed_engine::time::Duration;
use std::net::SocketAddr;

/// What the behaviours made of an answer.
struct Changed {
    outcome: Outcome,
    refused: bool,
    /// Whether another interval stands in it.
    interval: bool,
}

impl TrackerHost {
    pub(super) fn datagram(&mut self, cx: &mut Cx<'_>, from: SocketAddr, data: &[u8]) {
        let Some(asked) = Asked::read(from, data) else {
            return;
        };
        let announce = asked.action == ANNOUNCE;
        let mut adjusted = if announce || asked.action == CONNECT {
            self.adjust(cx, from)
        } else {
            Adjusted::default()
        };
        let dead = adjusted.dead;
        let before = self.change_intervals(&mut adjusted);
        let logged = self.tracker.announces().len();
        let me = SocketAddr::new(cx.ip, self.addr.port());
        let mut replies: Vec<Reply> = self
            .tracker
            .datagram(cx.now, from, data)
            .into_iter()
            .map(|data| Reply {
                after: Duration::ZERO,
                from: me,
                data,
            })
            .collect();
        let given = replies
            .first()
            .and_then(|reply| reply.data.get(8..16)?.try_into().ok());
        let was_announce = announce && self.tracker.announces().len() != logged;
        if dead {
            replies.clear();
        }
        let changed = self.change(cx, &asked, &mut replies);
        let outcome = if dead { Outcome::Nothing } else { changed.outcome };
        let told = self.told(outcome, changed.interval);
        self.tracker.set_intervals(before.0, before.1);
        self.tracker.name(Named::Swarm);
        let given = given.map(u64::from_be_bytes);
        self.note(cx, &asked, was_announce, told, outcome, given);
        if changed.refused && !dead {
            cx.out.push(Output::Refuse {
                whom: from,
                asked: me,
            });
        }
        for reply in replies {
            self.send(cx, from, reply);
        }
    }

    fn change(&mut self, cx: &mut Cx<'_>, asked: &Asked, replies: &mut Vec<Reply>) -> Changed {
        let mut changed = Changed {
            outcome: Outcome::Good,
            refused: false,
            interval: false,
        };
        for active in &mut self.behaviours {
            let Kind::Udp(kind) = &active.kind else { continue };
            let kind = kind.clone();
            // what was never sent cannot be changed; a port can be closed all the same
            let something = !replies.is_empty();
            if !something || !kind.concerns(asked) || !active.takes(cx.now) {
                continue;
            }
            kind.apply(asked, replies, &mut active.rng);
            changed.outcome = changed.outcome.max(kind.outcome());
            changed.refused |= kind == UdpKind::Refused;
            changed.interval |= matches!(kind, UdpKind::Interval(_));
            cx.marks.hit(active.name);
        }
        changed
    }

    /// Keeps what was heard, and tells it.
    fn note(
        &mut self,
        cx: &mut Cx<'_>,
        asked: &Asked,
        announce: bool,
        told: Answered,
        outcome: Outcome,
        given: Option<u64>,
    ) {
        let (from, transaction) = (asked.from, asked.transaction);
        if announce {
            let Some(announce) = self.tracker.announces().last().cloned() else {
                return;
            };
            self.answered += u64::from(outcome == Outcome::Good);
            self.tell(cx, Arrow::In, from.ip(), || {
                format!("announce {} left={}", announce.event.word(), announce.left)
            });
            let what = What::Announce {
                announce,
                connection: Some((asked.connection, transaction)),
                answered: told,
            };
            self.hear(cx.now, from, what);
        } else if asked.action == CONNECT {
            self.tell(cx, Arrow::In, from.ip(), || "udp connect".into());
            let what = What::Connect {
                transaction,
                given: given.filter(|_| outcome == Outcome::Good),
                silent: outcome == Outcome::Nothing,
            };
            self.hear(cx.now, from, what);
        } else {
            let connection = asked.connection;
            self.hear(cx.now, from, What::Other { connection });
        }
    }
}
