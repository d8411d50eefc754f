//! What came after BEP 3: the fast extension's set (BEP 6) the extension protocol's handshake (BEP 10),
//! and its message for metadata (BEP 9).

pub mod fast;
pub mod handshake;
pub mod metadata;
