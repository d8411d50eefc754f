//! The scenarios of `sim/scenarios`: each is run, held against its oracles and its `expect` lines, and its timeline
//! against a snapshot of the same name.

mod matrix;
mod why;

use seedbed_sim::expect::unmet;
use seedbed_sim::render::render;
use seedbed_sim::run::{Options, run};
use seedbed_sim::scenario::kdl::parse;
use seedbed_sim::scenario::print::print;
use std::path::{Path, PathBuf};

/// Lines of a timeline that stand in a snapshot, its own head and end left room for.
const LINES_MAX: usize = 110;

/// The folder of scenarios that show a mistake which is not mended yet: each has to fail, and moves to `regress` when
/// it does not any more.
const OPEN: &str = "open";

/// Every scenario file, in order.
fn files() -> Vec<PathBuf> {
    let root = tests::project_root().join("sim/scenarios");
    let mut found = Vec::new();
    for area in std::fs::read_dir(root).expect("the folder of scenarios") {
        let area = area.expect("an entry").path();
        let inside = std::fs::read_dir(area).expect("a folder an area");
        found.extend(inside.map(|file| file.expect("an entry").path()));
    }
    found.sort();
    found
}

/// Area and name.
fn names(path: &Path) -> (String, String) {
    let name = |part: Option<&std::ffi::OsStr>| part.expect("a name").to_string_lossy().into_owned();
    (
        name(path.parent().and_then(Path::file_name)),
        name(path.file_stem()),
    )
}

#[test]
fn every_scenario_holds() {
    let mut broken = Vec::new();
    for path in files() {
        let (area, name) = names(&path);
        let text = std::fs::read_to_string(&path).expect("a scenario is UTF-8");
        let scenario = match parse(&text) {
            Ok(scenario) => scenario,
            Err(mistake) => {
                broken.push(format!("{area}/{name}.kdl:{mistake}"));
                continue;
            }
        };
        let outcome = run(
            &scenario,
            &Options {
                telling: true,
                ..Options::default()
            },
        );
        if area == OPEN {
            if outcome.failure.is_none() {
                broken.push(format!("{area}/{name} holds now: move it to regress"));
            }
            continue;
        }
        if let Some(failure) = &outcome.failure {
            broken.push(format!("{area}/{name}: {} {}", failure.oracle, failure.text));
        }
        let unmet = unmet(&scenario, &outcome);
        broken.extend(unmet.iter().map(|text| format!("{area}/{name}: {text}")));
        let timeline = render(&outcome, LINES_MAX);
        // all are compared, so that one run shows every difference
        let compared = std::panic::catch_unwind(|| snapshot(&area, &name, &timeline));
        if compared.is_err() {
            broken.push(format!("{area}/{name}: the timeline is not that of the snapshot"));
        }
    }
    assert!(
        broken.is_empty(),
        "{} findings:\n{}",
        broken.len(),
        broken.join("\n")
    );
}

#[test]
fn every_scenario_is_printed_as_it_is_read() {
    for path in files() {
        let text = std::fs::read_to_string(&path).expect("a scenario is UTF-8");
        let scenario = parse(&text).unwrap_or_else(|mistake| panic!("{}:{mistake}", path.display()));
        assert_eq!(parse(&print(&scenario)), Ok(scenario), "{}", path.display());
    }
}

fn snapshot(area: &str, name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(tests::project_root().join("snapshots/scenarios").join(area));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
