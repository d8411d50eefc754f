//! Quantities as a scenario file writes them: `20s`, `150ms`, `1MB/s`, `20..60ms`, `3%`.
//!
//! Whole microseconds, bytes and thousandths only, so that what is printed parses to exactly the same.

use seedbed_engine::time::Duration;

/// Units of time with their microseconds, the greatest first.
const TIMES: [(&str, u64); 6] = [
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

/// Units of rates with their bytes a second, the greatest first.
const RATES: [(&str, u64); 4] = [
    ("GB/s", 1_000_000_000),
    ("MB/s", 1_000_000),
    ("kB/s", 1_000),
    ("B/s", 1),
];

/// A number and its unit, split where the digits end.
fn split(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

fn measure(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (number, unit) = split(text)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(*factor)
}

/// The number in the greatest unit that needs no fraction.
fn in_units(number: u64, units: &[(&str, u64)]) -> String {
    let fits = units.iter().find(|(_, factor)| number.is_multiple_of(*factor));
    fits.map_or_else(
        || number.to_string(),
        |(name, factor)| format!("{}{name}", number / factor),
    )
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// `20s`, `150ms`, `800us`, `2m`, `1h`, `7d`.
pub fn duration(text: &str) -> Option<Duration> {
    measure(text, &TIMES).map(Duration::from_micros)
}

/// The same backwards; fractions of a microsecond are lost.
pub fn print_duration(duration: Duration) -> String {
    match micros(duration) {
        0 => "0s".into(),
        // minutes and hours are for those who write; a timeline counts seconds
        micros => in_units(micros, &TIMES[3..]),
    }
}

/// `1MB/s`, `300kB/s`, `64B/s`: bytes a second.
pub fn rate(text: &str) -> Option<u64> {
    measure(text, &RATES)
}

/// The same backwards.
pub fn print_rate(rate: u64) -> String {
    in_units(rate, &RATES[1..])
}

/// `20..60ms`, `900us..2ms` or `20ms`: the least, and how much may come on top of it.
pub fn range(text: &str) -> Option<(Duration, Duration)> {
    let Some((low, high)) = text.split_once("..") else {
        return Some((duration(text)?, Duration::ZERO));
    };
    let (_, unit) = split(high)?;
    let high = duration(high)?;
    let low = match split(low)? {
        (_, "") => duration(&format!("{low}{unit}"))?,
        _ => duration(low)?,
    };
    Some((low, high.checked_sub(low)?))
}

/// The same backwards.
pub fn print_range(least: Duration, more: Duration) -> String {
    if more.is_zero() {
        return print_duration(least);
    }
    let (low, high) = (micros(least), micros(least + more));
    let (name, factor) = TIMES[3..]
        .iter()
        .find(|(_, factor)| low % factor == 0 && high % factor == 0)
        .unwrap_or(&("us", 1));
    format!("{}..{}{name}", low / factor, high / factor)
}

/// `3%`, `0.5%`: thousandths, at most all of them.
pub fn share(text: &str) -> Option<u32> {
    let text = text.strip_suffix('%')?;
    let (whole, tenth) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(tenth) || tenth.len() > 1 {
        return None;
    }
    let thousandths = whole.parse::<u32>().ok()? * 10 + tenth.parse::<u32>().ok()?;
    (thousandths <= 1000).then_some(thousandths)
}

/// The same backwards.
pub fn print_share(thousandths: u32) -> String {
    match thousandths % 10 {
        0 => format!("{}%", thousandths / 10),
        tenth => format!("{}.{tenth}%", thousandths / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_parses_to_the_same() {
        for micros in [
            0,
            1,
            999,
            1_000,
            20_000,
            1_000_000,
            1_500_000,
            60_000_000,
            86_400_000_001,
        ] {
            let time = Duration::from_micros(micros);
            assert_eq!(duration(&print_duration(time)), Some(time));
            for more in [0, 1, 500, 40_000, 3_000_000] {
                let more = Duration::from_micros(more);
                assert_eq!(range(&print_range(time, more)), Some((time, more)));
            }
        }
        for bytes in [1, 64, 1_000, 1_500, 1_000_000, 2_500_000_000] {
            assert_eq!(rate(&print_rate(bytes)), Some(bytes));
        }
        for thousandths in 0..=1000 {
            assert_eq!(share(&print_share(thousandths)), Some(thousandths));
        }
    }

    #[test]
    fn people_write_them_as_they_like() {
        let ms = Duration::from_millis;
        assert_eq!(range("20..60ms"), Some((ms(20), ms(40))));
        assert_eq!(
            range("900us..2ms"),
            Some((Duration::from_micros(900), Duration::from_micros(1100)))
        );
        assert_eq!(duration("2m"), Some(Duration::from_secs(120)));
        assert_eq!(print_range(ms(20), ms(40)), "20..60ms");
        assert_eq!(print_rate(1_000_000), "1MB/s");
        for text in [
            "",
            "5",
            "s",
            "-1s",
            "1.5s",
            "99999999999999999999s",
            "9999999999999999d",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
        for text in ["60..20ms", "..ms", "20..60", "a..b"] {
            assert_eq!(range(text), None, "{text}");
        }
        for text in ["3", "101%", "0.55%", "%", "-1%", "1000000000000%"] {
            assert_eq!(share(text), None, "{text}");
        }
    }
}
