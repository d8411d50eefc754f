//! The payload of one block: reference-counted, copied once when it arrives, never looked at by the engine.

use bytes::Bytes;
use core::fmt;
use core::ops::Range;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Parts of some bytes, ascending and disjoint. Inline as many as one read usually brings.
pub type Spans = SmallVec<[Range<usize>; 8]>;

/// Payload bytes. Cloning and slicing share the bytes. `Debug` prints only the length: payload is the user's.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Block(#[serde(with = "only_length")] Bytes);

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

    /// Whether somebody else holds these bytes, or a part of them, too.
    pub fn is_shared(&self) -> bool {
        !self.0.is_unique()
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

/// Payload within a checkpoint: only how long it is. Zeros of the same length are read again.
pub(crate) mod only_length {
    use alloc::vec;
    use alloc::vec::Vec;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    /// Longer than what one request can ask of a peer or of storage, so a greater length is damage.
    const LENGTH_MAX: u64 = 1 << 24;

    pub(crate) fn serialize<S: Serializer>(
        bytes: &impl AsRef<[u8]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(bytes.as_ref().len() as u64)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, B: From<Vec<u8>>>(
        deserializer: D,
    ) -> Result<B, D::Error> {
        match u64::deserialize(deserializer)? {
            length if length <= LENGTH_MAX => Ok(vec![0; length as usize].into()),
            length => Err(D::Error::custom(format_args!("a block of {length} bytes"))),
        }
    }
}
