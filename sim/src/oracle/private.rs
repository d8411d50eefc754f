//! Whom a private torrent may dial (BEP 27): I24's other half. Trackers' answers are not parsed but searched, so that
//! every form counts in which an answer can name a peer.

use super::table::Oracle;
use super::watch::Watch;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

/// Bytes of answers that are kept; what is named behind them is not known.
const ANSWERS_MAX: usize = 1 << 20;

/// What trackers said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    bytes: Vec<u8>,
    resolved: BTreeSet<IpAddr>,
    /// Something could not be read: it was packed, or too much.
    unreadable: bool,
}

impl Answers {
    fn names(&self, addr: SocketAddr) -> bool {
        let compact: Vec<u8> = match addr.ip() {
            IpAddr::V4(ip) => ip.octets().into_iter().chain(addr.port().to_be_bytes()).collect(),
            IpAddr::V6(ip) => ip.octets().into_iter().chain(addr.port().to_be_bytes()).collect(),
        };
        let text = addr.ip().to_string();
        let holds = |part: &[u8]| self.bytes.windows(part.len()).any(|window| window == part);
        self.unreadable || self.resolved.contains(&addr.ip()) || holds(&compact) || holds(text.as_bytes())
    }
}

impl Watch {
    /// Bytes of a tracker.
    pub(crate) fn tracker_says(&mut self, data: &[u8]) {
        if !self.setup.metainfo.private {
            return;
        }
        let answers = &mut self.answers;
        let packed = data.windows(4).any(|window| window == b"gzip");
        answers.unreadable |= packed || answers.bytes.len() + data.len() > ANSWERS_MAX;
        if !answers.unreadable {
            answers.bytes.extend_from_slice(data);
        }
    }

    /// A name was looked up: a tracker's, or that of a peer which a tracker named. Or the user named a peer.
    pub(crate) fn name_is(&mut self, addresses: &[IpAddr]) {
        if self.setup.metainfo.private {
            self.answers.resolved.extend(addresses);
        }
    }

    /// I24: a peer is dialled.
    pub(crate) fn dials_named(&mut self, to: SocketAddr) {
        // before its metadata is here, nothing of a link says that the torrent is private
        if !self.setup.metainfo.private || self.setup.trackers.is_empty() || self.is_link {
            return;
        }
        // what a tracker's redirect leads to is nobody of the torrent
        if self.setup.others.contains(&to.ip()) {
            let named = self.answers.names(to);
            self.verdicts.check(Oracle::I24, named, || {
                format!("{to} is dialled, whom no tracker of a private torrent named")
            });
        }
    }
}
