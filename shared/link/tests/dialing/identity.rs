//! Reading PKCS#12 files.

use der::{Decode, Encode};
use link::{Identity, IdentityError};
use pkcs12::pfx::Pfx;
use testkit::Scratch;

use crate::certificates::{Authority, Leaf, openssl, pfx};

const PASSWORD: &str = "käse & 🔑";

fn leaf() -> (Authority, Leaf) {
    let authority = Authority::new("An authority");
    let leaf = authority.sign("A trader");
    (authority, leaf)
}

#[test]
fn files_are_read_however_they_are_protected() {
    let (authority, leaf) = leaf();
    let ways: [&[&str]; 9] = [
        &[],
        &["-legacy"],
        &["-legacy", "-keypbe", "PBE-SHA1-2DES", "-certpbe", "PBE-SHA1-RC2-128"],
        &["-keypbe", "AES-128-CBC", "-certpbe", "AES-192-CBC", "-macalg", "sha512"],
        &["-keypbe", "DES-EDE3-CBC", "-certpbe", "AES-256-CBC", "-macalg", "sha1"],
        &["-keypbe", "NONE", "-certpbe", "NONE", "-macalg", "sha384"],
        &["-nomac"],
        &["-nomac", "-legacy"],
        &["-iter", "100000", "-name", "Mein Zertifikat"],
    ];
    for how in ways {
        for password in [PASSWORD, "plain", ""] {
            let file = pfx(&leaf, &[&authority], password, how);
            let read = Identity::from_pkcs12(&file, password);
            assert!(read.is_ok(), "{how:?} with '{password}': {read:?}");
        }
    }
}

