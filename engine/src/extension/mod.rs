//! What came after BEP 3: the fast extension's set (BEP 6), the extension protocol's handshake (BEP 10), and what goes
//! over it: metadata (BEP 9), peer exchange (BEP 11), pieces that are there no more (BEP 54).

pub mod dont_have;
pub mod fast;
pub mod handshake;
pub mod metadata;
pub mod pex;

/// The message id under which we receive `ut_pex` (BEP 11), libtorrent's number.
pub const UT_PEX: u8 = 1;

/// The message id under which we receive `ut_metadata` (BEP 9), libtorrent's number.
pub const UT_METADATA: u8 = 2;

/// The message id under which we receive `lt_donthave` (BEP 54), libtorrent's number.
pub const LT_DONTHAVE: u8 = 7;
