//! I38: the info dictionary of a magnet link. The torrent that the world was made of is compared byte by byte; no hash is
//! taken here, so a wrong notion of which hash counts cannot hide.

use super::table::Oracle;
use super::watch::Watch;
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
