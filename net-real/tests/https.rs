//! Announces over HTTPS on loopback: a private authority that the user trusts, and certificates that are refused.

mod support;

use futures_rustls::TlsAcceptor;
use futures_rustls::rustls::ServerConfig;
use futures_rustls::rustls::crypto::ring;
use futures_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use seedbed_engine::time::Instant;
use seedbed_sim::tracker::{AnnounceEvent, Limits, Tracker, head_length};
use smol::io::{AsyncReadExt, AsyncWriteExt};
use std::sync::{Arc, Mutex};
use support::Sandbox;
use support::running::album;

/// A certificate authority and its PEM file.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "the authority of a test");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        }
    }
}

/// What is wrong with the server's certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Certificate {
    Good,
    SelfSigned,
    Expired,
    OtherName,
}

/// A tracker behind TLS. It serves until the test ends.
struct HttpsTracker {
    url: String,
    tracker: Arc<Mutex<Tracker>>,
}

impl HttpsTracker {
    fn start(authority: &Authority, kind: Certificate) -> Self {
        let key = KeyPair::generate().expect("a key");
        let name = if kind == Certificate::OtherName {
            "other.test"
        } else {
            "127.0.0.1"
        };
        let mut params = CertificateParams::new(vec![name.into()]).expect("parameters");
        if kind == Certificate::Expired {
            params.not_before = rcgen::date_time_ymd(2019, 1, 1);
            params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        }
        let certificate = if kind == Certificate::SelfSigned {
            params.self_signed(&key)
        } else {
            params.signed_by(&key, &authority.issuer)
        };
        let chain = vec![certificate.expect("a certificate").der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .expect("a server");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("https://{}/announce", listener.local_addr().expect("its address"));
        let tracker = Arc::new(Mutex::new(Tracker::new(Limits::default(), [3; 32])));
        let served = tracker.clone();
        std::thread::spawn(move || {
            smol::block_on(serve(listener, TlsAcceptor::from(Arc::new(config)), served));
        });
        Self { url, tracker }
    }

    fn events(&self) -> Vec<AnnounceEvent> {
        let tracker = self.tracker.lock().expect("nobody panicked");
        tracker
            .announces()
            .iter()
            .map(|announce| announce.event)
            .collect()
    }
}

async fn serve(listener: std::net::TcpListener, acceptor: TlsAcceptor, tracker: Arc<Mutex<Tracker>>) {
    let listener = smol::Async::new(listener).expect("a listener");
    loop {
        let Ok((stream, from)) = listener.accept().await else {
            return;
        };
        let Ok(mut stream) = acceptor.accept(stream).await else {
            continue;
        };
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        while head_length(&request).is_none() {
            match stream.read(&mut buffer).await {
                Ok(count) if count > 0 => request.extend_from_slice(&buffer[..count]),
                _ => break,
            }
        }
        let answer = tracker
            .lock()
            .expect("nobody panicked")
            .request(Instant::from_secs(1), from, &request);
        let _ = stream.write_all(&answer).await;
        let _ = stream.close().await;
    }
}

fn probe(sandbox: &Sandbox, tracker: &HttpsTracker, code: i32, more: &str) -> String {
    let ran = sandbox.expect(
        code,
        &format!(
            "probe tracker {} album.torrent --bind 127.0.0.1 {more} --json",
            tracker.url
        ),
    );
    ran.json()["failure"].as_str().unwrap_or_default().to_string()
}

#[test]
fn an_authority_that_the_user_names_is_trusted_and_only_then() {
    let authority = Authority::new();
    let sandbox = album("http://127.0.0.1:1/announce");
    sandbox.bytes("ca.pem", authority.pem.as_bytes());
    let tracker = HttpsTracker::start(&authority, Certificate::Good);
    assert_eq!(probe(&sandbox, &tracker, 0, "--ca ca.pem"), "");
    assert_eq!(tracker.events(), [AnnounceEvent::Started, AnnounceEvent::Stopped]);
    let failure = probe(&sandbox, &tracker, 5, "");
    assert!(failure.contains("issuer is not trusted"), "{failure}");
    assert_eq!(
        tracker.events().len(),
        2,
        "nothing is said to who cannot be checked"
    );
}

#[test]
fn each_bad_certificate_is_refused_with_a_sentence_that_says_which() {
    let authority = Authority::new();
    let sandbox = album("http://127.0.0.1:1/announce");
    sandbox.bytes("ca.pem", authority.pem.as_bytes());
    for (kind, sentence) in [
        (Certificate::SelfSigned, "self-signed"),
        (Certificate::Expired, "expired"),
        (Certificate::OtherName, "another host name"),
    ] {
        let tracker = HttpsTracker::start(&authority, kind);
        let failure = probe(&sandbox, &tracker, 5, "--ca ca.pem");
        assert!(failure.contains(sentence), "{failure}");
        assert!(tracker.events().is_empty(), "nothing was announced");
    }
}

#[test]
fn a_torrent_with_an_https_tracker_announces_to_it() {
    let authority = Authority::new();
    let tracker = HttpsTracker::start(&authority, Certificate::Good);
    let sandbox = album(&tracker.url);
    sandbox.bytes("ca.pem", authority.pem.as_bytes());
    // nobody has it: the announce is what counts
    sandbox.expect(
        5,
        "download album.torrent -d new --bind 127.0.0.1 --port 0 --ca ca.pem --stop-timeout 2",
    );
    assert_eq!(tracker.events(), [AnnounceEvent::Started, AnnounceEvent::Stopped]);
}
