//! `ut_metadata` on one connection (BEP 9): what we asked of the peer, what it asks of us.
//!
//! Invariants: a piece that was not asked for closes the connection; every request of the peer is answered by its piece
//! or by a reject, and no more of them wait than [`MetadataConfig::serve_queue_max`](crate::config::MetadataConfig).

use super::{Output, Session, Violation};
use crate::extension::UT_METADATA;
use crate::extension::handshake::ExtendedHandshake;
use crate::extension::metadata::{HEAD_MAX, MetadataMessage, NAME, length_of, pieces};
use crate::marks::Mark;
use crate::time::Instant;
use crate::wire::Message;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// What of the info dictionary peers and we may exchange.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Metadata {
    /// Nothing: the torrent is private.
    Off,
    /// We look for it.
    Wanted,
    /// We give it.
    Served(Arc<[u8]>),
}

/// The state of the exchange with one peer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Exchange {
    /// Pieces that we asked for and that were not answered, with the size that the peer claimed then.
    asked: BTreeMap<u32, u32>,
    /// Pieces that the peer wants.
    queue: VecDeque<u32>,
}

impl Session {
    /// Our part of the extended handshake.
    pub(super) fn offer_metadata(&self, extended: &mut ExtendedHandshake) {
        match &self.rules.metadata {
            Metadata::Off => return,
            Metadata::Wanted => {}
            // never longer than what was read of a peer or a file
            Metadata::Served(info) => extended.metadata_size = u32::try_from(info.len()).ok(),
        }
        extended.m.insert(NAME.into(), UT_METADATA);
    }

    /// Tells the peer that the metadata is here now, or that it is not for exchange.
    pub fn send_metadata_offer(&mut self, now: Instant) {
        if !self.reserved.extended() || !self.is_open() {
            return;
        }
        let mut extended = ExtendedHandshake {
            m: self.offered(),
            ..ExtendedHandshake::default()
        };
        self.offer_metadata(&mut extended);
        if matches!(self.rules.metadata, Metadata::Off) {
            extended.m.insert(NAME.into(), 0);
        }
        let payload = extended.encode();
        self.send(now, &Message::Extended { id: 0, payload });
    }

    /// How long the dictionary is, as the peer says; none when it does not take requests for it.
    pub fn metadata_size(&self) -> Option<u32> {
        self.extensions.extension(NAME)?;
        self.extensions.metadata_size
    }

    /// Asks for a piece of the size that the peer claims.
    pub fn request_metadata(&mut self, now: Instant, piece: u32) {
        let (Some(id), Some(size)) = (self.extensions.extension(NAME), self.metadata_size()) else {
            return;
        };
        self.exchange.asked.insert(piece, size);
        let payload = MetadataMessage::Request { piece }.encode();
        self.send(now, &Message::Extended { id, payload });
    }

    /// Gives pieces that the peer waits for, while fewer than `bytes_max` are on their way to it.
    pub fn serve_metadata(&mut self, now: Instant, bytes_max: u64) {
        while self.uploads.in_flight() < bytes_max {
            let Some(piece) = self.exchange.queue.pop_front() else {
                return;
            };
            let rules = self.rules.clone();
            let Metadata::Served(info) = &rules.metadata else {
                self.reject_metadata(now, piece);
                continue;
            };
            let start = piece as usize * rules.metadata_config.piece_length as usize;
            let end = info
                .len()
                .min(start.saturating_add(rules.metadata_config.piece_length as usize));
            let (Some(bytes), Some(id)) = (info.get(start..end), self.extensions.extension(NAME)) else {
                continue;
            };
            self.marks.hit(Mark::MetadataServed);
            let total_size = i64::try_from(info.len()).ok();
            let payload = MetadataMessage::Data {
                piece,
                total_size,
                bytes,
            }
            .encode();
            self.send(now, &Message::Extended { id, payload });
        }
    }

    /// Whether the peer waits for pieces of metadata.
    pub fn metadata_queued(&self) -> usize {
        self.exchange.queue.len()
    }

    fn reject_metadata(&mut self, now: Instant, piece: u32) {
        if let Some(id) = self.extensions.extension(NAME) {
            let payload = MetadataMessage::Reject { piece }.encode();
            self.send(now, &Message::Extended { id, payload });
        }
    }

    /// A message under the id that we gave out.
    pub(super) fn metadata_message(
        &mut self,
        now: Instant,
        payload: &[u8],
    ) -> Result<Option<Output>, Violation> {
        if matches!(self.rules.metadata, Metadata::Off) && self.exchange.asked.is_empty() {
            return Ok(Some(Output::Lint("metadata message for a private torrent")));
        }
        let piece_length = self.rules.metadata_config.piece_length.max(1);
        let limit = piece_length as usize + HEAD_MAX;
        if payload.len() > limit {
            return Err(Violation::MetadataTooLong {
                length: payload.len(),
                limit,
            });
        }
        match MetadataMessage::decode(payload).ok_or(Violation::BadMetadataMessage)? {
            MetadataMessage::Unknown => Ok(Some(Output::Lint("metadata message of an unknown kind"))),
            MetadataMessage::Request { piece } => Ok(self.metadata_wanted(now, piece)),
            MetadataMessage::Reject { piece } => match self.exchange.asked.remove(&piece) {
                Some(_) => Ok(Some(Output::MetadataRejected(piece))),
                None => self.stray_reject(),
            },
            MetadataMessage::Data {
                piece,
                total_size,
                bytes,
            } => {
                let size = self
                    .exchange
                    .asked
                    .remove(&piece)
                    .ok_or(Violation::MetadataNotRequested { piece })?;
                if let Some(said) = total_size.filter(|said| *said != i64::from(size)) {
                    return Err(Violation::MetadataSize { claimed: size, said });
                }
                let expected = length_of(size, piece_length, piece) as usize;
                if bytes.len() != expected {
                    return Err(Violation::MetadataLength {
                        piece,
                        got: bytes.len(),
                        expected,
                    });
                }
                self.last_wanted = now;
                Ok(Some(Output::MetadataPiece {
                    size,
                    piece,
                    bytes: bytes.to_vec(),
                }))
            }
        }
    }

    fn metadata_wanted(&mut self, now: Instant, piece: u32) -> Option<Output> {
        if self.extensions.extension(NAME).is_none() {
            return Some(Output::Lint("metadata request of a peer that takes no answer"));
        }
        let config = &self.rules.metadata_config;
        let served = match &self.rules.metadata {
            Metadata::Served(info) => {
                let size = u32::try_from(info.len()).unwrap_or(u32::MAX);
                piece < pieces(size, config.piece_length.max(1))
            }
            Metadata::Off | Metadata::Wanted => false,
        };
        if served && self.exchange.queue.len() < config.serve_queue_max {
            self.exchange.queue.push_back(piece);
        } else {
            self.reject_metadata(now, piece);
        }
        None
    }

    /// Pieces of metadata that the peer owes.
    pub fn metadata_asked(&self) -> Vec<u32> {
        self.exchange.asked.keys().copied().collect()
    }
}
