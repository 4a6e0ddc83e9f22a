//! One way to write a file that is either the old one or the new one, whatever happens.
//!
//! Called by `local` for the state and by `cli` for saved plans. Must never leave half a file: temp file, fsync, rename,
//! fsync of the folder. Nobody but the owner may read what it writes.

use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
};

/// Puts a file with this content in the place of what is there; the folder must exist.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(dir)?.sync_all()
}
