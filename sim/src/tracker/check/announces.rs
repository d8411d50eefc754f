//! The order of events and the time between announces (BEP 3; I21).

use super::{Answered, Heard, Rules};
use crate::tracker::{Announce, AnnounceEvent};
use seedbed_engine::time::{Duration, Instant};
use std::collections::{BTreeMap, VecDeque};

/// Announces of one client in [`STORM`] at the most: a regular one, `completed` and `stopped` may follow each other at
/// once, and each may be redirected five times.
const STORM_MAX: usize = 18;
const STORM: Duration = Duration::from_secs(14);
/// Closest announces when it is not known what the client got: the first time-out of BEP 15.
const RETRY: Duration = Duration::from_secs(15);

/// One run of one client, from `started` to `stopped`.
#[derive(Default)]
struct Life {
    /// Whether `started` was heard, and whether its answer is known to have come.
    begun: bool,
    acknowledged: bool,
    /// Whether some answer may have counted or not.
    unclear: bool,
    lacked: bool,
    completed: u32,
    /// Whether a `completed` is known to have been acknowledged.
    completion_known: bool,
    stopped: bool,
    stop_acknowledged: bool,
    /// When the client was last told something, and what.
    told: Option<(Instant, Duration, Duration)>,
    last: Option<Instant>,
    /// Whether that one came over HTTP and failed: a redirect brings the same announce again at once.
    last_failed: bool,
    key: Option<u32>,
}

pub(super) fn check(heard: &[&Heard], rules: &Rules, found: &mut Vec<(Instant, String)>) {
    let mut lives: BTreeMap<[u8; 20], Life> = BTreeMap::new();
    let mut recent: VecDeque<Instant> = VecDeque::new();
    let mut transactions: VecDeque<u32> = VecDeque::new();
    for heard in heard {
        let Some((announce, transaction, answered)) = heard.announce() else {
            continue;
        };
        if let Some(transaction) = transaction {
            if transactions.contains(&transaction) {
                continue;
            }
            transactions.push_back(transaction);
            if transactions.len() > 64 {
                transactions.pop_front();
            }
        }
        while recent.front().is_some_and(|first| heard.at.since(*first) > STORM) {
            recent.pop_front();
        }
        recent.push_back(heard.at);
        if recent.len() > STORM_MAX {
            found.push((heard.at, format!("{} announces within 14 s", recent.len())));
        }
        let life = lives.entry(announce.peer_id).or_default();
        let mut say = |text: String| found.push((heard.at, text));
        if life.key.is_some() && announce.key != life.key {
            say("the key of a client changed within its run".into());
        }
        life.key = life.key.or(announce.key);
        // sent before the completion that it came behind: another connection was quicker
        let overtaken = !rules.clean && life.completed > 0 && announce.left > 0;
        if !overtaken {
            interval(life, heard.at, announce.event, rules, &mut say);
        }
        let well = matches!(answered, Answered::Well { .. });
        life.unclear |= answered == Answered::Unclear;
        match announce.event {
            AnnounceEvent::Started => started(life, well, rules, &mut say),
            AnnounceEvent::Completed => completed(life, announce, well, rules, &mut say),
            AnnounceEvent::Stopped => stopped(life, well, rules, &mut say),
            AnnounceEvent::None => none(life, rules, &mut say),
            AnnounceEvent::Paused => paused(life, announce, rules, &mut say),
        }
        life.lacked |= announce.left > 0;
        life.last = Some(heard.at);
        life.last_failed = transaction.is_none() && !well;
        if let Answered::Well { interval, least } = answered {
            life.told = Some((heard.at, interval, least));
        }
    }
}

fn started(life: &mut Life, well: bool, rules: &Rules, say: &mut impl FnMut(String)) {
    if life.stopped {
        let key = life.key;
        *life = Life {
            key,
            ..Life::default()
        };
    }
    if life.acknowledged && (rules.clean || life.completion_known) {
        say("started came again within a run".into());
    }
    life.begun = true;
    life.acknowledged |= well;
}

fn completed(life: &mut Life, announce: &Announce, well: bool, rules: &Rules, say: &mut impl FnMut(String)) {
    let (left, downloaded) = (announce.left, announce.downloaded);
    none(life, rules, say);
    if left > 0 {
        say(format!("completed came with {left} bytes left"));
    }
    // this tracker may have heard of it only when it was complete
    if life.begun && !life.lacked && downloaded == 0 {
        say("completed came from a client that had everything when it started".into());
    }
    if life.completion_known && rules.clean {
        say("completed came again".into());
    }
    life.completed += 1;
    life.completion_known |= well;
}

fn stopped(life: &mut Life, well: bool, rules: &Rules, say: &mut impl FnMut(String)) {
    if !life.begun && rules.clean && rules.ordered {
        say("stopped came without started".into());
    }
    if life.stop_acknowledged && rules.clean {
        say("stopped came again".into());
    }
    life.stopped = true;
    life.stop_acknowledged |= well;
}

fn none(life: &Life, rules: &Rules, say: &mut impl FnMut(String)) {
    if !life.begun {
        say("the first announce of a run is not started".into());
    } else if !life.acknowledged && !life.unclear && rules.clean {
        say("started was not acknowledged, and another event followed".into());
    }
    if life.stopped && rules.clean {
        say("an announce followed stopped".into());
    }
}

/// BEP 21: whoever says so lacks something that it does not want.
fn paused(life: &Life, announce: &Announce, rules: &Rules, say: &mut impl FnMut(String)) {
    none(life, rules, say);
    if announce.left == 0 {
        say("paused came from a client that has everything".into());
    }
}

/// A regular announce waits for the interval; any waits for something.
fn interval(life: &Life, at: Instant, event: AnnounceEvent, rules: &Rules, say: &mut impl FnMut(String)) {
    let (Some((told, interval, least)), AnnounceEvent::None | AnnounceEvent::Paused) = (life.told, event)
    else {
        return;
    };
    if life.last_failed {
        return;
    }
    // what came after the answer that is known decides
    let known = life.last == Some(told) && rules.clean;
    let least = least.min(rules.ceiling);
    let need = match (known, rules.asked) {
        (false, _) => RETRY,
        (true, true) => least.max(rules.asked_floor),
        (true, false) => interval.min(rules.ceiling).max(rules.floor).max(least),
    };
    let from = if known { told } else { life.last.unwrap_or(told) };
    let gap = at.since(from);
    if gap + rules.slack < need {
        let (gap, need) = (gap.as_secs(), need.as_secs());
        say(format!(
            "a regular announce came after {gap} s, not after {need} s"
        ));
    }
}
