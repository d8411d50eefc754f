//! Numbers and byte strings of a journal.

use alloc::vec::Vec;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a record cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Broken {
    /// The bytes end within it.
    Short,
    /// Its bytes mean nothing.
    Nonsense,
}

/// Appends a number, seven bits a byte, the lowest first.
pub(super) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends the difference of two numbers, small ones of either sign in few bytes.
pub(super) fn put_delta(out: &mut Vec<u8>, from: u64, to: u64) {
    let delta = to.wrapping_sub(from) as i64;
    put(out, (delta << 1 ^ delta >> 63) as u64);
}

/// Appends bytes and how many they are.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends what is rare in postcard's form, and how many bytes that is.
pub(super) fn put_value(out: &mut Vec<u8>, value: &impl Serialize) {
    // into a growing buffer, what the engine's types hold can always be written
    put_bytes(out, &postcard::to_allocvec(value).unwrap_or_default());
}

/// Reads a journal from the front.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    whole: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(whole: &'a [u8], at: usize) -> Self {
        Self { whole, at }
    }

    /// Bytes read so far.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.at >= self.whole.len()
    }

    /// The next byte, which stays.
    pub(super) fn peek(&self) -> Option<u8> {
        self.whole.get(self.at).copied()
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Broken> {
        let end = self.at.checked_add(count).ok_or(Broken::Short)?;
        let bytes = self.whole.get(self.at..end).ok_or(Broken::Short)?;
        self.at = end;
        Ok(bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let bytes = self.bytes(N)?;
        bytes.try_into().map_err(|_| Broken::Short)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Broken> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn number(&mut self) -> Result<u64, Broken> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Broken::Nonsense);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Broken::Nonsense)
    }

    pub(super) fn delta(&mut self, from: u64) -> Result<u64, Broken> {
        let value = self.number()?;
        let delta = (value >> 1) as i64 ^ -((value & 1) as i64);
        Ok(from.wrapping_add(delta as u64))
    }

    pub(super) fn length(&mut self) -> Result<usize, Broken> {
        usize::try_from(self.number()?).map_err(|_| Broken::Short)
    }

    pub(super) fn sized(&mut self) -> Result<&'a [u8], Broken> {
        let length = self.length()?;
        self.bytes(length)
    }

    pub(super) fn value<T: DeserializeOwned>(&mut self) -> Result<T, Broken> {
        let bytes = self.sized()?;
        match postcard::take_from_bytes(bytes) {
            Ok((value, [])) => Ok(value),
            Ok(_) | Err(_) => Err(Broken::Nonsense),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    quickcheck! {
        fn numbers_come_back(values: Vec<u64>, from: u64) -> bool {
            let mut out = Vec::new();
            for value in &values {
                put(&mut out, *value);
                put_delta(&mut out, from, *value);
            }
            let mut cursor = Cursor::new(&out, 0);
            values.iter().all(|value| {
                cursor.number() == Ok(*value) && cursor.delta(from) == Ok(*value)
            }) && cursor.is_at_end()
        }

        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) -> bool {
            let mut cursor = Cursor::new(&bytes, 0);
            while cursor.number().is_ok() {}
            cursor.at() <= bytes.len()
        }
    }
}
