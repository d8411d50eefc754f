//! A torrent, looked at from outside: its figures beside the same ones counted again, for checkers and digests.
//!
//! Nothing here changes anything or is kept; whatever is not asked for costs nothing.

use super::disk::DiskOp;
use super::{Peer, Phase, Torrent};
use crate::bitfield::Bitfield;
use crate::geometry::BlockRange;
use crate::id::{ConnId, PeerId, PieceIndex};
use crate::ledger::Ledger;
use crate::metadata::Fetch;
use crate::time::Instant;
use core::net::SocketAddr;

/// The figures of a torrent.
#[derive(Clone, Copy, Debug)]
pub struct Figures<'a> {
    torrent: &'a Torrent,
}

/// The figures of one of its sessions.
#[derive(Clone, Copy, Debug)]
pub struct PeerFigures<'a> {
    torrent: &'a Torrent,
    conn: ConnId,
    peer: &'a Peer,
}

impl Torrent {
    /// Looks at the torrent.
    pub const fn figures(&self) -> Figures<'_> {
        Figures { torrent: self }
    }
}

impl<'a> Figures<'a> {
    /// Verified pieces.
    pub fn have(self) -> &'a Bitfield {
        self.torrent.picker.have()
    }

    /// Bytes of verified pieces, as kept and as counted.
    pub fn verified(self) -> (u64, u64) {
        let geometry = &self.torrent.geometry;
        let counted = self
            .have()
            .iter()
            .map(|piece| u64::from(geometry.length_of(piece)));
        (self.torrent.verified, counted.sum())
    }

    /// Bytes kept of metadata that is not whole; none when the torrent has its metadata or waits for no peer's.
    pub fn metadata_bytes(self) -> Option<u64> {
        self.torrent.fetch().map(Fetch::bytes)
    }

    /// Wanted pieces that are not had.
    pub fn wanted_left(self) -> u32 {
        self.torrent.picker.wanted_left()
    }

    /// Whether blocks may be requested now.
    pub const fn fetches(self) -> bool {
        matches!(self.torrent.phase, Phase::Active) && !self.torrent.paused
    }

    /// Whether the user paused it.
    pub const fn is_paused(self) -> bool {
        self.torrent.paused
    }

    /// Whether every wanted block is requested or received.
    pub fn is_endgame(self) -> bool {
        self.torrent.picker.is_endgame()
    }

    /// The sessions by connection.
    pub fn peers(self) -> impl Iterator<Item = PeerFigures<'a>> {
        let torrent = self.torrent;
        torrent.sessions.iter().map(move |(conn, peer)| PeerFigures {
            torrent,
            conn: *conn,
            peer,
        })
    }

    /// Peers that the picker knows; each has a session whose messages flow.
    pub fn picker_peers(self) -> impl Iterator<Item = ConnId> + 'a {
        self.torrent.picker.peers()
    }

    /// Blocks that peers owe us, as the pieces in work have it.
    pub fn owed(self) -> impl Iterator<Item = (ConnId, BlockRange)> + 'a {
        self.torrent.picker.owed()
    }

    /// Peers that have a piece, as kept and as counted.
    pub fn availability(self, piece: PieceIndex) -> (u32, u32) {
        let picker = &self.torrent.picker;
        (picker.availability(piece), picker.availability_recount(piece))
    }

    /// Pieces in work.
    pub fn partials(self) -> usize {
        self.torrent.picker.partials()
    }

    /// Peers that hold an optimistic slot.
    pub fn optimistic(self) -> &'a [ConnId] {
        self.torrent.choker.optimistic()
    }

    /// Disk jobs under way.
    pub fn jobs(self) -> usize {
        self.torrent.ops.len()
    }

    /// Bytes on their way to the disk, as kept and as counted.
    pub fn writing(self) -> (u64, u64) {
        let counted = self.torrent.ops.values().map(|op| match op {
            DiskOp::Write(range) => u64::from(range.length),
            _ => 0,
        });
        (self.torrent.writing, counted.sum())
    }

    /// Hashes of arrived pieces under way.
    pub fn hashing(self) -> usize {
        self.torrent.verifying.hashing.len()
    }

    /// Addresses that are known.
    pub fn known(self) -> usize {
        self.torrent.candidates.known()
    }

    /// Addresses that are connected, and that are being dialled, as the list of candidates has it.
    pub fn links(self) -> (usize, usize) {
        let candidates = &self.torrent.candidates;
        (candidates.connected_count(), candidates.connecting_count())
    }

    /// Sessions that wait for the plan step; none between two events.
    pub fn dirty(self) -> usize {
        self.torrent.dirty.len()
    }

    /// Sessions whose reading is held back because the disk is behind.
    pub fn starved(self) -> usize {
        self.torrent.starved.len()
    }

    /// Payload received, sent, and received in vain, in bytes of this run.
    pub const fn traffic(self) -> (u64, u64, u64) {
        let ledger = &self.torrent.traffic.ledger;
        (ledger.payload(), self.torrent.traffic.uploaded, ledger.wasted())
    }

    /// All bytes received in this run by what became of them.
    pub const fn received(self) -> &'a Ledger {
        &self.torrent.traffic.ledger
    }
}

