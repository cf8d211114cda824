//! `cargo xtask mutants`: changes the money path in one place at a time and counts how many of the changes the tests of
//! the changed package notice. `docs/mutants.md` has the figures.
//!
//! cargo-mutants does the work, in a copy of the tree that stays where it is: each run builds upon the last one, and the
//! tree itself may be worked on meanwhile.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::packages::{self, Need, What};
use crate::tools::{self, of_file};
use money_path::Chosen;

mod copy;
mod exempt;
mod money_path;

/// Of cargo-mutants. Another one may make other changes.
const VERSION: &str = "27.1.0";
/// How many of ten viable changes the tests of each package catch.
const CAUGHT_OF_TEN_MIN: usize = 9;

/// What the tests of the packages start.
const NEEDS: [Need; 1] = [Need {
    what: What::Program(&["redis-server"]),
    package: "redis-server",
    why: "the registry is tested with it",
}];

type Result<T> = std::result::Result<T, Failure>;

/// What cargo-mutants ends with when it has tried every change: all were caught, some were missed, some took too long.
const TRIED: [i32; 3] = [0, 2, 3];

/// Runs the mutants that the arguments ask for.
pub(crate) fn run(args: &[&str]) -> Result<()> {
    let asked = Asked::read(args)?;
    packages::ensure_all(&NEEDS)?;
    let lab = Lab::open()?;
    let exempt = lab.exempt()?;
    let mut rows = Vec::new();
    for chosen in &asked.chosen {
        let mut counts = lab.test(chosen, &asked)?;
        counts.exempt = exempt.iter().filter(|mutant| chosen.has(mutant)).count();
        rows.push((chosen.name(), counts));
    }
    println!("\n{}", table(&rows));
    let short: Vec<&str> =
        rows.iter().filter(|(_, counts)| !counts.suffice()).map(|(name, _)| *name).collect();
    if short.is_empty() {
        return Ok(());
    }
    let short = short.join(", ");
    Err(Failure::Explained(format!(
        "the tests catch fewer than {CAUGHT_OF_TEN_MIN} of ten changes of {short}"
    )))
}

/// The command line.
#[derive(Debug)]
struct Asked {
    chosen: Vec<Chosen>,
    /// Arguments that go to cargo-mutants.
    passed: Vec<String>,
}

impl Asked {
    fn read(args: &[&str]) -> Result<Self> {
        let (mut names, mut passed) = (Vec::new(), Vec::new());
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value =
                || args.next().ok_or_else(|| Failure::Usage(format!("{arg} takes a value"))).copied();
            match *arg {
                // By turns, so that a shard is a sample of everything.
                "--shard" => {
                    passed.extend(["--sharding=round-robin".into(), format!("--shard={}", value()?)]);
                }
                "--in-diff" => {
                    let file = value()?;
                    let path = std::path::absolute(file).map_err(|error| of_file(&file, &error))?;
                    passed.push(format!("--in-diff={}", path.display()));
                }
                option if option.starts_with('-') => {
                    return Err(Failure::Usage(format!("'{option}' is not expected here")));
                }
                name => names.push(name),
            }
        }
        Ok(Self { chosen: money_path::choose(&names)?, passed })
    }
}

/// What became of the changes of a package.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    /// A test failed, or did not end.
    caught: usize,
    missed: usize,
    /// They do not compile.
    unviable: usize,
    /// Not tried, for a reason.
    exempt: usize,
}

impl Counts {
    fn suffice(self) -> bool {
        self.caught * 10 >= (self.caught + self.missed) * CAUGHT_OF_TEN_MIN
    }
}

fn table(rows: &[(&str, Counts)]) -> String {
    let mut lines = vec!["| Package | Caught | Missed | Caught of viable | Unviable | Exempt |".to_owned()];
    lines.push("| --- | ---: | ---: | ---: | ---: | ---: |".to_owned());
    for (name, counts) in rows {
        let Counts { caught, missed, unviable, exempt } = counts;
        // Rounded down: what is almost enough is not enough.
        let share = (caught * 100).checked_div(caught + missed);
        let share = share.map_or_else(|| "none".to_owned(), |share| format!("{share} %"));
        lines.push(format!("| {name} | {caught} | {missed} | {share} | {unviable} | {exempt} |"));
    }
    lines.join("\n")
}

/// Where mutants are made and tested. One run at a time.
struct Lab {
    program: PathBuf,
    tree: PathBuf,
    reports: PathBuf,
    _lock: std::fs::File,
}

impl Lab {
    fn open() -> Result<Self> {
        let folder = tools::target()?.join("mutants");
        std::fs::create_dir_all(&folder).map_err(|error| of_file(&folder.display(), &error))?;
        let lock = std::fs::File::create(folder.join("lock")).map_err(|error| of_file(&"lock", &error))?;
        lock.try_lock().map_err(|_| Failure::Explained("mutants are being tested already".to_owned()))?;
        let program = install(&folder)?;
        let tree = folder.join("tree");
        copy::refresh(&tree)?;
        Ok(Self { program, tree, reports: folder.join("reports"), _lock: lock })
    }

