//! The shape of a file: its length, the length of its functions, its opening words; and the engine's walls.

use syn::visit::{self, Visit};

use crate::sources::Source;

/// Lines of a file: what can be read in one sitting. A list of test cases may be longer.
const FILE_LINES_MAX: usize = 500;
const TEST_FILE_LINES_MAX: usize = 800;
/// Lines of a function, from its `fn` to its closing brace: what fits on a screen.
const FUNCTION_LINES_MAX: usize = 70;

/// Lengths and opening words.
pub(crate) fn check(source: &Source) -> Vec<String> {
    let mut findings = Vec::new();
    if !source.text.starts_with("//!") {
        findings.push(format!(
            "{}:1: does not open with `//!`: say why the module exists",
            source.path
        ));
    }
    let max = if source.path.starts_with("tests/") {
        TEST_FILE_LINES_MAX
    } else {
        FILE_LINES_MAX
    };
    let lines = source.text.lines().count();
    if lines > max {
        findings.push(format!("{}:{max}: {lines} lines, at most {max}", source.path));
    }
    let mut functions = Functions::default();
    functions.visit_file(&source.syntax);
    for (name, line, lines) in functions.0 {
        if lines > FUNCTION_LINES_MAX {
            let path = &source.path;
            findings.push(format!(
                "{path}:{line}: `{name}` has {lines} lines, at most {FUNCTION_LINES_MAX}"
            ));
        }
    }
    findings
}

/// `(name, first line, lines)` of every function with a body.
#[derive(Default)]
struct Functions(Vec<(String, usize, usize)>);

impl Functions {
    fn note(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let first = signature.fn_token.span.start().line;
        let last = body.brace_token.span.close().end().line;
        self.0
            .push((signature.ident.to_string(), first, last - first + 1));
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.note(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.note(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.note(&item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

/// Macro calls that stand for code that is not there.
pub(crate) fn check_unfinished(source: &Source) -> Vec<String> {
    let mut calls = Unfinished::default();
    calls.visit_file(&source.syntax);
    calls
        .0
        .iter()
        .map(|(line, name)| format!("{}:{line}: `{name}!`", source.path))
        .collect()
}

#[derive(Default)]
struct Unfinished(Vec<(usize, String)>);

impl<'ast> Visit<'ast> for Unfinished {
    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if let Some(name) = call.path.segments.last().map(|segment| &segment.ident)
            && (name == "todo" || name == "unimplemented" || name == "dbg")
        {
            self.0.push((name.span().start().line, name.to_string()));
        }
        visit::visit_macro(self, call);
    }
}

/// What makes the compiler refuse a clock, a socket or a pointer in the engine.
pub(crate) fn check_walls_of_crate(root: &Source) -> Vec<String> {
    let attributes = &root.syntax.attrs;
    let no_std = attributes
        .iter()
        .any(|attribute| attribute.path().is_ident("no_std"));
    let no_unsafe = attributes.iter().any(|attribute| {
        let mut found = false;
        if attribute.path().is_ident("forbid") {
            // Lints with a path, such as `clippy::unwrap_used`, are other walls.
            let _ = attribute.parse_nested_meta(|lint| {
                found |= lint.path.is_ident("unsafe_code");
                Ok(())
            });
        }
        found
    });
    let mut findings = Vec::new();
    if !no_std {
        findings.push(format!("{}:1: no `#![no_std]`", root.path));
    }
    if !no_unsafe {
        findings.push(format!("{}:1: no `#![forbid(unsafe_code)]`", root.path));
    }
    findings
}

#[cfg(test)]
mod planted {
    use super::{check, check_unfinished, check_walls_of_crate};
    use crate::sources::Source;

    #[track_caller]
    fn findings(path: &str, text: &str, want: &[&str]) {
        assert_eq!(check(&Source::parse(path, text)), want);
    }

    #[test]
    fn a_file_without_opening_words_is_found() {
        findings("sim/src/a.rs", "//! Why.\n", &[]);
        let want = "sim/src/a.rs:1: does not open with `//!`: say why the module exists";
        findings("sim/src/a.rs", "struct A;\n", &[want]);
        findings("sim/src/a.rs", "", &[want]);
    }

    #[test]
    fn a_long_file_is_found() {
        let lines = |count: usize| "//! Why.\n".repeat(count);
        findings("sim/src/a.rs", &lines(500), &[]);
        findings(
            "sim/src/a.rs",
            &lines(501),
            &["sim/src/a.rs:500: 501 lines, at most 500"],
        );
        findings("tests/golden/main.rs", &lines(800), &[]);
        findings(
            "tests/golden/main.rs",
            &lines(801),
            &["tests/golden/main.rs:800: 801 lines, at most 800"],
        );
    }

    #[test]
    fn a_long_function_is_found_wherever_it_stands() {
        let body = |lines: usize| "\n".repeat(lines - 1);
        let free = |lines| format!("//! Why.\nfn f() {{{}}}\n", body(lines));
        findings("sim/src/a.rs", &free(70), &[]);
        findings(
            "sim/src/a.rs",
            &free(71),
            &["sim/src/a.rs:2: `f` has 71 lines, at most 70"],
        );
        for head in ["impl A", "trait A", "mod a", "fn outer()", "impl B for A"] {
            let text = format!("//! Why.\n{head} {{ fn f() {{{}}} }}\n", body(71));
            let found = check(&Source::parse("sim/src/a.rs", &text));
            assert!(
                found.contains(&"sim/src/a.rs:2: `f` has 71 lines, at most 70".to_owned()),
                "{head}: {found:?}"
            );
        }
    }

    #[test]
    fn unfinished_code_is_found() {
        for name in ["todo", "unimplemented", "dbg"] {
            let source = Source::parse("sim/src/a.rs", &format!("fn f() {{\n std::{name}!() }}"));
            assert_eq!(check_unfinished(&source), [format!("sim/src/a.rs:2: `{name}!`")]);
        }
        assert!(check_unfinished(&Source::parse("sim/src/a.rs", "fn todo() { todo(); }")).is_empty());
    }

    #[test]
    fn a_missing_wall_is_found() {
        let count = |text| check_walls_of_crate(&Source::parse("engine/src/lib.rs", text)).len();
        assert_eq!(count("#![no_std]\n#![forbid(unsafe_code)]"), 0);
        assert_eq!(count("#![no_std]\n#![forbid(missing_docs, unsafe_code)]"), 0);
        assert_eq!(count("#![forbid(unsafe_code)]"), 1);
        assert_eq!(count("#![no_std]\n#![deny(unsafe_code)]"), 1);
        assert_eq!(count("//! no_std forbid(unsafe_code)"), 2);
    }
}
