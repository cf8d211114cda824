//! What a port shows to its clients, now.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;

use crate::load::{Contents, Files, TlsError};

/// Certificate and key of a port. Clones are of the same port.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    files: Files,
    config: RwLock<Arc<ServerConfig>>,
    seen: Mutex<Seen>,
}

/// What the files have held.
struct Seen {
    in_force: Contents,
    /// What they held when last looked at, if not what is in force. It is tried when they hold it the next time too:
    /// who replaces certificate and key has not written both at once.
    last: Option<Option<Contents>>,
    /// `last` is of no use, and that was told.
    is_refused: bool,
}

/// What became of a look at the files.
#[derive(Debug)]
pub enum Looked {
    /// They hold what is in force.
    Same,
    /// They have changed since the last look, and are taken if they stay like that.
    Changing,
    /// They have changed and are in force.
    Taken,
    /// They are of no use: what was in force before stays.
    Refused(TlsError),
    /// They are still of no use.
    StillRefused,
}

impl Identity {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`] if they are of no use.
    pub fn load(files: Files) -> Result<Self, TlsError> {
        let in_force = files.read()?;
        let config = RwLock::new(Arc::new(files.config(&in_force)?));
        let seen = Mutex::new(Seen { in_force, last: None, is_refused: false });
        Ok(Self(Arc::new(Inner { files, config, seen })))
    }

    /// What greets the next client.
    #[must_use]
    pub fn acceptor(&self) -> TlsAcceptor {
        let config = self.0.config.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&config))
    }

    /// Looks whether the files have changed, and takes what they hold. Reads files: not for tasks that must not wait.
    pub fn look(&self) -> Looked {
        let Inner { files, config, seen } = &*self.0;
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = files.read();
        if now.as_ref().is_ok_and(|now| *now == seen.in_force) {
            (seen.last, seen.is_refused) = (None, false);
            return Looked::Same;
        }
        let held = now.as_ref().ok().cloned();
        if seen.last.as_ref() != Some(&held) {
            (seen.last, seen.is_refused) = (Some(held), false);
            return Looked::Changing;
        }
        if seen.is_refused {
            return Looked::StillRefused;
        }
        match now.and_then(|now| Ok((files.config(&now)?, now))) {
            Ok((fresh, now)) => {
                *config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
                (seen.in_force, seen.last) = (now, None);
                Looked::Taken
            }
            Err(error) => {
                seen.is_refused = true;
                Looked::Refused(error)
            }
        }
    }

    /// [`look`](Self::look), with the log told of what it found.
    pub fn look_and_tell(&self) {
        let files = self.0.files.cert.display();
        match self.look() {
            Looked::Same | Looked::Changing | Looked::StillRefused => {}
            Looked::Taken => tracing::info!(certificate = %files, "a new certificate is in force"),
            Looked::Refused(error) => tracing::error!(
                certificate = %files,
                %error,
                "the new certificate is of no use, and the old one stays in force until it expires: mend its files"
            ),
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Identity").field(&self.0.files).finish()
    }
}

#[cfg(test)]
mod tests;
