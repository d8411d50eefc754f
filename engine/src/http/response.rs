//! One HTTP/1.1 answer, fed in pieces of any size (RFC 9112 §4–§7): head, then a body framed by chunks, by a length
//! or by the end of the connection.
//!
//! Invariants: no more than `head_max` bytes of heads, trailers and chunk lines are read, no more than `body_max` of
//! body; how the bytes are cut changes nothing.

use alloc::string::String;
use alloc::vec::Vec;

use super::HttpError;
use crate::config::HttpConfig;
use serde::{Deserialize, Serialize};

/// Header lines of one answer; httparse needs room in advance.
const HEADERS_MAX: usize = 100;

/// How an answer begins.
const VERSIONS: [&[u8]; 2] = [b"HTTP/1.1", b"HTTP/1.0"];

/// What the head said.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) content_type: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) location: Option<String>,
    framing: Option<Framing>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Framing {
    /// Bytes of body that are still to come.
    Length(u64),
    Chunked(Chunk),
    UntilClose,
}

/// Where the chunk reader stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Chunk {
    /// In a chunk's size.
    Size { digits: u32, size: u64 },
    /// After the size, up to the end of the line.
    Extension { size: u64 },
    /// In the data.
    Data { left: u64 },
    /// The line end after the data.
    DataEnd,
    /// Trailer lines; the length of the current one without its end.
    Trailer { length: usize },
}

/// An answer that is being received.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Response {
    /// The head as far as it is received.
    unparsed: Vec<u8>,
    /// Bytes of heads, chunk lines and trailers so far.
    overhead: usize,
    head: Option<Head>,
    body: Vec<u8>,
    whole: bool,
}

impl Response {
    /// Takes bytes of the connection. Returns whether the answer is whole; what follows it is ignored.
    pub(super) fn receive(&mut self, mut data: &[u8], limits: &HttpConfig) -> Result<bool, HttpError> {
        while !self.whole && self.head.is_none() {
            if data.is_empty() {
                return Ok(false);
            }
            data = self.receive_head(data, limits)?;
        }
        if !self.whole {
            self.receive_body(data, limits)?;
        }
        Ok(self.whole)
    }

    /// The connection has ended properly. Returns whether the answer is whole.
    pub(super) fn finish(&mut self) -> bool {
        let until_close = self
            .head
            .as_ref()
            .is_some_and(|head| head.framing == Some(Framing::UntilClose));
        self.whole |= until_close;
        self.whole
    }

    /// The bytes of body that are still to come, if the head has told.
    pub(super) fn announced_length(&self) -> Option<u64> {
        match self.head.as_ref()?.framing {
            Some(Framing::Length(left)) => Some(left),
            _ => None,
        }
    }

    /// The head and the body as sent.
    pub(super) fn take(&mut self) -> (Head, Vec<u8>) {
        let head = self.head.take().unwrap_or_default();
        (head, core::mem::take(&mut self.body))
    }

    /// Collects up to the end of a head and reads it. Gives back the bytes after it.
    fn receive_head<'a>(&mut self, data: &'a [u8], limits: &HttpConfig) -> Result<&'a [u8], HttpError> {
        let mut used = 0;
        for byte in data {
            self.unparsed.push(*byte);
            used += 1;
            self.overhead += 1;
            if self.overhead > limits.head_max {
                return Err(HttpError::HeadTooLong);
            }
            if self.unparsed.len() <= VERSIONS[0].len()
                && !VERSIONS.iter().any(|version| version.starts_with(&self.unparsed))
            {
                return Err(HttpError::Malformed("it does not begin with HTTP/1".into()));
            }
            if *byte == b'\n' && (self.unparsed.ends_with(b"\n\r\n") || self.unparsed.ends_with(b"\n\n")) {
                self.parse_head()?;
                break;
            }
        }
        Ok(data.get(used..).unwrap_or(&[]))
    }

    fn parse_head(&mut self) -> Result<(), HttpError> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut parsed = httparse::Response::new(&mut headers);
        let mut parser = httparse::ParserConfig::default();
        parser
            .allow_spaces_after_header_name_in_responses(true)
            .allow_obsolete_multiline_headers_in_responses(true)
            .ignore_invalid_headers_in_responses(true);
        match parser.parse_response(&mut parsed, &self.unparsed) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) => {
                return Err(HttpError::Malformed("empty lines before the status".into()));
            }
            Err(httparse::Error::TooManyHeaders) => return Err(HttpError::HeadTooLong),
            Err(_) => return Err(HttpError::Malformed("its head cannot be read".into())),
        }
        let status = parsed.code.unwrap_or(0);
        match status {
            // nothing was offered to upgrade to
            101 => return Err(HttpError::Malformed("it switches protocols".into())),
            // interim answers: the real one follows
            100..200 => {}
            206 => {
                return Err(HttpError::Malformed(
                    "it is a range that was not asked for".into(),
                ));
            }
            200..600 => {
                let mut head = read_headers(parsed.headers)?;
                head.status = status;
                if matches!(status, 204 | 304) {
                    head.framing = Some(Framing::Length(0));
                }
                self.whole = head.framing == Some(Framing::Length(0));
                self.head = Some(head);
            }
            _ => return Err(HttpError::Malformed("its status code is out of range".into())),
        }
        self.unparsed.clear();
        Ok(())
    }

    fn receive_body(&mut self, mut data: &[u8], limits: &HttpConfig) -> Result<(), HttpError> {
        let Some(framing) = self.head.as_mut().and_then(|head| head.framing.as_mut()) else {
            return Ok(());
        };
        match framing {
            Framing::UntilClose => push_body(&mut self.body, data, limits),
            Framing::Length(left) => {
                if *left > limits.body_max as u64 {
                    return Err(HttpError::BodyTooLong);
                }
                let part = take(&mut data, *left);
                *left -= part.len() as u64;
                self.whole = *left == 0;
                push_body(&mut self.body, part, limits)
            }
            Framing::Chunked(chunk) => {
                while !self.whole && !data.is_empty() {
                    if let Chunk::Data { left } = chunk {
                        let part = take(&mut data, *left);
                        push_body(&mut self.body, part, limits)?;
                        *left -= part.len() as u64;
                        if *left == 0 {
                            *chunk = Chunk::DataEnd;
                        }
                    } else if let [byte, rest @ ..] = data {
                        data = rest;
                        self.whole = chunk.step(*byte)?;
                        self.overhead += 1;
                        // chunk lines are paid by the chunk's data: a length line costs under 32 bytes a chunk
                        if self.overhead > limits.head_max + 32 * self.body.len() {
                            return Err(HttpError::HeadTooLong);
                        }
                    }
                }
                Ok(())
            }
        }
    }
}

