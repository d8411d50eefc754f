//! Values of flags: parsed once, here, with a sentence for what is wrong.

use seedbed_engine::throttle::RateLimit;
use std::time::Duration;

/// The longest duration that a flag takes: a year.
const DURATION_MAX: Duration = Duration::from_secs(366 * 86_400);

/// A duration: `90`, `90s`, `500ms`, `5m`, `2h`, `1d`, or several of them together (`1h30m`). A bare number is
/// seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "use a number with ms, s, m, h or d, such as 90s or 1h30m".to_owned();
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let millis: u64 = match &rest[..letters] {
            "ms" => 1,
            "" | "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        rest = &rest[letters..];
        let part = number.checked_mul(millis).map(Duration::from_millis);
        total = part.and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
    }
    if total > DURATION_MAX {
        return Err("longer than a year".into());
    }
    Ok(total)
}

/// A duration that is not zero.
pub(crate) fn duration_positive(text: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    if duration.is_zero() {
        return Err("has to be longer than nothing".into());
    }
    Ok(duration)
}

/// A ratio of upload to download, in thousandths, so that no comparison depends on rounding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ratio(u64);

impl Ratio {
    /// Whether so much upload for so much content has reached it.
    pub(crate) fn reached(self, uploaded: u64, content: u64) -> bool {
        u128::from(uploaded) * 1000 >= u128::from(content) * u128::from(self.0)
    }
}

/// A ratio such as `1`, `0.5` or `2.25`, at most 10000.
pub(crate) fn ratio(text: &str) -> Result<Ratio, String> {
    let wrong = || "use a number from 0 to 10000, such as 1.5".to_owned();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let decimal = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !decimal(whole) || !decimal(fraction) {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let thousandths: u64 = format!("{fraction:0<3.3}").parse().map_err(|_| wrong())?;
    if whole > 10_000 {
        return Err(wrong());
    }
    Ok(Ratio(whole * 1000 + thousandths))
}

/// A piece length: bytes, or `16K`, `16KiB`, `1M`, `1MiB`. A power of two, 16 KiB to 64 MiB.
pub(crate) fn piece_length(text: &str) -> Result<u32, String> {
    let wrong = || "use a power of two from 16KiB to 64MiB, such as 256KiB or 1MiB".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u32 = text[..digits].parse().map_err(|_| wrong())?;
    let unit: u32 = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        _ => return Err(wrong()),
    };
    let length = number.checked_mul(unit).ok_or_else(wrong)?;
    if !length.is_power_of_two() || !(16 << 10..=64 << 20).contains(&length) {
        return Err(wrong());
    }
    Ok(length)
}

/// A rate in bytes a second: `500000`, `500k`, `2M`, `1.5MiB/s`. `k`, `M` and `G` are 1000 each, as everywhere for
/// rates; `KiB`, `MiB` and `GiB` 1024. 0 is no limit.
pub(crate) fn rate(text: &str) -> Result<RateLimit, String> {
    let wrong = || "use a number with k, M, G, KiB, MiB or GiB, such as 500k, 2M or 1.5MiB/s".to_owned();
    let lower = text.trim().to_ascii_lowercase();
    let lower = lower.strip_suffix("/s").unwrap_or(&lower);
    let end = lower
        .find(|c: char| c != '.' && !c.is_ascii_digit())
        .unwrap_or(lower.len());
    let (number, unit) = lower.split_at(end);
    let unit: u64 = match unit.trim() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "ki" | "kib" => 1 << 10,
        "mi" | "mib" => 1 << 20,
        "gi" | "gib" => 1 << 30,
        _ => return Err(wrong()),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    // a thousandth of a unit is as exact as anybody types it
    let thousandths: u64 = format!("{fraction:0<3.3}").parse().map_err(|_| wrong())?;
    let bytes = whole
        .checked_mul(unit)
        .and_then(|bytes| bytes.checked_add(unit * thousandths / 1000));
    bytes.map(RateLimit::bytes).ok_or_else(wrong)
}

/// A seed for `--seed-rng`: up to 64 hexadecimal digits, filled up with zeros on the left.
pub(crate) fn seed(text: &str) -> Result<[u8; 32], String> {
    if text.is_empty() || text.len() > 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("use 1 to 64 hexadecimal digits".into());
    }
    let padded = format!("{text:0>64}");
    let mut seed = [0; 32];
    for (byte, pair) in seed.iter_mut().zip(padded.as_bytes().chunks(2)) {
        let digit = |c: u8| char::from(c).to_digit(16).unwrap_or(0) as u8;
        *byte = pair.iter().fold(0, |byte, c| byte << 4 | digit(*c));
    }
    Ok(seed)
}

