//! Paths out of a torrent, made safe to create below the output folder.
//!
//! A path element of ours is never empty, `.` or `..`; it has no separator, control or direction-changing character,
//! is no device name of Windows, and has at most [`ELEMENT_MAX`] bytes. No two files share a path, nor does a file
//! share one with a folder, also where letter case and Unicode composition are ignored. The mapping depends on
//! nothing but the torrent. Where a name needs no cleaning for Unix, the result is libtorrent's.

use super::fields::{Encoding, decode};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use unicode_normalization::UnicodeNormalization;

/// Longest path element in bytes: `NAME_MAX` of the usual file systems.
pub const ELEMENT_MAX: usize = 255;

/// Where an element that is too long is cut before its extension, as libtorrent does: it leaves room for a number.
const ELEMENT_CUT: usize = 240;

/// A longer tail after the last dot is no extension.
const EXTENSION_MAX: usize = 10;

/// Names that Windows takes for a device, with any extension. `COM¹` counts too: superscripts are digits there.
const DEVICES: [&str; 7] = ["con", "prn", "aux", "nul", "clock$", "conin$", "conout$"];

/// The safe path of one file on its own: its elements joined by `/`, at least `_`.
pub fn safe_path<'a>(elements: impl IntoIterator<Item = &'a [u8]>) -> String {
    let parts: Vec<String> = elements
        .into_iter()
        .filter_map(|element| clean(element, Encoding::Utf8))
        .collect();
    if parts.is_empty() {
        "_".into()
    } else {
        parts.join("/")
    }
}

/// The safe form of one element; `None` when nothing of it should be kept (`.`, `..`, separators only).
pub(super) fn clean(element: &[u8], encoding: Encoding) -> Option<String> {
    if element.is_empty() {
        return Some("_".into());
    }
    let (text, _) = decode(element, encoding);
    let mut kept: String = text
        .chars()
        .filter(|c| !is_dropped(*c))
        .map(|c| if is_shown(c) { c } else { '_' })
        .collect();
    if matches!(kept.as_str(), "" | "." | "..") {
        return None;
    }
    if is_device(&kept) {
        kept.insert(0, '_');
    }
    if kept.len() > ELEMENT_MAX {
        let (_, extension) = split_extension(&kept);
        let stem = kept
            .get(..kept.ceil_char_boundary(ELEMENT_CUT))
            .unwrap_or_default();
        kept = format!("{stem}{extension}");
    }
    Some(kept)
}

/// Separators of any system, and invisible characters that reorder or hide what is shown. The joiners U+200C and
/// U+200D stay: Persian, Indic scripts and emoji need them.
fn is_dropped(c: char) -> bool {
    matches!(c,
        '/' | '\\' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{feff}')
}

fn is_shown(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}')
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    if DEVICES.iter().any(|device| stem.eq_ignore_ascii_case(device)) {
        return true;
    }
    let Some((port, number)) = stem.split_at_checked(3) else {
        return false;
    };
    let mut digits = number.chars();
    (port.eq_ignore_ascii_case("com") || port.eq_ignore_ascii_case("lpt"))
        && matches!(digits.next(), Some('0'..='9' | '¹' | '²' | '³'))
        && digits.next().is_none()
}

/// Name and extension, the dot with the extension. A leading dot begins no extension.
fn split_extension(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= EXTENSION_MAX => name.split_at(dot),
        _ => (name, ""),
    }
}

/// What file systems without letter case compare: composed, then folded both ways, so that `ß`, `ss` and `SS` meet.
fn fold(name: &str) -> String {
    name.nfc()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfc()
        .collect()
}

enum Node {
    Folder(u32),
    File,
}

/// All names given out so far, as a tree, so that a deep path costs no more than its length.
pub(super) struct Names {
    /// By folder and folded name. Folder 0 is the output folder.
    nodes: BTreeMap<(u32, String), Node>,
    /// The number that the next copy of a name gets: a million equal names must not be counted through each time.
    copies: BTreeMap<(u32, String), u32>,
    folders: u32,
}

impl Names {
    pub(super) const fn new() -> Self {
        Self {
            nodes: BTreeMap::new(),
            copies: BTreeMap::new(),
            folders: 0,
        }
    }

    /// Takes the folders of a path. All folders are taken before the first file, so that files give way.
    pub(super) fn take_folders(&mut self, path: &[String]) -> u32 {
        let folders = path.split_last().map_or(&[][..], |(_, folders)| folders);
        let mut parent = 0;
        for folder in folders {
            let next = self.folders + 1;
            let node = self
                .nodes
                .entry((parent, fold(folder)))
                .or_insert(Node::Folder(next));
            // a file is never here: folders come first
            let Node::Folder(id) = node else { return parent };
            if *id == next {
                self.folders = next;
            }
            parent = *id;
        }
        parent
    }

    /// Takes a file's path. A name that is taken becomes `name.1.ext`, `name.2.ext` …, as in libtorrent.
    pub(super) fn take_file(&mut self, path: &[String]) -> String {
        let folder = self.take_folders(path);
        let (folders, name) = match path.split_last() {
            Some((name, folders)) => (folders, name.as_str()),
            None => (&[][..], "_"),
        };
        let name = self.unused(folder, name);
        self.nodes.insert((folder, fold(&name)), Node::File);
        let mut joined = folders.join("/");
        if !joined.is_empty() {
            joined.push('/');
        }
        joined + &name
    }

    fn unused(&mut self, folder: u32, name: &str) -> String {
        let key = (folder, fold(name));
        if !self.nodes.contains_key(&key) {
            return name.into();
        }
        let (stem, extension) = split_extension(name);
        let copy = self.copies.entry(key).or_insert(1);
        loop {
            let suffix = format!(".{copy}{extension}");
            *copy = copy.saturating_add(1);
            let room = stem.floor_char_boundary(ELEMENT_MAX - suffix.len());
            let candidate = format!("{}{suffix}", stem.get(..room).unwrap_or_default());
            if !self.nodes.contains_key(&(folder, fold(&candidate))) {
                return candidate;
            }
        }
    }
}
