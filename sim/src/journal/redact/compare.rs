//! Whether two engines did the same, but for the names.

use super::events::Rewriter;
use super::pseudonyms::Pseudonyms;
use super::veil::Veil;
use seedbed_engine::block::Block;
use seedbed_engine::disk::DiskJob;
use seedbed_engine::lsd;
use seedbed_engine::{Action, Report, TorrentState};
use std::mem::discriminant;

/// Arguments of an announce that are decisions.
const ARGUMENTS: [&str; 8] = [
    "port",
    "uploaded",
    "downloaded",
    "left",
    "event",
    "numwant",
    "compact",
    "no_peer_id",
];

/// Whether `new` is `old` with other names.
pub(super) fn same(rewriter: &mut Rewriter, old: &Action, new: &Action) -> bool {
    let Rewriter {
        names,
        http,
        veils,
        cookies,
        ..
    } = rewriter;
    match (old, new) {
        (
            Action::Connect { conn, to, tls },
            Action::Connect {
                conn: conn2,
                to: to2,
                tls: tls2,
            },
        ) => conn == conn2 && names.addr(*to) == *to2 && tls.is_some() == tls2.is_some(),
        (
            Action::Send { conn, head, body },
            Action::Send {
                conn: conn2,
                head: head2,
                body: body2,
            },
        ) => {
            let length = |body: &Option<Block>| body.as_ref().map(Block::len);
            let heads = match veils.get_mut(conn) {
                _ if http.contains(conn) => arguments(head) == arguments(head2),
                Some(veil) => same_behind(veil, names, (head, body.as_ref()), (head2, body2.as_ref())),
                None => masked(head) == masked(head2),
            };
            conn == conn2 && heads && length(body) == length(body2)
        }
        (Action::Read { conn, .. }, Action::Read { conn: conn2, .. }) if http.contains(conn) => conn == conn2,
        (Action::Datagram { to, data }, Action::Datagram { to: to2, data: data2 }) => {
            names.addr(*to) == *to2 && request(data) == request(data2)
        }
        (
            Action::Multicast { group, data },
            Action::Multicast {
                group: group2,
                data: data2,
            },
        ) => match (lsd::read(data), lsd::read(data2)) {
            (Ok(old), Ok(new)) => {
                cookies.extend(old.cookie.map(<[u8]>::to_vec));
                let hashes: Vec<_> = old.hashes.iter().map(|hash| names.info_hash(*hash)).collect();
                group == group2 && old.port == new.port && hashes == new.hashes
            }
            _ => false,
        },
        (Action::Resolve { op, .. }, Action::Resolve { op: op2, .. }) => op == op2,
        (
            Action::Disk { op, torrent, job },
            Action::Disk {
                op: op2,
                torrent: torrent2,
                job: job2,
            },
        ) => op == op2 && torrent == torrent2 && same_job(job, job2),
        (Action::Report(old), Action::Report(new)) => same_report(names, old, new),
        _ => old == new,
    }
}

/// The same of what is sent on an encrypted connection; of an encrypted handshake that nobody reads to its end, the
/// lengths.
fn same_behind(
    veil: &mut Veil,
    names: &mut Pseudonyms,
    old: (&[u8], Option<&Block>),
    new: (&[u8], Option<&Block>),
) -> bool {
    let heads = veil.said(names, old.0, new.0);
    // the key streams go on through blocks too
    let bytes = |body: Option<&Block>| body.map_or_else(Vec::new, |body| body.as_bytes().to_vec());
    veil.said(names, &bytes(old.1), &bytes(new.1));
    let same = heads.is_none_or(|(old, new)| masked(&old) == masked(&new));
    same && old.0.len() == new.0.len()
}

