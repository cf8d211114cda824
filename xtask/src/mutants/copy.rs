//! The copy of the tree that is changed instead of the tree. Files that are as before keep their times, so that little is
//! built anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::tools::of_file;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// What builds make in the copy.
const BUILT: &str = "target";

/// Makes the copy like the tree: all files that git keeps, or would.
pub(super) fn refresh(copy: &Path) -> Result<(), Failure> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(ROOT)
        .output();
    let listed = listed.map_err(|error| of_file(&"git", &error))?;
    if !listed.status.success() {
        return Err(Failure::Program("git ls-files".to_owned()));
    }
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let names = listed.split('\0').filter(|name| !name.is_empty());
    mirror(Path::new(ROOT), copy, names).map_err(|error| of_file(&copy.display(), &error))
}

fn mirror<'a>(from: &Path, to: &Path, names: impl Iterator<Item = &'a str>) -> std::io::Result<()> {
    let mut kept = BTreeSet::new();
    for name in names {
        let (source, copy) = (from.join(name), to.join(name));
        // Deleted, but not for git yet.
        let Ok(text) = std::fs::read(&source) else { continue };
        kept.insert(copy.clone());
        if std::fs::read(&copy).is_ok_and(|present| present == text) {
            continue;
        }
        if let Some(folder) = copy.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&copy, text)?;
        std::fs::set_permissions(&copy, std::fs::metadata(&source)?.permissions())?;
    }
    remove_others(to, &kept, &to.join(BUILT))
}

fn remove_others(folder: &Path, kept: &BTreeSet<PathBuf>, spared: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
        if path == spared || kept.contains(&path) {
            continue;
        }
        if kind.is_dir() {
            remove_others(&path, kept, spared)?;
        } else {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_follows_its_tree_and_touches_nothing_that_stayed() -> Result<(), Failure> {
        let folder = crate::tools::target()?.join("mutants-copy-test");
        let _ = std::fs::remove_dir_all(&folder);
        follow(&folder).map_err(|error| of_file(&folder.display(), &error))
    }

    fn follow(folder: &Path) -> std::io::Result<()> {
        let (tree, copy) = (folder.join("tree"), folder.join("copy"));
        for inner in [tree.join("src"), copy.join("target")] {
            std::fs::create_dir_all(inner)?;
        }
        let names = ["same", "src/changed", "gone"];
        for name in names {
            std::fs::write(tree.join(name), name)?;
        }
        mirror(&tree, &copy, names.into_iter())?;
        std::fs::write(copy.join("target/built"), "")?;
        std::fs::write(copy.join("src/changed"), "by a mutant")?;
        std::fs::remove_file(tree.join("gone"))?;
        let written = |name: &str| std::fs::metadata(copy.join(name))?.modified();
        let before = written("same")?;
        mirror(&tree, &copy, names.into_iter())?;
        assert_eq!(std::fs::read_to_string(copy.join("src/changed"))?, "src/changed");
        assert_eq!(written("same")?, before);
        assert!(!copy.join("gone").exists());
        assert!(copy.join("target/built").exists());
        std::fs::remove_dir_all(folder)
    }
}
