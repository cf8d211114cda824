//! Programs that tests start: found, or installed where that is possible without asking.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::Failure;

/// Something that has to be there and where it comes from.
pub(crate) struct Need {
    pub(crate) what: What,
    /// Its Debian package.
    pub(crate) package: &'static str,
    /// What for.
    pub(crate) why: &'static str,
}

/// How it is looked for.
pub(crate) enum What {
    /// Any of these programs will do.
    Program(&'static [&'static str]),
    /// A file of a library.
    File(&'static str),
    /// A module that Debian keeps apart from Python.
    PythonModule(&'static str),
}

const CLIENTS: &str = "the clients of the README are built and run";

const NEEDS: [Need; 14] = [
    Need {
        what: What::Program(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]),
        package: "chromium",
        why: "the web pages are tested in a real browser",
    },
    Need {
        what: What::Program(&["curl"]),
        package: "curl",
        why: "the commands of the README are run as they stand",
    },
    Need {
        what: What::Program(&["faketime"]),
        package: "faketime",
        why: "processes of a cluster are shown wrong clocks",
    },
    Need { what: What::Program(&["jq"]), package: "jq", why: CLIENTS },
    Need { what: What::Program(&["node"]), package: "nodejs", why: CLIENTS },
    Need {
        what: What::Program(&["npm"]),
        package: "npm",
        why: "it fetches packages of the TypeScript client",
    },
    Need { what: What::Program(&["go"]), package: "golang-go", why: CLIENTS },
    Need { what: What::Program(&["gofmt"]), package: "golang-go", why: CLIENTS },
    Need {
        what: What::File("/usr/share/gocode/src/github.com/gorilla/websocket/conn.go"),
        package: "golang-github-gorilla-websocket-dev",
        why: "the Go client uses it",
    },
    Need { what: What::Program(&["openssl"]), package: "openssl", why: "certificates are made with it" },
    Need {
        what: What::Program(&["python3"]),
        package: "python3",
        why: "the Python client and Schemathesis run with it",
    },
    Need {
        what: What::PythonModule("ensurepip"),
        package: "python3-venv",
        why: "Python packages are kept apart",
    },
    Need {
        what: What::Program(&["redis-server"]),
        package: "redis-server",
        why: "sessions of a cluster are kept in it",
    },
    Need {
        what: What::Program(&["redis-sentinel"]),
        package: "redis-sentinel",
        why: "a cluster follows it to another Redis",
    },
];

impl What {
    fn is_there(&self) -> bool {
        match self {
            Self::Program(names) => names.iter().any(|name| is_installed(name)),
            Self::File(path) => Path::new(path).is_file(),
            Self::PythonModule(name) => has_module(name),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Program(names) => names.join(" or "),
            Self::File(path) => (*path).to_owned(),
            Self::PythonModule(name) => format!("Python's module {name}"),
        }
    }
}

/// Makes sure that everything is installed which tests need.
pub(crate) fn ensure() -> Result<(), Failure> {
    ensure_all(&NEEDS)
}

/// Makes sure that these are installed.
pub(crate) fn ensure_all(needs: &[Need]) -> Result<(), Failure> {
    let missing = missing(needs);
    if missing.is_empty() {
        return Ok(());
    }
    if !(is_root() && is_installed("apt-get")) {
        return Err(Failure::Explained(explanation(&missing)));
    }
    let packages = packages(&missing);
    println!("xtask: installing {}", packages.join(" "));
    apt_get(&["update"])?;
    let mut args = vec!["install", "--yes", "--no-install-recommends"];
    args.extend(packages);
    apt_get(&args)?;
    let still = self::missing(needs);
    // Such as the module of a Python that is not Debian's.
    if still.is_empty() { Ok(()) } else { Err(Failure::Explained(explanation(&still))) }
}

fn missing(needs: &[Need]) -> Vec<&Need> {
    needs.iter().filter(|need| !need.what.is_there()).collect()
}

/// Each package once.
fn packages(missing: &[&Need]) -> Vec<&'static str> {
    let mut packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    packages.dedup();
    packages
}

fn explanation(missing: &[&Need]) -> String {
    let mut text = String::from("something that tests need is not installed:\n");
    for need in missing {
        text.push_str(&format!("  {}: {}\n", need.what.name(), need.why));
    }
    text.push_str(&format!("On Debian: sudo apt-get install {}", packages(missing).join(" ")));
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

pub(crate) fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn has_module(name: &str) -> bool {
    let import =
        Command::new("python3").args(["-c", &format!("import {name}")]).stderr(Stdio::null()).status();
    import.is_ok_and(|status| status.success())
}

/// Asks the system, as the standard library does not tell.
pub(crate) fn is_root() -> bool {
    let answer = Command::new("id").arg("-u").output();
    answer.is_ok_and(|output| output.stdout.trim_ascii() == b"0") && Path::new("/etc/debian_version").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_package() {
        let missing: Vec<&Need> = NEEDS.iter().collect();
        let text = explanation(&missing);
        assert!(text.contains("chromium or") && text.contains("apt-get install chromium curl"), "{text}");
        assert_eq!(text.matches("golang-go ").count(), 1, "{text}");
    }

    #[test]
    fn programs_are_looked_for_where_the_shell_does() {
        assert!(is_installed("sh") && !is_installed("no-such-program-at-all"));
        assert!(!What::File("no/such/file").is_there() && !has_module("no_such_module"));
    }
}
