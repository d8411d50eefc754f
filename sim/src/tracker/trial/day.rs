//! A day of announces against each behaviour.

use super::Plan;
use crate::scenario::{Area, Use};
use crate::tracker::BEHAVIOURS;

/// Announces of a day at the least interval of 300 s, and as many connects before them.
const REQUESTS_MAX: usize = 2 * 24 * 12 + 60;

#[test]
fn no_behaviour_makes_an_engine_ask_more_often_than_it_may() {
    let mut wrong = Vec::new();
    for known in BEHAVIOURS {
        for udp in [true, false] {
            let fits = match known.area {
                Area::UdpTracker => udp,
                Area::HttpTracker => !udp,
                _ => true,
            };
            if !fits {
                continue;
            }
            let mut plan = Plan::of(Use::new(known.name));
            (plan.udp, plan.with_good, plan.with_seed) = (udp, false, false);
            let mut trial = plan.build();
            trial.pass(24 * 3_600);
            let requests = trial.tracker().requests();
            if requests > REQUESTS_MAX {
                wrong.push(format!(
                    "{} (udp {udp}): {requests} requests in a day",
                    known.name
                ));
            }
            if let Some((at, text)) = trial.tracker().violations().first() {
                wrong.push(format!("{} (udp {udp}) at {at}: {text}", known.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
