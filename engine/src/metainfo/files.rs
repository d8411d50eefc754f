//! The v1 file list (BEP 3) with pad files and attributes (BEP 47), and how it becomes a layout of safe paths.

use super::error::MetainfoError;
use super::fields::{Encoding, Fields, decode};
use super::lint::Lints;
use super::path::{Names, clean};
use crate::bencode::Value;
use crate::layout::{Layout, LayoutFile};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// BitComet marks its pad files by name only.
const BITCOMET_PAD: &[u8] = b"_____padding_file_";

/// A file as the torrent has it, its path not safe.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct RawFile<'a> {
    pub(super) path: Vec<&'a [u8]>,
    pub(super) length: u64,
    pub(super) pad: bool,
    pub(super) symlink: bool,
}

/// What the letters of `attr` say (BEP 47).
#[derive(Clone, Copy)]
pub(super) struct Attributes {
    pub(super) pad: bool,
    pub(super) symlink: bool,
}

impl Attributes {
    pub(super) fn of(file: Value<'_>) -> Self {
        let letters = file
            .dict_get(b"attr")
            .and_then(Value::as_bytes)
            .unwrap_or_default();
        Self {
            pad: letters.contains(&b'p'),
            symlink: letters.contains(&b'l'),
        }
    }
}

/// The length of a file entry; a symbolic link has none of its own.
pub(super) fn file_length(file: Value<'_>, attributes: Attributes) -> Option<u64> {
    if attributes.symlink {
        return Some(0);
    }
    let length = file.dict_get(b"length")?.as_int()?;
    u64::try_from(length).ok()
}

/// The files of `info`, and whether it is the form with a folder.
///
/// # Errors
/// Says which entry is wrong.
pub(super) fn read<'a>(
    info: &Fields<'a>,
    name: &'a [u8],
    lints: &mut Lints,
) -> Result<(Vec<RawFile<'a>>, bool), MetainfoError> {
    let Some(files) = info.get("files") else {
        let length = info.get("length").ok_or(MetainfoError::MissingLength)?;
        let length = length.as_int().and_then(|length| u64::try_from(length).ok());
        let file = RawFile {
            path: vec![name],
            length: length.ok_or(MetainfoError::Length)?,
            pad: false,
            symlink: false,
        };
        return Ok((vec![file], false));
    };
    if info.get("length").is_some() {
        lints.add(
            "length-and-files",
            "both `length` and `files` are there; `files` counts",
        );
    }
    let list = files.as_list().ok_or(MetainfoError::FilesNotAList)?;
    let files: Vec<_> = list
        .enumerate()
        .map(|(index, file)| read_file(index, file))
        .collect::<Result<_, _>>()?;
    if files.iter().all(|file| file.pad) {
        return Err(MetainfoError::NoFiles);
    }
    if files.iter().any(|file| file.symlink) {
        lints.add("symlink", "symbolic links become empty files");
    }
    Ok((files, true))
}

fn read_file(index: usize, file: Value<'_>) -> Result<RawFile<'_>, MetainfoError> {
    if file.as_dict().is_none() {
        return Err(MetainfoError::FileNotADictionary(index));
    }
    let mut attributes = Attributes::of(file);
    let length = file_length(file, attributes).ok_or(MetainfoError::FileLength(index))?;
    let list = |key: &[u8]| file.dict_get(key).and_then(Value::as_list);
    let elements = list(b"path.utf-8").or_else(|| list(b"path"));
    let path: Vec<&[u8]> = elements
        .into_iter()
        .flatten()
        .map(Value::as_bytes)
        .collect::<Option<_>>()
        .ok_or(MetainfoError::FilePathElement(index))?;
    if path.is_empty() && !attributes.pad {
        return Err(MetainfoError::FilePath(index));
    }
    let marked = |element: &&[u8]| {
        element
            .windows(BITCOMET_PAD.len())
            .any(|part| part == BITCOMET_PAD)
    };
    attributes.pad |= path.iter().any(marked);
    Ok(RawFile {
        path,
        length,
        pad: attributes.pad,
        symlink: attributes.symlink,
    })
}

/// Lays the files out at safe paths, below the folder `name` when there is one.
///
/// # Errors
/// When the lengths overflow.
pub(super) fn lay_out(
    files: &[RawFile<'_>],
    name: &str,
    multi_file: bool,
    encoding: Encoding,
    lints: &mut Lints,
) -> Result<Layout, MetainfoError> {
    let path = |file: &RawFile<'_>| -> Vec<String> {
        let name = name.to_owned();
        if !multi_file {
            return vec![name];
        }
        let mut path = vec![name];
        path.extend(file.path.iter().filter_map(|element| clean(element, encoding)));
        if path.len() == 1 {
            path.push("_".into());
        }
        path
    };
    let mut names = Names::new();
    for file in files.iter().filter(|file| !file.pad) {
        names.take_folders(&path(file));
    }
    let mut renamed = Renamed::default();
    let laid = files.iter().map(|file| {
        let path = path(file);
        if file.pad {
            return LayoutFile::pad(path.join("/"), file.length);
        }
        let safe = names.take_file(&path);
        if multi_file {
            renamed.note(file, name, &safe, encoding);
        }
        LayoutFile::data(safe, file.length)
    });
    let layout = Layout::new(laid.collect())?;
    renamed.tell(lints);
    Ok(layout)
}

/// Files whose path is not the torrent's.
#[derive(Default)]
struct Renamed {
    count: usize,
    not_utf8: usize,
    first: Option<String>,
}

impl Renamed {
    fn note(&mut self, file: &RawFile<'_>, name: &str, safe: &str, encoding: Encoding) {
        let mut plain = String::from(name);
        for element in &file.path {
            let (text, exact) = decode(element, encoding);
            self.not_utf8 += usize::from(!exact);
            plain.push('/');
            plain.push_str(&text);
        }
        if plain != safe {
            self.count += 1;
            self.first.get_or_insert_with(|| safe.to_owned());
        }
    }

    fn tell(self, lints: &mut Lints) {
        if self.not_utf8 > 0 {
            lints.add(
                "path-not-utf8",
                format!("{} path elements are not UTF-8", self.not_utf8),
            );
        }
        if let Some(first) = self.first {
            let text = format!(
                "{} files got a safe or unique name, the first is {first}",
                self.count
            );
            lints.add("path-renamed", text);
        }
    }
}