    /// Names of all mutants that are exempt.
    fn exempt(&self) -> Result<BTreeSet<String>> {
        let all = self.list(&[])?;
        let mut exempt = BTreeSet::new();
        for pattern in exempt::patterns()? {
            // What is left out, and not what `--re` finds: that also finds all fields that can be deleted.
            let others = self.list(&["--exclude-re", &pattern])?;
            let matched: Vec<String> = all.difference(&others).cloned().collect();
            if matched.is_empty() {
                return Err(Failure::Explained(format!("{}: '{pattern}' matches nothing", exempt::FILE)));
            }
            exempt.extend(matched);
        }
        Ok(exempt)
    }

    /// Names of the mutants of the whole money path, whatever is exempt.
    fn list(&self, filter: &[&str]) -> Result<BTreeSet<String>> {
        let mut command = self.command();
        command.args(["--workspace", "--list", "--no-config"]).args(filter);
        command.args(money_path::all().iter().flat_map(Chosen::arguments));
        let listed = command.output().map_err(|error| of_file(&self.program.display(), &error))?;
        if !listed.status.success() {
            return Err(Failure::Explained(String::from_utf8_lossy(&listed.stderr).into_owned()));
        }
        Ok(String::from_utf8_lossy(&listed.stdout).lines().map(str::to_owned).collect())
    }

    fn test(&self, chosen: &Chosen, asked: &Asked) -> Result<Counts> {
        let report = self.reports.join(chosen.name());
        std::fs::create_dir_all(&report).map_err(|error| of_file(&report.display(), &error))?;
        let mut command = self.command();
        command.args(["--in-place", "--package", chosen.package(), "--output"]).arg(&report);
        command.args(chosen.arguments()).args(&asked.passed);
        println!("xtask: {command:?}");
        let status = command.status().map_err(|error| of_file(&self.program.display(), &error))?;
        if !status.code().is_some_and(|code| TRIED.contains(&code)) {
            return Err(Failure::Program(format!("{command:?}")));
        }
        let count = |file: &str| lines_of(&report.join("mutants.out").join(file));
        Ok(Counts {
            caught: count("caught.txt") + count("timeout.txt"),
            missed: count("missed.txt"),
            unviable: count("unviable.txt"),
            exempt: 0,
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        // The copy has a target folder of its own.
        command.arg("mutants").current_dir(&self.tree).env_remove("CARGO_TARGET_DIR");
        command
    }
}

/// Zero if there is no such file: nothing was to be tried.
fn lines_of(file: &Path) -> usize {
    std::fs::read_to_string(file).map_or(0, |text| text.lines().count())
}

/// Installs cargo-mutants unless it is there.
fn install(folder: &Path) -> Result<PathBuf> {
    let root = folder.join(format!("cargo-mutants-{VERSION}"));
    let program = root.join("bin/cargo-mutants");
    if program.is_file() {
        return Ok(program);
    }
    // Not optimised, as it waits for cargo most of the time.
    let mut command = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    command.args(["install", "--quiet", "--locked", "--debug", "cargo-mutants", "--version", VERSION]);
    command.arg("--root").arg(&root).arg("--target-dir").arg(folder.join("install"));
    tools::run(&mut command)?;
    // There may be none.
    let _ = std::fs::remove_dir_all(folder.join("install"));
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(caught: usize, missed: usize) -> Counts {
        Counts { caught, missed, ..Counts::default() }
    }

    #[test]
    fn nine_of_ten_suffice() {
        assert!(counts(9, 1).suffice());
        assert!(counts(0, 0).suffice());
        assert!(!counts(89, 10).suffice());
        assert!(!counts(0, 1).suffice());
    }

    #[test]
    fn shares_are_rounded_down() {
        let rows =
            [("seal", Counts { caught: 899, missed: 101, unviable: 2, exempt: 3 }), ("wire", counts(0, 0))];
        let shown = table(&rows);
        assert!(shown.contains("| seal | 899 | 101 | 89 % | 2 | 3 |"), "{shown}");
        assert!(shown.contains("| wire | 0 | 0 | none | 0 | 0 |"), "{shown}");
    }

    #[test]
    fn wrong_arguments_are_explained() -> Result<()> {
        let wrong = |args: &[&str]| Asked::read(args).unwrap_err();
        assert_eq!(wrong(&["--shard"]), Failure::Usage("--shard takes a value".into()));
        assert_eq!(wrong(&["--jobs", "2"]), Failure::Usage("'--jobs' is not expected here".into()));
        let asked = Asked::read(&["--shard", "1/8", "seal"])?;
        assert_eq!(asked.passed, ["--sharding=round-robin", "--shard=1/8"]);
        assert_eq!(asked.chosen.iter().map(Chosen::name).collect::<Vec<_>>(), ["seal"]);
        Ok(())
    }
}
