//! Causes as sentences for a terminal.

use super::units::{Bytes, Span, are, count, of};
use super::{Cause, FailingTracker};
use crate::disk::DiskFault;
use crate::id::PieceIndex;
use crate::throttle::Way;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Trackers that are named in a sentence.
const TRACKERS_NAMED_MAX: usize = 2;

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShuttingDown => f.write_str("it is ending"),
            Self::NeedsUser { text } => f.write_str(text),
            Self::Paused => f.write_str("it is paused"),
            Self::FilesToChoose => f.write_str("nobody has said which of its files are wanted"),
            Self::Queued => f.write_str("it waits until other downloads are complete"),
            Self::Disk { fault, text, .. } => write!(f, "{}: {text}", disk(*fault)),
            Self::Opening => f.write_str("the files are being opened"),
            Self::Checking { done, pieces } => {
                write!(f, "checking the files, {done} of {pieces} pieces done")
            }
            Self::RateLimit { way, limit, own, .. } => {
                let what = match way {
                    Way::Down => "download",
                    Way::Up => "upload",
                };
                let whose = if *own { "of this torrent " } else { "" };
                write!(f, "the {what} {whose}is limited to {}/s", Bytes(*limit))
            }
            Self::Local { text, peers: 0 } => write!(f, "this machine cannot connect to anybody: {text}"),
            Self::Local { text, peers } => write!(
                f,
                "{} connected, and this machine cannot connect to more: {text}",
                count(*peers, "peer")
            ),
            Self::BannedPeers {
                banned, bad_piece, ..
            } => banned_peers(f, *banned, *bad_piece, self.stops()),
            Self::NoTrackers => f.write_str("no peer is known, and there is no tracker to ask"),
            Self::TrackersFailing { each, trackers, .. } => trackers_failing(f, each, *trackers),
            Self::NoPeersKnown { answered, .. } => no_peers_known(f, *answered),
            Self::NotReachable { .. } => self.not_reachable(f),
            Self::Connecting { dialling, known } => connecting(f, *dialling, *known),
            Self::NobodyHasMetadata { .. } | Self::MetadataWrong { .. } | Self::FetchingMetadata { .. } => {
                self.metadata(f)
            }
            Self::NobodyHasPieces { .. } => self.nobody_has(f),
            Self::HashFailures { .. } => self.hash_failures(f),
            Self::DiskSlow { .. } => self.disk_slow(f),
            Self::AllChokeUs { .. } => self.all_choke_us(f),
            Self::Refusing { .. } | Self::Snubbed { .. } | Self::Waiting { .. } => self.unserved(f),
            Self::Private => f.write_str("the torrent is private, so only its trackers may name peers"),
            Self::PortUnreachable { port, since, dialled } => write!(
                f,
                "nobody has connected to us in {}, while we connected to {}: port {port} may not be reachable",
                Span(*since),
                count(*dialled as usize, "peer")
            ),
            Self::Downloading { .. } | Self::NobodyInterested { .. } | Self::Seeding { .. } => self.fine(f),
        }
    }
}

impl Cause {
    fn stops(&self) -> bool {
        self.weight() == super::Weight::Stops
    }

