//! Which modules of its own crate a file names: in `use` trees, in paths anywhere, and inside macro calls.

use std::collections::BTreeMap;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use crate::sources::Source;

/// One path into the crate, from the crate's root: `crate::wire::Message` is `["wire", "Message"]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    pub(crate) line: usize,
    pub(crate) path: Vec<String>,
}

/// Every path into the crate that `source` names, sorted by line.
pub(crate) fn named(source: &Source) -> Vec<Named> {
    let mut finder = Finder {
        module: source.module.clone(),
        aliases: BTreeMap::new(),
        found: Vec::new(),
    };
    finder.visit_file(&source.syntax);
    finder.found.sort();
    finder.found.dedup();
    finder.found
}

/// What the crate's root re-exports: `pub use action::Action` gives `Action → ["action", "Action"]`.
pub(crate) fn exports(root: &Source) -> BTreeMap<String, Vec<String>> {
    let mut exports = BTreeMap::new();
    for item in &root.syntax.items {
        let syn::Item::Use(item) = item else { continue };
        for leaf in leaves(&item.tree) {
            let path = leaf
                .path
                .strip_prefix(&["crate".to_owned()])
                .unwrap_or(&leaf.path);
            exports.insert(leaf.name, path.to_vec());
        }
    }
    exports
}

struct Finder {
    /// The module that is being read, inline modules included.
    module: Vec<String>,
    /// What a `use` gave a name in this file: `use crate::tracker;` makes `tracker::tiers` a path into the crate.
    aliases: BTreeMap<String, Vec<String>>,
    found: Vec<Named>,
}

impl Finder {
    /// The path from the crate's root, or nothing for a path into another crate or to a local name.
    fn resolve(&self, path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([&self.module, rest].concat()),
            "super" => {
                let ups = path.iter().take_while(|name| *name == "super").count();
                let kept = self.module.len().saturating_sub(ups);
                Some([&self.module[..kept], &path[ups..]].concat())
            }
            name => self.aliases.get(name).map(|start| [start, rest].concat()),
        }
    }

    fn note(&mut self, line: usize, path: &[String]) {
        if let Some(path) = self.resolve(path).filter(|path| !path.is_empty()) {
            self.found.push(Named { line, path });
        }
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        for leaf in leaves(&item.tree) {
            self.note(leaf.line, &leaf.path);
            if let Some(path) = self.resolve(&leaf.path) {
                self.aliases.insert(leaf.name, path);
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        let line = path
            .segments
            .first()
            .map_or(0, |segment| segment.ident.span().start().line);
        // A lone `self` is a value, a lone name a local one or an import that was noted already.
        if names.len() > 1 {
            self.note(line, &names);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        for (line, path) in token_paths(call.tokens.clone()) {
            self.note(line, &path);
        }
        visit::visit_macro(self, call);
    }
}

/// One name that a `use` brings in.
struct Leaf {
    line: usize,
    /// As written, `crate`, `self` and `super` included; without the `*` of a glob.
    path: Vec<String>,
    /// The name it has in the file.
    name: String,
}

fn leaves(tree: &syn::UseTree) -> Vec<Leaf> {
    let mut found = Vec::new();
    let mut waiting = vec![(Vec::<String>::new(), tree)];
    while let Some((prefix, tree)) = waiting.pop() {
        let leaf = |ident: &syn::Ident, name: &syn::Ident| {
            let line = ident.span().start().line;
            // `use crate::tracker::{self}` names the module itself.
            let named_self = ident == "self" && !prefix.is_empty();
            let path = if named_self {
                prefix.clone()
            } else {
                [&prefix[..], &[ident.to_string()]].concat()
            };
            let name = if name == "self" {
                path.last().cloned().unwrap_or_default()
            } else {
                name.to_string()
            };
            Leaf { line, path, name }
        };
        match tree {
            syn::UseTree::Path(path) => {
                waiting.push(([&prefix[..], &[path.ident.to_string()]].concat(), &path.tree));
            }
            syn::UseTree::Group(group) => {
                waiting.extend(group.items.iter().map(|item| (prefix.clone(), item)));
            }
            syn::UseTree::Name(name) => found.push(leaf(&name.ident, &name.ident)),
            syn::UseTree::Rename(rename) => found.push(leaf(&rename.ident, &rename.rename)),
            syn::UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                found.push(Leaf {
                    line,
                    path: prefix,
                    name: "*".to_owned(),
                });
            }
        }
    }
    found
}

/// Paths of two names or more among the tokens of a macro call, at any depth.
fn token_paths(tokens: TokenStream) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    let mut streams = vec![tokens];
    while let Some(stream) = streams.pop() {
        let mut path: Vec<String> = Vec::new();
        let mut line = 0;
        let mut colons = 0;
        for token in stream {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        keep(&mut found, line, &mut path);
                    }
                    line = if path.is_empty() {
                        ident.span().start().line
                    } else {
                        line
                    };
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    streams.push(group.stream());
                    keep(&mut found, line, &mut path);
                    colons = 0;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    keep(&mut found, line, &mut path);
                    colons = 0;
                }
            }
        }
        keep(&mut found, line, &mut path);
    }
    found
}

fn keep(found: &mut Vec<(usize, Vec<String>)>, line: usize, path: &mut Vec<String>) {
    let path = std::mem::take(path);
    if path.len() > 1 {
        found.push((line, path));
    }
}

#[cfg(test)]
mod planted {
    use super::named;
    use crate::sources::Source;

    /// `text` stands in `engine/src/tracker/udp.rs`; `want` are the paths found, in order of line.
    #[track_caller]
    fn check(text: &str, want: &[&str]) {
        let source = Source::parse("engine/src/tracker/udp.rs", text);
        let found: Vec<_> = named(&source)
            .into_iter()
            .map(|named| named.path.join("::"))
            .collect();
        assert_eq!(found, want, "{text}");
    }

    #[test]
    fn every_way_to_name_a_module_is_seen() {
        check("use crate::picker::Picker;", &["picker::Picker"]);
        check(
            "use crate::{\n wire,\n picker::{self,\n choose}};",
            &["wire", "picker", "picker::choose"],
        );
        check("use super::tiers::Tier as T;", &["tracker::tiers::Tier"]);
        check("use super::super::choker::*;", &["choker"]);
        check("pub use crate::session;", &["session"]);
        check("fn f() { crate::layout::place(); }", &["layout::place"]);
        check("fn f(p: &crate::picker::Picker) {}", &["picker::Picker"]);
        check("fn f() -> Vec<crate::picker::Pick> { todo() }", &["picker::Pick"]);
        check(
            "fn f() { matches!(x, [1, (crate::picker::Pick::Rare)]); }",
            &["picker::Pick::Rare"],
        );
        check("mod inner { use super::super::tiers; }", &["tracker::tiers"]);
    }

    #[test]
    fn a_module_reached_through_an_import_is_seen() {
        check(
            "use crate::tracker;\nfn f() { tracker::tiers::next(); }",
            &["tracker", "tracker::tiers::next"],
        );
        check(
            "use crate::picker as p;\nfn f() { p::next(); }",
            &["picker", "picker::next"],
        );
    }

    #[test]
    fn other_crates_and_local_names_are_not_ours() {
        check("use core::time::Duration; use alloc::vec::Vec;", &[]);
        check("fn f(&self) { self.x; Kind::Small; bytes::Bytes::new(); }", &[]);
    }
}
