//! Events with other names in them.

use super::RedactError;
use super::answers::{Exchange, datagram, local};
use super::bencode::info;
use super::peers::{PROTOCOL, PeerStream};
use super::priorities::Priorities;
use super::pseudonyms::Pseudonyms;
use super::urls::url;
use super::veil::{Veil, secret};
use crate::journal::Player;
use crate::journal::owned::OwnedEvent;
use crate::mse::KEY;
use seedbed_engine::config::{AllowedFast, Encryption, HttpConfig};
use seedbed_engine::disk::{DiskDone, DiskError, Root};
use seedbed_engine::extension::fast::allowed_fast_set;
use seedbed_engine::id::{ConnId, InfoHash, PeerId};
use seedbed_engine::journal::{Journal, Step};
use seedbed_engine::metainfo::Metainfo;
use seedbed_engine::net::{CloseCause, LookupError, TlsFault};
use seedbed_engine::resume::Resume;
use seedbed_engine::time::Instant;
use seedbed_engine::torrent::TorrentSource;
use seedbed_engine::{Action, AddTorrent, Command, Engine, Event, ProbeTracker};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// The longest file that is fetched by URL.
const FETCHED_MAX: usize = 64 << 20;

/// Where the files lie in the copy.
const ROOT: &[u8] = b"/redacted";

/// Writes events again.
#[derive(Clone, Debug)]
pub(super) struct Rewriter {
    pub(super) names: Pseudonyms,
    /// Connections to trackers and other servers.
    pub(super) http: BTreeSet<ConnId>,
    exchanges: BTreeMap<ConnId, Exchange>,
    peers: BTreeMap<ConnId, PeerStream>,
    /// Those of them that are encrypted: `peers` has what stands behind.
    pub(super) veils: BTreeMap<ConnId, Veil>,
    /// Connections of peers that we spoke on, and whether we began an encrypted handshake.
    begun: BTreeMap<ConnId, bool>,
    /// Bytes of each peer's stream that were written again, and reads of each server's.
    written: BTreeMap<ConnId, u64>,
    reads: BTreeMap<ConnId, usize>,
    /// What the torrents are from now on, by the hash that they had; without trackers and servers.
    pub(super) torrents: BTreeMap<InfoHash, Arc<Metainfo>>,
    /// The hashes of all torrents, also of those that are known by no more.
    pub(super) hashes: BTreeSet<InfoHash>,
    /// By which the engine knows its own announces in the local network.
    pub(super) cookies: BTreeSet<Vec<u8>>,
    /// Addresses of peers.
    met: BTreeSet<IpAddr>,
    pub(super) priorities: Priorities,
}

