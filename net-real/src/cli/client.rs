//! A client of the library, made of the flags: sockets, limits, signals.

use super::args::{SocketArgs, TransferArgs};
use super::console::Console;
use super::failure::{Failure, INTERRUPTED};
use seedbed::{Client, Handle, Options, StartError};
use std::io;
use std::net::SocketAddr;
use std::process;

/// The port that BitTorrent clients have always tried first.
const PORT_DEFAULT: u16 = 6881;
/// The number of the notification that says that the user interrupted the run.
pub(crate) const INTERRUPT: u64 = 1;
/// The number of the one that asks for the recording of what happened last.
pub(crate) const WRITE_RECORDING: u64 = 2;

/// Options for a client that takes connections.
pub(crate) fn options(args: &SocketArgs) -> Options {
    let mut options = Options {
        seed: args.seed_rng,
        listen: Some(args.port.unwrap_or(PORT_DEFAULT)),
        bind: args.bind,
        interface: args.interface.clone(),
        ca_files: args.ca.clone(),
        ..Options::default()
    };
    options.config.encryption = args.encryption.into();
    options.config.allow_local_services = args.allow_local_services;
    if let Some(port) = args.port.filter(|port| *port != 0) {
        options.config.listen_port = port;
    }
    options
}

/// Starts a client. When nobody asked for a port and the usual one is taken, a free one will do.
pub(crate) fn start(options: Options, port: Option<u16>, console: &Console) -> Result<Client, Failure> {
    let may_move = port.is_none() && options.listen == Some(PORT_DEFAULT);
    let spare = may_move.then(|| Options {
        listen: Some(0),
        ..options.clone()
    });
    let client = match (Client::new(options), spare) {
        (Err(StartError::Bind { error, .. }), Some(spare)) if error.kind() == io::ErrorKind::AddrInUse => {
            console.note(format!(
                "Port {PORT_DEFAULT} is taken; a free one is used instead."
            ));
            Client::new(spare)
        }
        (started, _) => started,
    };
    client.map_err(|error| refused(&error))
}

/// Why a client could not start, and which flag to change.
fn refused(error: &StartError) -> Failure {
    match error {
        StartError::Bind { addr, .. } => {
            Failure::network(format_args!("The client cannot start: {error}. {}", hint(*addr)))
        }
        StartError::Ca { .. } => Failure::usage(format_args!(
            "The client cannot start: {error}. --ca takes a PEM file with certificates."
        )),
        StartError::System { .. } => Failure::other(format_args!("The client cannot start: {error}.")),
    }
}

fn hint(addr: SocketAddr) -> &'static str {
    if addr.port() == 0 {
        "Check --bind and --interface."
    } else {
        "Check --port, --bind and --interface; --port 0 takes a free port."
    }
}

/// Turns SIGUSR1 and the first SIGINT or SIGTERM into notifications of the client; the second of those ends the process
/// at once.
pub(crate) fn watch_signals(handle: Handle) -> Result<(), Failure> {
    use async_signal::{Signal, Signals};
    #[cfg(unix)]
    const WATCHED: [Signal; 3] = [Signal::Int, Signal::Term, Signal::Usr1];
    #[cfg(not(unix))]
    const WATCHED: [Signal; 2] = [Signal::Int, Signal::Term];
    use smol::stream::StreamExt as _;
    let signals = Signals::new(WATCHED)
        .map_err(|error| Failure::other(format_args!("Signals cannot be watched: {error}.")))?;
    let watch = move || {
        smol::block_on(async {
            let mut signals = signals;
            let mut interrupted = false;
            while let Some(signal) = signals.next().await {
                match signal {
                    Ok(Signal::Int | Signal::Term) if interrupted => process::exit(i32::from(INTERRUPTED)),
                    Ok(Signal::Int | Signal::Term) => {
                        interrupted = true;
                        handle.notify(INTERRUPT);
                    }
                    // there is no other that is watched
                    Ok(_) => handle.notify(WRITE_RECORDING),
                    Err(_) => {}
                }
            }
        });
    };
    let thread = std::thread::Builder::new().name("signals".into()).spawn(watch);
    let _detached =
        thread.map_err(|error| Failure::other(format_args!("No thread for signals: {error}.")))?;
    Ok(())
}

/// Applies `--no-pex`, `--no-lsd`, `--max-peers`, `--upload-slots`, `--limit-down` and `--limit-up`.
pub(crate) fn limit(options: &mut Options, args: &TransferArgs) {
    let config = &mut options.config;
    config.pex.enabled = !args.no_pex;
    // who is bound to this machine alone has no neighbours
    let alone = args
        .sockets
        .bind
        .is_some_and(|bind| bind.to_canonical().is_loopback());
    config.lsd.enabled = !args.no_lsd && !alone;
    if let Some(limit) = args.max_peers {
        config.connections_per_torrent_max = usize::from(limit);
        config.connections_max = config.connections_max.max(usize::from(limit));
    }
    if let Some(slots) = args.upload_slots {
        config.upload_slots_max = Some(slots);
        // one torrent may use them all
        config.choker.slots = slots;
    }
    config.rate_down = args.limit_down.unwrap_or_default();
    config.rate_up = args.limit_up.unwrap_or_default();
}
