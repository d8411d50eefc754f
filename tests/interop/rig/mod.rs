//! The rig: one torrent, one tracker, real clients around it, and our own program among them.
//!
//! Everything lies in one temporary folder and everything that was started ends with the value that started it.

mod clients;
mod content;
pub(crate) mod network;
mod process;
mod remote;
mod seedbed;
mod tracker;

use seedbed_engine::metainfo::Metainfo;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(crate) use clients::{Client, Options, free_port, ours};
pub(crate) use content::Content;
pub(crate) use process::{Process, wait_until};
pub(crate) use seedbed::{binary, events, finished};
pub(crate) use tracker::Scheme;

/// From a client's start to its announce as a seed, its check of the data included.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// An announce URL that nobody answers: the port is "discard".
const NO_TRACKER: &str = "http://127.0.0.1:9/announce";

/// One torrent and its tracker.
pub(crate) struct Rig {
    pub(crate) content: Content,
    pub(crate) tracker: tracker::Tracker,
    pub(crate) torrent: PathBuf,
    scheme: Scheme,
    folder: tempfile::TempDir,
}

/// A real client that shares the torrent.
pub(crate) struct Peer {
    client: Client,
    /// Where it reads and writes.
    pub(crate) data: PathBuf,
    pub(crate) address: Ipv4Addr,
    pub(crate) port: u16,
    pub(crate) process: Process,
}

impl Peer {
    /// Bytes of payload that libtorrent has sent. (The others do not say.)
    pub(crate) fn uploaded(&self) -> u64 {
        let out = self.process.out();
        let last = out.lines().rev().find_map(|line| line.strip_prefix("uploaded "));
        last.map_or(0, |count| count.parse().unwrap_or(0))
    }

    /// The same once it stands still.
    #[track_caller]
    pub(crate) fn uploaded_in_the_end(&self) -> u64 {
        let mut last = (self.uploaded(), Instant::now());
        wait_until("the seeder to stand still", READY_LIMIT, || {
            let now = self.uploaded();
            if now != last.0 {
                last = (now, Instant::now());
            }
            last.1.elapsed() > Duration::from_secs(1)
        });
        last.0
    }
}

impl Rig {
    pub(crate) fn new(content: Content, scheme: Scheme) -> Self {
        let folder = tests::temp_dir();
        let tracker = tracker::Tracker::start(folder.path(), content.info_hash());
        let torrent = folder.path().join("it.torrent");
        std::fs::write(&torrent, content.torrent(&tracker.url(scheme))).expect("a file");
        Self {
            content,
            tracker,
            torrent,
            scheme,
            folder,
        }
    }

