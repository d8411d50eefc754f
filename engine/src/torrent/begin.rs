//! The first state of a torrent, from a .torrent file or a magnet link.

use super::{
    AddTorrent, Completed, Context, NAME_SHOWN_MAX, Phase, Torrent, TorrentSource, limits, pex, resume,
    select, stop, super_seed, trackers, traffic, verify, why,
};
use crate::blame::Blame;
use crate::candidates::{Candidates, Source};
use crate::choker::Choker;
use crate::config::Config;
use crate::geometry::{Geometry, GeometryError};
use crate::id::{PeerId, TorrentId};
use crate::magnet::Magnet;
use crate::marks::Marks;
use crate::metainfo::Metainfo;
use crate::pex::Pex;
use crate::report::Report;
use crate::rng::{self, Seeds};
use crate::session::{Metadata, Rules};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::ToString as _;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

impl Torrent {
    /// A torrent that begins with looking at its files.
    ///
    /// # Errors
    /// When the sizes do not make a torrent that can be downloaded.
    pub fn new(
        cx: &mut Context<'_>,
        id: TorrentId,
        add: AddTorrent,
        peer_id: PeerId,
        seeds: &Seeds,
    ) -> Result<Self, GeometryError> {
        let (metainfo, geometry) = known(cx.config, &add)?;
        let stream = |purpose| seeds.stream(purpose, u64::from(id.0));
        let rules = Arc::new(rules(cx.config, peer_id, &add, &metainfo, geometry));
        let picker = select::picker(
            cx.config,
            &add,
            &metainfo,
            &geometry,
            stream(rng::Purpose::Picker),
        );
        let mut choker = Choker::new(cx.config.choker.clone(), stream(rng::Purpose::Choker));
        choker.set_piece_length(geometry.piece_length());
        let announcer = trackers::announcer(cx.config, id, &add, peer_id, seeds);
        let mut torrent = Self {
            pex: pex::allowed(cx.config, &metainfo).then(|| Pex::new(cx.config.pex.clone())),
            super_seed: super_seed::begin(&add),
            just_learned: false,
            id,
            layout: select::first_layout(&metainfo, &geometry),
            misplaced: false,
            made_by_others: BTreeSet::new(),
            metainfo,
            geometry,
            rules,
            phase: Phase::Queued(stream(rng::Purpose::Picker).into()),
            paused: false,
            told: None,
            picker,
            choker,
            candidates: Candidates::new(cx.config.candidates.clone(), stream(rng::Purpose::Candidates)),
            secrets: stream(rng::Purpose::Encryption),
            blame: Blame::new(),
            announcer,
            sessions: BTreeMap::new(),
            timers: BTreeSet::new(),
            dirty: BTreeSet::new(),
            starved: BTreeSet::new(),
            silent: BTreeSet::new(),
            limits: limits::Limits::new(cx, add.limits, geometry.block_length()),
            ops: BTreeMap::new(),
            lookups: BTreeMap::new(),
            writing: 0,
            resume_interval: cx.config.resume_interval,
            verifying: verify::Verifying::default(),
            stamps: Vec::new(),
            resume: resume::Saving::default(),
            verified: 0,
            traffic: traffic::Traffic::new(geometry.pieces()),
            peers_seen: BTreeSet::new(),
            completed: Completed::default(),
            ours: false,
            stop: stop::Stop::default(),
            marks: Marks::default(),
            noted: why::Noted::new(cx.config.disk_bytes_in_flight_max),
            add,
        };
        torrent.tell_added(cx);
        torrent.add_named_peers(cx);
        torrent.add_magnet_peers(cx);
        torrent.begin_or_wait(cx);
        Ok(torrent)
    }

    fn tell_added(&self, cx: &mut Context<'_>) {
        self.report(
            cx,
            Report::Added {
                torrent: self.id,
                info_hash: self.info_hash(),
                name: crate::net::printable(&self.metainfo.name, NAME_SHOWN_MAX),
            },
        );
    }

    /// The peers of a magnet link (`x.pe`).
    fn add_magnet_peers(&mut self, cx: &mut Context<'_>) {
        let TorrentSource::Magnet(magnet) = &self.add.source else {
            return;
        };
        for (host, port) in magnet.peers.clone() {
            match host.parse::<IpAddr>() {
                Ok(ip) => self.add_peer(cx.now, SocketAddr::new(ip, port), Source::Magnet, false),
                Err(_) => self.look_up(cx, host, port, Source::Magnet, false),
            }
        }
    }
}

/// What all sessions of a torrent share.
pub(super) fn rules(
    config: &Config,
    peer_id: PeerId,
    add: &AddTorrent,
    metainfo: &Metainfo,
    geometry: Geometry,
) -> Rules {
    let metadata = if !geometry.is_known() {
        Metadata::Wanted
    } else if metainfo.private {
        // BEP 27 names other sources of peers only; but whoever is not let in by the tracker should not learn more
        Metadata::Off
    } else {
        Metadata::Served(metainfo.info_bytes.clone())
    };
    Rules {
        config: config.session.clone(),
        metadata_config: config.metadata.clone(),
        geometry,
        info_hash: add.source.info_hash(),
        metadata,
        peer_id,
        listen_port: config.listen_port,
        client_name: config.client_name.clone(),
        pex: pex::allowed(config, metainfo).then(|| config.pex.clone()),
        trace: config.trace,
    }
}

/// What the torrent is, as far as it is known.
fn known(config: &Config, add: &AddTorrent) -> Result<(Arc<Metainfo>, Geometry), GeometryError> {
    Ok(match &add.source {
        TorrentSource::Metainfo(metainfo) => (metainfo.clone(), metainfo.geometry(config.block_length)?),
        TorrentSource::Magnet(magnet) => (
            Arc::new(placeholder(add, magnet)),
            Geometry::unknown(config.block_length),
        ),
    })
}

/// What is known of the torrent before its metadata is here.
fn placeholder(add: &AddTorrent, magnet: &Magnet) -> Metainfo {
    let info_hash = add.source.info_hash();
    let name = magnet.name.clone().unwrap_or_else(|| info_hash.to_string());
    let (trackers, web_seeds) = (add.source.trackers(), magnet.web_seeds.clone());
    Metainfo::placeholder(info_hash, magnet.info_hash_v2, name, trackers, web_seeds)
}
