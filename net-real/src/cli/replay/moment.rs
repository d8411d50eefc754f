//! What was known at one moment of a recorded run: torrents, peers, trackers.

use super::Recording;
use super::file::guarded;
use crate::cli::console::{Console, shown};
use crate::cli::failure::{DONE, Failure};
use crate::cli::{units, why};
use seedbed_engine::journal::Journal;
use seedbed_engine::time::Instant;
use seedbed_engine::{Cause, PeerView, Status, TrackerView};
use seedbed_sim::journal::{Cast, Player};
use seedbed_sim::tell::Names as _;
use serde_json::{Value, json};

/// A torrent at that moment.
struct Moment {
    name: String,
    status: Status,
    peers: Vec<(String, PeerView)>,
    trackers: Vec<(String, TrackerView)>,
    /// Why it did not get on, if that was asked.
    causes: Option<Vec<Cause>>,
}

/// Shows the state of every torrent at a time of the run.
pub(super) fn show(
    recording: &Recording,
    journal: &Journal<'_>,
    at: Instant,
    with_causes: bool,
    console: &Console,
) -> Result<u8, Failure> {
    let moments = guarded(recording, || {
        let mut player = Player::new(journal);
        player.play_until(at);
        look(&player, at, with_causes)
    })?;
    if at > journal.duration() {
        console.note(format!("The recording ends at {} s.", journal.duration()));
    }
    console.value(&json!({
        "seconds": at.as_micros() as f64 / 1e6,
        "torrents": moments.iter().map(|moment| moment.json(at)).collect::<Vec<_>>(),
    }))?;
    if moments.is_empty() {
        console.line(format!("at {at} s there is no torrent"))?;
    }
    for moment in &moments {
        for line in moment.lines(at) {
            console.line(line)?;
        }
    }
    Ok(DONE)
}

fn look(player: &Player<'_>, at: Instant, with_causes: bool) -> Vec<Moment> {
    let (engine, cast): (_, &Cast) = (player.engine(), player.cast());
    let views = engine.torrents().filter_map(|id| engine.torrent(id));
    views
        .map(|view| Moment {
            name: view.name(),
            status: view.status(at),
            peers: named(view.peers(at), |peer| cast.address(peer.addr)),
            trackers: named(view.trackers(), |tracker| cast.tracker(&tracker.url)),
            causes: with_causes.then(|| view.why(at)),
        })
        .collect()
}

fn named<T>(all: Vec<T>, name: impl Fn(&T) -> String) -> Vec<(String, T)> {
    all.into_iter().map(|one| (name(&one), one)).collect()
}

impl Moment {
    fn lines(&self, at: Instant) -> Vec<String> {
        let status = &self.status;
        let mut lines = vec![format!(
            "{} at {at} s: {}, {} of {} pieces, {} of {}, {} down, {} up",
            self.name,
            shown(status.state.to_string()),
            status.pieces_have,
            status.pieces,
            units::bytes(status.verified),
            units::bytes(status.wanted),
            units::rate(status.rate_down),
            units::rate(status.rate_up)
        )];
        if let Some(causes) = &self.causes {
            lines.extend(why::lines(causes));
        } else if let Some(cause) = &status.stalled {
            lines.push(format!("  {}", shown(cause)));
        }
        lines.extend(
            self.peers
                .iter()
                .map(|(name, peer)| peer_line(name, peer, status.pieces)),
        );
        for (name, tracker) in &self.trackers {
            let next = tracker.next.map_or(String::new(), |next| {
                format!(", next in {}", units::duration(next.since(at)))
            });
            lines.push(format!(
                "  {name:<4} {}: {}{next}",
                shown(&tracker.url),
                shown(&tracker.state)
            ));
        }
        lines
    }

    fn json(&self, at: Instant) -> Value {
        let status = &self.status;
        let mut value = json!({
            "name": self.name,
            "state": status.state.to_string(),
            "pieces": status.pieces, "pieces_have": status.pieces_have,
            "verified": status.verified, "wanted": status.wanted,
            "downloaded": status.downloaded, "uploaded": status.uploaded, "wasted": status.wasted,
            "rate_down": status.rate_down, "rate_up": status.rate_up, "stalled": status.stalled,
            "peers": self.peers.iter().map(|(name, peer)| json!({
                "name": name, "address": peer.addr.to_string(), "client": peer.client, "pieces": peer.pieces,
                "choking_us": peer.choking_us, "choked_by_us": peer.choked_by_us, "interested": peer.interested,
                "interesting": peer.interesting, "rate_down": peer.rate_down, "rate_up": peer.rate_up,
                "downloaded": peer.downloaded, "uploaded": peer.uploaded, "requests": peer.requests,
                "snubbed": peer.snubbed,
            })).collect::<Vec<_>>(),
            "trackers": self.trackers.iter().map(|(name, tracker)| json!({
                "name": name, "url": tracker.url, "state": tracker.state, "failed": tracker.failed,
                "next_seconds": tracker.next.map(|next| next.since(at).as_secs_f64()),
            })).collect::<Vec<_>>(),
        });
        if let (Some(causes), Some(fields)) = (&self.causes, value.as_object_mut()) {
            fields.insert("causes".into(), why::json(causes));
        }
        value
    }
}

fn peer_line(name: &str, peer: &PeerView, pieces: u32) -> String {
    let word = |holds: bool, text: &'static str| if holds { text } else { "" };
    let words = [
        word(peer.choking_us, "chokes us"),
        word(peer.choked_by_us, "choked by us"),
        word(peer.interested, "interested"),
        word(peer.interesting, "interesting"),
        word(peer.snubbed, "snubbed"),
    ];
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
    format!(
        "  {name:<4} {} {}: {} of {pieces} pieces, {} down, {} up, {} in, {} out, {} requests; {}",
        peer.addr,
        shown(&peer.client),
        peer.pieces,
        units::rate(peer.rate_down),
        units::rate(peer.rate_up),
        units::bytes(peer.downloaded),
        units::bytes(peer.uploaded),
        peer.requests,
        words.join(", ")
    )
}
