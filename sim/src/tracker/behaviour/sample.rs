//! Behaviours for worlds that a seed invents.

use super::BEHAVIOURS;
use crate::scenario::{Area, Behaviour, Use, Value};
use seedbed_engine::rng::Rng;

/// A behaviour of a UDP or an HTTP tracker with parameters and, more often than not, a window: a world in which nothing
/// ever answers says little.
pub fn sample(rng: &mut Rng, udp: bool) -> Use {
    let own = if udp { Area::UdpTracker } else { Area::HttpTracker };
    let fits = |known: &&Behaviour| known.area == own || known.area == Area::TrackerPolicy;
    let count = BEHAVIOURS.iter().filter(fits).count() as u32;
    let chosen = BEHAVIOURS.iter().filter(fits).nth(rng.below(count) as usize);
    let mut used = Use::new(chosen.map_or("tracker-no-peers", |known| known.name));
    match used.name.as_str() {
        "udp-interval" | "http-interval" => {
            let values = [0, 1, 299, 1 << 31, -1, i64::from(i32::MAX), 86_401];
            used = used.with("value", values[rng.below(7) as usize]);
        }
        "http-status" => used = used.with("code", [400, 403, 404, 410, 500, 503][rng.below(6) as usize]),
        "http-redirect-away" => used = used.with("to", rng.below(3).into()),
        "http-failure" if rng.chance(1, 2) => used = used.with("retry-in", i64::from(rng.below(20)) - 1),
        "udp-late" => used = used.with("by", i64::from(rng.below(40_000))),
        "tracker-dies" => used = used.with("answers", i64::from(1 + rng.below(3))),
        _ => {}
    }
    match rng.below(8) {
        0 => used,
        1..=3 => used.with("first", i64::from(1 + rng.below(4))),
        4 => used.with("every", i64::from(2 + rng.below(3))),
        5 => with_seconds(used, "after", rng.below(60)),
        _ => {
            let from = rng.below(30);
            let used = with_seconds(used, "after", from);
            with_seconds(used, "until", from + 1 + rng.below(300))
        }
    }
}

fn with_seconds(mut used: Use, name: &str, seconds: u32) -> Use {
    used.params
        .push((name.into(), Value::Text(format!("{seconds}s"))));
    used
}
