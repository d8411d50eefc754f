//! Each mutant of tests/mutants is planted at one place of its file: a list that nobody can plant says nothing.

use std::collections::BTreeSet;
use std::fs::read_to_string;
use tests::project_root;

/// The value behind a key of a table of ours, which has one form: a string of one line, or one between three quotes.
fn value<'a>(table: &'a str, key: &str) -> Option<&'a str> {
    let behind = table.lines().scan(0, |at, line| {
        let start = *at;
        *at += line.len() + 1;
        Some((start, line))
    });
    let (start, line) = behind
        .into_iter()
        .find(|(_, line)| line.starts_with(&format!("{key} = ")))?;
    let value = &table[start + key.len() + 3..];
    if let Some(long) = value.strip_prefix("'''") {
        return long.split_once("'''").map(|(text, _)| text);
    }
    let line = &line[key.len() + 3..];
    Some(line.trim_matches('"'))
}

/// Mutants, and what is wrong with them.
fn judge(list: &str) -> (usize, Vec<String>) {
    let (mut numbers, mut wrong) = (BTreeSet::new(), Vec::new());
    let mutants: Vec<&str> = list.split("\n[[mutant]]\n").skip(1).collect();
    for mutant in &mutants {
        let id = value(mutant, "id").unwrap_or_default();
        if id.is_empty() || !numbers.insert(id) {
            wrong.push(format!("mutant {id:?} has a number of its own"));
        }
        for key in ["name", "expect", "why"] {
            if value(mutant, key).is_none_or(str::is_empty) {
                wrong.push(format!("mutant {id} has no {key}"));
            }
        }
        let edits: Vec<&str> = mutant.split("\n[[mutant.edit]]\n").skip(1).collect();
        let planted = edits.iter().all(|edit| edit.contains(&format!("::mutant({id})")));
        if edits.is_empty() || !planted {
            wrong.push(format!("mutant {id} is not planted by its number"));
        }
        for edit in edits {
            let of = |key| value(edit, key).unwrap_or_default();
            let text = read_to_string(project_root().join(of("file"))).unwrap_or_default();
            let count = text.matches(of("find")).count();
            if of("find").is_empty() || count != 1 {
                wrong.push(format!("mutant {id}: {} has {count} such places", of("file")));
            }
        }
    }
    (mutants.len(), wrong)
}

#[test]
fn each_mutant_has_its_place() {
    let read = |name: &str| read_to_string(project_root().join("tests/mutants").join(name)).unwrap();
    for (name, least) in [("engine.toml", 54), ("sim.toml", 5)] {
        let (count, wrong) = judge(&read(name));
        assert_eq!(wrong, Vec::<String>::new(), "{name}");
        assert!(count >= least, "{name} has {count}");
    }
}

#[test]
fn a_mutant_without_a_place_is_seen() {
    let list = "\n[[mutant]]\nid = 1\nname = \"n\"\nexpect = [\"I1\"]\nwhy = \"w\"\n[[mutant.edit]]\n\
                file = \"engine/src/lib.rs\"\nfind = '''nobody wrote this'''\nreplace = '''crate::mutant(1)'''\n";
    assert_eq!(
        judge(list),
        (1, vec!["mutant 1: engine/src/lib.rs has 0 such places".into()])
    );
    assert_eq!(judge(&list.replace("(1)", "(2)")).1.len(), 2);
}
