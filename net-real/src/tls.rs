//! TLS for connections that the engine wants it on: certificates are always checked.

use crate::StartError;
use futures_rustls::TlsConnector;
use futures_rustls::client::TlsStream;
use futures_rustls::pki_types::{CertificateDer, ServerName};
use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::{ClientConfig, RootCertStore};
use seedbed_engine::net;
use smol::io::{AsyncRead, AsyncWrite};
use std::cell::OnceCell;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Makes TLS connections. What it takes is set up when the first is made: most runs make none.
pub(crate) struct Tls {
    authorities: Vec<CertificateDer<'static>>,
    connector: OnceCell<TlsConnector>,
}

impl Tls {
    /// Trusts the authorities in these PEM files beside the built-in ones.
    pub(crate) fn new(ca_files: &[PathBuf]) -> Result<Self, StartError> {
        let mut authorities = Vec::new();
        for file in ca_files {
            let read = read_authorities(file).map_err(|error| StartError::Ca {
                file: file.clone(),
                error,
            })?;
            authorities.extend(read);
        }
        Ok(Self {
            authorities,
            connector: OnceCell::new(),
        })
    }

    /// The connector, which can be taken along into a task.
    pub(crate) fn connector(&self) -> io::Result<TlsConnector> {
        if let Some(connector) = self.connector.get() {
            return Ok(connector.clone());
        }
        let connector = TlsConnector::from(Arc::new(config(&self.authorities)?));
        Ok(self.connector.get_or_init(|| connector).clone())
    }
}

/// Shakes hands over a connected stream.
pub(crate) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
    connector: TlsConnector,
    name: &net::ServerName,
    stream: S,
) -> io::Result<TlsStream<S>> {
    let host = name.0.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(host).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "no certificate can be valid for this name",
        )
    })?;
    connector.connect(name, stream).await
}

fn config(authorities: &[CertificateDer<'static>]) -> io::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for authority in authorities {
        roots.add(authority.clone()).map_err(io::Error::other)?;
    }
    // The provider is named: the process may have none or another one as its default.
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn read_authorities(file: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let certificates: Vec<_> =
        rustls_pemfile::certs(&mut BufReader::new(File::open(file)?)).collect::<Result<_, _>>()?;
    if certificates.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no certificate in it"));
    }
    let mut probe = RootCertStore::empty();
    for certificate in &certificates {
        probe
            .add(certificate.clone())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    }
    Ok(certificates)
}
