//! What a client is told at its start, and why it may not start.

use seedbed_engine::Config;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// How space for files is set aside by the engine's `Prepare`. Files are never made shorter.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Preallocate {
    /// Files start empty and grow as they are written.
    None,
    /// Files have their whole length at once, without taking space (default).
    #[default]
    Sparse,
    /// Files take their whole space at once, so that a full disk shows before the download.
    Full,
}

/// What a client is told at its start. Change fields of [`Options::default`].
#[derive(Clone, Debug)]
pub struct Options {
    /// Protocol constants. The client lowers `connections_max` to what the descriptor limit allows, clears `ipv4` or
    /// `ipv6` where such sockets cannot be made, and sets `listen_port` when it listens.
    pub config: Config,
    /// Root of all randomness; from the operating system if `None`, as it must be outside of tests.
    pub seed: Option<[u8; 32]>,
    /// TCP port to listen on; 0 takes a free one, `None` does not listen.
    pub listen: Option<u16>,
    /// Local address of every socket. It may be loopback, for a run that touches this machine only.
    pub bind: Option<IpAddr>,
    /// Network interface of every socket (Linux: `SO_BINDTODEVICE`). A socket that cannot be bound is not used.
    ///
    /// Host names are looked up by the operating system, which may use another interface for that.
    pub interface: Option<String>,
    /// PEM files with certificate authorities that are trusted beside the built-in ones.
    pub ca_files: Vec<PathBuf>,
    /// How space for files is set aside.
    pub preallocate: Preallocate,
    /// Folder of the resume files, made when the first is saved. See [`default_state_dir`].
    pub state_dir: PathBuf,
    /// Threads that hash, read and write; at least 1.
    pub hash_threads: usize,
    /// Bytes of received blocks that are held in memory at the most before the engine has to wait for the disk.
    pub memory_ceiling: u64,
    /// Bytes that were read for uploads and are kept, at the most.
    pub read_cache: u64,
    /// How often [`Input::Wake`](crate::Input::Wake) comes; zero for never.
    pub wake_interval: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            config: Config::default(),
            seed: None,
            listen: Some(0),
            bind: None,
            interface: None,
            ca_files: Vec::new(),
            preallocate: Preallocate::default(),
            state_dir: default_state_dir(),
            // More than a few threads only queue up at the disk.
            hash_threads: std::thread::available_parallelism().map_or(1, |n| n.get().min(8)),
            memory_ceiling: 32 * 1024 * 1024,
            read_cache: 8 * 1024 * 1024,
            wake_interval: Duration::from_millis(200),
        }
    }
}

/// Where resume files are kept: `$SEEDBED_STATE_DIR`, else the `seedbed` folder in the user's state folder (on Linux
/// `$XDG_STATE_HOME` or `~/.local/state`), else `.seedbed` in the working folder.
pub fn default_state_dir() -> PathBuf {
    use etcetera::BaseStrategy as _;
    if let Some(dir) = std::env::var_os("SEEDBED_STATE_DIR").filter(|dir| !dir.is_empty()) {
        return dir.into();
    }
    etcetera::choose_base_strategy().map_or_else(
        |_| PathBuf::from(".seedbed"),
        |dirs| {
            dirs.state_dir()
                .unwrap_or_else(|| dirs.data_dir())
                .join("seedbed")
        },
    )
}

/// Why a client cannot start. Nothing is left behind.
#[derive(Debug)]
pub enum StartError {
    /// A socket could not be bound to the address, port or interface that was asked for.
    Bind {
        /// The address; port 0 stands for a free one.
        addr: SocketAddr,
        /// The interface, if one was asked for.
        interface: Option<String>,
        /// The operating system's words.
        error: io::Error,
    },
    /// A file of certificate authorities could not be used.
    Ca {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        error: io::Error,
    },
    /// The operating system gave no randomness or no thread.
    System {
        /// What was asked for.
        what: &'static str,
        /// The operating system's words.
        error: io::Error,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind {
                addr,
                interface: Some(interface),
                error,
            } => write!(f, "cannot bind to {addr} on interface {interface}: {error}"),
            Self::Bind { addr, error, .. } => write!(f, "cannot bind to {addr}: {error}"),
            Self::Ca { file, error } => write!(f, "cannot use {} as authorities: {error}", file.display()),
            Self::System { what, error } => write!(f, "no {what} from the operating system: {error}"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bind { error, .. } | Self::Ca { error, .. } | Self::System { error, .. } => Some(error),
        }
    }
}
