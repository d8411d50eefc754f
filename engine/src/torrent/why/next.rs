//! What can be done about a cause, or what happens by itself and when.

use super::units::{Bytes, Span};
use super::{Cause, FailingTracker};
use crate::disk::DiskFault;
use crate::throttle::Way;
use crate::time::Duration;
use alloc::format;
use alloc::string::String;

impl Cause {
    /// What the user can do about it, or what happens by itself and when: a sentence.
    pub fn next_step(&self) -> String {
        match self {
            Self::ShuttingDown => "nothing: it ends within some seconds".into(),
            Self::NeedsUser { .. } => "do what it says, then start it again".into(),
            Self::Paused => "resume it".into(),
            Self::FilesToChoose => "choose its files".into(),
            Self::Queued => "nothing: it begins when another one is complete; --max-active lets more run".into(),
            Self::Disk { fault, retry_in, missing, .. } => disk_next(*fault, *retry_in, *missing),
            Self::Opening | Self::Checking { .. } => "nothing: it goes on by itself when that is done".into(),
            Self::RateLimit { way, .. } => match way {
                Way::Down => "nothing: raise --limit-down, or leave it out, if it should be faster".into(),
                Way::Up => "nothing: raise --limit-up, or leave it out, if it should be faster".into(),
            },
            Self::Local { .. } => {
                "check that the network is up and that enough open files are allowed; it tries again by itself".into()
            }
            Self::BannedPeers { ends_in, .. } => format!(
                "add other trackers or peers (--peer); the first ban ends in {}",
                Span(*ends_in)
            ),
            Self::NoTrackers => "name a peer with --peer, or use a torrent that names trackers".into(),
            Self::TrackersFailing { each, .. } => trackers_next(each),
            Self::NoPeersKnown { next_in: Some(wait), .. } => format!(
                "a tracker is asked again in {}; name a peer with --peer if you know one",
                Span(*wait)
            ),
            Self::NoPeersKnown { next_in: None, .. } => {
                "wait for the answer, or name a peer with --peer if you know one".into()
            }
            Self::NotReachable { dialling, retry_in, .. } => not_reached_next(*dialling, *retry_in),
            Self::Connecting { .. } => "nothing: an attempt that gets no answer is given up after some seconds".into(),
            Self::NobodyHasMetadata { .. } => {
                "wait for a peer that has it, add trackers or peers (--peer), or use the .torrent file".into()
            }
            Self::MetadataWrong { .. } => {
                "nothing: it is fetched again from others, and who alone sent wrong data is banned for a while".into()
            }
            Self::NobodyHasPieces { .. } => {
                "wait for a peer that has them, or add trackers or peers (--peer) that lead to one".into()
            }
            Self::HashFailures { retry_in: Some(wait), .. } => format!(
                "the torrent or this machine's memory or disk may be at fault; it is fetched again in {}",
                Span(*wait)
            ),
            Self::HashFailures { retry_in: None, .. } => {
                "nothing: they are fetched again from others, and who sent wrong data is banned when that is proven"
                    .into()
            }
            Self::DiskSlow { .. } => "use a faster disk, or stop what else is busy on it".into(),
            Self::AllChokeUs { .. } => {
                "nothing: peers give others a turn every 30 s or so; more peers help (--max-peers, --peer)".into()
            }
            Self::Refusing { retry_in, .. } => {
                format!("the first of them is asked again in {}; others are asked meanwhile", Span(*retry_in))
            }
            Self::Snubbed { .. } => {
                "nothing: what they owe is asked of others too as soon as there are any, and they are tried now and then"
                    .into()
            }
            Self::FetchingMetadata { .. } | Self::Waiting { .. } => "nothing: who does not answer in time is passed over".into(),
            Self::NobodyInterested { .. } => "nothing: it is served when somebody asks".into(),
            Self::Private => "see that its tracker works; no other one may be added".into(),
            Self::PortUnreachable { port, .. } => {
                format!("let TCP port {port} through the firewall and the router, or choose another one with --port")
            }
            Self::Downloading { .. } => "nothing holds it back on this side; more peers may help (--max-peers)".into(),
            Self::Seeding { .. } => "nothing: all is well".into(),
        }
    }
}

fn disk_next(fault: DiskFault, retry_in: Option<Duration>, missing: u64) -> String {
    let what = match fault {
        DiskFault::Full if missing == 0 => "free some space on that disk".into(),
        DiskFault::Full => format!("free up to {} on that disk", Bytes(missing)),
        DiskFault::Missing => "connect the disk again, or put the files back".into(),
        DiskFault::Denied => "make the folder and its files writable".into(),
        DiskFault::InTheWay => "move it away".into(),
        DiskFault::Io => "check the disk and its cable".into(),
    };
    match retry_in {
        Some(wait) => format!("{what}; it is tried again by itself in {}", Span(wait)),
        None => format!("{what}, then start it again"),
    }
}

fn trackers_next(each: &[FailingTracker]) -> String {
    let asking = each.iter().any(|tracker| tracker.asked_for.is_some());
    match each.iter().filter_map(|tracker| tracker.next_in).min() {
        Some(wait) if wait.is_zero() => "a tracker is asked again in this moment".into(),
        Some(wait) => format!("a tracker is asked again in {}", Span(wait)),
        None if asking => "an answer is waited for, and asked for again from time to time".into(),
        None => "it is not asked again by itself: use another tracker, or name a peer with --peer".into(),
    }
}

fn not_reached_next(dialling: usize, retry_in: Option<Duration>) -> String {
    match (dialling, retry_in) {
        (0, Some(wait)) if !wait.is_zero() => format!("the next attempt is made in {}", Span(wait)),
        (0, None) => {
            "they are tried again when a tracker names them again; name another peer with --peer".into()
        }
        (_, Some(wait)) if !wait.is_zero() => {
            format!("attempts are under way, the next one follows in {}", Span(wait))
        }
        _ => "attempts are under way".into(),
    }
}
