//! The scanner: one pass without recursion that proves bytes well-formed and notes what is not canonical (BEP 3).
//!
//! Invariant: `keys` holds the keys of the open dictionaries only, each dictionary's from its frame's `first_key` on.

use super::{BencodeError, INTEGER_DIGITS_MAX, Limits};
use alloc::vec::Vec;

/// What one value at the start of the input is like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scan {
    /// Bytes of the value; what follows is trailing.
    pub end: usize,
    /// Lists and dictionaries inside one another, 0 for a plain integer or string.
    pub depth: usize,
    /// Integers, strings (keys too), lists and dictionaries.
    pub tokens: usize,
    /// Some dictionary's keys are not in ascending order of their bytes.
    pub unsorted_keys: bool,
    /// Some dictionary has a key twice.
    pub duplicate_keys: bool,
    /// Some integer or string length has a leading zero, or is `-0`.
    pub odd_numbers: bool,
}

impl Scan {
    /// Whether encoding what was read gives the same bytes again.
    pub const fn is_canonical(&self) -> bool {
        !self.unsorted_keys && !self.duplicate_keys && !self.odd_numbers
    }
}

/// One lexical element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Token<'a> {
    Int(i64),
    Bytes(&'a [u8]),
    List,
    Dict,
    End,
}

/// A [`Token`], where the next one begins, and whether its numbers are canonical.
pub(super) struct Lexed<'a> {
    pub(super) token: Token<'a>,
    pub(super) next: usize,
    canonical: bool,
}

/// Reads the token at `at`.
pub(super) fn lex(bytes: &[u8], at: usize) -> Result<Lexed<'_>, BencodeError> {
    let single = |token| {
        Ok(Lexed {
            token,
            next: at + 1,
            canonical: true,
        })
    };
    match bytes.get(at) {
        None => Err(BencodeError::Truncated { at }),
        Some(b'i') => lex_integer(bytes, at),
        Some(b'0'..=b'9') => lex_string(bytes, at),
        Some(b'l') => single(Token::List),
        Some(b'd') => single(Token::Dict),
        Some(b'e') => single(Token::End),
        Some(_) => Err(BencodeError::Unexpected { at }),
    }
}

/// The run of decimal digits from `at` on. One more than is allowed is enough to tell.
fn digits(bytes: &[u8], at: usize) -> &[u8] {
    let rest = bytes.get(at..).unwrap_or_default();
    let count = rest
        .iter()
        .take(INTEGER_DIGITS_MAX + 1)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    rest.get(..count).unwrap_or_default()
}

fn lex_integer(bytes: &[u8], at: usize) -> Result<Lexed<'_>, BencodeError> {
    let negative = bytes.get(at + 1) == Some(&b'-');
    let start = at + 1 + usize::from(negative);
    let digits = digits(bytes, start);
    if digits.len() > INTEGER_DIGITS_MAX {
        return Err(BencodeError::IntegerRange { at });
    }
    let end = start + digits.len();
    match bytes.get(end) {
        None => return Err(BencodeError::Truncated { at }),
        Some(b'e') if !digits.is_empty() => {}
        Some(_) => return Err(BencodeError::Integer { at }),
    }
    // summed below zero, where i64 has one value more
    let sum = digits.iter().try_fold(0i64, |sum, digit| {
        sum.checked_mul(10)?.checked_sub(i64::from(digit - b'0'))
    });
    let value = if negative {
        sum
    } else {
        sum.and_then(i64::checked_neg)
    };
    let leading_zero = digits.len() > 1 && digits.starts_with(b"0");
    Ok(Lexed {
        token: Token::Int(value.ok_or(BencodeError::IntegerRange { at })?),
        next: end + 1,
        canonical: !(leading_zero || negative && value == Some(0)),
    })
}

fn lex_string(bytes: &[u8], at: usize) -> Result<Lexed<'_>, BencodeError> {
    let digits = digits(bytes, at);
    if digits.len() > INTEGER_DIGITS_MAX {
        return Err(BencodeError::StringTooLong { at });
    }
    let colon = at + digits.len();
    match bytes.get(colon) {
        None => return Err(BencodeError::Truncated { at }),
        Some(b':') => {}
        Some(_) => return Err(BencodeError::StringLength { at }),
    }
    let start = colon + 1;
    let (end, string) = digits
        .iter()
        .try_fold(0usize, |sum, digit| {
            sum.checked_mul(10)?.checked_add(usize::from(digit - b'0'))
        })
        .and_then(|length| start.checked_add(length))
        .and_then(|end| Some((end, bytes.get(start..end)?)))
        .ok_or(BencodeError::StringTooLong { at })?;
    Ok(Lexed {
        token: Token::Bytes(string),
        next: end,
        canonical: digits.len() == 1 || !digits.starts_with(b"0"),
    })
}

