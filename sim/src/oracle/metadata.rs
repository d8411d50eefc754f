//! I38: the info dictionary of a magnet link. The torrent that the world was made of is compared byte by byte; no hash is
//! taken here, so a wrong notion of which hash counts cannot hide.

use super::table::Oracle;
use super::watch::Watch;
use seedbed_engine::id::ConnId;
use seedbed_engine::{Report, TorrentView};

impl Watch {
    /// A dictionary is kept for later runs: it has to be the torrent's own.
    pub(crate) fn keeps_metadata(&mut self, data: &[u8]) {
        let right = *data == *self.setup.metainfo.info_bytes;
        self.verdicts.check(Oracle::I38, right, || {
            format!(
                "{} bytes are kept as metadata that are not the torrent's",
                data.len()
            )
        });
    }

    /// The engine believes some metadata.
    pub(crate) fn believes_metadata(&mut self, report: &Report) {
        let Report::Metadata {
            total_length,
            pieces,
            private,
            ..
        } = report
        else {
            return;
        };
        self.is_link = false;
        let geometry = &self.geometry;
        let right = *total_length == geometry.total()
            && *pieces == geometry.pieces()
            && *private == self.setup.metainfo.private;
        self.verdicts.check(Oracle::I38, right, || {
            format!("metadata of {pieces} pieces and {total_length} bytes is believed, which are not the torrent's")
        });
    }

    /// A piece of the dictionary is asked of a peer: only if the whole has a size that is fetched.
    pub(crate) fn asks_for_metadata(&mut self, id: ConnId, body: &[u8]) {
        const ASKS: &[u8] = b"d8:msg_typei0e";
        let Some((size, ours)) = self.conns.get(&id).and_then(|conn| conn.metadata) else {
            return;
        };
        if body
            .strip_prefix(&[ours])
            .is_some_and(|body| body.starts_with(ASKS))
        {
            let most = self.setup.config.metadata.size_max;
            self.verdicts.check(Oracle::I38, (1..=most).contains(&size), || {
                format!("{id} is asked for metadata of {size} bytes, {most} may be fetched")
            });
        }
    }

    /// A link is given up as one to no torrent: its dictionary was believed.
    pub(crate) fn gives_metadata_up(&mut self) {
        let (link, broken) = (self.is_link, self.setup.broken);
        self.verdicts.check(Oracle::I38, !link || broken, || {
            "a dictionary is believed that is no torrent's".into()
        });
    }

    /// What is kept of dictionaries that are not whole has a bound, and before one is there nothing is had.
    pub(crate) fn metadata_bounds(&mut self, view: TorrentView<'_>) {
        let Some(bytes) = view.figures().metadata_bytes() else {
            return;
        };
        let most = u64::from(self.setup.config.metadata.size_max);
        let nothing = view.have().is_empty();
        self.verdicts.check(Oracle::I38, bytes <= most && nothing, || {
            format!("{bytes} bytes of metadata are kept, {most} may be; nothing is had: {nothing}")
        });
    }
}
