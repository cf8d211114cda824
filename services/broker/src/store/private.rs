//! Files that hold secrets: nobody but the user who runs the broker may look into them, whatever its `umask` says, and
//! whoever made them.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What everybody may write to and only owners may remove from, like `/tmp`.
const STICKY: u32 = 0o1000;

/// Makes a folder that only its owner may enter, or makes an existing one such.
///
/// # Errors
/// It cannot be made. One of somebody else's, or one that is shared on purpose, is used as it is and the log says so:
/// the files in it are private all the same.
pub(super) fn folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & STICKY != 0 {
        tracing::warn!(path = %path.display(), "the folder of the books is shared with other users");
        return Ok(());
    }
    match fs::set_permissions(path, Permissions::from_mode(0o700)) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            tracing::warn!(path = %path.display(), "the folder of the books belongs to another user");
            Ok(())
        }
        done => done,
    }
}

/// Makes the file of a database that only its owner may read and write, before anything is in it; the files that SQLite
/// puts beside it take over its mode. Existing ones are made such.
pub(super) fn database(path: &Path) -> io::Result<()> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match fs::set_permissions(PathBuf::from(name), Permissions::from_mode(0o600)) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            done => done?,
        }
    }
    Ok(())
}