    /// A new folder of that name.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        path
    }

    /// Starts `client` without data.
    pub(crate) fn leecher(&self, client: Client) -> Peer {
        self.leecher_with(client, Options::default())
    }

    /// The same with options.
    pub(crate) fn leecher_with(&self, client: Client, options: Options) -> Peer {
        let name = format!("{}-leech", client.name());
        self.start(client, &name, self.folder(&name), options)
    }

    /// The same for a client that exchanges peers.
    pub(crate) fn hub(&self, client: Client) -> Peer {
        let name = format!("{}-hub", client.name());
        let options = Options {
            exchanges_peers: true,
            ..Options::default()
        };
        self.start(client, &name, self.folder(&name), options)
    }

    /// The same for one whose tracker never answers: it knows whom it hears of from its peers.
    pub(crate) fn hermit(&self, client: Client) -> Peer {
        let name = format!("{}-hermit", client.name());
        let options = Options {
            exchanges_peers: true,
            ..Options::default()
        };
        self.start_by(NO_TRACKER, client, &name, self.folder(&name), options)
    }

    /// Starts `client` with all data, and waits until the tracker knows it.
    #[track_caller]
    pub(crate) fn seeder(&self, client: Client, options: Options) -> Peer {
        let name = format!(
            "{}-{}",
            client.name(),
            if options.is_liar { "liar" } else { "seed" }
        );
        let data = self.folder(&name);
        self.content.write_to(&data);
        let seeds = self.tracker.swarm().unwrap_or_default().seeds;
        let peer = self.start(client, &name, data, options);
        self.tracker.wait_for(seeds + 1, 0, READY_LIMIT);
        if client == Client::Transmission {
            self.leave_metadata(&name);
        }
        peer
    }

    /// By this name Transmission 3.00 looks for the metadata that peers ask it for. It makes the file when a torrent is
    /// added by hand, not for one that lies there at its start; and one of this name it does not start with.
    fn leave_metadata(&self, name: &str) {
        let home = self.folder.path().join(format!("{name}-home"));
        let torrent = std::fs::read(home.join("it.torrent")).expect("the torrent");
        let hash = Metainfo::parse(&torrent).expect("a torrent").info_hash;
        let kept = home.join("torrents").join(format!("{hash}.torrent"));
        std::fs::write(kept, torrent).expect("a file");
    }

    /// A seeder whose data becomes wrong after it was checked.
    #[track_caller]
    pub(crate) fn liar(&self, client: Client) -> Peer {
        let peer = self.seeder(
            client,
            Options {
                is_liar: true,
                ..Options::default()
            },
        );
        self.content.write_wrong_to(&peer.data);
        peer
    }

    /// Starts libtorrent on the loopback address of IPv6, with what is in `data`, and waits until it listens. Where it
    /// does, as others name it.
    #[track_caller]
    pub(crate) fn libtorrent_over_ipv6(&self, data: &Path) -> (Process, String) {
        let address = clients::free_address_of_ipv6();
        let options = Options::default();
        let command = clients::libtorrent(&self.torrent, data, &address, options);
        let process = Process::start("libtorrent", command, self.folder.path().join("libtorrent-6"));
        wait_until("libtorrent's listening", READY_LIMIT, || {
            process.out().contains("successfully listening on [TCP]")
        });
        (process, address)
    }

    /// The magnet link of the torrent, with its tracker and these peers.
    pub(crate) fn link(&self, peers: &[&Peer]) -> String {
        let hash: String = self
            .content
            .info_hash()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let mut link = format!("magnet:?xt=urn:btih:{hash}&dn=by+link");
        for peer in peers {
            link += &format!("&x.pe={}:{}", peer.address, peer.port);
        }
        let escaped = |url: &str| url.replace(':', "%3A").replace('/', "%2F");
        link + "&tr=" + &escaped(&self.tracker.url(self.scheme))
    }

    /// Starts `client` without data and with nothing but the magnet link.
    pub(crate) fn leecher_by_link(&self, client: Client) -> Peer {
        let name = format!("{}-link", client.name());
        let (data, home) = (self.folder(&name), self.folder(&format!("{name}-home")));
        let port = free_port(client.address(Options::default()));
        let link = self.link(&[]);
        let command = client.command(Path::new(&link), &data, &home, port, Options::default());
        let process = Process::start(&name, command, self.folder.path().join(&name));
        if client == Client::Transmission {
            remote::add(port, &link);
        }
        Peer {
            client,
            data,
            address: client.address(Options::default()),
            port,
            process,
        }
    }

    fn start(&self, client: Client, name: &str, data: PathBuf, options: Options) -> Peer {
        let announce = self.tracker.url(client.scheme(self.scheme));
        self.start_by(&announce, client, name, data, options)
    }

    fn start_by(&self, announce: &str, client: Client, name: &str, data: PathBuf, options: Options) -> Peer {
        let home = self.folder(&format!("{name}-home"));
        let torrent = home.join("it.torrent");
        std::fs::write(&torrent, self.content.torrent(announce)).expect("a file");
        let port = free_port(client.address(options));
        let command = client.command(&torrent, &data, &home, port, options);
        let process = Process::start(name, command, self.folder.path().join(name));
        Peer {
            client,
            data,
            address: client.address(options),
            port,
            process,
        }
    }

    /// Waits until a leecher has everything.
    #[track_caller]
    pub(crate) fn wait_for_content(&self, peer: &Peer, limit: Duration) {
        let what = format!("the content at {}", peer.client.name());
        wait_until(&what, limit, || match peer.client {
            // Transmission 3.00 makes no file for which no byte arrives.
            Client::Transmission => self.content.differences_with_bytes(&peer.data).is_empty(),
            Client::Aria2 | Client::Libtorrent => self.content.differences(&peer.data).is_empty(),
        });
    }

    /// All files below `folder` are right now.
    #[track_caller]
    pub(crate) fn assert_content(&self, folder: &Path) {
        assert_eq!(self.content.differences(folder), Vec::<String>::new());
    }
}
