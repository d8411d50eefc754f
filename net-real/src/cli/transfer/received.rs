//! What became of the bytes that a transfer received, in one line for people.

use crate::cli::units;
use seedbed_engine::ledger::Ledger;

/// `received 1.0 GiB in all: 1.0 GiB useful, 12.0 MiB late, 3.0 MiB protocol`, when anything was wasted: every byte is
/// in one of the classes, and those without any are left out.
pub(super) fn line(ledger: &Ledger) -> Option<String> {
    if ledger.wasted() == 0 {
        return None;
    }
    let classes = [
        (ledger.useful, "useful"),
        (ledger.duplicate, "duplicate"),
        (ledger.failed_hash, "failed hash"),
        (ledger.unrequested, "unrequested"),
        (ledger.late, "late"),
        (ledger.protocol, "protocol"),
    ];
    let shown = classes.iter().filter(|(count, _)| *count > 0);
    let shown: Vec<_> = shown
        .map(|(count, name)| format!("{} {name}", units::bytes(*count)))
        .collect();
    Some(format!(
        "received {} in all: {}",
        units::bytes(ledger.total()),
        shown.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_what_is_there_and_is_left_out_without_waste() {
        let clean = Ledger {
            useful: 1 << 30,
            protocol: 3 << 20,
            ..Ledger::default()
        };
        assert_eq!(line(&clean), None);
        let late = Ledger {
            late: 12 << 20,
            ..clean
        };
        assert_eq!(
            line(&late).as_deref(),
            Some("received 1.0 GiB in all: 1.0 GiB useful, 12.0 MiB late, 3.0 MiB protocol")
        );
        let all = Ledger {
            useful: 0,
            duplicate: 1,
            failed_hash: 2,
            unrequested: 3,
            late: 4,
            protocol: 5,
        };
        assert_eq!(
            line(&all).as_deref(),
            Some(
                "received 15 B in all: 1 B duplicate, 2 B failed hash, 3 B unrequested, 4 B late, 5 B protocol"
            )
        );
        let json = serde_json::to_string(&all).expect("plain numbers");
        assert_eq!(
            json,
            r#"{"useful":0,"duplicate":1,"failed_hash":2,"unrequested":3,"late":4,"protocol":5}"#
        );
    }
}
