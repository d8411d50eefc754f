//! Marks are told by their names: what is hit under a name that no list has could be neither demanded nor added up.

use crate::sources::Source;
use std::collections::BTreeSet;

/// Names that the code hits and the catalogue does not have.
pub(crate) fn check(source: &Source, known: &BTreeSet<&str>) -> Vec<String> {
    if source.is_test() {
        return Vec::new();
    }
    let text = source.text.split("#[cfg(test)]").next().unwrap_or_default();
    let hit = text.split(".hit(\"").skip(1);
    let told = text.split("\"eng:").skip(1);
    let names = hit
        .map(ended)
        .chain(told.map(|rest| format!("eng:{}", ended(rest))));
    names
        .filter(|name| !known.contains(name.as_str()))
        .map(|name| format!("{}: no list of marks has `{name}`", source.path))
        .collect()
}

/// What stands before the next quotation mark.
fn ended(text: &str) -> String {
    text.split('"').next().unwrap_or_default().to_owned()
}

mod planted {
    use super::*;

    #[test]
    fn a_mark_that_no_list_has_is_found() {
        let text =
            "fn f(marks: &mut Marks) { marks.hit(\"known\"); marks.hit(\"other\"); g(\"eng:end:new\"); }";
        let found = check(&Source::parse("sim/src/net.rs", text), &BTreeSet::from(["known"]));
        assert_eq!(found.len(), 2, "{found:?}");
    }
}
