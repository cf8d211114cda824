//! Python and npm packages that tests need: fetched once, each in its fixed version, into the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

/// Where the versions stand.
const PINS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/tools");

/// Written last: a folder with another stamp, or none, is made anew.
const STAMP: &str = "installed";

/// Makes sure that all packages are there.
pub(crate) fn ensure() -> Result<(), Failure> {
    let clients = target()?.join("clients");
    python(&clients.join("venv"))?;
    node(&clients.join("node"))
}

/// The folder that cargo builds into: it holds the folder of this program.
pub(crate) fn target() -> Result<PathBuf, Failure> {
    let program = std::env::current_exe().map_err(|error| Failure::Explained(error.to_string()))?;
    let target = program.parent().and_then(Path::parent);
    target.map(Path::to_owned).ok_or_else(|| Failure::Explained("there is no target folder".to_owned()))
}

fn python(folder: &Path) -> Result<(), Failure> {
    make(folder, &["requirements.txt"], || {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        let requirements = folder.join("requirements.txt");
        run(Command::new(folder.join("bin/python")).args(pip).arg(requirements))
    })
}

fn node(folder: &Path) -> Result<(), Failure> {
    make(folder, &["package.json", "package-lock.json"], || {
        run(Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
            .current_dir(folder))
    })
}

/// Makes a folder and copies the pins to it, unless it was made from the same ones before.
fn make(folder: &Path, pins: &[&str], install: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    let stamp = folder.join(STAMP);
    let mut wanted = String::new();
    for pin in pins {
        wanted.push_str(
            &std::fs::read_to_string(Path::new(PINS).join(pin)).map_err(|error| of_file(pin, &error))?,
        );
    }
    if std::fs::read_to_string(&stamp).is_ok_and(|present| present == wanted) {
        return Ok(());
    }
    // There may be none.
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).map_err(|error| of_file(&folder.display(), &error))?;
    for pin in pins {
        let copied = std::fs::copy(Path::new(PINS).join(pin), folder.join(pin));
        copied.map_err(|error| of_file(pin, &error))?;
    }
    install()?;
    std::fs::write(&stamp, wanted).map_err(|error| of_file(&stamp.display(), &error))
}

pub(crate) fn of_file(name: &dyn std::fmt::Display, error: &std::io::Error) -> Failure {
    Failure::Explained(format!("{name}: {error}"))
}

pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let line = format!("{command:?}");
    println!("xtask: {line}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Failure::Program(line)),
        Err(error) => Err(Failure::Explained(format!("{line} cannot be started: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_made_once_and_again_when_the_first_time_failed() -> Result<(), Failure> {
        let folder = target()?.join("clients-test");
        let _ = std::fs::remove_dir_all(&folder);
        let broken = make(&folder, &["package.json"], || Err(Failure::Explained("broken".to_owned())));
        assert_eq!(broken, Err(Failure::Explained("broken".to_owned())));
        let mut times = 0;
        for _ in 0..2 {
            make(&folder, &["package.json"], || {
                times += 1;
                Ok(())
            })?;
        }
        assert_eq!(times, 1);
        assert!(folder.join("package.json").is_file());
        std::fs::remove_dir_all(&folder).map_err(|error| of_file(&folder.display(), &error))
    }
}
