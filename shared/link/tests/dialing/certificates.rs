//! Certificate authorities, certificates of theirs, and PKCS#12 files as the world makes them.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientCertVerifierBuilder, WebPkiClientVerifier};
use testkit::Scratch;
use tokio_rustls::TlsAcceptor;

/// An authority of a test.
pub(crate) struct Authority {
    pub(crate) pem: String,
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key.
pub(crate) struct Leaf {
    pub(crate) pem: String,
    pub(crate) key_pem: String,
    der: CertificateDer<'static>,
    key_der: Vec<u8>,
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec!["localhost".into(), "127.0.0.1".into()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let own = params.self_signed(&key).unwrap();
        Self { pem: own.pem(), der: own.der().clone(), issuer: Issuer::new(params, key) }
    }

    /// An authority below this one.
    pub(crate) fn below(&self, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let own = params.signed_by(&key, &self.issuer).unwrap();
        Self { pem: own.pem(), der: own.der().clone(), issuer: Issuer::new(params, key) }
    }

    pub(crate) fn sign(&self, name: &str) -> Leaf {
        let key = KeyPair::generate().unwrap();
        let own = params(name).signed_by(&key, &self.issuer).unwrap();
        Leaf {
            pem: own.pem(),
            key_pem: key.serialize_pem(),
            der: own.der().clone(),
            key_der: key.serialize_der(),
        }
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        Arc::new(roots)
    }

    /// The TLS of a server with a certificate of this authority.
    pub(crate) fn acceptor(&self, admits: &Admits<'_>) -> TlsAcceptor {
        let verifier = admits.authority.map(|authority| authority.verifier().build().unwrap());
        self.acceptor_with(verifier.unwrap_or_else(WebPkiClientVerifier::no_client_auth), admits.versions)
    }

    /// The same, but clients without a certificate pass, too.
    pub(crate) fn lenient_acceptor(&self, admits: &Admits<'_>) -> TlsAcceptor {
        let verifier = admits.authority.unwrap().verifier().allow_unauthenticated().build();
        self.acceptor_with(verifier.unwrap(), admits.versions)
    }

    fn verifier(&self) -> ClientCertVerifierBuilder {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        WebPkiClientVerifier::builder_with_provider(self.roots(), provider)
    }

    fn acceptor_with(
        &self,
        verifier: Arc<dyn ClientCertVerifier>,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let own = self.sign("server");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.key_der));
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![own.der], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    /// The dialer of a client that trusts this authority.
    pub(crate) fn dialer(&self, egress: link::Egress) -> link::Dialer {
        let folder = Scratch::new("link-ca");
        let tls = link::client_config(Some(&folder.file("ca.pem", &self.pem))).unwrap();
        link::Dialer::new(tls, egress)
    }
}

/// Whom a server lets in.
pub(crate) struct Admits<'a> {
    /// Only clients with a certificate of this authority.
    pub(crate) authority: Option<&'a Authority>,
    pub(crate) versions: &'a [&'static rustls::SupportedProtocolVersion],
}

impl Admits<'_> {
    pub(crate) fn everybody() -> Self {
        Self { authority: None, versions: rustls::ALL_VERSIONS }
    }
}

/// Runs openssl in a folder.
///
/// # Panics
/// If there is none, or it fails.
pub(crate) fn openssl(folder: &Path, arguments: &[&str]) {
    let done = Command::new("openssl").args(arguments).current_dir(folder).output();
    let done = done.unwrap_or_else(|cause| panic!("these tests need the program openssl: {cause}"));
    assert!(done.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// The bytes of a PKCS#12 file with this content, made by openssl.
pub(crate) fn pfx(leaf: &Leaf, above: &[&Authority], password: &str, how: &[&str]) -> Vec<u8> {
    let folder = Scratch::new("link-pfx");
    folder.file("own.pem", &leaf.pem);
    folder.file("key.pem", &leaf.key_pem);
    folder.file("above.pem", &above.iter().map(|authority| authority.pem.as_str()).collect::<String>());
    let password = format!("pass:{password}");
    let mut arguments = vec!["pkcs12", "-export", "-in", "own.pem", "-inkey", "key.pem", "-out", "own.pfx"];
    arguments.extend(["-passout", &password]);
    if !above.is_empty() {
        arguments.extend(["-certfile", "above.pem"]);
    }
    arguments.extend(how);
    openssl(folder.path(), &arguments);
    std::fs::read(folder.path().join("own.pfx")).unwrap()
}
