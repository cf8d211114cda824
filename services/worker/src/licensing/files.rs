//! Licence files: one, or a folder of them, read anew at each look.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use access::{LICENSE_BYTES_MAX, License, LicenseKeys};
use tokio::task::spawn_blocking;

/// So many files of a folder are looked at, the first by name.
const FILES_MAX: usize = 64;
/// So many entries of a folder are looked at for files.
const ENTRIES_MAX: usize = 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct Files {
    path: Option<PathBuf>,
    keys: Arc<LicenseKeys>,
    /// Licences that were read; one whose file is there and cannot be read now counts on.
    known: BTreeMap<PathBuf, License>,
}

impl Files {
    pub(super) const fn new(path: Option<PathBuf>, keys: Arc<LicenseKeys>) -> Self {
        Self { path, keys, known: BTreeMap::new() }
    }

    /// The licences that are there, and what is wrong with the others.
    pub(super) async fn read(&mut self) -> (Vec<License>, Vec<String>) {
        let Some(path) = self.path.clone() else { return (Vec::new(), Vec::new()) };
        let (keys, known) = (Arc::clone(&self.keys), self.known.clone());
        let read = spawn_blocking(move || read_all(&path, &keys, &known)).await;
        let (known, troubles) = read.unwrap_or_else(|failure| {
            (self.known.clone(), vec![format!("licences cannot be read: {failure}")])
        });
        self.known = known;
        (self.known.values().cloned().collect(), troubles)
    }
}

fn read_all(
    path: &Path,
    keys: &LicenseKeys,
    known: &BTreeMap<PathBuf, License>,
) -> (BTreeMap<PathBuf, License>, Vec<String>) {
    let (files, trouble) = match files_at(path) {
        Ok(files) => (files, None),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return (BTreeMap::new(), vec![format!("there is no licence at {}", path.display())]);
        }
        Err(error) => (known.keys().cloned().collect(), Some(unusable(path, &error))),
    };
    let mut troubles: Vec<String> = trouble.into_iter().collect();
    let mut licenses = BTreeMap::new();
    for file in files {
        match text_of(&file) {
            Ok(text) => match keys.read(&text) {
                Ok(license) => drop(licenses.insert(file, license)),
                Err(wrong) => troubles.push(format!("{}: {wrong}", file.display())),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                troubles.push(unusable(&file, &error));
                if let Some(license) = known.get(&file) {
                    licenses.insert(file, license.clone());
                }
            }
        }
    }
    (licenses, troubles)
}

/// The file, or those of the folder. Names that begin with a dot are somebody else's: of folders that are replaced whole, or
/// of editors.
fn files_at(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)?.take(ENTRIES_MAX) {
        let entry = entry?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        // Links are followed: folders of secrets often consist of them.
        if !is_hidden && fs::metadata(entry.path()).is_ok_and(|what| what.is_file()) {
            files.push(entry.path());
        }
    }
    files.sort_unstable();
    files.truncate(FILES_MAX);
    Ok(files)
}

/// What is too long is cut, and is no licence then.
fn text_of(file: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    let most = u64::try_from(LICENSE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(2);
    File::open(file)?.take(most).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn unusable(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be read: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use access::{LicenseKey, NewLicense};
    use testkit::Scratch;

    use super::*;

    fn licence(key: &LicenseKey, sessions: u32) -> String {
        let new = NewLicense {
            customer: "A customer".into(),
            plan: "pro".into(),
            sessions,
            features: Vec::new(),
            begins_s: 0,
            last_day_s: 86_400 * 365,
        };
        key.issue(&new).unwrap()
    }

    fn files(key: &LicenseKey, path: &Path) -> Files {
        let mut keys = LicenseKeys::default();
        keys.add("k1", &key.public()).unwrap();
        Files::new(Some(path.to_owned()), Arc::new(keys))
    }

    /// Sessions of the licences that are read, and how many troubles.
    async fn read(files: &mut Files) -> (Vec<u32>, usize) {
        let (licenses, troubles) = files.read().await;
        (licenses.iter().map(|license| license.sessions).collect(), troubles.len())
    }

    #[tokio::test]
    async fn files_of_a_folder_come_and_go() {
        let (scratch, key) = (Scratch::new("licences"), LicenseKey::generate("k1").unwrap());
        let mut all = files(&key, scratch.path());
        assert_eq!(read(&mut all).await, (vec![], 0));
        scratch.file("b.jwt", &licence(&key, 2));
        assert_eq!(read(&mut all).await, (vec![2], 0));
        let first = scratch.file("a.jwt", &licence(&key, 1));
        scratch.file(".c.jwt", &licence(&key, 3));
        std::fs::create_dir(scratch.path().join("folder")).unwrap();
        assert_eq!(read(&mut all).await, (vec![1, 2], 0));
        scratch.file("a.jwt", "not a licence");
        assert_eq!(read(&mut all).await, (vec![2], 1), "it was replaced by another one");
        std::fs::remove_file(first).unwrap();
        assert_eq!(read(&mut all).await, (vec![2], 0));
    }

    #[tokio::test]
    async fn one_file_is_replaced_and_taken_away() {
        let (scratch, key) = (Scratch::new("licence"), LicenseKey::generate("k1").unwrap());
        let mut one = files(&key, &scratch.path().join("licence"));
        assert_eq!(read(&mut one).await, (vec![], 1));
        let path = scratch.file("licence", &format!("{}\n", licence(&key, 5)));
        assert_eq!(read(&mut one).await, (vec![5], 0));
        scratch.file("licence", &licence(&LicenseKey::generate("k1").unwrap(), 500));
        assert_eq!(read(&mut one).await, (vec![], 1), "somebody else has signed it");
        scratch.file("licence", &licence(&key, 6));
        assert_eq!(read(&mut one).await, (vec![6], 0));
        std::fs::remove_file(path).unwrap();
        assert_eq!(read(&mut one).await, (vec![], 1));
        assert_eq!(Files::new(None, Arc::default()).read().await, (vec![], vec![]));
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_read_now_counts_as_it_was() {
        let (scratch, key) = (Scratch::new("licence"), LicenseKey::generate("k1").unwrap());
        let path = scratch.file("licence", &licence(&key, 5));
        let mut one = files(&key, &path);
        assert_eq!(read(&mut one).await, (vec![5], 0));
        // A loop of links cannot be opened by anybody.
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(&path, &path).unwrap();
        assert_eq!(read(&mut one).await, (vec![5], 2));
        assert_eq!(read(&mut files(&key, &path)).await, (vec![], 1), "who has not seen it knows nothing");
    }

    #[tokio::test]
    async fn neither_large_files_nor_many_are_read() {
        let (scratch, key) = (Scratch::new("licences"), LicenseKey::generate("k1").unwrap());
        for number in 0..FILES_MAX + 9 {
            scratch.file(&format!("f{number:03}"), &licence(&key, 1));
        }
        assert_eq!(read(&mut files(&key, scratch.path())).await.0.len(), FILES_MAX);
        let large = scratch.path().join("large");
        File::create(&large).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(read(&mut files(&key, &large)).await, (vec![], 1));
        let long =
            scratch.file("long", &format!("{}{}", licence(&key, 1), " ".repeat(2 * LICENSE_BYTES_MAX)));
        assert_eq!(text_of(&long).unwrap().len(), LICENSE_BYTES_MAX + 2);
    }
}