    fn metadata(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NobodyHasMetadata { peers: 1 } => {
                f.write_str("1 peer connected, and it does not have the metadata of this link")
            }
            Self::NobodyHasMetadata { peers } => write!(
                f,
                "{peers} peers connected, and none of them has the metadata of this link"
            ),
            Self::MetadataWrong { failures, .. } => write!(
                f,
                "the metadata came wrong {}, and is fetched again",
                count(*failures as usize, "time")
            ),
            Self::FetchingMetadata {
                sources, bytes: 0, ..
            } => {
                write!(f, "fetching metadata from {}", count(*sources, "peer"))
            }
            Self::FetchingMetadata { sources, bytes, size } => write!(
                f,
                "fetching metadata from {}, {} of {} here",
                count(*sources, "peer"),
                Bytes(*bytes),
                Bytes(u64::from(*size))
            ),
            _ => Ok(()),
        }
    }

    fn unserved(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refusing {
                refusing, serving, ..
            } => write!(
                f,
                "{} refused every request lately",
                of(
                    *refusing,
                    *serving,
                    "peer that does not choke us",
                    "peers that do not choke us"
                )
            ),
            Self::Snubbed {
                silent,
                serving,
                longest,
            } => {
                let who = of(
                    *silent,
                    *serving,
                    "peer that does not choke us",
                    "peers that do not choke us",
                );
                match silent {
                    1 => write!(
                        f,
                        "{who} has sent nothing of what we asked for in {}",
                        Span(*longest)
                    ),
                    _ => write!(
                        f,
                        "{who} have sent nothing of what we asked for, the longest for {}",
                        Span(*longest)
                    ),
                }
            }
            Self::Waiting { requests: 0, .. } => f.write_str("about to ask peers for blocks"),
            Self::Waiting { serving, requests } => write!(
                f,
                "{} asked for, of {}; nothing is late yet",
                are(*requests, "block"),
                count(*serving, "peer")
            ),
            _ => Ok(()),
        }
    }

    fn fine(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Downloading { peers, serving, rate } => write!(
                f,
                "{serving} of {} {} us, with {}/s in all",
                count(*peers, "connected peer"),
                if *serving == 1 { "serves" } else { "serve" },
                Bytes(*rate)
            ),
            Self::NobodyInterested { peers: 1 } => {
                f.write_str("1 peer connected, and it wants nothing of what is here")
            }
            Self::NobodyInterested { peers } => {
                write!(f, "{peers} peers connected, and none of them wants what is here")
            }
            Self::Seeding { interested: 0, .. } => {
                f.write_str("everything wanted is there, and nobody asks for it")
            }
            Self::Seeding {
                interested,
                served,
                rate,
            } => write!(
                f,
                "everything wanted is there; {served} of {} served, with {}/s in all",
                count(*interested, "interested peer"),
                Bytes(*rate)
            ),
            _ => Ok(()),
        }
    }

    fn not_reachable(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::NotReachable {
            known,
            troubles,
            dialling,
            ..
        } = self
        else {
            return Ok(());
        };
        match known {
            1 => f.write_str("the one known peer cannot be reached")?,
            known => write!(f, "none of {known} known peers can be reached")?,
        }
        for (n, (trouble, peers)) in troubles.iter().enumerate() {
            f.write_str(if n == 0 { ": " } else { ", " })?;
            match known {
                1 => write!(f, "{trouble}")?,
                _ => write!(f, "{trouble} ({peers})")?,
            }
        }
        match dialling {
            0 => Ok(()),
            dialling => write!(f, "; trying {dialling} of them again"),
        }
    }

    fn nobody_has(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::NobodyHasPieces {
            pieces,
            some,
            missing,
            peers,
        } = self
        else {
            return Ok(());
        };
        if pieces >= missing {
            match (peers, missing) {
                (1, 1) => f.write_str("the one connected peer does not have the last missing piece")?,
                (1, missing) => write!(
                    f,
                    "the one connected peer has none of the {missing} missing pieces"
                )?,
                (peers, 1) => write!(f, "none of {peers} connected peers has the last missing piece")?,
                (peers, missing) => {
                    write!(
                        f,
                        "none of {peers} connected peers has one of the {missing} missing pieces"
                    )?;
                }
            }
        } else {
            write!(
                f,
                "{} that nobody connected has",
                count(*pieces as usize, "piece")
            )?;
        }
        named(f, some, *pieces)
    }

    fn hash_failures(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::HashFailures {
            pieces,
            piece,
            failures,
            hopeless,
            ..
        } = self
        else {
            return Ok(());
        };
        let times = count(*failures as usize, "time");
        match (hopeless, pieces) {
            (0, 1) => write!(f, "piece {} came with wrong data {times}", piece.0),
            (0, pieces) => write!(
                f,
                "{pieces} pieces came with wrong data, piece {} {times}",
                piece.0
            ),
            (1, _) => write!(
                f,
                "piece {} came with wrong data {times}, whoever sent it",
                piece.0
            ),
            (hopeless, _) => write!(
                f,
                "{hopeless} pieces came with wrong data whoever sent them, piece {} {times}",
                piece.0
            ),
        }
    }

    fn disk_slow(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::DiskSlow {
            writing,
            writing_max,
            hashing,
            held,
        } = self
        else {
            return Ok(());
        };
        if *held > 0 {
            return write!(
                f,
                "the disk is behind: {} wait to be written and {} may, so {} not read from",
                Bytes(*writing),
                Bytes(*writing_max),
                are(*held, "peer")
            );
        }
        f.write_str("waiting for the disk: ")?;
        match (*writing, *hashing) {
            (writing, 0) => write!(f, "{} wait to be written", Bytes(writing)),
            (0, hashing) => write!(f, "{} being hashed", are(hashing, "piece")),
            (writing, hashing) => {
                write!(
                    f,
                    "{} wait to be written, {} being hashed",
                    Bytes(writing),
                    are(hashing, "piece")
                )
            }
        }
    }

    fn all_choke_us(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::AllChokeUs {
            peers,
            useful,
            choking,
            longest,
        } = self
        else {
            return Ok(());
        };
        write!(f, "{} connected, ", count(*peers, "peer"))?;
        if useful < peers {
            match useful {
                1 => f.write_str("1 has pieces that are missing here and it chokes us")?,
                useful => write!(
                    f,
                    "{useful} have pieces that are missing here and all of them choke us"
                )?,
            }
        } else {
            write!(
                f,
                "{choking} {} us",
                if *choking == 1 { "chokes" } else { "choke" }
            )?;
        }
        match useful {
            1 => write!(f, " for {}", Span(*longest)),
            _ => write!(f, ", the longest for {}", Span(*longest)),
        }
    }
}

