//! What survives the end of a broker: accounts, what they have open and what they did, and what operators have changed in
//! symbols, in an SQLite file.
//!
//! Everything that came of a command is written in one transaction before anybody is told of it. A transaction is
//! in the file when it is committed, but it is not forced to the disk each time: the end of the process loses nothing,
//! a power cut may lose the last moments, and never leaves half a command.

mod columns;
mod load;
mod private;
mod rows;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::ServerTime;
use rusqlite::{Connection, Transaction};

use crate::accounts::Secrets;
use crate::catalogue::Catalogue;
use crate::engine::{Event, Login};
use crate::settings::AccountSettings;
use rows::Row;

pub(crate) use load::Books;

/// The file in its folder.
const FILE: &str = "broker.sqlite";
/// What `PRAGMA user_version` says of files in the present layout.
const LAYOUT: i64 = 2;
const SCHEMA: &str = include_str!("store/schema.sql");
/// What brings a file of layout 1 to the present one.
const FROM_FIRST: &str = include_str!("store/from_first.sql");

/// Why books cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be made.
    #[error("{path}: {source}", path = path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is of no use as it is.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// Another broker has the file open.
    #[error("{path} is used by another broker: each needs a folder of its own", path = path.display())]
    Taken {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by another version.
    #[error("{path} has the layout {found}, and this version reads {LAYOUT}: use the version that wrote it", path = path.display())]
    Layout {
        /// The file.
        path: PathBuf,
        /// Its layout.
        found: i64,
    },
    /// A row makes no sense.
    #[error("{path}: table {table}, row {row}: {what}", path = path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// Where.
        table: &'static str,
        /// Login or ticket.
        row: i64,
        /// What is wrong.
        what: String,
    },
}

/// The file while a broker uses it.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    db: Connection,
    catalogue: Arc<Catalogue>,
    /// What could not be written yet; empty as long as all is well.
    unwritten: Vec<Row>,
    is_failing: bool,
}

impl Store {
    /// Opens the file of a folder, or begins one. Nobody else can use it meanwhile.
    pub(crate) fn open(folder: &Path, catalogue: Arc<Catalogue>) -> Result<Self, StoreError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::Folder { path, source }
        };
        private::folder(folder).map_err(at(folder))?;
        let path = folder.join(FILE);
        // It holds what passwords and one-time codes are checked by.
        private::database(&path).map_err(at(&path))?;
        let db = connection(&path).map_err(|source| match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy) => StoreError::Taken { path: path.clone() },
            _ => StoreError::File { path: path.clone(), source },
        })?;
        let layout = db.pragma_query_value(None, "user_version", |row| row.get(0));
        match layout.map_err(|source| StoreError::File { path: path.clone(), source })? {
            LAYOUT => {}
            0 => become_present(&db, SCHEMA)
                .map_err(|source| StoreError::File { path: path.clone(), source })?,
            1 => become_present(&db, FROM_FIRST)
                .map_err(|source| StoreError::File { path: path.clone(), source })?,
            found => return Err(StoreError::Layout { path, found }),
        }
        Ok(Self { path, db, catalogue, unwritten: Vec::new(), is_failing: false })
    }

    /// Keeps an account: who it is, and how it proves it.
    pub(crate) fn keep_account(&mut self, settings: &AccountSettings, secrets: Secrets, now: ServerTime) {
        let row = Row::Account { settings: Box::new(settings.clone()), secrets: Box::new(secrets) };
        self.write(vec![row], now);
    }

    /// Keeps how an account proves itself from now on, and whether it may.
    pub(crate) fn keep_holder(&mut self, login: Login, secrets: Secrets, enabled: bool, now: ServerTime) {
        self.write(vec![Row::Holder { login, secrets: Box::new(secrets), enabled }], now);
    }

    /// Keeps what operators have changed in a symbol, as text.
    pub(crate) fn keep_symbol(&mut self, name: &str, edits: String, now: ServerTime) {
        self.write(vec![Row::Symbol { name: name.to_owned(), edits }], now);
    }

    /// Keeps a holiday that an operator has made, as text.
    pub(crate) fn keep_holiday(&mut self, id: u64, text: String, now: ServerTime) {
        self.write(vec![Row::Holiday { id, text: Some(text) }], now);
    }

    /// Forgets one.
    pub(crate) fn forget_holiday(&mut self, id: u64, now: ServerTime) {
        self.write(vec![Row::Holiday { id, text: None }], now);
    }

    /// Keeps what came of a command.
    pub(crate) fn keep_events(&mut self, events: &[Event], now: ServerTime) {
        let rows: Vec<Row> = events.iter().flat_map(Row::of_event).collect();
        if !rows.is_empty() {
            self.write(rows, now);
        }
    }

    /// Whether the last thing could not be written. It is tried again with the next one; new trades had better wait.
    pub(crate) fn is_failing(&self) -> bool {
        self.is_failing
    }

    fn write(&mut self, rows: Vec<Row>, now: ServerTime) {
        self.unwritten.extend(rows);
        match self.try_write(now) {
            Ok(()) => {
                if self.is_failing {
                    tracing::info!(path = %self.path.display(), "the books are written again");
                }
                self.is_failing = false;
                self.unwritten.clear();
            }
            Err(error) => {
                if !self.is_failing {
                    tracing::error!(path = %self.path.display(), %error, "the books cannot be written: no trades until they can");
                }
                self.is_failing = true;
            }
        }
    }

    fn try_write(&mut self, now: ServerTime) -> rusqlite::Result<()> {
        let transaction: Transaction<'_> = self.db.transaction()?;
        for row in &self.unwritten {
            row.write(&transaction, &self.catalogue)?;
        }
        let clock = "INSERT INTO clock VALUES (1, ?1) ON CONFLICT DO UPDATE SET now_ms = ?1";
        transaction.prepare_cached(clock)?.execute([now.ms()])?;
        transaction.commit()
    }

    /// Lets every write fail, or not.
    #[cfg(test)]
    pub(crate) fn write_protect(&self, is_protected: bool) {
        self.db.pragma_update(None, "query_only", is_protected).unwrap();
    }

    /// Tries again what could not be written.
    pub(crate) fn retry(&mut self, now: ServerTime) {
        if self.is_failing {
            self.write(Vec::new(), now);
        }
    }
}

fn connection(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open(path)?;
    // The lock is taken by the first transaction, and kept.
    db.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "NORMAL")?;
    db.execute_batch("BEGIN IMMEDIATE; COMMIT")?;
    Ok(db)
}

/// Brings a file to the present layout, or leaves it as it was.
fn become_present(db: &Connection, statements: &str) -> rusqlite::Result<()> {
    db.execute_batch(&format!("BEGIN; {statements} PRAGMA user_version = {LAYOUT}; COMMIT"))
}
