//! RC4, with a state that can be copied. Broken as a cipher (RFC 7465); here it makes noise of what is no secret.

use core::fmt;
use serde::{Deserialize, Serialize};

/// Key stream that MSE throws away, since RC4's first bytes tell of the key.
const DISCARDED: usize = 1024;

/// A key stream at some place.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rc4 {
    #[serde(with = "serde_bytes")]
    state: [u8; 256],
    i: u8,
    j: u8,
}

impl Rc4 {
    /// The key stream of MSE: RC4 without its first 1024 bytes.
    pub fn new(key: &[u8; 20]) -> Self {
        let mut stream = Self::from_start(key);
        (0..DISCARDED).for_each(|_| {
            stream.next();
        });
        stream
    }

    fn from_start(key: &[u8]) -> Self {
        let mut state = [0; 256];
        for (slot, n) in state.iter_mut().zip(0u8..=255) {
            *slot = n;
        }
        let mut j = 0u8;
        for (n, byte) in (0..256).zip(key.iter().cycle()) {
            j = j.wrapping_add(state[n]).wrapping_add(*byte);
            state.swap(n, usize::from(j));
        }
        Self { state, i: 0, j: 0 }
    }

    fn next(&mut self) -> u8 {
        self.i = self.i.wrapping_add(1);
        let a = self.state[usize::from(self.i)];
        self.j = self.j.wrapping_add(a);
        let b = self.state[usize::from(self.j)];
        self.state[usize::from(self.i)] = b;
        self.state[usize::from(self.j)] = a;
        self.state[usize::from(a.wrapping_add(b))]
    }

    /// Encrypts or decrypts the next bytes of the stream in place.
    pub fn apply(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte ^= self.next();
        }
    }
}

impl fmt::Debug for Rc4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rc4(at {})", self.i)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_stream(key: &[u8], offset: usize) -> [u8; 16] {
        let mut stream = Rc4::from_start(key);
        (0..offset).for_each(|_| {
            stream.next();
        });
        let mut out = [0; 16];
        stream.apply(&mut out);
        out
    }

    /// RFC 6229, keys of 40 and 128 bits.
    #[test]
    fn the_key_stream_is_that_of_rfc_6229() {
        let check = |key: &[u8], offset: usize, hex: &str| {
            let got: std::string::String = key_stream(key, offset)
                .iter()
                .map(|byte| std::format!("{byte:02x}"))
                .collect();
            assert_eq!(got, hex, "offset {offset}");
        };
        let long: std::vec::Vec<u8> = (1..=16).collect();
        check(&long[..5], 0, "b2396305f03dc027ccc3524a0a1118a8");
        check(&long[..5], 16, "6982944f18fc82d589c403a47a0d0919");
        check(&long[..5], 1024, "30abbcc7c20b01609f23ee2d5f6bb7df");
        check(&long, 0, "9ac7cc9a609d1ef7b2932899cde41b97");
        check(&long, 1024, "bdf0324e6083dcc6d3cedd3ca8c53c16");
    }

    #[test]
    fn the_first_1024_bytes_are_thrown_away() {
        let key = [7; 20];
        let mut out = [0; 16];
        Rc4::new(&key).apply(&mut out);
        assert_eq!(out, key_stream(&key, 1024));
    }
}
