//! gzip bodies (RFC 1952), inflated in one call under a limit.
//!
//! A limit on the bytes of the wire does not bound the inflated bytes (1 KiB can become 1 MiB, curl's pull 21581),
//! so the output is counted while it is made. A whole-body call keeps the exchange `Clone`, which a streaming
//! decompressor is not.

use alloc::string::String;
use alloc::vec::Vec;

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::HttpError;

const HAS_CHECKSUM: u8 = 2;
const HAS_EXTRA: u8 = 4;
const HAS_NAME: u8 = 8;
const HAS_COMMENT: u8 = 16;

/// A body as its `Content-Encoding` says that it was before.
pub(super) fn inflate(encoding: Option<&str>, body: Vec<u8>, max: usize) -> Result<Vec<u8>, HttpError> {
    match encoding {
        None | Some("" | "identity") => Ok(body),
        Some("gzip" | "x-gzip") => gunzip(&body, max),
        Some(other) => Err(HttpError::Encoding(crate::net::printable(other, 40))),
    }
}

/// Inflates every member of a gzip file.
///
/// # Errors
/// [`HttpError::BodyTooLong`] as soon as the output exceeds `max`, else what is wrong with the file.
fn gunzip(mut input: &[u8], max: usize) -> Result<Vec<u8>, HttpError> {
    let mut output = Vec::new();
    while !input.is_empty() {
        let member = header(input).ok_or(damaged())?;
        input = inflate_member(member, &mut output, max)?;
    }
    Ok(output)
}

fn damaged() -> HttpError {
    HttpError::Encoding(String::from("damaged gzip data"))
}

/// The bytes after the header of a member.
fn header(input: &[u8]) -> Option<&[u8]> {
    let [0x1f, 0x8b, 8, flags, _, _, _, _, _, _, rest @ ..] = input else {
        return None;
    };
    let mut rest = rest;
    if flags & HAS_EXTRA != 0 {
        let (length, after) = rest.split_first_chunk::<2>()?;
        rest = after.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for flag in [HAS_NAME, HAS_COMMENT] {
        if flags & flag != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = rest.get(end + 1..)?;
        }
    }
    if flags & HAS_CHECKSUM != 0 {
        rest = rest.get(2..)?;
    }
    Some(rest)
}

/// Appends one member's content and gives back the bytes after its trailer.
fn inflate_member<'a>(input: &'a [u8], output: &mut Vec<u8>, max: usize) -> Result<&'a [u8], HttpError> {
    let mut inflater = Decompress::new(false);
    let mut crc = Crc::new();
    let mut chunk = [0; 4096];
    loop {
        let (before_in, before_out) = (inflater.total_in(), inflater.total_out());
        let rest = tail(input, before_in);
        let status = inflater
            .decompress(rest, &mut chunk, FlushDecompress::None)
            .map_err(|_| damaged())?;
        let made = usize::try_from(inflater.total_out() - before_out).unwrap_or(usize::MAX);
        let made = chunk.get(..made).unwrap_or(&[]);
        if output.len() + made.len() > max {
            return Err(HttpError::BodyTooLong);
        }
        crc.update(made);
        output.extend_from_slice(made);
        match status {
            Status::StreamEnd => break,
            // no step made: the data ends in the middle
            _ if made.is_empty() && inflater.total_in() == before_in => return Err(damaged()),
            _ => {}
        }
    }
    let (trailer, rest) = tail(input, inflater.total_in())
        .split_first_chunk::<8>()
        .ok_or(damaged())?;
    let [c0, c1, c2, c3, ..] = *trailer;
    if u32::from_le_bytes([c0, c1, c2, c3]) == crc.sum() {
        Ok(rest)
    } else {
        Err(damaged())
    }
}

fn tail(input: &[u8], from: u64) -> &[u8] {
    usize::try_from(from)
        .ok()
        .and_then(|from| input.get(from..))
        .unwrap_or(&[])
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use flate2::{Compress, Compression, FlushCompress};

    /// A gzip file with `content`.
    pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
        let mut file = std::vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
        let mut deflater = Compress::new(Compression::best(), false);
        let mut out = std::vec![0; content.len() / 2 + 1024];
        let status = deflater
            .compress(content, &mut out, FlushCompress::Finish)
            .unwrap();
        assert_eq!(status, Status::StreamEnd);
        file.extend_from_slice(&out[..deflater.total_out() as usize]);
        let mut crc = Crc::new();
        crc.update(content);
        file.extend_from_slice(&crc.sum().to_le_bytes());
        file.extend_from_slice(&(content.len() as u32).to_le_bytes());
        file
    }

    #[test]
    fn inflates_members_with_every_header_field() {
        let plain = gzip(b"hello");
        let mut fancy = std::vec![0x1f, 0x8b, 8, 2 + 4 + 8 + 16, 0, 0, 0, 0, 0, 3];
        fancy.extend_from_slice(b"\x02\x00xxname\0comment\0cc");
        fancy.extend_from_slice(&gzip(b" world")[10..]);
        let both = [plain, fancy].concat();
        assert_eq!(gunzip(&both, 11).unwrap(), b"hello world");
        assert_eq!(gunzip(&both, 10), Err(HttpError::BodyTooLong));
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = gzip(&std::vec![0; 8 << 20]);
        assert!(bomb.len() < 16 << 10);
        assert_eq!(gunzip(&bomb, 1 << 20), Err(HttpError::BodyTooLong));
    }

    #[test]
    fn damage_is_noticed() {
        let good = gzip(b"some content that is long enough");
        for cut in 1..good.len() {
            assert!(gunzip(&good[..cut], 1000).is_err(), "cut at {cut}");
        }
        let mut wrong = good.clone();
        let at = wrong.len() - 8;
        wrong[at] ^= 1;
        assert!(gunzip(&wrong, 1000).is_err());
        assert!(gunzip(b"not gzip", 1000).is_err());
    }
}
