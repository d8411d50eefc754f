//! Counts, times and sizes as people say them, without floating point.

use crate::time::Duration;
use alloc::format;
use alloc::string::String;
use core::fmt;

/// `1 peer`, `3 peers`.
pub(super) fn count(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

/// `1 peer is`, `3 peers are`.
pub(super) fn are(n: usize, thing: &str) -> String {
    format!("{} {}", count(n, thing), if n == 1 { "is" } else { "are" })
}

/// `the one peer that …`, `all 3 peers that …`, `2 of 3 peers that …`.
pub(super) fn of(some: usize, all: usize, one: &str, many: &str) -> String {
    match (some, all) {
        (1, 1) => format!("the one {one}"),
        (some, all) if some == all => format!("all {all} {many}"),
        (some, all) => format!("{some} of {all} {many}"),
    }
}

/// A duration as people say it: `45 s`, `4 min 5 s`, `40 min`, `2 h 5 min`.
pub(super) struct Span(pub(super) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // begun seconds count: what is due in 300 ms is not due in 0 s
        let secs = self.0.as_secs() + u64::from(self.0.subsec_micros() > 0);
        match (secs / 3600, secs / 60 % 60, secs % 60) {
            (0, 0, secs) => write!(f, "{secs} s"),
            (0, minutes @ 0..10, 1..) => write!(f, "{minutes} min {} s", secs % 60),
            (0, minutes, _) => write!(f, "{minutes} min"),
            (hours, 0, _) => write!(f, "{hours} h"),
            (hours, minutes, _) => write!(f, "{hours} h {minutes} min"),
        }
    }
}

/// Bytes in binary units with one decimal, without floating point.
pub(super) struct Bytes(pub(super) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        let mut divisor = 1024;
        let mut tenths = rounded_tenths(self.0, divisor);
        let mut units = UNITS.iter();
        let mut unit = units.next();
        while tenths >= 10_240
            && let Some(next) = units.next()
        {
            unit = Some(next);
            divisor *= 1024;
            tenths = rounded_tenths(self.0, divisor);
        }
        write!(
            f,
            "{}.{} {}",
            tenths / 10,
            tenths % 10,
            unit.copied().unwrap_or("TiB")
        )
    }
}

fn rounded_tenths(bytes: u64, divisor: u128) -> u128 {
    (u128::from(bytes) * 10 + divisor / 2) / divisor
}
