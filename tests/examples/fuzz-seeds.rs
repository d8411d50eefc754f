//! Writes what the fuzzer begins with: `fuzz-seeds FOLDER` makes a folder for each reader, with its good inputs.

use std::path::PathBuf;
use std::{env, fs, io};
use tests::hostile::READERS;

fn main() -> io::Result<()> {
    let Some(folder) = env::args_os().nth(1).map(PathBuf::from) else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the folder is missing",
        ));
    };
    for reader in READERS {
        let folder = folder.join(reader.name);
        fs::create_dir_all(&folder)?;
        for (number, seed) in (reader.seeds)().iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}
