//! Tokens of an identity provider. Its keys are in a file, which is read again when it changes, so that they rotate without
//! a restart: whoever fetches them from the provider replaces the file.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use access::{JWKS_BYTES_MAX, JwtCaller, JwtError, JwtKeys, JwtTerms};

/// Where the keys of a provider are, and what its tokens must say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtSettings {
    /// The set of keys (JWKS), JSON.
    pub file: PathBuf,
    /// What tokens must say.
    pub terms: JwtTerms,
}

/// What tells one state of the file from another.
type State = (Option<SystemTime>, u64);

/// See the module.
#[derive(Debug)]
pub(crate) struct JwtFile {
    settings: JwtSettings,
    keys: RwLock<(State, Arc<JwtKeys>)>,
}

impl JwtFile {
    /// Reads the keys for the first time.
    pub(super) fn open(settings: JwtSettings) -> Result<Self, JwtError> {
        let (state, json) = read(&settings.file)?;
        let keys = JwtKeys::parse(&json, settings.terms.clone())?;
        Ok(Self { settings, keys: RwLock::new((state, Arc::new(keys))) })
    }

    /// Who shows this token, if it is good.
    pub(super) fn check(&self, token: &str) -> Result<JwtCaller, JwtError> {
        let keys = Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner).1);
        keys.check(token, runtime::unix_ms())
    }

    /// Reads the keys again if the file has changed. Of one that is of no use, nothing is taken: those that were there stay.
    pub(super) fn refresh(&self) {
        let seen = self.keys.read().unwrap_or_else(PoisonError::into_inner).0;
        if state(&self.settings.file) == Ok(seen) {
            return;
        }
        let parsed = read(&self.settings.file)
            .and_then(|(state, json)| Ok((state, JwtKeys::parse(&json, self.settings.terms.clone())?)));
        match parsed {
            Ok((state, keys)) => {
                tracing::info!(file = %self.settings.file.display(), "the keys of tokens were read again");
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = (state, Arc::new(keys));
            }
            Err(wrong) => {
                tracing::warn!(%wrong, file = %self.settings.file.display(), "the keys of tokens stay as they were");
                // Once for each state of the file.
                if let Ok(state) = state(&self.settings.file) {
                    self.keys.write().unwrap_or_else(PoisonError::into_inner).0 = state;
                }
            }
        }
    }
}

/// Whether the keys of a provider can be used.
///
/// # Errors
/// Why they cannot.
pub fn check_jwt(settings: &JwtSettings) -> Result<(), JwtError> {
    JwtFile::open(settings.clone()).map(drop)
}

const UNREADABLE: JwtError = JwtError::Keys("their file cannot be read");

fn state(path: &Path) -> Result<State, JwtError> {
    let meta = fs::metadata(path).map_err(|_| UNREADABLE)?;
    Ok((meta.modified().ok(), meta.len()))
}

fn read(path: &Path) -> Result<(State, Vec<u8>), JwtError> {
    let state = state(path)?;
    let file = fs::File::open(path).map_err(|_| UNREADABLE)?;
    let mut json = Vec::new();
    let most = JWKS_BYTES_MAX as u64 + 1;
    file.take(most).read_to_end(&mut json).map_err(|_| UNREADABLE)?;
    Ok((state, json))
}
