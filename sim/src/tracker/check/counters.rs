//! The figures of announces: they only grow, fit each other, and are those of the client (I21).

use super::{Heard, Rules};
use crate::tracker::{Announce, AnnounceEvent};
use seedbed_engine::time::Instant;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What clients say is left before they have the metadata of a link [libtorrent].
const LEFT_UNKNOWN: u64 = 16 * 1024;

/// What a client knows of its traffic.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Figures {
    /// Bytes of payload sent.
    pub uploaded: u64,
    /// Bytes of payload received.
    pub downloaded: u64,
    /// Bytes lacking.
    pub left: u64,
}

impl Figures {
    const fn of(announce: &Announce) -> Self {
        Self {
            uploaded: announce.uploaded,
            downloaded: announce.downloaded,
            left: announce.left,
        }
    }
}

pub(super) fn check(heard: &[&Heard], rules: &Rules, found: &mut Vec<(Instant, String)>) {
    let mut runs: BTreeMap<[u8; 20], (Figures, Figures, AnnounceEvent)> = BTreeMap::new();
    for heard in heard {
        let Some((announce, ..)) = heard.announce() else {
            continue;
        };
        let now = Figures::of(announce);
        let Some((first, before, event)) = runs.get_mut(&announce.peer_id) else {
            runs.insert(announce.peer_id, (now, now, announce.event));
            continue;
        };
        if *event == AnnounceEvent::Stopped && announce.event == AnnounceEvent::Started {
            (*first, *before, *event) = (now, now, announce.event);
            continue;
        }
        if rules.links && before.left == LEFT_UNKNOWN && now.left != LEFT_UNKNOWN {
            // now it is known how much there is
            (first.left, before.left) = (now.left, now.left);
        }
        if !rules.clean && before.left == 0 && now.left > 0 && now.downloaded < before.downloaded {
            // sent before the one that it came behind: another connection was quicker
            continue;
        }
        let mut say = |text: String| found.push((heard.at, text));
        if now.uploaded < before.uploaded {
            say(format!(
                "uploaded fell from {} to {}",
                before.uploaded, now.uploaded
            ));
        }
        if now.downloaded < before.downloaded {
            say(format!(
                "downloaded fell from {} to {}",
                before.downloaded, now.downloaded
            ));
        }
        if now.left > before.left && !rules.may_lose {
            say(format!("left grew from {} to {}", before.left, now.left));
        }
        // what had come of a piece before the first announce counts as downloaded then and as had later
        let got = now.downloaded;
        let filled = first.left.saturating_sub(now.left);
        if got < filled && !rules.may_lose {
            say(format!(
                "{filled} bytes less are left, though only {got} were downloaded"
            ));
        }
        (*before, *event) = (now, announce.event);
    }
}

/// Announces of a client whose figures are none that it had by then. `history` is what it had, and since when, in the
/// order of time; a run that follows a `stopped` counts from there. To be asked of a client that lived only once.
pub fn inexact(heard: &[Heard], client: IpAddr, history: &[(Instant, Figures)]) -> Vec<(Instant, String)> {
    let mut found = Vec::new();
    let mut base = Figures::default();
    let mut stopped = None;
    for heard in heard.iter().filter(|heard| heard.from.ip() == client) {
        let Some((announce, ..)) = heard.announce() else {
            continue;
        };
        if announce.event == AnnounceEvent::Started
            && let Some(figures) = stopped.take()
        {
            base = figures;
        }
        let told = Figures::of(announce);
        let whole = Figures {
            uploaded: told.uploaded + base.uploaded,
            downloaded: told.downloaded + base.downloaded,
            left: told.left,
        };
        let mut by_then = history.iter().take_while(|(since, _)| *since <= heard.at);
        if !by_then.any(|(_, had)| *had == whole) {
            found.push((heard.at, format!("the client never had {whole:?} by then")));
        }
        if announce.event == AnnounceEvent::Stopped {
            stopped = Some(whole);
        }
    }
    found
}
