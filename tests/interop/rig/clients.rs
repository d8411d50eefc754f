//! The real clients: how each is started on a loopback address of its own, quiet in every other way.
//!
//! No DHT, no local discovery, no port mapping and no uTP, and no PEX unless a test is about it: peers come from the tracker
//! alone, over TCP. It is plain unless a test says that it must be encrypted.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, TcpListener};
use std::path::Path;
use std::process::Command;

use super::{Scheme, network, remote};

/// A program that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    Aria2,
    /// Ignores loopback addresses that a tracker gives it: the other side has to connect.
    Transmission,
    Libtorrent,
}

/// What a client is to do, beside its torrent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// Bytes a second that it uploads at most.
    pub(crate) upload_rate_max: Option<u32>,
    /// Exchanges peers (BEP 11).
    pub(crate) exchanges_peers: bool,
    /// Serves wrong bytes: the address ends in another number, so that the innocent one can run beside it.
    pub(crate) is_liar: bool,
    /// Takes and makes no connection that is not RC4.
    pub(crate) is_encrypted: bool,
}

/// The address of the program under test.
pub(crate) fn ours() -> Ipv4Addr {
    network::address(2)
}

impl Client {
    pub(crate) const ALL: [Self; 3] = [Self::Aria2, Self::Transmission, Self::Libtorrent];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Aria2 => "aria2",
            Self::Transmission => "transmission",
            Self::Libtorrent => "libtorrent",
        }
    }

    pub(crate) fn address(self, options: Options) -> Ipv4Addr {
        let last = match self {
            Self::Aria2 => 3,
            Self::Transmission => 4,
            Self::Libtorrent => 5,
        };
        network::address(if options.is_liar { last + 10 } else { last })
    }

    /// How the client reaches the tracker where the others use `scheme`: aria2 speaks to UDP trackers only with its DHT
    /// on, which would not be quiet.
    pub(crate) fn scheme(self, scheme: Scheme) -> Scheme {
        if self == Self::Aria2 { Scheme::Http } else { scheme }
    }

    /// The command that shares `torrent` with its data in `data`, complete or not, until it is ended. `home` is an
    /// empty folder for its state.
    pub(crate) fn command(
        self,
        torrent: &Path,
        data: &Path,
        home: &Path,
        port: u16,
        options: Options,
    ) -> Command {
        let address = SocketAddrV4::new(self.address(options), port);
        match self {
            Self::Aria2 => aria2(torrent, data, address, options),
            Self::Transmission => transmission(torrent, data, home, address, options),
            Self::Libtorrent => libtorrent(torrent, data, &address.to_string(), options),
        }
    }
}

fn aria2(torrent: &Path, data: &Path, address: SocketAddrV4, options: Options) -> Command {
    let mut command = Command::new("aria2c");
    command.args([
        "--no-conf",
        "--enable-dht=false",
        "--enable-dht6=false",
        "--bt-enable-lpd=false",
    ]);
    command.arg(format!("--enable-peer-exchange={}", options.exchanges_peers));
    command.arg(format!("--bt-require-crypto={}", options.is_encrypted));
    command.arg(if options.is_encrypted {
        "--bt-min-crypto-level=arc4"
    } else {
        "--bt-min-crypto-level=plain"
    });
    command.args([
        "--disable-ipv6=true",
        "--file-allocation=none",
        "--summary-interval=0",
    ]);
    command.args([
        "--check-integrity=true",
        "--allow-overwrite=true",
        "--seed-ratio=0.0",
    ]);
    command.args(["--console-log-level=notice", "--enable-color=false"]);
    command.arg(format!("--interface={}", address.ip()));
    command.arg(format!("--listen-port={}", address.port()));
    if let Some(rate) = options.upload_rate_max {
        command.arg(format!("--max-upload-limit={rate}"));
    }
    command.arg("--dir").arg(data).arg(torrent);
    command
}

fn transmission(
    torrent: &Path,
    data: &Path,
    home: &Path,
    address: SocketAddrV4,
    options: Options,
) -> Command {
    // What lies here at the start is the daemon's own; a watched folder would be read ten seconds later.
    let own = home.join("torrents");
    std::fs::create_dir_all(&own).expect("a folder");
    // a link is taken over the remote control alone
    let by_link = torrent.to_string_lossy().starts_with("magnet:");
    if !by_link {
        std::fs::copy(torrent, own.join("it.torrent")).expect("the torrent");
    }
    let settings = serde_json::json!({
        "bind-address-ipv4": address.ip().to_string(),
        "bind-address-ipv6": "::1",
        "blocklist-enabled": false,
        // what a hub has is looked at on the disk
        "cache-size-mb": if options.exchanges_peers { 0 } else { 4 },
        "dht-enabled": false,
        "download-dir": data,
        "encryption": if options.is_encrypted { 2 } else { 0 },
        "incomplete-dir-enabled": false,
        "lpd-enabled": false,
        "message-level": 3,
        "peer-port": address.port(),
        "pex-enabled": options.exchanges_peers,
        "port-forwarding-enabled": false,
        "preallocation": 0,
        "rpc-bind-address": remote::ADDRESS.to_string(),
        "rpc-enabled": by_link,
        "rpc-port": address.port(),
        "rpc-whitelist-enabled": false,
        "rename-partial-files": false,
        "speed-limit-up": options.upload_rate_max.unwrap_or(0) / 1000,
        "speed-limit-up-enabled": options.upload_rate_max.is_some(),
        "utp-enabled": false,
        "start-added-torrents": true,
    });
    std::fs::write(home.join("settings.json"), settings.to_string()).expect("a file");
    let mut command = Command::new("transmission-daemon");
    command.arg("--foreground").arg("--config-dir").arg(home);
    command
}

pub(super) fn libtorrent(torrent: &Path, data: &Path, address: &str, options: Options) -> Command {
    // Debian's own interpreter: the binding is installed for that one.
    let mut command = Command::new("/usr/bin/python3");
    command
        .arg("-B")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/lt.py"));
    command.arg(torrent).arg(data).arg(address);
    command.arg(options.upload_rate_max.unwrap_or(0).to_string());
    if options.is_encrypted {
        command.arg("encrypted");
    }
    if options.exchanges_peers {
        command.arg("pex");
    }
    command
}

/// The loopback address of IPv6 with a TCP port that is free.
pub(super) fn free_address_of_ipv6() -> String {
    let listener = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).expect("IPv6 on loopback");
    listener.local_addr().expect("a bound socket").to_string()
}

/// A TCP port that is free on `address`.
pub(crate) fn free_port(address: Ipv4Addr) -> u16 {
    let listener = TcpListener::bind((address, 0)).expect("a loopback port");
    listener.local_addr().expect("a bound socket").port()
}