fn same_job(old: &DiskJob, new: &DiskJob) -> bool {
    match (old, new) {
        (DiskJob::Open { .. }, DiskJob::Open { .. })
        | (DiskJob::LoadMetadata { .. }, DiskJob::LoadMetadata { .. }) => true,
        (DiskJob::SaveMetadata { data, .. }, DiskJob::SaveMetadata { data: data2, .. }) => {
            data.len() == data2.len()
        }
        (DiskJob::SaveResume { data }, DiskJob::SaveResume { data: data2 }) => data.len() == data2.len(),
        (DiskJob::Arrange { layout }, DiskJob::Arrange { layout: layout2 }) => {
            let sizes = layout.files().iter().map(|file| (file.length, file.skipped));
            sizes.eq(layout2.files().iter().map(|file| (file.length, file.skipped)))
        }
        (DiskJob::Write { range, .. }, DiskJob::Write { range: range2, .. }) => range == range2,
        _ => old == new,
    }
}

fn same_report(names: &mut Pseudonyms, old: &Report, new: &Report) -> bool {
    let kinds = discriminant(old) == discriminant(new);
    kinds
        && match (old, new) {
            (Report::State { state, .. }, Report::State { state: state2, .. }) => same_state(state, state2),
            (
                Report::PeerClosed { conn, addr, .. },
                Report::PeerClosed {
                    conn: conn2,
                    addr: addr2,
                    ..
                },
            ) => conn == conn2 && names.addr(*addr) == *addr2,
            (Report::Banned { ip, .. }, Report::Banned { ip: ip2, .. }) => names.ip(*ip) == *ip2,
            (Report::PieceVerified { .. } | Report::Checked { .. } | Report::Completed { .. }, _) => {
                old == new
            }
            (
                Report::Choke { conn, unchoked, .. },
                Report::Choke {
                    conn: conn2,
                    unchoked: unchoked2,
                    ..
                },
            ) => conn == conn2 && unchoked == unchoked2,
            (
                Report::TrackerOk { peers, next, .. },
                Report::TrackerOk {
                    peers: peers2,
                    next: next2,
                    ..
                },
            ) => peers == peers2 && next == next2,
            (Report::TrackerFailed { retry_at, .. }, Report::TrackerFailed { retry_at: retry2, .. }) => {
                retry_at == retry2
            }
            _ => true,
        }
}

fn same_state(old: &TorrentState, new: &TorrentState) -> bool {
    discriminant(old) == discriminant(new)
}

/// Messages to a peer without what differs by name: info-hash and peer id of the handshake, and the payload of
/// extended messages, of which the length stays.
fn masked(head: &[u8]) -> Vec<u8> {
    let mut masked = head.to_vec();
    let mut at = 0;
    if head.starts_with(b"\x13BitTorrent protocol") && head.len() >= 68 {
        masked[28..68].fill(0);
        at = 68;
    }
    while let Some(prefix) = head.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
        let length = u32::from_be_bytes(*prefix) as usize;
        let end = (at + 4 + length).min(head.len());
        if head.get(at + 4) == Some(&20) {
            masked[at + 5..end].fill(0);
        }
        at = at + 4 + length;
    }
    masked
}

/// The arguments of a request that are decisions.
fn arguments(head: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(head);
    let target = text.split(' ').nth(1).unwrap_or_default();
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let known = |argument: &&str| ARGUMENTS.contains(&argument.split('=').next().unwrap_or_default());
    query.split('&').filter(known).map(str::to_owned).collect()
}

/// A request to a UDP tracker without info-hash, peer id, key and the options behind (BEP 15, BEP 41).
fn request(data: &[u8]) -> Vec<u8> {
    let mut data = data.to_vec();
    match data.get(8..12) {
        Some([0, 0, 0, 1]) => {
            data.truncate(98);
            for range in [16..56, 88..92] {
                if let Some(part) = data.get_mut(range) {
                    part.fill(0);
                }
            }
        }
        // a scrape: how many hashes
        Some([0, 0, 0, 2]) => data[16..].fill(0),
        _ => {}
    }
    data
}