impl<'a> PeerFigures<'a> {
    /// Its connection.
    pub const fn conn(self) -> ConnId {
        self.conn
    }

    /// Its address.
    pub const fn addr(self) -> SocketAddr {
        self.peer.session.addr()
    }

    /// Its peer id, once it is known.
    pub const fn peer_id(self) -> Option<PeerId> {
        self.peer.session.peer_id()
    }

    /// Whether the TCP connection is not established yet.
    pub const fn is_connecting(self) -> bool {
        self.peer.session.is_connecting()
    }

    /// Whether messages flow.
    pub const fn is_open(self) -> bool {
        self.peer.session.is_open()
    }

    /// Whether both sides speak the Fast extension.
    pub const fn fast(self) -> bool {
        self.peer.session.fast()
    }

    /// Its pieces; none before its messages flow.
    pub fn pieces(self) -> Option<&'a Bitfield> {
        self.torrent.picker.peer_set(self.conn)
    }

    /// Whether we choke it.
    pub const fn am_choking(self) -> bool {
        self.peer.session.am_choking()
    }

    /// Whether it chokes us.
    pub const fn peer_choking(self) -> bool {
        self.peer.session.peer_choking()
    }

    /// Whether it wants something of us.
    pub const fn peer_interested(self) -> bool {
        self.peer.session.peer_interested()
    }

    /// Whether we told it that we want something: as told, as the picker keeps it, and as looked up.
    pub fn interested(self) -> (bool, bool, bool) {
        let picker = &self.torrent.picker;
        (
            self.peer.session.am_interested(),
            picker.interesting(self.conn),
            picker.interesting_recount(self.conn),
        )
    }

    /// Pieces that we may ask for although it chokes us.
    pub fn allowed_fast(self) -> &'a [PieceIndex] {
        self.peer.session.allowed_fast()
    }

    /// Requests that were sent and not answered; whether others may be asked for the same block.
    pub fn requests(self) -> impl Iterator<Item = (BlockRange, bool)> + 'a {
        self.peer.session.requests()
    }

    /// Requests outstanding, as the session counts them.
    pub fn outstanding(self) -> usize {
        self.peer.session.outstanding()
    }

    /// Blocks that it owes us, as the picker has it.
    pub fn requested(self) -> impl Iterator<Item = BlockRange> + 'a {
        self.torrent.picker.requested_by(self.conn)
    }

    /// Requests that it lets us have outstanding.
    pub fn reqq(self) -> u32 {
        self.peer.session.reqq()
    }

    /// Whether it keeps us waiting.
    pub const fn snubbed(self) -> bool {
        self.peer.session.snubbed()
    }

    /// Its requests that wait or are being read.
    pub fn uploads_queued(self) -> usize {
        self.peer.session.uploads_queued()
    }

    /// Bytes of blocks given to the driver and not yet taken by the system.
    pub const fn unsent(self) -> u64 {
        self.peer.session.unsent()
    }

    /// Bytes kept of messages that are not whole yet.
    pub fn stashed(self) -> usize {
        self.peer.session.stashed()
    }

    /// Messages that wait for the end of the step; none between two events.
    pub fn unflushed(self) -> usize {
        self.peer.session.unflushed()
    }

    /// Bytes that were read and whose budget was not given back.
    pub const fn read_owed(self) -> u32 {
        self.peer.read_owed
    }

    /// Payload received and sent, in bytes.
    pub const fn transferred(self) -> (u64, u64) {
        self.peer.session.transferred()
    }

    /// When it has to be looked at again, and under which time it is registered: never later.
    pub fn deadlines(self) -> (Option<Instant>, Option<Instant>) {
        (self.peer.session.deadline(), self.peer.timer)
    }
}