impl Chunk {
    /// Takes a byte that is not chunk data. Returns whether the body is whole.
    fn step(&mut self, byte: u8) -> Result<bool, HttpError> {
        *self = match (&*self, byte) {
            (Self::Size { digits, size }, _) if byte.is_ascii_hexdigit() => {
                // 15 digits: far over every limit, far under an overflow
                if *digits == 15 {
                    return Err(HttpError::BodyTooLong);
                }
                let digit = char::from(byte).to_digit(16).unwrap_or(0);
                Self::Size {
                    digits: digits + 1,
                    size: size << 4 | u64::from(digit),
                }
            }
            (Self::Size { digits: 1.., size }, b'\n') | (Self::Extension { size }, b'\n') => match *size {
                0 => Self::Trailer { length: 0 },
                left => Self::Data { left },
            },
            (Self::Size { digits: 1.., size }, b'\r' | b';' | b' ' | b'\t') => {
                Self::Extension { size: *size }
            }
            (Self::Size { .. }, _) => return Err(HttpError::Malformed("a chunk has no valid size".into())),
            (Self::Extension { size }, _) => Self::Extension { size: *size },
            (Self::DataEnd, b'\r') => Self::DataEnd,
            (Self::DataEnd, b'\n') => Self::Size { digits: 0, size: 0 },
            (Self::DataEnd, _) => return Err(HttpError::Malformed("a chunk is longer than its size".into())),
            (Self::Trailer { length: 0 }, b'\n') => return Ok(true),
            (Self::Trailer { .. }, b'\n') => Self::Trailer { length: 0 },
            (Self::Trailer { length }, b'\r') => Self::Trailer { length: *length },
            (Self::Trailer { length }, _) => Self::Trailer { length: length + 1 },
            (Self::Data { left }, _) => Self::Data { left: *left },
        };
        Ok(false)
    }
}

/// Splits off up to `max` bytes from the front.
fn take<'a>(data: &mut &'a [u8], max: u64) -> &'a [u8] {
    let length = usize::try_from(max).unwrap_or(usize::MAX).min(data.len());
    let (part, rest) = data.split_at(length);
    *data = rest;
    part
}

fn push_body(body: &mut Vec<u8>, data: &[u8], limits: &HttpConfig) -> Result<(), HttpError> {
    if body.len() + data.len() > limits.body_max {
        return Err(HttpError::BodyTooLong);
    }
    body.extend_from_slice(data);
    Ok(())
}

fn read_headers(headers: &[httparse::Header<'_>]) -> Result<Head, HttpError> {
    let mut head = Head::default();
    let mut length: Option<u64> = None;
    let mut chunked = false;
    for header in headers {
        let value = String::from_utf8_lossy(header.value);
        let value = value.trim();
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("content-length") {
            let read = content_length(value)?;
            if length.is_some_and(|before| before != read) {
                return Err(HttpError::Malformed("it names two lengths".into()));
            }
            length = Some(read);
        } else if is("transfer-encoding") {
            if !value.eq_ignore_ascii_case("chunked") || chunked {
                return Err(HttpError::Encoding(crate::net::printable(value, 40)));
            }
            chunked = true;
        } else if is("content-type") {
            head.content_type = Some(value.into());
        } else if is("content-encoding") {
            head.content_encoding = Some(value.to_ascii_lowercase());
        } else if is("location") {
            head.location = Some(value.into());
        }
    }
    head.framing = Some(match (chunked, length) {
        // RFC 9112 §6.3: chunks win over a length
        (true, _) => Framing::Chunked(Chunk::Size { digits: 0, size: 0 }),
        (false, Some(length)) => Framing::Length(length),
        (false, None) => Framing::UntilClose,
    });
    Ok(head)
}

fn content_length(value: &str) -> Result<u64, HttpError> {
    // a list of equal values is legal (RFC 9110 §8.6)
    let mut values = value.split(',').map(|part| {
        let part = part.trim();
        let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse().unwrap_or(u64::MAX))
    });
    let first = values.next().flatten();
    match first {
        Some(length) if values.all(|other| other == first) => Ok(length),
        _ => Err(HttpError::Malformed("its length is no number".into())),
    }
}
