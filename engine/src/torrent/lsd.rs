//! Local service discovery (BEP 14): whether the local network is told of this torrent, and what becomes of who tells it.

use super::Torrent;
use crate::candidates::Source;
use crate::time::Instant;
use core::net::SocketAddr;

impl Torrent {
    /// Whether the local network may know. Never of a private torrent (BEP 27), and so never before a magnet link has its
    /// metadata, since it might be one; nor of one that would not take whoever comes.
    pub fn is_told_nearby(&self) -> bool {
        self.takes_peers() && self.knows_metadata() && !self.metainfo.private
    }

    /// Somebody nearby says that it shares this. As long as it is not known what a link names, it is taken: who announces
    /// a torrent to a whole network says that it is not private, and if it is, its metadata says so before a block does.
    pub fn neighbour_heard(&mut self, now: Instant, addr: SocketAddr, max: usize) {
        let wanted = self.takes_peers() && !self.metainfo.private;
        if wanted && self.candidates.named_by(Source::Lsd) < max {
            // whoever is heard is local, and so are we
            self.candidates.add(now, addr, Source::Lsd, true);
        }
    }
}
