//! What is kept of the trial, in a file of a process that is alone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use access::TrialMark;
use async_trait::async_trait;

use crate::{RegistryError, TrialStore};

const NAME: &str = "trial.json";
/// A file that holds more is none of ours.
const BYTES_MAX: u64 = 4096;

/// See the module. A file that is there and cannot be read is left as it is: it is somebody's to look at.
#[derive(Clone, Debug)]
pub struct TrialFile(PathBuf);

impl TrialFile {
    /// In a folder, which is made when there is something to keep.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self(folder.join(NAME))
    }

    fn read(&self) -> Result<Option<TrialMark>, RegistryError> {
        let read = || -> io::Result<Option<Vec<u8>>> {
            let file = match File::open(&self.0) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                opened => opened?,
            };
            let mut bytes = Vec::new();
            file.take(BYTES_MAX).read_to_end(&mut bytes)?;
            Ok(Some(bytes))
        };
        let Some(bytes) = read().map_err(|error| self.unusable(&error))? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| self.unusable(&error))
    }

    /// Replaces the file at once, so that a process that is killed leaves the one or the other.
    fn write(&self, mark: TrialMark) -> Result<(), RegistryError> {
        let write = || -> io::Result<()> {
            if let Some(folder) = self.0.parent() {
                DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            }
            let new = self.0.with_extension("json.new");
            match fs::remove_file(&new) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&new)?;
            file.write_all(&serde_json::to_vec(&mark)?)?;
            file.sync_all()?;
            fs::rename(&new, &self.0)
        };
        write().map_err(|error| self.unusable(&error))
    }

    fn unusable(&self, error: &dyn std::fmt::Display) -> RegistryError {
        RegistryError(format!("{} cannot be used: {error}", self.0.display()))
    }

    /// Does what waits for a disk without holding up others.
    async fn in_background<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, RegistryError> + Send + 'static,
    ) -> Result<T, RegistryError> {
        let file = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&file)).await;
        done.unwrap_or_else(|error| Err(self.unusable(&error)))
    }
}

#[async_trait]
impl TrialStore for TrialFile {
    async fn trial(&self) -> Result<Option<TrialMark>, RegistryError> {
        self.in_background(Self::read).await
    }

    async fn keep_trial(&self, mark: TrialMark) -> Result<TrialMark, RegistryError> {
        self.in_background(move |file| {
            let there = file.read()?;
            let kept = there.map_or(mark, |there| there.and(mark));
            if there != Some(kept) {
                file.write(kept)?;
            }
            Ok(kept)
        })
        .await
    }
}
