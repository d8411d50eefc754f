//! Torrents that begin with a magnet link: what their peers send in pieces is an info dictionary, and the hash of the link
//! is the hash of that. So it is looked for first, in a replay of its own, and becomes another one of the same length.

use super::RedactError;
use super::bencode::info;
use super::events::Rewriter;
use super::urls::url;
use seedbed_engine::journal::{Journal, Replay};
use seedbed_engine::magnet::Magnet;
use seedbed_engine::metadata::Identity;
use seedbed_engine::metainfo::Metainfo;
use seedbed_engine::torrent::TorrentSource;
use seedbed_engine::{Action, Command, Event, Report};
use sha2::Digest as _;
use std::sync::Arc;

impl Rewriter {
    /// Finds the torrents of all links, and other hashes for them.
    pub(super) fn gather_magnets(&mut self, journal: &Journal<'_>) -> Result<(), RedactError> {
        let mut magnets = Vec::new();
        let mut steps = journal.steps();
        while let Some(step) = steps.next() {
            if let Event::Command(Command::Add(add)) = &step.event
                && let TorrentSource::Magnet(magnet) = &add.source
            {
                magnets.push((**magnet).clone());
            }
        }
        if magnets.is_empty() {
            return Ok(());
        }
        let mut replay = Replay::new(journal, false);
        let mut learned: Vec<Arc<Metainfo>> = Vec::new();
        while let Some(played) = replay.step() {
            for action in played.actions {
                if let Action::Report(Report::Metadata { metainfo, .. }) = action {
                    learned.push(metainfo.clone());
                }
            }
        }
        let piece_length = journal.header().config.metadata.piece_length;
        for magnet in &magnets {
            let wire = identity(magnet).on_the_wire();
            let known = learned
                .iter()
                .find(|metainfo| identity(magnet).fits(&metainfo.info_bytes));
            if let Some(old) = known
                && !self.torrents.contains_key(&wire)
            {
                self.names.secret(old.name.as_bytes());
                let info = info(&mut self.names, &old.info_bytes, true).ok_or(RedactError::Torrent)?;
                let new = Metainfo::from_info(&info, Vec::new()).map_err(|_| RedactError::Torrent)?;
                self.names
                    .set_dictionary(wire, &old.info_bytes, &info, piece_length);
                self.torrents.insert(wire, Arc::new(new));
            }
            let new = identity(&self.magnet(magnet)).on_the_wire();
            self.names.set_info_hash(wire, new);
            self.hashes.insert(wire);
        }
        Ok(())
    }

    /// A link to the same torrent under its other name.
    pub(super) fn magnet(&mut self, old: &Magnet) -> Magnet {
        let known = self.torrents.get(&identity(old).on_the_wire()).cloned();
        let sha256 = |metainfo: &Metainfo| <[u8; 32]>::from(sha2::Sha256::digest(&*metainfo.info_bytes));
        let names = &mut self.names;
        Magnet {
            info_hash: old.info_hash.map(|hash| match &known {
                Some(torrent) => torrent.info_hash,
                None => names.info_hash(hash),
            }),
            info_hash_v2: old.info_hash_v2.map(|hash| {
                names.secret(&hash);
                match &known {
                    Some(torrent) => sha256(torrent),
                    None => names.info_hash_v2(hash),
                }
            }),
            name: old.name.as_ref().map(|name| names.name(name)),
            trackers: old.trackers.iter().map(|tracker| url(names, tracker)).collect(),
            web_seeds: old.web_seeds.iter().map(|seed| url(names, seed)).collect(),
            peers: old
                .peers
                .iter()
                .map(|(host, port)| (names.host(host), *port))
                .collect(),
            select_only: old.select_only.clone(),
        }
    }
}

const fn identity(magnet: &Magnet) -> Identity {
    Identity {
        v1: magnet.info_hash,
        v2: magnet.info_hash_v2,
    }
}
