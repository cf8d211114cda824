//! How the system's allocator deals with large blocks.
//!
//! glibc maps large blocks by themselves, so that they are given back when they are freed, but stops doing so for blocks of
//! up to 32 MiB once such a one was freed. What long replies take then stays with the process for good, scattered over
//! the heaps of its threads. Both limits below are fixed therefore. glibc reads them only when a program begins, from the
//! environment, so the program begins once more with them, in the same process.

/// glibc's names for its limits (mallopt(3)) with their bytes: from which size a block is mapped by itself, and how much may be
/// free at the end of a heap before that is given back.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LIMITS: [(&str, &str); 2] =
    [("MALLOC_MMAP_THRESHOLD_", "262144"), ("MALLOC_TRIM_THRESHOLD_", "1048576")];

/// Says that the program has begun again. glibc takes its own names away from programs with more rights than their user.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const BEGUN: &str = "MT5REST_BEGUN";

/// Fixes the limits, unless the environment already says something of them. Returns where that is so, or cannot be done.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn fix_limits() {
    use std::env;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    let named = LIMITS.iter().map(|(name, _)| *name).chain(["GLIBC_TUNABLES", BEGUN]);
    if named.into_iter().any(|name| env::var_os(name).is_some()) {
        return;
    }
    let Ok(program) = env::current_exe() else { return };
    let mut arguments = env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    // Comes back only when it fails, which costs memory and nothing else.
    let failure = command.args(arguments).envs(LIMITS).env(BEGUN, "again").exec();
    eprintln!("mt5rest: memory of long replies may not be given back: {failure}");
}

/// Other allocators are left alone.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn fix_limits() {}