/// An open list or dictionary.
enum Frame {
    List,
    Dict {
        /// Where this dictionary's keys begin in the stack of keys.
        first_key: usize,
        /// A key was read and its value was not.
        pending: bool,
        unsorted: bool,
    },
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    frames: Vec<Frame>,
    keys: Vec<&'a [u8]>,
    scan: Scan,
}

/// Reads one value at the start of `bytes` and says what it is like. Bytes after it are not looked at.
///
/// # Errors
/// When the bytes do not begin with a complete value within the limits.
pub fn scan(bytes: &[u8], limits: &Limits) -> Result<Scan, BencodeError> {
    if bytes.len() > limits.size {
        return Err(BencodeError::Size {
            length: bytes.len(),
            max: limits.size,
        });
    }
    let mut scanner = Scanner {
        bytes,
        at: 0,
        frames: Vec::new(),
        keys: Vec::new(),
        scan: Scan {
            end: 0,
            depth: 0,
            tokens: 0,
            unsorted_keys: false,
            duplicate_keys: false,
            odd_numbers: false,
        },
    };
    loop {
        scanner.step(limits)?;
        if scanner.frames.is_empty() {
            scanner.scan.end = scanner.at;
            return Ok(scanner.scan);
        }
    }
}

/// As [`scan()`], for bytes that we wrote ourselves: nothing may follow, nothing may be non-canonical.
///
/// # Errors
/// As [`scan()`], and for any deviation from canonical form.
pub fn scan_strict(bytes: &[u8], limits: &Limits) -> Result<Scan, BencodeError> {
    let scan = scan(bytes, limits)?;
    if !scan.is_canonical() {
        return Err(BencodeError::NotCanonical);
    }
    if scan.end != bytes.len() {
        return Err(BencodeError::Trailing(bytes.len() - scan.end));
    }
    Ok(scan)
}

/// Length of the value that `bytes` begin with; raw bytes may follow, as in the `data` message of BEP 9.
///
/// # Errors
/// As [`scan()`].
pub fn prefix_len(bytes: &[u8], limits: &Limits) -> Result<usize, BencodeError> {
    scan(bytes, limits).map(|scan| scan.end)
}

impl<'a> Scanner<'a> {
    fn step(&mut self, limits: &Limits) -> Result<(), BencodeError> {
        let at = self.at;
        let lexed = lex(self.bytes, at)?;
        self.at = lexed.next;
        self.scan.odd_numbers |= !lexed.canonical;
        if lexed.token == Token::End {
            return self.close(at);
        }
        self.scan.tokens += 1;
        if self.scan.tokens > limits.tokens {
            return Err(BencodeError::Tokens { max: limits.tokens });
        }
        if self.take_key(lexed.token, at)? {
            return Ok(());
        }
        let frame = match lexed.token {
            Token::List => Frame::List,
            Token::Dict => Frame::Dict {
                first_key: self.keys.len(),
                pending: false,
                unsorted: false,
            },
            Token::Int(_) | Token::Bytes(_) | Token::End => return Ok(()),
        };
        if self.frames.len() >= limits.depth {
            return Err(BencodeError::Depth { max: limits.depth });
        }
        self.frames.push(frame);
        self.scan.depth = self.scan.depth.max(self.frames.len());
        Ok(())
    }

    /// True when the token was a dictionary's key; else it is a value.
    fn take_key(&mut self, token: Token<'a>, at: usize) -> Result<bool, BencodeError> {
        let Some(Frame::Dict {
            first_key,
            pending,
            unsorted,
        }) = self.frames.last_mut()
        else {
            return Ok(false);
        };
        if *pending {
            *pending = false;
            return Ok(false);
        }
        let Token::Bytes(key) = token else {
            return Err(BencodeError::Key { at });
        };
        if let Some(previous) = self.keys.get(*first_key..).and_then(<[_]>::last) {
            *unsorted |= key < *previous;
            self.scan.duplicate_keys |= key == *previous;
        }
        self.keys.push(key);
        *pending = true;
        Ok(true)
    }

    fn close(&mut self, at: usize) -> Result<(), BencodeError> {
        match self.frames.pop() {
            None => return Err(BencodeError::Unexpected { at }),
            Some(Frame::List) => {}
            Some(Frame::Dict { pending: true, .. }) => return Err(BencodeError::MissingValue { at }),
            Some(Frame::Dict {
                first_key, unsorted, ..
            }) => {
                // equal keys are neighbours only in a sorted dictionary
                if unsorted {
                    self.scan.unsorted_keys = true;
                    let keys = self.keys.get_mut(first_key..).unwrap_or_default();
                    keys.sort_unstable();
                    self.scan.duplicate_keys |= !keys.is_sorted_by(|one, next| one < next);
                }
                self.keys.truncate(first_key);
            }
        }
        Ok(())
    }
}
