//! Turns what the operating system says into what the engine acts on and the user reads.

use rustix::io::Errno;
use seedbed_engine::disk::{DiskError, DiskFault};
use seedbed_engine::net::printable;
use std::path::Path;

/// Longest path that is shown, in characters: a terminal or two wide.
const PATH_SHOWN_MAX: usize = 400;

/// The kind of a failure.
pub(crate) fn fault(errno: Errno) -> DiskFault {
    match errno {
        Errno::NOSPC | Errno::DQUOT | Errno::FBIG => DiskFault::Full,
        Errno::NOENT => DiskFault::Missing,
        Errno::ACCESS | Errno::PERM | Errno::ROFS => DiskFault::Denied,
        Errno::NOTDIR | Errno::ISDIR | Errno::LOOP | Errno::EXIST | Errno::NXIO => DiskFault::InTheWay,
        _ => DiskFault::Io,
    }
}

/// A failure with the file's name and the system's words. `doing` completes "cannot …".
pub(crate) fn error(doing: &str, path: &Path, errno: Errno) -> DiskError {
    with_words(fault(errno), doing, path, &words(errno))
}

/// A failure that the operating system has no number for.
pub(crate) fn with_words(fault: DiskFault, doing: &str, path: &Path, words: &str) -> DiskError {
    let shown = printable(&path.to_string_lossy(), PATH_SHOWN_MAX);
    DiskError {
        fault,
        text: format!("cannot {doing} {shown}: {words}"),
    }
}

/// The same for what the standard library reports.
pub(crate) fn io_error(doing: &str, path: &Path, error: &std::io::Error) -> DiskError {
    match Errno::from_io_error(error) {
        Some(errno) => self::error(doing, path, errno),
        None => with_words(DiskFault::Io, doing, path, &error.to_string()),
    }
}

/// The system's words without the number that `io::Error` adds.
fn words(errno: Errno) -> String {
    let text = std::io::Error::from(errno).to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_words() {
        let check = |errno, kind, text: &str| {
            let error = error("write", Path::new("/a/b\u{1b}"), errno);
            assert_eq!(error.fault, kind);
            assert_eq!(error.text, format!("cannot write /a/b\\u{{1b}}: {text}"));
        };
        check(Errno::NOSPC, DiskFault::Full, "No space left on device");
        check(Errno::DQUOT, DiskFault::Full, "Disk quota exceeded");
        check(Errno::NOENT, DiskFault::Missing, "No such file or directory");
        check(Errno::ROFS, DiskFault::Denied, "Read-only file system");
        check(
            Errno::LOOP,
            DiskFault::InTheWay,
            "Too many levels of symbolic links",
        );
        check(Errno::IO, DiskFault::Io, "Input/output error");
    }
}
