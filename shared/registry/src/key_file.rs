//! API keys in a file, which a running service and the command line share.
//!
//! Whoever writes holds the lock of a file beside it, and replaces the whole file at once, so that a reader sees one state
//! or the next. When each key was used last stands in a file of its own: it changes often and matters little.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::key_table::{KeyTable, note_used};
use crate::limits::KEY_FILE_BYTES;
use crate::{ApiKeysMax, RegistryError};

const KEYS: &str = "api-keys.json";
const USED: &str = "api-keys-used.json";
const LOCK: &str = "api-keys.lock";
/// How long another process may hold the lock: it writes one small file meanwhile.
const LOCK_MAX: Duration = Duration::from_secs(2);
const LOCK_RETRY: Duration = Duration::from_millis(10);

/// What tells one state of a file from another: device, inode, length, and when it was changed.
type State = (u64, u64, u64, i64, i64);

/// See the module.
#[derive(Debug)]
pub(crate) struct KeyFile {
    folder: PathBuf,
    /// The file as it was read last.
    seen: Mutex<Option<(State, KeyTable)>>,
}

impl KeyFile {
    /// In a folder, which is made if there is none. The keys are read, so that one that cannot be is told at start.
    pub(crate) fn open(folder: &Path) -> Result<Self, RegistryError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| unusable(folder, &error))?;
        let file = Self { folder: folder.to_owned(), seen: Mutex::new(None) };
        file.read(|_| ())?;
        Ok(file)
    }

    /// Looks at the keys as they are now.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&KeyTable) -> T) -> Result<T, RegistryError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.folder.join(KEYS);
        let state = state(&path)?;
        if seen.as_ref().map(|(state, _)| *state) != state {
            *seen = match state {
                Some(state) => Some((state, parse(&path)?.unwrap_or_default())),
                None => None,
            };
        }
        Ok(match &*seen {
            Some((_, table)) => look(table),
            None => look(&KeyTable::default()),
        })
    }

    /// Changes them; nobody else does meanwhile.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut KeyTable, ApiKeysMax) -> T,
        max: ApiKeysMax,
    ) -> Result<T, RegistryError> {
        let _lock = self.lock()?;
        let mut table = self.read(KeyTable::clone)?;
        let before = table.stamp();
        let done = change(&mut table, max);
        if table.stamp() != before {
            self.write(KEYS, &serde_json::to_vec(&table).map_err(|error| RegistryError(error.to_string()))?)?;
        }
        Ok(done)
    }

    pub(crate) fn note_used(&self, used: &[(String, i64)]) -> Result<(), RegistryError> {
        let _lock = self.lock()?;
        let mut known = self.all_used()?;
        self.read(|table| {
            known.retain(|id, _| table.get(id).is_some());
            note_used(&mut known, used, |id| table.get(id).is_some());
        })?;
        self.write(USED, &serde_json::to_vec(&known).map_err(|error| RegistryError(error.to_string()))?)
    }

    pub(crate) fn used(&self, ids: &[String]) -> Result<Vec<(String, i64)>, RegistryError> {
        let known = self.all_used()?;
        self.read(|table| {
            let there = ids.iter().filter(|id| table.get(id).is_some());
            there.filter_map(|id| Some((id.clone(), *known.get(id)?))).collect()
        })
    }

    fn all_used(&self) -> Result<BTreeMap<String, i64>, RegistryError> {
        Ok(parse(&self.folder.join(USED))?.unwrap_or_default())
    }

    fn lock(&self) -> Result<File, RegistryError> {
        let path = self.folder.join(LOCK);
        let open = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
        let file = open.map_err(|error| unusable(&path, &error))?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if begun.elapsed() < LOCK_MAX => std::thread::sleep(LOCK_RETRY),
                Err(TryLockError::WouldBlock) => {
                    return Err(RegistryError(format!("another process holds {} too long", path.display())));
                }
                Err(TryLockError::Error(error)) => return Err(unusable(&path, &error)),
            }
        }
    }

    /// Replaces a file at once, and only with what has reached the disk.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), RegistryError> {
        let (path, new) = (self.folder.join(name), self.folder.join(format!("{name}.new")));
        let write = || -> io::Result<()> {
            match fs::remove_file(&new) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&new)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&new, &path)
        };
        write().map_err(|error| unusable(&path, &error))
    }
}

/// Does what waits for a disk without holding up others.
pub(crate) async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RegistryError> + Send + 'static,
) -> Result<T, RegistryError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(RegistryError(format!("the file of the API keys: {error}"))))
}

fn state(path: &Path) -> Result<Option<State>, RegistryError> {
    match fs::metadata(path) {
        Ok(meta) => Ok(Some((meta.dev(), meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(path, &error)),
    }
}

/// What a file holds; nothing if there is none.
fn parse<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>, RegistryError> {
    match fs::metadata(path) {
        Ok(meta) if meta.len() > KEY_FILE_BYTES => {
            return Err(RegistryError(format!("{} has more than {KEY_FILE_BYTES} bytes", path.display())));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(path, &error)),
        Ok(_) => {}
    }
    let bytes = fs::read(path).map_err(|error| unusable(path, &error))?;
    // What serde says would quote the file.
    let read = serde_json::from_slice(&bytes);
    read.map(Some).map_err(|_| RegistryError(format!("{} cannot be read as API keys", path.display())))
}

fn unusable(path: &Path, error: &io::Error) -> RegistryError {
    RegistryError(format!("{} cannot be used: {error}", path.display()))
}
