//! A gzip stream (RFC 1952, RFC 1951) that says a great deal with little: zeros, as matches of the greatest length.

/// Bytes that it inflates to at the least.
const INFLATED: usize = 4 * 1024 * 1024;
/// The longest match of deflate.
const MATCH: usize = 258;

/// The stream. Its checksum is wrong, which nobody should get to see.
pub(super) fn gzip() -> Vec<u8> {
    let mut bits = Bits {
        bytes: vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff],
        pending: 0,
        count: 0,
    };
    // the last block, with the fixed codes
    bits.push(0b011, 3);
    // the literal 0; codes are written from their most significant bit on
    bits.push_code(0b0011_0000, 8);
    for _ in 0..INFLATED / MATCH {
        // length 258 is code 285, distance 1 is code 0
        bits.push_code(0b1100_0101, 8);
        bits.push_code(0, 5);
    }
    bits.push_code(0, 7);
    bits.push(0, 7);
    bits.bytes.extend([0; 8]);
    bits.bytes
}

struct Bits {
    bytes: Vec<u8>,
    pending: u32,
    count: u32,
}

impl Bits {
    fn push(&mut self, value: u32, count: u32) {
        self.pending |= value << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.pending as u8);
            self.pending >>= 8;
            self.count -= 8;
        }
    }

    fn push_code(&mut self, code: u32, count: u32) {
        self.push(code.reverse_bits() >> (32 - count), count);
    }
}
