//! The rules of CONTRIBUTING.md and ARCHITECTURE.md that a machine can hold, as tests.
//!
//! Each rule is a function from text to findings, so that it is tried on planted violations too: a rule that can
//! never fail would be worse than none. A finding reads `file:line: what is wrong`.

mod imports;
mod marks;
mod mutants;
mod order;
mod shape;
mod sockets;
mod sources;
mod text;

use std::path::Path;

use crate::sources::Source;

/// Fails with every finding at once.
#[track_caller]
fn none(findings: &[String]) {
    assert!(
        findings.is_empty(),
        "{} findings:\n{}",
        findings.len(),
        findings.join("\n")
    );
}

fn all_sources() -> Vec<Source> {
    let root = tests::project_root();
    ["engine", "sim", "net-real", "tests"]
        .iter()
        .flat_map(|member| sources::read(&root, member))
        .collect()
}

#[test]
fn modules_name_only_what_stands_above_them() {
    let page = std::fs::read_to_string(tests::project_root().join("ARCHITECTURE.md"))
        .expect("ARCHITECTURE.md holds the order table");
    let table = order::Order::parse(&page).unwrap_or_else(|problem| panic!("ARCHITECTURE.md: {problem}"));
    let engine = sources::read(&tests::project_root(), "engine/src");
    none(&table.check(&engine));
}

#[test]
fn modules_that_must_not_know_each_other_do_not() {
    none(&order::check_walls(&sources::read(
        &tests::project_root(),
        "engine/src",
    )));
}

#[test]
fn files_and_functions_are_short_and_files_say_why_they_exist() {
    none(&all_sources().iter().flat_map(shape::check).collect::<Vec<_>>());
}

#[test]
fn nothing_is_left_to_do() {
    none(
        &all_sources()
            .iter()
            .flat_map(shape::check_unfinished)
            .collect::<Vec<_>>(),
    );
}

#[test]
fn the_engine_is_walled_in() {
    let root = sources::read_one(&tests::project_root(), Path::new("engine/src/lib.rs"));
    none(&shape::check_walls_of_crate(&root));
}

#[test]
fn sockets_are_made_in_one_place() {
    let found: Vec<_> = all_sources().iter().flat_map(sockets::check).collect();
    none(&found);
}

#[test]
fn snapshots_are_short_and_have_a_test() {
    none(&text::check_snapshots(&tests::project_root()));
}

#[test]
fn no_path_of_a_developers_machine_is_written_down() {
    none(&text::check_machine_paths(&tests::project_root()));
}

#[test]
fn marks_are_in_the_catalogue() {
    let known = seedbed_sim::catalogue::marks().map(|(name, _)| name).collect();
    let sources = sources::read(&tests::project_root(), "sim/src");
    none(
        &sources
            .iter()
            .flat_map(|source| marks::check(source, &known))
            .collect::<Vec<_>>(),
    );
}
