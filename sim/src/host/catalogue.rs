//! What disks, hosts and users can do, by the names that scenarios use.
//!
//! Rows DK are those of the catalogue, CM are the user's commands. Every behaviour may have `when` (a time after the
//! start of its host) and `for` (how long it lasts); those of jobs `at` (from which occasion on), `times` and
//! `permille`.

use crate::scenario::{Area, Behaviour};

const fn row(
    area: Area,
    row: &'static str,
    name: &'static str,
    text: &'static str,
    reaction: &'static str,
) -> Behaviour {
    Behaviour {
        name,
        row,
        area,
        text,
        reaction,
    }
}

/// The behaviour of this name.
pub(super) fn find(name: &str) -> Option<&'static Behaviour> {
    BEHAVIOURS.iter().find(|known| known.name == name)
}

/// Everything that disks, hosts and their users can do.
#[rustfmt::skip]
pub const BEHAVIOURS: &[Behaviour] = &[
    row(Area::Disk, "DK1", "disk-error", "Jobs of a kind (`job`: write, out, read, hash, digests, sync, save, prepare, open or any) fail with an I/O error, from the `at`-th on, `times` times.",
        "Downloading stops with the error shown and goes on by itself; nothing verified is lost and nothing is announced that is not there."),
    row(Area::Disk, "DK2", "disk-full", "Only `bytes` more fit, or writing fails from the `at`-th write on, `times` times.",
        "The torrent stops with a clear error and resumes by a retry or a command; verified pieces stay, blocks that were taken are not fetched again."),
    row(Area::Disk, "DK3", "short-write", "The system takes a part of a write; storage goes on at the rest.",
        "None: the piece is written whole."),
    row(Area::Disk, "DK3", "short-read", "A read yields fewer bytes than asked for.",
        "The request is refused; no short block is ever sent."),
    row(Area::Disk, "DK4", "slow-disk", "Every job takes `each` (1s), or as long as `rate` bytes a second take, and one waits for the other.",
        "Bytes on their way to the disk stay bounded; peers are read more slowly, none is dropped for it."),
    row(Area::Disk, "DK5", "unordered-disk", "Jobs that may overtake each other do, by up to `by` (50ms).",
        "Answers are matched by job; the state is the same as in order."),
    row(Area::Disk, "DK6", "torn-write", "At a power loss, writes that were not synced reach the medium in part.",
        "The next start hashes what was not synced and fetches it again."),
    row(Area::Disk, "DK7", "lying-fsync", "A sync and a save say that they are done and nothing is durable.",
        "After a power loss what is missing is found by the next check that is made; until then the engine cannot know."),
    row(Area::Disk, "DK8", "file-truncated", "The `file`-th file is cut to `to` bytes.",
        "The read fails, the piece is not offered any more, the user is told; the rest is served."),
    row(Area::Disk, "DK8", "file-deleted", "The `file`-th file is deleted.",
        "The read fails, the piece is not offered any more, the user is told; the rest is served."),
    row(Area::Disk, "DK8", "file-replaced", "The `file`-th file is replaced by other bytes of the same length.",
        "The next start finds another time and hashes it; a file that matches nothing is not written over."),
    row(Area::Disk, "DK8", "file-grown", "The `file`-th file becomes `by` bytes longer.",
        "Nothing is cut; a download that is not complete refuses to go on at the next start."),
    row(Area::Disk, "DK9", "bit-rot", "A bit turns over on the medium before a read.",
        "The engine serves what storage gives it; a check finds the piece, and it is fetched again."),
    row(Area::Disk, "DK10", "misdirected-write", "A write goes to a neighbouring place.",
        "Hashes are taken over the blocks in memory, so the engine cannot know; the next check finds both places, and they are fetched again."),
    row(Area::Disk, "DK11", "disk-denied", "Every job that changes files is denied.",
        "The torrent stops with an error at once; other torrents go on."),
    row(Area::Disk, "DK11", "path-in-the-way", "A folder stands where a file belongs.",
        "The torrent stops with an error until the user acts."),
    row(Area::Disk, "DK12", "resume-torn", "The saved state is given back cut at a random place.",
        "It is not used: everything is hashed."),
    row(Area::Disk, "DK12", "resume-flipped", "The saved state is given back with a flipped bit.",
        "It is not used: everything is hashed."),
    row(Area::Disk, "DK12", "resume-stale", "The first state that was ever saved is given back.",
        "What it does not vouch for is hashed; no piece is announced that is not there."),
    row(Area::Disk, "DK12", "resume-foreign", "The saved state of another torrent is given back.",
        "It is not used: everything is hashed."),
    row(Area::Disk, "DK12", "resume-newer", "The saved state is of a newer version.",
        "It is not used: everything is hashed."),
    row(Area::Disk, "DK12", "resume-lost", "The saved state is gone.",
        "Everything is hashed."),
    row(Area::Disk, "DK13", "slow-hash", "A hash takes `by` (5s) longer than anything else.",
        "Its result counts for the piece that it was asked for, or for nothing."),
    row(Area::Host, "DK14", "crash", "The process dies, at once or before its `action`-th action or `event`-th event, and starts again after `down` (1s) unless `stays-down`.",
        "The next start believes no more than was verified before, and finishes."),
    row(Area::Host, "DK7", "power-loss", "The same with the whole machine: of the writes that were not synced, `lost` (500) in a thousand are lost; nobody is told.",
        "The next start believes what was synced, hashes the rest, and finishes."),
    row(Area::Host, "DK15", "suspend", "The machine sleeps for `lasts` (8h): nothing runs, nobody answers, then time has jumped and the network may have changed.",
        "No storm of timers; dead connections are dropped and made anew."),
    row(Area::Host, "DK15", "freeze", "The process is stopped for `lasts` (30s): its system answers and keeps what arrives, then time has jumped.",
        "No storm of timers; whoever waited meanwhile is not blamed."),
    row(Area::Host, "DK16", "clock-jump", "The wall clock jumps by `seconds`.",
        "None: no timer of the protocol follows the wall clock."),
    row(Area::Host, "DK17", "network-change", "Addresses or routes changed.",
        "One announce to each tracker; connections that are dead are made anew."),
    row(Area::Host, "DK17", "interface-gone", "The network interface goes: every stream breaks, and the network has changed.",
        "One announce to each tracker; peers are dialled again within the back-off."),
    row(Area::Host, "DK18", "few-handles", "No more than `max` (4) streams at a time.",
        "Fewer connections; no peer is blamed, nothing is stopped."),
    row(Area::Host, "CM1", "pause", "The user pauses the torrent; the end of the fault resumes it.",
        "No connection and no announce but `stopped`; afterwards it goes on where it was."),
    row(Area::Host, "CM2", "resume", "The user resumes the torrent.", "It goes on where it was."),
    row(Area::Host, "CM3", "recheck", "The user has everything hashed again.",
        "What is right is had again, what is not is fetched; nothing is announced in between."),
    row(Area::Host, "CM4", "reannounce", "The user wants an announce now.", "One, as far as the minimum intervals allow."),
    row(Area::Host, "CM5", "add-peer", "The user names a peer: `who`, an actor's name.", "It is dialled."),
    row(Area::Host, "CM8", "scrape", "The user asks the first tracker for its figures.", "They are told; those of another torrent are an error, and no figures."),
    row(Area::Host, "CM9", "limit", "The user limits what is read (`down`) and sent (`up`), in bytes a second, of the `torrent` or of all; the end of the fault lifts it.",
        "No more passes in any second or ten seconds than the limit and a block; nothing is late or blamed for it."),
    row(Area::Host, "CM10", "select", "The user wants the `file`-th file alone; the end of the fault wants all of them. With `waits`, in the host's description, a link waits for that.",
        "Only pieces of that file are fetched; other files are not made, and get what came of them when they are wanted."),
    row(Area::Host, "CM11", "prefer", "The user wants the `file`-th file before all others, and the last one after them; the end of the fault takes that back.",
        "Its pieces are asked for first, those of the last file last; nobody waits for that."),
    row(Area::Host, "CM12", "sequential", "The user wants pieces in their order; the end of the fault takes that back.",
        "Pieces are asked for in their order."),
    row(Area::Host, "CM13", "deadlines", "A player needs the `piece`-th piece and the three behind it, within 5 s each.",
        "They are asked for next."),
    row(Area::Host, "CM14", "fetch", "The user wants the .torrent file of a tracker's site: `what` is there, missing, moved, large, nowhere or no-url.",
        "It comes as it is, or an error says why not; the download goes on."),
    row(Area::Host, "CM6", "remove", "The user removes the torrent.", "Trackers are told, files stay, nothing else is left."),
    row(Area::Host, "CM7", "shutdown", "The user ends the program.", "It ends within its limit, with the state saved."),
];
