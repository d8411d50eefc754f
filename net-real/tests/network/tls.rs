//! Certificates: a private authority works when it is given; everything else is refused with the right reason.

use crate::fetch::fetch_url;
use crate::rig::{client, options};
use futures_rustls::pki_types::{CertificateDer, PrivateKeyDer};
use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use seedbed::StartError;
use seedbed::engine::net::{CloseCause, TlsFault};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

/// The certificate that a server shows.
struct Shown {
    config: ServerConfig,
    /// The authority that signed it.
    authority: String,
}

/// A certificate for these names, signed by a new authority.
fn signed(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Shown {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = Issuer::new(authority, authority_key);
    let mut params = params(names);
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    Shown {
        config: config(certificate.der().clone(), &key),
        authority: pem,
    }
}

fn self_signed(names: &[&str], is_ca: IsCa) -> Shown {
    let mut params = params(names);
    params.is_ca = is_ca;
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Shown {
        config: config(certificate.der().clone(), &key),
        authority: signed(&[], |_| {}).authority,
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    CertificateParams::new(names).unwrap()
}

fn config(certificate: CertificateDer<'static>, key: &KeyPair) -> ServerConfig {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap()
}

/// Fetches over TLS; the body, or why the connection did not come to be.
fn fetch(shown: Shown, host: &str, trusted: bool) -> Result<Vec<u8>, Vec<CloseCause>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = Arc::new(shown.config);
    // Left behind: a client that refuses a certificate may try again or not.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let session = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(session, stream.unwrap());
            if stream.read(&mut [0; 4096]).is_ok() {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret");
                let _ = stream.flush();
            }
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path());
    if trusted {
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, shown.authority).unwrap();
        options.ca_files = vec![file];
    }
    let (mut client, seen) = client(options);
    let result = fetch_url(&mut client, &format!("https://{host}:{port}/x"));
    result.map_err(|_| seen.borrow().closed.clone())
}

#[track_caller]
fn refused(result: Result<Vec<u8>, Vec<CloseCause>>, fault: TlsFault) {
    let causes = result.expect_err("a certificate that must be refused was accepted");
    assert!(!causes.is_empty());
    for cause in causes {
        assert_eq!(cause, CloseCause::Tls(fault.clone()));
    }
}

#[test]
fn a_private_authority_works_when_it_is_given() {
    assert_eq!(
        fetch(signed(&["localhost"], |_| {}), "localhost", true).unwrap(),
        b"secret"
    );
    assert_eq!(
        fetch(signed(&["127.0.0.1"], |_| {}), "127.0.0.1", true).unwrap(),
        b"secret"
    );
}

#[test]
fn an_authority_that_nobody_named_is_refused() {
    refused(
        fetch(signed(&["localhost"], |_| {}), "localhost", false),
        TlsFault::UnknownIssuer,
    );
}

#[test]
fn a_self_signed_certificate_is_refused() {
    for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        refused(
            fetch(self_signed(&["localhost"], is_ca), "localhost", true),
            TlsFault::UnknownIssuer,
        );
    }
}

#[test]
fn a_certificate_out_of_its_time_is_refused() {
    let expired = signed(&["localhost"], |params| {
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
    });
    refused(fetch(expired, "localhost", true), TlsFault::Expired);
    let future = signed(&["localhost"], |params| {
        params.not_before = date_time_ymd(3000, 1, 1);
    });
    refused(fetch(future, "localhost", true), TlsFault::Expired);
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    refused(
        fetch(signed(&["example.org"], |_| {}), "localhost", true),
        TlsFault::WrongName,
    );
    refused(
        fetch(signed(&["localhost"], |_| {}), "127.0.0.1", true),
        TlsFault::WrongName,
    );
}

#[test]
fn a_file_that_holds_no_authority_is_told_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("not.pem");
    for content in [None, Some("no certificate")] {
        if let Some(content) = content {
            std::fs::write(&file, content).unwrap();
        }
        let mut options = options(folder.path());
        options.ca_files = vec![file.clone()];
        let Err(StartError::Ca { file: named, .. }) = seedbed::Client::new(options) else {
            panic!("{content:?}")
        };
        assert_eq!(named, file);
    }
}
