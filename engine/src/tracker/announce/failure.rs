//! A tracker's refusal (BEP 3 `failure reason`, BEP 31 `retry in`), over HTTP in the body and over UDP in the error.

use super::{AnnounceError, RetryIn, shown};
use crate::bencode::{Kind, Limits, Value};
use crate::time::Duration;

/// A refusal in a body, if it is one: servers answer 400 or 403 with a bencoded reason, and UDP trackers may put one
/// into an error (rain reads it).
pub(crate) fn parse_failure(body: &[u8]) -> Option<AnnounceError> {
    let (dict, _) = Value::parse(body, &Limits::REPLY).ok()?;
    failure(dict)
}

/// The refusal that an answer is, if it is one.
pub(crate) fn failure(answer: Value<'_>) -> Option<AnnounceError> {
    let reason = answer.dict_get(b"failure reason")?;
    let seconds = |key: &[u8]| answer.dict_get(key).and_then(positive).map(Duration::from_secs);
    let retry_in = answer
        .dict_get(b"retry in")
        .and_then(|value| match value.as_bytes() {
            Some(text) if text.eq_ignore_ascii_case(b"never") => Some(RetryIn::Never),
            _ => {
                positive(value).map(|minutes| RetryIn::After(Duration::from_secs(minutes.saturating_mul(60))))
            }
        });
    Some(AnnounceError::Failure {
        text: shown(reason.as_bytes().unwrap_or(b"no reason given")),
        interval: seconds(b"interval"),
        min_interval: seconds(b"min interval"),
        retry_in,
    })
}

/// A number above zero, as an integer or as digits in a string.
pub(crate) fn positive(value: Value<'_>) -> Option<u64> {
    let number = match value.kind() {
        Kind::Int(number) => u64::try_from(number).ok(),
        Kind::Bytes(text) => core::str::from_utf8(text).ok()?.trim().parse().ok(),
        Kind::List(_) | Kind::Dict(_) => None,
    };
    number.filter(|number| *number > 0)
}
