//! The payload of one block: reference-counted, copied once when it arrives, never looked at by the engine.

use bytes::Bytes;
use core::fmt;
use core::ops::Range;
use smallvec::SmallVec;

/// Parts of some bytes, ascending and disjoint. Inline as many as one read usually brings.
pub type Spans = SmallVec<[Range<usize>; 8]>;

/// Payload bytes. Cloning and slicing share the bytes. `Debug` prints only the length: payload is the user's.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Block(Bytes);

impl Block {
    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes, for the driver that writes, hashes or sends them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A part that shares the bytes.
    ///
    /// # Panics
    /// When the range is not within the block.
    #[must_use]
    pub fn slice(&self, range: core::ops::Range<usize>) -> Self {
        Self(self.0.slice(range))
    }

    /// The shared bytes, for a driver that keeps them.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl From<alloc::vec::Vec<u8>> for Block {
    fn from(bytes: alloc::vec::Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<Bytes> for Block {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({} bytes)", self.0.len())
    }
}