/// An http or https URL of a web seed, or one of a tracker (udp too).
pub(crate) fn tracker_url(text: &str) -> Result<String, String> {
    let scheme = text
        .split_once("://")
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("http" | "https" | "udp") if !text.chars().any(|c| c.is_control() || c.is_whitespace()) => {
            Ok(text.to_owned())
        }
        _ => Err("use an http://, https:// or udp:// address".into()),
    }
}

/// The trackers of one tier.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Tier(pub(crate) Vec<String>);

/// A tier: addresses of trackers with commas between them.
pub(crate) fn tier(text: &str) -> Result<Tier, String> {
    text.split(',')
        .map(tracker_url)
        .collect::<Result<_, _>>()
        .map(Tier)
}

/// The address of a web seed.
pub(crate) fn web_url(text: &str) -> Result<String, String> {
    match tracker_url(text) {
        Ok(url) if !url.to_ascii_lowercase().starts_with("udp") => Ok(url),
        _ => Err("use an http:// or https:// address".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_take_the_usual_units() {
        let good = [
            ("90", 90_000),
            ("0", 0),
            ("90s", 90_000),
            ("500ms", 500),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("1d", 86_400_000),
        ];
        for (text, millis) in good {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in [
            "",
            "s",
            "-1",
            "1.5h",
            "1w",
            "1 h",
            "99999999999999999999",
            "400d",
            "18446744073709551615d",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert!(duration_positive("0s").is_err());
    }

    #[test]
    fn ratios_are_exact() {
        assert!(ratio("1").is_ok_and(|r| r.reached(10, 10) && !r.reached(9, 10)));
        assert!(ratio("0.333").is_ok_and(|r| r.reached(333, 1000) && !r.reached(332, 1000)));
        assert!(ratio("0").is_ok_and(|r| r.reached(0, 10)));
        assert!(ratio("1.5").is_ok_and(|r| r.reached(u64::MAX, 1)));
        for text in ["", ".", "-1", "1.", "1e3", "nan", "10001", "1,5"] {
            assert!(ratio(text).is_err(), "{text}");
        }
    }

    #[test]
    fn piece_lengths_are_powers_of_two() {
        let good = [
            ("16384", 16 << 10),
            ("16K", 16 << 10),
            ("256KiB", 256 << 10),
            ("1m", 1 << 20),
        ];
        for (text, length) in good {
            assert_eq!(piece_length(text), Ok(length), "{text}");
        }
        for text in ["", "0", "8K", "100K", "128M", "1G", "4294967296", "4194304K"] {
            assert!(piece_length(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_take_decimal_and_binary_units() {
        let good = [
            ("0", 0),
            ("500", 500),
            ("500k", 500_000),
            ("500kB/s", 500_000),
            ("2M", 2_000_000),
            ("1.5MiB/s", 1_572_864),
            ("0.25 GiB", 1 << 28),
            ("1.2345k", 1_234),
        ];
        for (text, bytes) in good {
            assert_eq!(rate(text), Ok(RateLimit::bytes(bytes)), "{text}");
        }
        for text in [
            "",
            "k",
            "-1",
            "1.",
            ".5k",
            "1..5k",
            "1e3",
            "2 T",
            "99999999999999999999",
        ] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn seeds_are_filled_up_on_the_left() {
        let seeded = seed("a1f").unwrap();
        assert_eq!((seeded[31], seeded[30], seeded[0]), (0x1f, 0x0a, 0));
        assert_eq!(seed(&"ff".repeat(32)), Ok([255; 32]));
        for text in ["", "xyz", &"0".repeat(65)] {
            assert!(seed(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_of_trackers_have_a_known_scheme() {
        for text in ["http://t/announce", "HTTPS://t", "udp://t:1"] {
            assert!(tracker_url(text).is_ok(), "{text}");
        }
        for text in ["t/announce", "ftp://t", "http://t/a b", ""] {
            assert!(tracker_url(text).is_err(), "{text}");
        }
        assert!(web_url("udp://t:1").is_err());
        assert!(web_url("https://t/f").is_ok());
    }
}
