#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::fs;
use std::path::PathBuf;

use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mt5rest-tls-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn files(&self) -> Files {
        Files { cert: self.0.join("cert.pem"), key: self.0.join("key.pem"), client_ca: None }
    }

    fn issue(&self) {
        let (cert, key) = issued();
        fs::write(self.files().cert, cert).unwrap();
        fs::write(self.files().key, key).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn issued() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

#[test]
fn changed_files_are_taken_when_they_have_settled() {
    let folder = Folder::new("settled");
    folder.issue();
    let identity = Identity::load(folder.files()).unwrap();
    assert!(matches!(identity.look(), Looked::Same));
    let before = Arc::as_ptr(identity.acceptor().config());
    folder.issue();
    assert!(matches!(identity.look(), Looked::Changing));
    folder.issue();
    assert!(matches!(identity.look(), Looked::Changing), "they change again");
    assert_eq!(Arc::as_ptr(identity.acceptor().config()), before);
    assert!(matches!(identity.look(), Looked::Taken));
    assert_ne!(Arc::as_ptr(identity.acceptor().config()), before);
    assert!(matches!(identity.look(), Looked::Same));
}

#[test]
fn files_of_no_use_leave_the_old_ones_in_force_and_are_told_once() {
    let folder = Folder::new("refused");
    folder.issue();
    let identity = Identity::load(folder.files()).unwrap();
    let before = Arc::as_ptr(identity.acceptor().config());
    let break_it: [fn(&Files); 4] = [
        |files| fs::write(&files.cert, "nothing").unwrap(),
        |files| fs::write(&files.key, issued().1).unwrap(),
        |files| fs::write(&files.cert, vec![b'x'; (1 << 20) + 1]).unwrap(),
        |files| fs::remove_file(&files.key).unwrap(),
    ];
    for (index, break_it) in break_it.into_iter().enumerate() {
        break_it(&folder.files());
        assert!(matches!(identity.look(), Looked::Changing | Looked::StillRefused), "{index}");
        let looked = identity.look();
        assert!(matches!(looked, Looked::Refused(_) | Looked::StillRefused), "{index}: {looked:?}");
        assert!(matches!(identity.look(), Looked::StillRefused), "{index}");
        assert_eq!(Arc::as_ptr(identity.acceptor().config()), before, "{index}");
    }
    folder.issue();
    identity.look();
    assert!(matches!(identity.look(), Looked::Taken));
}

#[test]
fn what_is_wrong_at_the_start_is_told_with_its_file() {
    let folder = Folder::new("wrong");
    folder.issue();
    let missing = Files { client_ca: Some(folder.0.join("none.pem")), ..folder.files() };
    assert!(Identity::load(missing).unwrap_err().to_string().contains("none.pem"));
    fs::write(folder.files().key, issued().1).unwrap();
    assert!(Identity::load(folder.files()).is_err(), "a key of another certificate");
    fs::write(folder.files().cert, "").unwrap();
    assert!(Identity::load(folder.files()).unwrap_err().to_string().contains("no certificate"));
    assert!(crate::Trust::load(&folder.files().cert).is_err());
}
