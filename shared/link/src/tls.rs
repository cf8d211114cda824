//! Which certificates are trusted.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Why no trust can be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file of extra certificates is of no use.
    #[error("the CA file {file} cannot be used: {reason}")]
    ExtraCa {
        /// Its path.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// TLS itself cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

/// Trusts the certificates of the system, and those of a PEM file beside them.
///
/// # Errors
/// [`TlsError`] if the file cannot be read or holds no certificate.
pub fn client_config(extra_ca: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    for failure in &system.errors {
        tracing::warn!(%failure, "some certificates of the system cannot be read");
    }
    roots.add_parsable_certificates(system.certs);
    if let Some(path) = extra_ca {
        add_extra(&mut roots, path)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn add_extra(roots: &mut RootCertStore, path: &Path) -> Result<(), TlsError> {
    let wrong = |reason: String| TlsError::ExtraCa { file: path.display().to_string(), reason };
    let certificates = CertificateDer::pem_file_iter(path).map_err(|cause| wrong(cause.to_string()))?;
    let before = roots.len();
    for certificate in certificates {
        let certificate = certificate.map_err(|cause| wrong(cause.to_string()))?;
        roots.add(certificate).map_err(|cause| wrong(cause.to_string()))?;
    }
    if roots.len() == before { Err(wrong("it holds no certificate".into())) } else { Ok(()) }
}
