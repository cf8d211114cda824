//! Lines beside the registry, for whoever collects them.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where lines go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Export {
    /// Nowhere.
    #[default]
    None,
    /// To the standard output.
    Stdout,
    /// To a file for each tenant in this folder, `TENANT.jsonl`. It is opened anew each time, so it may be moved away.
    Folder(PathBuf),
}

impl Export {
    /// Writes lines of a tenant. Waits for the disk.
    pub(super) fn write(&self, tenant: &str, lines: &[String]) -> io::Result<()> {
        let mut text = lines.join("\n");
        text.push('\n');
        match self {
            Self::None => Ok(()),
            Self::Stdout => io::stdout().lock().write_all(text.as_bytes()),
            Self::Folder(folder) => append(&folder.join(format!("{tenant}.jsonl")), text.as_bytes()),
        }
    }
}

/// The names of tenants have no signs that mean something in paths.
fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}
