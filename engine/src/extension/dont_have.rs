//! `lt_donthave` (BEP 54): a piece that was offered is there no more.

use crate::id::PieceIndex;
use alloc::vec::Vec;

/// The name in `m`.
pub const NAME: &str = "lt_donthave";

/// Reads the payload of an extended message; nothing when it has another length than a number's.
pub fn decode(payload: &[u8]) -> Option<PieceIndex> {
    let bytes = payload.try_into().ok()?;
    Some(PieceIndex(u32::from_be_bytes(bytes)))
}

/// The payload of an extended message.
pub fn encode(piece: PieceIndex) -> Vec<u8> {
    piece.0.to_be_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_bytes_and_no_others() {
        assert_eq!(
            decode(&encode(PieceIndex(0x0102_0304))),
            Some(PieceIndex(0x0102_0304))
        );
        assert_eq!(encode(PieceIndex(258)), [0, 0, 1, 2]);
        assert_eq!(decode(&[0, 0, 1]), None);
        assert_eq!(decode(&[0, 0, 0, 1, 2]), None);
    }
}
