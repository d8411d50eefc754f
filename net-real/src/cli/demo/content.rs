//! What the demo shares: a few files of known bytes, an empty one among them.

use crate::cli::failure::Failure;
use seedbed_engine::rng::Rng;
use std::fs;
use std::io;
use std::path::Path;

/// The name of the folder that is shared.
pub(super) const NAME: &str = "seedbed demo";
/// Bytes of a piece: enough pieces to see the picker at work.
pub(super) const PIECE_LENGTH: u32 = 64 << 10;
/// Path and length of each file. Neither length nor order is kind to piece boundaries.
const FILES: [(&str, usize); 4] = [
    ("empty.txt", 0),
    ("read me.txt", 137),
    ("sounds/long.bin", (3 << 20) + 12_345),
    ("sounds/short.bin", 1 << 20),
];

/// How many files there are.
pub(super) const COUNT: usize = FILES.len();

/// Writes the files below a folder.
pub(super) fn write(dir: &Path) -> Result<(), Failure> {
    let mut rng = Rng::from_seed([7; 32]);
    for (path, length) in FILES {
        let mut bytes = vec![0; length];
        rng.fill(&mut bytes);
        let path = dir.join(NAME).join(path);
        path.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, &bytes))
            .map_err(|error| failed(&error))?;
    }
    Ok(())
}

/// Compares the files below two folders byte by byte; the first that differs is a failure.
pub(super) fn compare(original: &Path, copy: &Path) -> Result<(), Failure> {
    for (path, _) in FILES {
        let read = |dir: &Path| fs::read(dir.join(NAME).join(path));
        if read(original).map_err(|error| failed(&error))? != read(copy).map_err(|error| failed(&error))? {
            return Err(Failure {
                exit: crate::cli::failure::MISMATCH,
                text: format!("The downloaded {path} differs from the original: please report this."),
            });
        }
    }
    Ok(())
}

fn failed(error: &io::Error) -> Failure {
    Failure::storage(format_args!("The files of the demo cannot be used: {error}."))
}
