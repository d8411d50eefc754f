//! The dependency order of the engine's modules: one table in ARCHITECTURE.md, held against the code.
//!
//! A row of the table is `| level | modules in backticks | what they are |`. A module may name what stands on a lower
//! level, and what stands before it in its own row. Rows of one level are groups that do not know each other.

use std::collections::BTreeSet;

use crate::imports;
use crate::sources::Source;

/// Pairs that the levels alone would allow but the design does not: `(module, what it must not know, why)`.
const WALLS: &[(&str, &[&str], &str)] = &[
    (
        "picker",
        &["choker", "tracker", "layout", "candidates"],
        "it counts pieces, whoever has them and wherever they go",
    ),
    (
        "picker",
        &["wire", "extension", "session"],
        "it knows peers as keys",
    ),
    (
        "choker",
        &["picker", "tracker", "layout", "candidates"],
        "it compares rates, whatever is transferred",
    ),
    (
        "choker",
        &["wire", "extension", "session"],
        "it knows peers as keys",
    ),
    (
        "tracker",
        &["picker", "choker", "layout", "wire", "session"],
        "it learns of addresses and nothing else",
    ),
    (
        "layout",
        &["picker", "choker", "tracker"],
        "it maps pieces to files",
    ),
    (
        "wire",
        &["session", "picker", "choker"],
        "the codec has no state of a peer",
    ),
    (
        "session",
        &["picker", "choker", "candidates", "tracker"],
        "one peer knows no other peer and no plan",
    ),
    ("session", &["layout", "disk", "resume"], "a peer knows no file"),
];

struct Entry {
    /// `["tracker", "udp"]`.
    module: Vec<String>,
    level: u32,
    row: usize,
    /// Place within the row.
    place: usize,
}

/// The table.
pub(crate) struct Order {
    entries: Vec<Entry>,
}

impl Order {
    /// Reads the rows that begin with a level. A page without any is a problem, and so is a module that stands twice.
    pub(crate) fn parse(page: &str) -> Result<Self, String> {
        let mut entries: Vec<Entry> = Vec::new();
        for (row, line) in page.lines().enumerate() {
            let cells: Vec<&str> = line.trim().split('|').map(str::trim).collect();
            let ["", level, names, ..] = cells[..] else {
                continue;
            };
            let Ok(level) = level.parse() else { continue };
            if entries.last().is_some_and(|entry| entry.level > level) {
                return Err(format!(
                    "line {}: level {level} stands below a higher one",
                    row + 1
                ));
            }
            let names = names.split('`').skip(1).step_by(2).flat_map(expand);
            for (place, module) in names.enumerate() {
                if entries.iter().any(|entry| entry.module == module) {
                    return Err(format!("line {}: `{}` stands twice", row + 1, module.join("/")));
                }
                entries.push(Entry {
                    module,
                    level,
                    row,
                    place,
                });
            }
        }
        if entries.is_empty() {
            Err("no order table".to_owned())
        } else {
            Ok(Self { entries })
        }
    }

    /// Everything in which code and table differ.
    pub(crate) fn check(&self, engine: &[Source]) -> Vec<String> {
        let mut findings = self.check_names(engine);
        for (source, line, path, target) in module_names(engine) {
            if !self.allows(&source.module, &target) {
                let from = source.module.join("/");
                let said = path.join("::");
                findings.push(format!(
                    "{}:{line}: {from} names {said}, which does not stand above it in the order table",
                    source.path
                ));
            }
        }
        findings
    }

    /// A module without a row, and a row without a module.
    fn check_names(&self, engine: &[Source]) -> Vec<String> {
        let mut findings = Vec::new();
        for source in engine.iter().filter(|source| !source.module.is_empty()) {
            if self.place_of(&source.module).is_none() {
                findings.push(format!(
                    "{}:1: not in the order table of ARCHITECTURE.md",
                    source.path
                ));
            }
        }
        for entry in &self.entries {
            if !engine
                .iter()
                .any(|source| source.module.starts_with(&entry.module))
            {
                findings.push(format!(
                    "ARCHITECTURE.md:{}: no module `{}`",
                    entry.row + 1,
                    entry.module.join("/")
                ));
            }
        }
        findings
    }

    fn allows(&self, from: &[String], to: &[String]) -> bool {
        let (Some(own), Some(other)) = (self.place_of(from), self.place_of(to)) else {
            return true; // `check_names` reports it
        };
        // A parent names its children, to declare and to re-export them.
        let own_child = to.starts_with(from);
        own.module == other.module
            || own_child
            || other.level < own.level
            || (other.row == own.row && other.place < own.place)
    }

    /// The entry with the longest common beginning. The file that only holds a module's parts together (`tracker/mod.rs`
    /// where the table has `tracker/udp` and others) stands with the first of its parts.
    fn place_of(&self, module: &[String]) -> Option<&Entry> {
        self.entries
            .iter()
            .filter(|entry| module.starts_with(&entry.module))
            .max_by_key(|entry| entry.module.len())
            .or_else(|| self.entries.iter().find(|entry| entry.module.starts_with(module)))
    }
}

/// `tracker/{url,udp}` is two modules, `wire/*` is all of `wire`.
fn expand(name: &str) -> Vec<Vec<String>> {
    let (stem, parts) = match name.split_once("/{") {
        Some((stem, parts)) => (
            stem,
            parts.trim_end_matches('}').split(',').map(str::trim).collect(),
        ),
        None => (name.trim_end_matches("/*"), Vec::new()),
    };
    let stem: Vec<String> = stem.split('/').map(str::to_owned).collect();
    if parts.is_empty() {
        return vec![stem];
    }
    parts
        .into_iter()
        .map(|part| [&stem[..], &[part.to_owned()]].concat())
        .collect()
}

