//! What came after BEP 3: the fast extension's set (BEP 6) and the extension protocol's handshake (BEP 10).

pub mod fast;
pub mod handshake;