#[test]
fn keys_of_every_usual_kind_are_read() {
    let folder = Scratch::new("link-keys");
    let kinds: [&[&str]; 4] = [
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        &["-algorithm", "ED25519"],
    ];
    for kind in kinds {
        let read = self_signed(&folder, kind);
        assert!(read.is_ok(), "{kind:?}: {read:?}");
    }
    let short = self_signed(&folder, &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"]);
    assert!(matches!(short, Err(IdentityError::KeyUnusable { .. })), "{short:?}");
}

fn self_signed(folder: &Scratch, kind: &[&str]) -> Result<Identity, IdentityError> {
    openssl(folder.path(), &[&["genpkey", "-out", "key.pem"][..], kind].concat());
    openssl(folder.path(), &["req", "-x509", "-new", "-key", "key.pem", "-out", "own.pem", "-subj", "/CN=x"]);
    let how = ["pkcs12", "-export", "-in", "own.pem", "-inkey", "key.pem", "-out", "own.pfx"];
    openssl(folder.path(), &[&how[..], &["-passout", "pass:x"]].concat());
    Identity::from_pkcs12(&std::fs::read(folder.path().join("own.pfx")).unwrap(), "x")
}

#[test]
fn a_wrong_password_is_told_from_a_wrong_file() {
    let (_, leaf) = leaf();
    for how in [&[][..], &["-legacy"], &["-nomac"], &["-nomac", "-legacy"]] {
        let file = pfx(&leaf, &[], PASSWORD, how);
        for wrong in ["", "other", "käse"] {
            let read = Identity::from_pkcs12(&file, wrong).map(|_| ());
            assert_eq!(read, Err(IdentityError::WrongPassword), "{how:?} with '{wrong}'");
        }
    }
    // One wrong password in 256 seems to open what has no checksum, the key and the certificates alike.
    for how in [&["-certpbe", "NONE"][..], &["-legacy", "-certpbe", "NONE"], &[]] {
        let file = pfx(&leaf, &[], PASSWORD, &[how, &["-iter", "2", "-nomac"]].concat());
        assert!(Identity::from_pkcs12(&file, PASSWORD).is_ok(), "{how:?}");
        for number in 0..2_000 {
            let read = Identity::from_pkcs12(&file, &number.to_string()).map(|_| ());
            assert_eq!(read, Err(IdentityError::WrongPassword), "{how:?} with '{number}'");
        }
    }
    let pem = leaf.pem.as_bytes();
    for garbage in [&b""[..], b"0", b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", &[0x30; 5000], pem] {
        let read = Identity::from_pkcs12(garbage, PASSWORD).map(|_| ());
        assert!(matches!(read, Err(IdentityError::NotPkcs12 { .. })), "{read:?}");
    }
    let large = Identity::from_pkcs12(&vec![0; 1024 * 1024], "").map(|_| ());
    assert!(matches!(large, Err(IdentityError::TooLarge { .. })), "{large:?}");
}

#[test]
fn a_damaged_file_is_an_error_and_nothing_worse() {
    let (_, leaf) = leaf();
    // The order counts: a number of rounds brings the checksum back.
    let without = ["-legacy", "-iter", "1", "-nomac"];
    for how in [&["-iter", "1"][..], &without, &["-nomac", "-keypbe", "NONE"]] {
        let file = pfx(&leaf, &[], "x", how);
        for place in 0..file.len() {
            let mut damaged = file.clone();
            damaged[place] ^= 0x55;
            // Some places do not matter, such as a name.
            let _ = Identity::from_pkcs12(&damaged, "x");
            assert!(
                Identity::from_pkcs12(&file[..place], "x").is_err(),
                "the first {place} bytes are enough"
            );
        }
    }
}

#[test]
fn what_a_file_lacks_is_named() {
    let (authority, leaf) = leaf();
    let folder = Scratch::new("link-lacks");
    folder.file("own.pem", &leaf.pem);
    folder.file("key.pem", &leaf.key_pem);
    folder.file("other.pem", &authority.pem);
    let export = ["pkcs12", "-export", "-passout", "pass:x", "-out", "x.pfx"];
    let read = |rest: &[&str]| {
        openssl(folder.path(), &[&export[..], rest].concat());
        Identity::from_pkcs12(&std::fs::read(folder.path().join("x.pfx")).unwrap(), "x").map(|_| ())
    };
    assert_eq!(read(&["-nokeys", "-in", "own.pem"]), Err(IdentityError::NoPrivateKey));
    assert_eq!(read(&["-nocerts", "-inkey", "key.pem", "-in", "key.pem"]), Err(IdentityError::NoCertificate));
}

#[test]
fn a_file_cannot_ask_for_endless_work() {
    let (_, leaf) = leaf();
    let mut file = Pfx::from_der(&pfx(&leaf, &[], "x", &[])).unwrap();
    file.mac_data.as_mut().unwrap().iterations = i32::MAX;
    let read = Identity::from_pkcs12(&file.to_der().unwrap(), "x").map(|_| ());
    assert!(matches!(read, Err(IdentityError::TooCostly { .. })), "{read:?}");
}

#[test]
fn an_identity_and_its_errors_tell_no_secrets() {
    let (_, leaf) = leaf();
    let identity = Identity::from_pkcs12(&pfx(&leaf, &[], "x", &[]), "x").unwrap();
    assert_eq!(format!("{identity:?}"), "Identity(***)");
    let told = error::Error::from(IdentityError::WrongPassword);
    assert_eq!(told.to_string(), "INVALID_CERTIFICATE: The password of the certificate file is wrong.");
}

#[test]
fn a_certificate_of_the_first_version_is_named_as_such() {
    let folder = Scratch::new("link-v1");
    for step in [
        "req -newkey rsa:2048 -nodes -keyout key.pem -subj /CN=old -out request.pem",
        "x509 -req -in request.pem -signkey key.pem -days 9 -out own.pem",
        "pkcs12 -export -inkey key.pem -in own.pem -out own.pfx -passout pass:",
    ] {
        openssl(folder.path(), &step.split(' ').collect::<Vec<_>>());
    }
    let file = std::fs::read(folder.path().join("own.pfx")).unwrap();
    let refused = Identity::from_pkcs12(&file, "").unwrap_err();
    assert!(matches!(refused, IdentityError::Version1), "{refused:?}");
}
