//! The page of a run, written to its file.

use crate::cli::console::{Console, shown_path};
use crate::cli::failure::Failure;
use crate::cli::units;
use std::path::Path;

/// Writes a page, over whatever stood there.
pub(crate) fn write_page(out: &Path, page: &str, console: &Console) -> Result<(), Failure> {
    let path = shown_path(out);
    std::fs::write(out, page)
        .map_err(|error| Failure::storage(format_args!("The page {path} cannot be written: {error}.")))?;
    console.note(format!(
        "{path}: a page of {}, to be opened in a browser",
        units::bytes(page.len() as u64)
    ));
    Ok(())
}
