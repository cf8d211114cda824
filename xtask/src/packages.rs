//! Programs that tests start: found, or installed where that is possible without asking.

use std::path::Path;
use std::process::Command;

use crate::Failure;

/// A program and where it comes from.
struct Need {
    /// Any of these will do.
    programs: &'static [&'static str],
    /// Its Debian package.
    package: &'static str,
    /// What for.
    why: &'static str,
}

const NEEDS: [Need; 2] = [
    Need {
        programs: &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
        package: "chromium",
        why: "the web pages are tested in a real browser",
    },
    Need { programs: &["curl"], package: "curl", why: "the commands of the README are run as they stand" },
];

/// Makes sure that everything is installed.
pub(crate) fn ensure() -> Result<(), Failure> {
    let missing: Vec<&Need> =
        NEEDS.iter().filter(|need| !need.programs.iter().any(|name| is_installed(name))).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    if !(is_root() && is_installed("apt-get")) {
        return Err(Failure::Explained(explanation(&missing, &packages)));
    }
    println!("xtask: installing {}", packages.join(" "));
    apt_get(&["update"])?;
    let mut args = vec!["install", "--yes", "--no-install-recommends"];
    args.extend(packages);
    apt_get(&args)
}

fn explanation(missing: &[&Need], packages: &[&str]) -> String {
    let mut text = String::from("some programs that tests need are not installed:\n");
    for need in missing {
        text.push_str(&format!("  {}: {}\n", need.programs.join(" or "), need.why));
    }
    text.push_str(&format!("On Debian: sudo apt-get install {}", packages.join(" ")));
    text
}

fn apt_get(args: &[&str]) -> Result<(), Failure> {
    let status = Command::new("apt-get").args(args).env("DEBIAN_FRONTEND", "noninteractive").status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Failure::Program(format!("apt-get {}", args.join(" ")))),
        Err(error) => Err(Failure::Explained(format!("apt-get cannot be started: {error}"))),
    }
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Asks the system, as the standard library does not tell.
fn is_root() -> bool {
    let answer = Command::new("id").arg("-u").output();
    answer.is_ok_and(|output| output.stdout.trim_ascii() == b"0") && Path::new("/etc/debian_version").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_package() {
        let missing: Vec<&Need> = NEEDS.iter().collect();
        let text = explanation(&missing, &["chromium", "curl"]);
        assert!(text.contains("chromium or") && text.ends_with("apt-get install chromium curl"), "{text}");
    }

    #[test]
    fn programs_are_looked_for_where_the_shell_does() {
        assert!(is_installed("sh") && !is_installed("no-such-program-at-all"));
    }
}
