//! Connection ids and the times of datagrams (BEP 15; I22, I23).

use super::{Answered, Heard, Rules, What};
use seedbed_engine::time::{Duration, Instant};
use std::collections::BTreeMap;

/// How long a client may use a connection id.
const ID_LIFE: Duration = Duration::from_secs(60);
/// The first time-out; the n-th is 2^n times as long.
const FIRST: Duration = Duration::from_secs(15);
/// The last n.
const LAST: u32 = 8;
/// Gaps below the first time-out that may follow each other: at the end `completed` and `stopped` are sent twice each
/// within 5 s, behind what was on its way.
const HURRIES_MAX: u32 = 4;
/// Gaps below the second time-out that may follow each other: an event may begin a schedule anew.
const SHORT_MAX: u32 = 5;
/// Gaps of one unanswered run that are no time-out: an event began a schedule anew, or the end was near.
const ODD_MAX: u32 = 4;

pub(super) fn check(heard: &[&Heard], rules: &Rules, found: &mut Vec<(Instant, String)>) {
    ids(heard, rules, found);
    let connects = heard.iter().filter_map(|heard| match heard.what {
        What::Connect {
            transaction, silent, ..
        } => Some((heard.at, transaction, silent)),
        What::Announce { .. } | What::Other { .. } => None,
    });
    schedule("connect", connects, rules, found);
    let announces = heard.iter().filter_map(|heard| {
        let (_, transaction, answered) = heard.announce()?;
        Some((heard.at, transaction?, answered == Answered::Nothing))
    });
    schedule("announce", announces, rules, found);
}

/// A connection id is used by whom it was given, for a minute.
fn ids(heard: &[&Heard], rules: &Rules, found: &mut Vec<(Instant, String)>) {
    let mut given: BTreeMap<u64, Instant> = BTreeMap::new();
    let mut spoiled = false;
    for heard in heard {
        let used = match &heard.what {
            What::Connect { given: id, .. } => {
                spoiled |= id.is_none();
                given.extend(id.map(|id| (id, heard.at)));
                continue;
            }
            What::Announce { connection, .. } => connection.map(|(id, _)| id),
            What::Other { connection } => Some(*connection),
        };
        let Some(used) = used else { continue };
        match given.get(&used) {
            Some(at) if heard.at.since(*at) > ID_LIFE + rules.slack => {
                let age = heard.at.since(*at).as_secs();
                found.push((
                    heard.at,
                    format!("a connection id was used {age} s after it was given"),
                ));
            }
            None if rules.clean && !spoiled => {
                found.push((heard.at, "a connection id was used that was never given".into()));
            }
            Some(_) | None => {}
        }
    }
}

/// Datagrams of one kind: when, transaction id, whether the client got nothing for it.
fn schedule(
    kind: &str,
    datagrams: impl Iterator<Item = (Instant, u32, bool)>,
    rules: &Rules,
    found: &mut Vec<(Instant, String)>,
) {
    let least = |time: Duration| time.saturating_sub(rules.slack);
    let mut last: Option<(Instant, bool)> = None;
    let mut transactions = Vec::new();
    let (mut hurries, mut short, mut odd) = (0, 0, 0);
    for (at, transaction, unanswered) in datagrams {
        if transactions.contains(&transaction) {
            // the network's doing, unless there is none
            if rules.clean {
                found.push((at, format!("a {kind} repeats its transaction id")));
            }
            continue;
        }
        transactions.push(transaction);
        if transactions.len() > 64 {
            transactions.remove(0);
        }
        let Some((before, nothing)) = last.replace((at, unanswered)) else {
            continue;
        };
        let gap = at.since(before);
        // an answered announce is followed by events of their own time
        let counts = nothing || kind == "connect";
        hurries = if counts && gap < least(FIRST) {
            hurries + 1
        } else {
            0
        };
        short = if counts && gap < least(FIRST * 2) {
            short + 1
        } else {
            0
        };
        odd = match (nothing && rules.clean, is_time_out(gap, rules.slack)) {
            (false, _) => 0,
            (true, true) => odd,
            (true, false) => odd + 1,
        };
        let wrong = if hurries > HURRIES_MAX {
            "come closer than 15 s, one after the other"
        } else if short > SHORT_MAX {
            "are repeated without growing gaps"
        } else if odd > ODD_MAX {
            "do not follow 15·2^n s"
        } else {
            continue;
        };
        found.push((
            at,
            format!("{kind}s {wrong} (the last gap: {} ms)", gap.as_millis()),
        ));
    }
}

/// Whether a gap is one of the schedule, or leads beyond its end.
fn is_time_out(gap: Duration, slack: Duration) -> bool {
    let near = |n: u32| {
        let wanted = FIRST * (1 << n);
        gap + slack >= wanted && gap <= wanted + slack
    };
    (0..=LAST).any(near) || gap >= FIRST * (1 << LAST)
}
