//! Certificates of the ports.

use tls::{Files, Identity, Trust};

use super::check::Mistakes;

impl Mistakes {
    /// Certificate and key of a port, by the beginning of their options, such as `--tls`.
    pub(super) fn identity(
        &mut self,
        options: &str,
        cert: Option<String>,
        key: Option<String>,
    ) -> Option<Option<Identity>> {
        let Some(files) = self.tls_files(options, cert, key, None)? else { return Some(None) };
        match Identity::load(files) {
            Ok(identity) => Some(Some(identity)),
            Err(mistake) => self.note(format_args!("{options}-cert, {options}-key: {mistake}")),
        }
    }

    /// Whose certificates are good.
    pub(super) fn trust(&mut self, option: &str, authorities: Option<String>) -> Option<Option<Trust>> {
        let Some(file) = self.file(option, authorities)? else { return Some(None) };
        match Trust::load(&file) {
            Ok(trust) => Some(Some(trust)),
            Err(mistake) => self.note(format_args!("{option}: {mistake}")),
        }
    }

    /// The files of a certificate; what they hold is not looked at.
    pub(super) fn tls_files(
        &mut self,
        options: &str,
        cert: Option<String>,
        key: Option<String>,
        client_ca: Option<String>,
    ) -> Option<Option<Files>> {
        let of = |part| format!("{options}-{part}");
        let (cert, key) = (self.file(&of("cert"), cert)?, self.file(&of("key"), key)?);
        match (cert, key, self.file(&of("client-ca"), client_ca)?) {
            (None, None, None) => Some(None),
            (Some(cert), Some(key), client_ca) => Some(Some(Files { cert, key, client_ca })),
            (None, None, Some(_)) => {
                self.note(format_args!("{options}-client-ca needs {options}-cert and {options}-key"))
            }
            _ => self.note(format_args!("{options}-cert and {options}-key go together: give both or none")),
        }
    }
}
