//! A directory that lives as long as its test.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How often a removal is tried.
const REMOVALS_MAX: u32 = 100;
/// Between two of them.
const REMOVE_EVERY: Duration = Duration::from_millis(20);

static NEXT: AtomicU32 = AtomicU32::new(0);

/// An empty directory, removed on drop.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes one; the name is for people who look around while a test runs.
    pub fn new(name: &str) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("mt5rest-{name}-{}-{number}", std::process::id()));
        // Whatever an earlier process with this id left behind.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file in it and tells where.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let file = self.path.join(name);
        std::fs::write(&file, content).unwrap();
        file
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A browser that was just ended may still write for a moment. What cannot be removed in the end is left to
        // the system's own cleaning.
        for _ in 0..REMOVALS_MAX {
            if std::fs::remove_dir_all(&self.path).is_ok() || !self.path.exists() {
                return;
            }
            std::thread::sleep(REMOVE_EVERY);
        }
    }
}