impl Rewriter {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self {
            names: Pseudonyms::new(key),
            http: BTreeSet::new(),
            exchanges: BTreeMap::new(),
            peers: BTreeMap::new(),
            veils: BTreeMap::new(),
            begun: BTreeMap::new(),
            written: BTreeMap::new(),
            reads: BTreeMap::new(),
            torrents: BTreeMap::new(),
            hashes: BTreeSet::new(),
            cookies: BTreeSet::new(),
            met: BTreeSet::new(),
            priorities: Priorities::default(),
        }
    }

    /// Plays the original once, to see what came over which connection: an answer can only be written again when all
    /// of it is known. `own` is our peer id in the copy.
    pub(super) fn gather(&mut self, journal: &Journal<'_>, own: PeerId) -> Result<(), RedactError> {
        self.gather_magnets(journal)?;
        let mut player = Player::new(journal);
        self.names.set_peer_id(player.engine().peer_id(), own);
        let takes_encrypted = journal.header().config.encryption != Encryption::Off;
        let mut ahead = journal.steps();
        while let Some(step) = ahead.next() {
            self.gather_event(&step, player.engine(), takes_encrypted)?;
            let Some(seen) = player.step() else {
                break;
            };
            self.priorities
                .look(seen.played.engine, &journal.header().config.candidates);
            for action in seen.played.actions {
                if let Action::Send { conn, head, .. } = action {
                    let plain = head.starts_with(PROTOCOL);
                    self.begun.entry(*conn).or_insert(!plain);
                }
                if let Action::Close { conn, .. } = action
                    && let Some(exchange) = self.exchanges.get_mut(conn)
                {
                    exchange.close();
                }
                let Action::Connect { conn, to, .. } = action else {
                    continue;
                };
                if seen.played.engine.is_http(*conn) {
                    self.http.insert(*conn);
                    self.exchanges.entry(*conn).or_default().fetch = seen.played.engine.is_fetch(*conn);
                } else {
                    self.met.insert(to.ip().to_canonical());
                    self.priorities.meet(*to);
                }
            }
        }
        let limits = HttpConfig {
            body_max: FETCHED_MAX,
            ..journal.header().config.http.clone()
        };
        for exchange in self.exchanges.values_mut() {
            exchange.rewrite(&mut self.names, &limits);
        }
        Ok(())
    }

    /// Takes note of whom an event names, and of what came. `engine` is as it was before.
    fn gather_event(
        &mut self,
        step: &Step<'_>,
        engine: &Engine,
        takes_encrypted: bool,
    ) -> Result<(), RedactError> {
        match &step.event {
            Event::Accepted { from, .. } => {
                self.met.insert(from.ip().to_canonical());
                self.priorities.meet(*from);
            }
            Event::Command(Command::Add(add)) => {
                if let Some(metainfo) = add.source.metainfo() {
                    self.torrent(metainfo).ok_or(RedactError::Torrent)?;
                }
            }
            Event::Received { conn, data } => match self.exchanges.get_mut(conn) {
                Some(exchange) => exchange.push(data),
                None => {
                    let may = if conn.is_accepted() {
                        takes_encrypted
                    } else {
                        self.begun.get(conn).is_some_and(|encrypted| *encrypted)
                    };
                    self.gather_received(*conn, data, may, |rest| secret(engine, step.at, *conn, rest));
                }
            },
            Event::Closed {
                conn,
                cause: CloseCause::Eof,
            } => {
                if let Some(exchange) = self.exchanges.get_mut(conn) {
                    exchange.end();
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A peer said something. `may` says whether it may be an encrypted handshake.
    fn gather_received(
        &mut self,
        conn: ConnId,
        data: &[u8],
        may: bool,
        probe: impl FnOnce(&[u8]) -> Option<[u8; KEY]>,
    ) {
        let peer = self.peers.entry(conn).or_default();
        if let Some(left) = peer.left_of_protocol().filter(|_| may)
            && !self.veils.contains_key(&conn)
            && data.iter().zip(left).any(|(byte, plain)| byte != plain)
        {
            let first = &PROTOCOL[..PROTOCOL.len() - left.len()];
            self.veils.insert(conn, Veil::new(conn.is_accepted(), first));
            *peer = PeerStream::default();
        }
        let Some(veil) = self.veils.get_mut(&conn) else {
            peer.push(&mut self.names, data);
            return;
        };
        if let Some(end) = veil.ends_key(data.len()) {
            veil.learn(probe(&data[..end]));
        }
        let clear = veil.push(data, self.hashes.iter());
        peer.push(&mut self.names, &clear);
    }

    /// The allowed-fast sets of the original, for the peers and torrents of the copy: they are computed from what is
    /// replaced.
    pub(super) fn allowed_fast(&mut self, count: u32) -> Vec<AllowedFast> {
        let mut sets = Vec::new();
        for ip in self.met.clone() {
            let (IpAddr::V4(old), IpAddr::V4(new)) = (ip, self.names.ip(ip)) else {
                continue;
            };
            for (hash, torrent) in &self.torrents {
                sets.push(AllowedFast {
                    ip: new,
                    info_hash: torrent.info_hash.0,
                    pieces: allowed_fast_set(old, *hash, torrent.pieces(), count as usize),
                });
            }
        }
        sets
    }

    /// An event, written again for the copy, which has come to before it. None if a torrent in it cannot be.
    pub(super) fn event(&mut self, copy: &Engine, at: Instant, event: &Event<'_>) -> Option<OwnedEvent> {
        Some(OwnedEvent::Other(match event {
            Event::Received { conn, data } => {
                return Some(OwnedEvent::Received(*conn, self.received(copy, at, *conn, data)));
            }
            Event::Datagram { from, data } => {
                let new = datagram(&mut self.names, *from, data);
                return Some(OwnedEvent::Datagram(self.names.addr(*from), new));
            }
            Event::Multicast { group, from, data } => {
                let new = local(&mut self.names, &self.cookies, *group, data);
                return Some(OwnedEvent::Multicast(*group, self.names.addr(*from), new));
            }
            Event::Tick => Event::Tick,
            Event::NetworkChanged => Event::NetworkChanged,
            Event::Command(command) => Event::Command(self.command(command)?),
            Event::Accepted { conn, from } => Event::Accepted {
                conn: *conn,
                from: self.names.addr(*from),
            },
            Event::Connected { conn } => Event::Connected { conn: *conn },
            Event::Sent { conn, bytes } => Event::Sent {
                conn: *conn,
                bytes: *bytes,
            },
            Event::Closed { conn, cause } => Event::Closed {
                conn: *conn,
                cause: self.cause(cause),
            },
            Event::DatagramError { to, fault } => Event::DatagramError {
                to: self.names.addr(*to),
                fault: *fault,
            },
            Event::Resolved { op, result } => {
                let names = &mut self.names;
                let found = result
                    .as_ref()
                    .map(|addrs| addrs.iter().map(|ip| names.ip(*ip)).collect());
                let result = found.map_err(|error| LookupError(self.names.text(&error.0)));
                Event::Resolved { op: *op, result }
            }
            Event::DiskDone { op, result } => Event::DiskDone {
                op: *op,
                result: self.disk(result),
            },
        }))
    }

    /// The copy has taken an event.
    pub(super) fn taken(&mut self, event: &Event<'_>, copy: &Engine) {
        if let Event::Received { conn, data } = event
            && let Some(veil) = self.veils.get_mut(conn)
        {
            veil.taken(data.len(), copy.unread_spans());
        }
    }

    fn received(&mut self, copy: &Engine, now: Instant, conn: ConnId, data: &[u8]) -> Vec<u8> {
        if let Some(exchange) = self.exchanges.get(&conn) {
            let read = self.reads.entry(conn).or_default();
            *read += 1;
            return exchange.read(*read - 1, data.len());
        }
        if let (Some(veil), Some(peer)) = (self.veils.get_mut(&conn), self.peers.get(&conn)) {
            veil.prepare(&mut self.names, peer, data, |rest| secret(copy, now, conn, rest));
            return veil.write(data, peer);
        }
        let mut data = data.to_vec();
        let at = self.written.entry(conn).or_default();
        if let Some(peer) = self.peers.get(&conn) {
            peer.patch(*at, &mut data);
        }
        *at += data.len() as u64;
        data
    }

    fn command(&mut self, command: &Command) -> Option<Command> {
        Some(match command {
            Command::Add(add) => Command::Add(Box::new(self.add(add)?)),
            Command::AddPeer(torrent, addr) => Command::AddPeer(*torrent, self.names.addr(*addr)),
            Command::Fetch { url: from, body_max } => Command::Fetch {
                url: url(&mut self.names, from),
                body_max: *body_max,
            },
            Command::ProbeTracker(probe) => Command::ProbeTracker(Box::new(ProbeTracker {
                url: url(&mut self.names, &probe.url),
                metainfo: self.torrent(&probe.metainfo)?,
                ..(**probe).clone()
            })),
            other => other.clone(),
        })
    }

    fn add(&mut self, add: &AddTorrent) -> Option<AddTorrent> {
        self.names.secret(&add.root.0);
        Some(AddTorrent {
            source: match &add.source {
                TorrentSource::Metainfo(metainfo) => self.torrent(metainfo)?.into(),
                TorrentSource::Magnet(magnet) => TorrentSource::Magnet(Box::new(self.magnet(magnet))),
            },
            root: Root(ROOT.into()),
            peers: add.peers.iter().map(|addr| self.names.addr(*addr)).collect(),
            extra_trackers: self.tiers(&add.extra_trackers),
            ..add.clone()
        })
    }

    fn tiers(&mut self, tiers: &[Vec<String>]) -> Vec<Vec<String>> {
        let names = &mut self.names;
        let tier = |tier: &Vec<String>| tier.iter().map(|tracker| url(names, tracker)).collect();
        tiers.iter().map(tier).collect()
    }

    /// The torrent with another name, other files and other hashes.
    fn torrent(&mut self, old: &Metainfo) -> Option<Arc<Metainfo>> {
        let mut new = match self.torrents.get(&old.info_hash) {
            Some(known) => (**known).clone(),
            None => {
                self.names.secret(old.name.as_bytes());
                // as long as before if it can be: peers are told how long it is, and may want its pieces
                let exact = info(&mut self.names, &old.info_bytes, true);
                let info = exact.or_else(|| info(&mut self.names, &old.info_bytes, false))?;
                let new = Metainfo::from_info(&info, Vec::new()).ok()?;
                self.names.set_info_hash(old.info_hash, new.info_hash);
                self.hashes.insert(old.info_hash);
                self.torrents.insert(old.info_hash, Arc::new(new.clone()));
                new
            }
        };
        new.trackers = self.tiers(&old.trackers);
        let urls = |names: &mut Pseudonyms, old: &[String]| old.iter().map(|seed| url(names, seed)).collect();
        new.web_seeds = urls(&mut self.names, &old.web_seeds);
        new.http_seeds = urls(&mut self.names, &old.http_seeds);
        let nodes = old
            .nodes
            .iter()
            .map(|(host, port)| (self.names.host(host), *port));
        new.nodes = nodes.collect();
        Some(Arc::new(new))
    }

    fn cause(&self, cause: &CloseCause) -> CloseCause {
        match cause {
            CloseCause::Local(text) => CloseCause::Local(self.names.text(text)),
            CloseCause::Other(text) => CloseCause::Other(self.names.text(text)),
            CloseCause::Tls(TlsFault::Other(text)) => CloseCause::Tls(TlsFault::Other(self.names.text(text))),
            other => other.clone(),
        }
    }

    fn disk(&mut self, result: &Result<DiskDone, DiskError>) -> Result<DiskDone, DiskError> {
        match result {
            Ok(DiskDone::Hash(digest)) => Ok(DiskDone::Hash(self.names.digest(*digest))),
            Ok(DiskDone::Digests(digests)) => {
                let digests = digests.iter().map(|digest| self.names.digest(*digest));
                Ok(DiskDone::Digests(digests.collect()))
            }
            Ok(DiskDone::Metadata(saved)) => Ok(DiskDone::Metadata(
                saved.as_ref().map(|saved| self.names.dictionary(saved)),
            )),
            Ok(DiskDone::Opened { files, resume }) => Ok(DiskDone::Opened {
                files: files.clone(),
                resume: resume.as_ref().map(|saved| self.resume(saved)),
            }),
            Ok(other) => Ok(other.clone()),
            Err(error) => Err(DiskError {
                fault: error.fault,
                text: self.names.text(&error.text),
            }),
        }
    }

    /// A saved state of the same torrent; what cannot be read says nothing, and cannot be read either.
    fn resume(&self, saved: &[u8]) -> Vec<u8> {
        for (old, new) in &self.torrents {
            if let Ok(state) = Resume::decode(saved, *old, new.pieces()) {
                let info_hash = new.info_hash;
                return Resume { info_hash, ..state }.encode();
            }
        }
        vec![b'x'; saved.len()]
    }
}