/// Every `(file, line, path as resolved, module that the path leads into)` of the crate's root and its modules.
fn module_names(engine: &[Source]) -> Vec<(&Source, usize, Vec<String>, Vec<String>)> {
    let modules: BTreeSet<&[String]> = engine.iter().map(|source| &source.module[..]).collect();
    let root = engine.iter().find(|source| source.module.is_empty());
    let exports = root.map(imports::exports).unwrap_or_default();
    let mut found = Vec::new();
    for source in engine.iter().filter(|source| !source.module.is_empty()) {
        for named in imports::named(source) {
            // `crate::Engine` is what the root re-exports from `engine`.
            let path = exports
                .get(&named.path[0])
                .filter(|_| !modules.contains(&named.path[..1]));
            let path = path.map_or(named.path.clone(), |start| [start, &named.path[1..]].concat());
            let depth = (0..=path.len())
                .rev()
                .find(|&depth| modules.contains(&path[..depth]))
                .unwrap_or(0);
            if depth > 0 {
                let target = path[..depth].to_vec();
                found.push((source, named.line, path, target));
            }
        }
    }
    found
}

/// Every breach of [`WALLS`].
pub(crate) fn check_walls(engine: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for (source, line, path, target) in module_names(engine) {
        for (module, forbidden, why) in WALLS {
            if source.module[0] == *module && forbidden.contains(&target[0].as_str()) {
                findings.push(format!(
                    "{}:{line}: {module} must not know {}: {why} ({})",
                    source.path,
                    target[0],
                    path.join("::")
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod planted {
    use super::{Order, check_walls};
    use crate::sources::Source;

    const PAGE: &str = "
| | module | is |
| --- | --- | --- |
| 0 | `time` `rate` | values |
| 2 | `layout` (piece range → file ranges) | values |
| 2 | `wire/*` | codecs |
| 2 | `tracker/{url,udp}` | request machines |
| 3 | `tracker/tiers`, `picker` | machines |
| 6 | `engine` | the boundary |
";

    /// A small engine whose files hold nothing but what `files` says.
    fn engine(files: &[(&str, &str)]) -> Vec<Source> {
        let all = [
            "time",
            "rate",
            "layout",
            "wire/mod",
            "tracker/mod",
            "tracker/url",
            "tracker/udp",
            "tracker/tiers",
        ];
        let root = Source::parse(
            "engine/src/lib.rs",
            "pub use engine::Engine; pub use picker::Picker;",
        );
        let mut sources = vec![root];
        for name in all.into_iter().chain(["picker", "choker", "engine"]) {
            let text = files
                .iter()
                .find(|(file, _)| *file == name)
                .map_or("", |(_, text)| *text);
            if name != "choker" || !text.is_empty() {
                sources.push(Source::parse(&format!("engine/src/{name}.rs"), text));
            }
        }
        sources
    }

    /// How many findings the table has about `text` in `file`.
    #[track_caller]
    fn check(file: &str, text: &str, findings: usize) {
        let found = Order::parse(PAGE)
            .expect("a table")
            .check(&engine(&[(file, text)]));
        assert_eq!(found.len(), findings, "{file}: {text}: {found:?}");
    }

    #[test]
    fn downward_names_are_taken() {
        check("picker", "use crate::{time::Instant, layout, wire};", 0);
        check("rate", "use crate::time::Instant;", 0);
        check(
            "tracker/mod",
            "pub use tiers::Tier; use crate::tracker::tiers::Next;",
            0,
        );
        check("tracker/tiers", "use super::{udp::Request, Failure};", 0);
        check("tracker/udp", "use super::url::Url; use super::Failure;", 0);
        check("engine", "use crate::{picker, tracker::tiers};", 0);
    }

    #[test]
    fn upward_names_are_found() {
        check("wire/mod", "use crate::picker::Picker;", 1);
        check("layout", "use crate::{time::Instant, engine::Engine};", 1);
        check("tracker/udp", "use super::tiers::Tier;", 1);
        check("tracker/udp", "fn f() { super::tiers::next(); }", 1);
    }

    #[test]
    fn sideways_names_are_found() {
        check("layout", "use crate::wire::Message;", 1);
        check("tracker/udp", "fn f(m: crate::wire::Message) {}", 1);
        check("time", "use crate::rate::Rate;", 1);
        check("tracker/tiers", "use crate::picker::Picker;", 1);
    }

    #[test]
    fn a_re_export_of_the_root_is_no_way_around() {
        check("wire/mod", "use crate::Engine;", 1);
        check("wire/mod", "fn f(e: &crate::Picker) {}", 1);
    }

    #[test]
    fn table_and_code_name_the_same_modules() {
        check("choker", "struct New;", 1);
        let page = PAGE.replace("`picker`", "`picker` `dht/*`");
        let found = Order::parse(&page).expect("a table").check(&engine(&[]));
        assert_eq!(found, ["ARCHITECTURE.md:8: no module `dht`"]);
    }

    #[test]
    fn a_table_that_is_missing_or_contradicts_itself_is_refused() {
        assert!(Order::parse("| module |\n| `time` |").is_err());
        assert!(Order::parse("| 0 | `time` | |\n| 1 | `time` | |").is_err());
        assert!(Order::parse("| 1 | `time` | |\n| 0 | `rate` | |").is_err());
    }

    #[test]
    fn walls_hold_where_levels_would_not() {
        let found = check_walls(&engine(&[(
            "picker",
            "use crate::{time, layout::File, wire::Message};",
        )]));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(check_walls(&engine(&[("engine", "use crate::{layout, wire, picker};")])).is_empty());
    }
}
