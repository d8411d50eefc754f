//! The project's Rust files, read and parsed once.

use std::path::{Path, PathBuf};

/// One file: its text, its syntax tree and its module path.
pub(crate) struct Source {
    /// Relative to the project's root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) syntax: syn::File,
    /// `engine/src/tracker/udp.rs` is `["tracker", "udp"]`; a crate's root is empty.
    pub(crate) module: Vec<String>,
}

impl Source {
    /// A file as it would be at `path`. Planted violations are made with this too.
    pub(crate) fn parse(path: &str, text: &str) -> Self {
        let syntax = syn::parse_file(text).unwrap_or_else(|error| {
            panic!("{path}:{}: {error}", error.span().start().line);
        });
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            syntax,
            module: module_of(path),
        }
    }

    /// True for what exists only to test: outside of `src/`, or a file `tests.rs` or folder `tests/` inside it.
    pub(crate) fn is_test(&self) -> bool {
        !self.path.contains("/src/") || self.module.iter().any(|name| name == "tests")
    }
}

/// Every `.rs` file below `folder`, in order of path. What cargo builds is left out.
pub(crate) fn read(root: &Path, folder: &str) -> Vec<Source> {
    files(&root.join(folder), &|path| {
        path.extension().is_some_and(|extension| extension == "rs")
    })
    .iter()
    .map(|path| read_one(root, path.strip_prefix(root).expect("below the root")))
    .collect()
}

/// One file, by its path relative to the root.
pub(crate) fn read_one(root: &Path, path: &Path) -> Source {
    let text = std::fs::read_to_string(root.join(path)).expect("a source file is readable UTF-8");
    Source::parse(&path.to_string_lossy().replace('\\', "/"), &text)
}

/// All files below `folder` that `wanted` accepts, sorted. Folders of cargo and git are left out.
pub(crate) fn files(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("a readable folder").path();
            let name = path.file_name().unwrap_or_default();
            if path.is_symlink() || name == "target" || name == ".git" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if wanted(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn module_of(path: &str) -> Vec<String> {
    let inside = path.split_once("/src/").map_or(path, |(_, inside)| inside);
    let mut names: Vec<String> = inside
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect();
    if names
        .last()
        .is_some_and(|name| name == "mod" || name == "lib" || name == "main")
    {
        names.pop();
    }
    names
}

#[test]
fn module_paths_come_from_file_paths() {
    assert_eq!(module_of("engine/src/tracker/udp.rs"), ["tracker", "udp"]);
    assert_eq!(module_of("engine/src/tracker/mod.rs"), ["tracker"]);
    assert_eq!(module_of("engine/src/picker.rs"), ["picker"]);
    assert!(module_of("engine/src/lib.rs").is_empty());
}