const fn disk(fault: DiskFault) -> &'static str {
    match fault {
        DiskFault::Full => "the disk is full",
        DiskFault::Missing => "the files or their folder are missing",
        DiskFault::Denied => "the disk may not be written to",
        DiskFault::InTheWay => "something else is where a file belongs",
        DiskFault::Io => "the disk fails",
    }
}

fn no_peers_known(f: &mut fmt::Formatter<'_>, answered: usize) -> fmt::Result {
    match answered {
        0 => f.write_str("no peer is known; no tracker has answered yet"),
        1 => f.write_str("no peer is known: the tracker answers and names nobody"),
        answered => write!(f, "no peer is known: {answered} trackers answer and name nobody"),
    }
}

fn connecting(f: &mut fmt::Formatter<'_>, dialling: usize, known: usize) -> fmt::Result {
    match dialling {
        0 => write!(f, "{} known and not tried yet", are(known, "peer")),
        dialling => write!(f, "connecting to {dialling} of {}", count(known, "known peer")),
    }
}

fn banned_peers(f: &mut fmt::Formatter<'_>, banned: usize, bad_piece: usize, alone: bool) -> fmt::Result {
    write!(f, "{} banned", are(banned, "peer"))?;
    f.write_str(match (bad_piece, banned) {
        (1, 1) => ": it alone sent a piece with wrong data",
        (bad, banned) if bad == banned => ": each alone sent a piece with wrong data",
        _ => " for wrong data",
    })?;
    f.write_str(if alone { "; nobody else is known" } else { "" })
}

fn trackers_failing(f: &mut fmt::Formatter<'_>, each: &[FailingTracker], trackers: usize) -> fmt::Result {
    match trackers {
        1 => f.write_str("the tracker fails")?,
        trackers if trackers == each.len() => write!(f, "all {trackers} trackers fail")?,
        trackers => write!(
            f,
            "{} of {trackers} trackers fail, and no other has answered",
            each.len()
        )?,
    }
    for (n, tracker) in each.iter().take(TRACKERS_NAMED_MAX).enumerate() {
        f.write_str(if n == 0 { ": " } else { "; " })?;
        match (&tracker.said, tracker.asked_for) {
            (Some(said), _) => write!(f, "{}: {said}", tracker.url)?,
            (None, Some(time)) => write!(f, "{} has not answered for {}", tracker.url, Span(time))?,
            (None, None) => f.write_str(&tracker.url)?,
        }
    }
    match each.len().saturating_sub(TRACKERS_NAMED_MAX) {
        0 => Ok(()),
        more => write!(f, "; and {more} more"),
    }
}

/// ` (3, 7 and others)`.
fn named(f: &mut fmt::Formatter<'_>, some: &[PieceIndex], pieces: u32) -> fmt::Result {
    let names: Vec<String> = some.iter().map(|piece| format!("{}", piece.0)).collect();
    if (some.len() as u64) < u64::from(pieces) {
        return write!(f, " ({} and others)", names.join(", "));
    }
    match names.as_slice() {
        [] => Ok(()),
        [one] => write!(f, " ({one})"),
        [others @ .., last] => write!(f, " ({} and {last})", others.join(", ")),
    }
}
