//! What is here of a dictionary of one size, and from whom.

use crate::id::ConnId;
use crate::time::{Duration, Instant};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::net::IpAddr;
use serde::{Deserialize, Serialize};

/// A piece that came.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Piece {
    from: IpAddr,
    bytes: Vec<u8>,
}

/// A place for a piece.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Slot {
    piece: Option<Piece>,
    /// When somebody was asked for it last.
    asked_at: Option<Instant>,
    asked: u32,
}

/// Who may be asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Whom {
    /// Everybody who claims this size.
    Anybody,
    /// One peer, whoever comes first: what several sent together was wrong.
    One,
    /// This one, which last sent something or was chosen then.
    This(ConnId, Instant),
}

/// The pieces of one size.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Buffer {
    slots: Vec<Slot>,
    missing: usize,
    bytes: u64,
    whom: Whom,
    progress_at: Instant,
}

impl Buffer {
    /// Nothing is here. A slot is some words, so that even the longest dictionary that may be claimed costs little
    /// before bytes of it come.
    pub(super) fn new(now: Instant, pieces: u32) -> Self {
        let slots: Vec<Slot> = (0..pieces).map(|_| Slot::default()).collect();
        Self {
            missing: slots.len(),
            slots,
            bytes: 0,
            whom: Whom::Anybody,
            progress_at: now,
        }
    }

    /// Whether this peer may be asked. If one has to give all, the first that asks becomes the one.
    pub(super) fn may_be_asked_of(&mut self, now: Instant, conn: ConnId) -> bool {
        match self.whom {
            Whom::Anybody => true,
            Whom::This(one, _) => one == conn,
            Whom::One => {
                self.whom = Whom::This(conn, now);
                true
            }
        }
    }

    /// The missing pieces that may be asked for now, those that were asked for least first.
    pub(super) fn pick(
        &mut self,
        now: Instant,
        interval: Duration,
        count: usize,
        but: &BTreeSet<u32>,
    ) -> Vec<u32> {
        let due = |slot: &Slot| slot.asked_at.is_none_or(|at| now >= at + interval);
        let mut free: Vec<(u32, u32)> = self
            .slots
            .iter()
            .zip(0u32..)
            .filter(|(slot, n)| slot.piece.is_none() && due(slot) && !but.contains(n))
            .map(|(slot, n)| (slot.asked, n))
            .collect();
        free.sort_unstable();
        let picks: Vec<u32> = free.into_iter().take(count).map(|(_, n)| n).collect();
        for n in &picks {
            if let Some(slot) = self.slots.get_mut(*n as usize) {
                slot.asked = slot.asked.saturating_add(1);
                slot.asked_at = Some(now);
            }
        }
        picks
    }

    /// Keeps a piece. False when there is no place for it.
    pub(super) fn insert(
        &mut self,
        now: Instant,
        conn: ConnId,
        from: IpAddr,
        piece: u32,
        bytes: &[u8],
    ) -> bool {
        match &mut self.whom {
            Whom::Anybody => {}
            Whom::This(one, since) if *one == conn => *since = now,
            Whom::This(..) | Whom::One => return false,
        }
        let Some(slot) = self
            .slots
            .get_mut(piece as usize)
            .filter(|slot| slot.piece.is_none())
        else {
            return false;
        };
        slot.piece = Some(Piece {
            from,
            bytes: bytes.to_vec(),
        });
        self.missing = self.missing.saturating_sub(1);
        self.bytes += bytes.len() as u64;
        self.progress_at = now;
        true
    }

    /// A piece will not come from whom it was asked of: others may be asked at once.
    pub(super) fn refused(&mut self, piece: u32) {
        if let Some(slot) = self.slots.get_mut(piece as usize) {
            slot.asked_at = None;
        }
    }

    /// A peer gives no more. If all had to come from it, another one begins anew.
    pub(super) fn left(&mut self, conn: ConnId) {
        if matches!(self.whom, Whom::This(one, _) if one == conn) {
            self.begin_alone();
        }
    }

    /// Forgets everything; the next try takes all from one peer.
    pub(super) fn begin_alone(&mut self) {
        self.slots.fill(Slot::default());
        self.missing = self.slots.len();
        self.bytes = 0;
        self.whom = Whom::One;
    }

    /// The peer that gives all, if one has to.
    pub(super) const fn alone(&self) -> Option<ConnId> {
        match self.whom {
            Whom::This(conn, _) => Some(conn),
            Whom::Anybody | Whom::One => None,
        }
    }

    /// Since when that one has sent nothing.
    pub(super) const fn alone_since(&self) -> Option<Instant> {
        match self.whom {
            Whom::This(_, since) => Some(since),
            Whom::Anybody | Whom::One => None,
        }
    }

    /// When the first missing piece may be asked for again, later than `now`.
    pub(super) fn next_after(&self, now: Instant, interval: Duration) -> Option<Instant> {
        let missing = self.slots.iter().filter(|slot| slot.piece.is_none());
        let times = missing.filter_map(|slot| slot.asked_at.map(|at| at + interval));
        times.filter(|at| *at > now).min()
    }

    pub(super) const fn is_whole(&self) -> bool {
        self.missing == 0
    }

    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) const fn progress_at(&self) -> Instant {
        self.progress_at
    }

    /// All that is here, in order.
    pub(super) fn concat(&self) -> Vec<u8> {
        let pieces = self.slots.iter().filter_map(|slot| slot.piece.as_ref());
        pieces.flat_map(|piece| piece.bytes.iter().copied()).collect()
    }

    /// Who sent what is here, each once.
    pub(super) fn contributors(&self) -> Vec<IpAddr> {
        let pieces = self.slots.iter().filter_map(|slot| slot.piece.as_ref());
        let from: BTreeSet<IpAddr> = pieces.map(|piece| piece.from).collect();
        from.into_iter().collect()
    }
}
