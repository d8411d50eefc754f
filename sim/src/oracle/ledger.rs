//! I36: the engine's ledger of received bytes, held against the bytes that went in.

use super::table::Oracle;
use super::watch::Watch;
use seedbed_engine::CloseReason;
use seedbed_engine::id::{ConnId, PieceIndex};
use seedbed_engine::ledger::Ledger;
use seedbed_engine::session::{End, Violation};

/// What came on the torrent's connections in this life, counted from the streams, and what became of it, counted from
/// jobs and reports.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    bytes: u64,
    /// Those among them of blocks that are not whole.
    arriving: u64,
    /// Payload of whole blocks.
    payload: u64,
    /// Who speaks in this event, the payload of its whole blocks, and whether it was the last that was heard of it: then
    /// the engine need not have looked at all of them.
    now: Option<(ConnId, u64, bool)>,
    /// Payload that was given to storage, and that of pieces that are told to have failed.
    stored: u64,
    failed: u64,
    /// Payload of blocks for which a connection was closed, as nobody asked for them.
    unrequested: u64,
    /// The files were looked at again: blocks that were stored may have been forgotten.
    looked_again: bool,
}

impl Watch {
    /// An event begins.
    pub(crate) fn hears(&mut self, speaker: Option<ConnId>) {
        self.heard.now = speaker.map(|id| (id, 0, false));
    }

    /// Bytes came; `arriving` were of a block that was not whole before. Whoever dialled us is nobody's until the
    /// engine answers.
    pub(crate) fn heard_bytes(&mut self, id: ConnId, bytes: u64, arriving: u64) {
        let Some(conn) = self.conns.get_mut(&id) else {
            return;
        };
        if !conn.owned {
            conn.early += bytes;
        } else {
            self.heard.bytes += bytes;
            self.heard.arriving += conn.received.arriving();
            self.heard.arriving -= arriving;
        }
    }

    /// The engine is about to say its first word on a connection.
    pub(crate) fn heard_before(&mut self, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(&id).filter(|conn| !conn.owned) {
            conn.owned = true;
            self.heard.bytes += conn.early;
            self.heard.arriving += conn.received.arriving();
        }
    }

    /// A block is whole.
    pub(crate) fn heard_block(&mut self, bytes: u64) {
        self.heard.payload += bytes;
        if let Some((_, payload, _)) = &mut self.heard.now {
            *payload += bytes;
        }
    }

    /// A connection is no more, and a block that was arriving on it never will be whole.
    pub(crate) fn hears_no_more(&mut self, id: ConnId) {
        if let Some(conn) = self.conns.get(&id).filter(|conn| conn.owned) {
            self.heard.arriving -= conn.received.arriving();
        }
        if let Some((speaker, _, over)) = &mut self.heard.now {
            *over |= *speaker == id;
        }
    }

    /// The engine closes a connection.
    pub(crate) fn heard_unrequested(&mut self, reason: &CloseReason) {
        if let CloseReason::Peer(End::Violation(
            Violation::BlockNotRequested { range } | Violation::BlockOutOfRange { range },
        )) = reason
        {
            self.heard.unrequested += u64::from(range.length);
        }
    }

    /// A block is written.
    pub(crate) const fn heard_stored(&mut self, bytes: u64) {
        self.heard.stored += bytes;
    }

    /// A piece is told to have failed.
    pub(crate) fn heard_failed(&mut self, piece: PieceIndex) {
        self.heard.failed += u64::from(self.geometry.length_of(piece));
    }

    /// The files are looked at.
    pub(crate) const fn heard_doubted(&mut self) {
        self.heard.looked_again |= self.heard.stored > 0;
    }

    /// What the engine tells of all this.
    pub(crate) fn ledger(&mut self, told: &Ledger) {
        let Ledger {
            useful,
            duplicate,
            failed_hash,
            unrequested,
            late,
            protocol,
        } = *told;
        let lossy = self.disk_errors || self.heard.looked_again;
        let (heard, verdicts) = (&mut self.heard, &mut self.verdicts);
        if heard.bytes == 0 {
            return;
        }
        let payload = useful + duplicate + failed_hash + unrequested + late;
        let sum = payload + protocol + heard.arriving;
        verdicts.check(Oracle::I36, sum == heard.bytes, || {
            format!("{sum} bytes are accounted for, {} came: {told:?}", heard.bytes)
        });
        let unread = match heard.now {
            Some((_, payload, true)) => payload,
            _ => 0,
        };
        let blocks = heard.payload - unread..=heard.payload;
        verdicts.check(Oracle::I36, blocks.contains(&payload), || {
            format!("{payload} bytes of blocks are told, {blocks:?} came: {told:?}")
        });
        heard.payload = payload;
        let stored = useful + failed_hash;
        let kept = stored <= heard.stored && (lossy || stored == heard.stored);
        verdicts.check(Oracle::I36, kept, || {
            format!(
                "{stored} bytes are told to be stored, {} were: {told:?}",
                heard.stored
            )
        });
        let failed = failed_hash <= heard.failed && (lossy || failed_hash == heard.failed);
        verdicts.check(Oracle::I36, failed && unrequested == heard.unrequested, || {
            format!(
                "{} bytes failed and {} were not requested: {told:?}",
                heard.failed, heard.unrequested
            )
        });
    }
}
