//! What all sessions of a torrent share.

use super::Metadata;
use crate::config::{MetadataConfig, PexConfig, SessionConfig};
use crate::geometry::Geometry;
use crate::id::{InfoHash, PeerId};
use alloc::borrow::Cow;
use alloc::sync::Arc;

/// What all sessions of a torrent share.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Limits and time-outs.
    pub config: SessionConfig,
    /// Limits of the exchange of metadata.
    pub metadata_config: MetadataConfig,
    /// Sizes of the torrent; unknown before its metadata is here.
    pub geometry: Geometry,
    /// The torrent.
    pub info_hash: InfoHash,
    /// What is exchanged of the info dictionary.
    pub metadata: Metadata,
    /// Our peer id.
    pub peer_id: PeerId,
    /// Port that peers can reach us at.
    pub listen_port: u16,
    /// Client name of the extended handshake.
    pub client_name: Cow<'static, str>,
    /// Whether peers are exchanged (BEP 11): in how many messages and in what time a peer may do it. None when not.
    pub pex: Option<PexConfig>,
    /// Whether each message is kept as a line for [`Session::take_trace`].
    pub trace: bool,
}

impl Rules {
    /// What stands in place of rules until they are restored.
    pub(crate) fn of_nothing() -> Arc<Self> {
        Arc::new(Self {
            config: SessionConfig::default(),
            metadata_config: MetadataConfig::default(),
            geometry: Geometry::unknown(1),
            info_hash: InfoHash([0; 20]),
            metadata: Metadata::Off,
            peer_id: PeerId([0; 20]),
            listen_port: 0,
            client_name: Cow::Borrowed(""),
            pex: None,
            trace: false,
        })
    }
}
