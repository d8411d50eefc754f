//! Events and actions in a few words, for the place where a replay goes another way.

use super::Cast;
use crate::tell::Names as _;
use seedbed_engine::disk::{DiskDone, DiskJob};
use seedbed_engine::net::printable;
use seedbed_engine::{Action, Command, Event};

/// Characters of a value that is printed as it is.
const SHOWN_MAX: usize = 160;

/// An event, without its bytes.
pub fn event_words(cast: &Cast, event: &Event<'_>) -> String {
    match event {
        Event::Tick => "tick".into(),
        Event::Command(command) => format!("command: {}", command_words(command)),
        Event::Accepted { conn, from } => format!("{conn} accepted from {}", cast.address(*from)),
        Event::Connected { conn } => format!("{conn} connected to {}", cast.peer(*conn)),
        Event::Received { conn, data } => {
            format!("{conn} received {} bytes from {}", data.len(), cast.peer(*conn))
        }
        Event::Sent { conn, bytes } => format!("{conn} sent {bytes} bytes"),
        Event::Closed { conn, cause } => {
            format!("{conn} closed: {}", printable(&cause.to_string(), SHOWN_MAX))
        }
        Event::Datagram { from, data } => {
            format!("datagram of {} bytes from {}", data.len(), cast.address(*from))
        }
        Event::Multicast { group, from, data } => {
            format!(
                "announce of {} bytes from {} to {group}",
                data.len(),
                cast.address(*from)
            )
        }
        Event::DatagramError { to, fault } => format!("datagram to {}: {fault}", cast.address(*to)),
        Event::Resolved { op, result } => match result {
            Ok(addrs) => format!("lookup {} found {} addresses", op.0, addrs.len()),
            Err(error) => format!(
                "lookup {} failed: {}",
                op.0,
                printable(&error.to_string(), SHOWN_MAX)
            ),
        },
        Event::DiskDone { op, result } => {
            let what = match result {
                Ok(DiskDone::Opened { .. }) => "opened".into(),
                Ok(DiskDone::Arranged) => "arranged".into(),
                Ok(DiskDone::Prepared) => "prepared".into(),
                Ok(DiskDone::Written) => "written".into(),
                Ok(DiskDone::Read(block)) => format!("read {} bytes", block.len()),
                Ok(DiskDone::Hash(_)) => "hash taken".into(),
                Ok(DiskDone::Digests(_)) => "digests taken".into(),
                Ok(DiskDone::Synced { .. }) => "synced".into(),
                Ok(DiskDone::Saved) => "state saved".into(),
                Ok(DiskDone::Metadata(Some(_))) => "metadata found".into(),
                Ok(DiskDone::Metadata(None)) => "no metadata kept".into(),
                Ok(DiskDone::Closed) => "closed".into(),
                Err(error) => format!("failed: {}", printable(&error.to_string(), SHOWN_MAX)),
            };
            format!("disk job {} {what}", op.0)
        }
        Event::NetworkChanged => "the network changed".into(),
    }
}

fn command_words(command: &Command) -> &'static str {
    match command {
        Command::Add(_) => "add a torrent",
        Command::Remove(_) => "remove",
        Command::Pause(_) => "pause",
        Command::Resume(_) => "resume",
        Command::Recheck(_) => "recheck",
        Command::Reannounce(_) => "reannounce",
        Command::AddPeer(..) => "add a peer",
        Command::SetPriorities(..) => "set priorities",
        Command::SetSequential(..) => "set the order",
        Command::SetDeadlines(..) => "set deadlines",
        Command::SetLimits(_) | Command::SetTorrentLimits(..) => "set limits",
        Command::Fetch { .. } => "fetch",
        Command::ProbeTracker(_) => "probe a tracker",
        Command::Shutdown => "shut down",
    }
}

/// An action, without its bytes.
pub fn action_words(cast: &Cast, action: &Action) -> String {
    match action {
        Action::Connect { conn, to, tls } => {
            let tls = if tls.is_some() { " with TLS" } else { "" };
            format!("{conn} connect to {}{tls}", cast.address(*to))
        }
        Action::Send { conn, head, body } => {
            let body = body.as_ref().map_or(0, seedbed_engine::block::Block::len);
            format!(
                "{conn} send {} bytes and {body} of a block to {}",
                head.len(),
                cast.peer(*conn)
            )
        }
        Action::Hold { conn } => format!("{conn} read no more"),
        Action::Read { conn, budget } => format!("{conn} read up to {budget} bytes"),
        Action::Close { conn, reason } => format!("{conn} close: {reason}"),
        Action::Datagram { to, data } => format!("datagram of {} bytes to {}", data.len(), cast.address(*to)),
        Action::Multicast { group, data } => format!("announce of {} bytes to {group}", data.len()),
        Action::Resolve { op, .. } => format!("lookup {}", op.0),
        Action::Disk { op, job, .. } => format!("disk job {}: {}", op.0, job_words(job)),
        Action::Report(report) => format!("report {}", printable(&format!("{report:?}"), SHOWN_MAX)),
    }
}

fn job_words(job: &DiskJob) -> String {
    match job {
        DiskJob::Open { .. } => "open".into(),
        DiskJob::Arrange { .. } => "arrange".into(),
        DiskJob::Prepare => "prepare".into(),
        DiskJob::Write { range, .. } => format!("write {range}"),
        DiskJob::Read { range } => format!("read {range}"),
        DiskJob::Hash { piece } => format!("hash {piece}"),
        DiskJob::Digests { piece } => format!("digests of {piece}"),
        DiskJob::Sync => "sync".into(),
        DiskJob::SaveResume { data } => format!("save {} bytes of state", data.len()),
        DiskJob::LoadMetadata { .. } => "load metadata".into(),
        DiskJob::SaveMetadata { data, .. } => format!("save {} bytes of metadata", data.len()),
        DiskJob::Close => "close".into(),
    }
}
