//! Our program among real clients, over real sockets on loopback: aria2, Transmission, libtorrent, and opentracker.
//!
//! Whatever arrives is compared with the original by SHA-256. The tests need programs that not every machine has and
//! are therefore ignored unless asked for; `.ci/clients` installs them, `just interop` and `.ci/run` run them:
//!
//! ```text
//! cargo build --release
//! cargo test -p tests --test interop -- --ignored --test-threads=1
//! ```

mod download;
mod encryption;
mod exchange;
mod faults;
mod ipv6;
mod magnet;
mod peer_wire;
mod record;
mod resume;
mod rig;
mod rqbit;
mod seed;
mod select;
mod the_rig_itself;
