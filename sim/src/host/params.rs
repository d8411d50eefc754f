//! Parameters of a [`Use`] as what they mean.

use crate::scenario::{Use, Value};
use seedbed_engine::time::Duration;

impl Use {
    /// A parameter that is a word.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.value(name) {
            Some(Value::Text(text)) => Some(text),
            Some(Value::Int(_) | Value::Bool(_)) | None => None,
        }
    }

    /// A parameter that is a number of things, at least 0.
    pub fn count(&self, name: &str) -> Option<u64> {
        match self.value(name) {
            Some(Value::Int(value)) => u64::try_from(*value).ok(),
            Some(Value::Text(_) | Value::Bool(_)) | None => None,
        }
    }

    /// A parameter that is a time: `20s`, `150ms`, `5m`, `8h`, or a bare number of milliseconds.
    pub fn duration(&self, name: &str) -> Option<Duration> {
        self.value(name).and_then(duration)
    }

    /// Whether a switch is on.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.value(name), Some(Value::Bool(true) | Value::Int(1)))
    }

    fn value(&self, name: &str) -> Option<&Value> {
        let (_, value) = self.params.iter().find(|(known, _)| known == name)?;
        Some(value)
    }
}

/// A value as a time.
pub(super) fn duration(value: &Value) -> Option<Duration> {
    let text = match value {
        Value::Int(ms) => return u64::try_from(*ms).ok().map(Duration::from_millis),
        Value::Bool(_) => return None,
        Value::Text(text) => text,
    };
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let micros = match &text[digits..] {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        _ => return None,
    };
    number.checked_mul(micros).map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_write_them() {
        let check = |text: &str, wanted: Option<u64>| {
            let value = Value::Text(text.into());
            assert_eq!(duration(&value), wanted.map(Duration::from_micros), "{text}");
        };
        check("150ms", Some(150_000));
        check("20s", Some(20_000_000));
        check("8h", Some(28_800_000_000));
        check("7us", Some(7));
        check("20", None);
        check("s", None);
        check("1y", None);
        check("99999999999999999999s", None);
        check("9999999999999999h", None);
        assert_eq!(duration(&Value::Int(5)), Some(Duration::from_millis(5)));
        assert_eq!(duration(&Value::Int(-5)), None);
    }
}
