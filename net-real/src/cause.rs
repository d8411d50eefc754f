//! Turns what sockets say into the engine's words.

use futures_rustls::rustls::{self, CertificateError};
use rustix::io::Errno;
use seedbed_engine::net::{CloseCause, DatagramFault, TlsFault, printable};
use std::io;

/// Longest text of a foreign library that is passed on, in characters.
const TEXT_MAX: usize = 200;

/// Why a connection ended or did not come to be.
pub fn close_cause(error: &io::Error) -> CloseCause {
    if let Some(tls) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    {
        return CloseCause::Tls(tls_fault(tls));
    }
    match Errno::from_io_error(error) {
        Some(Errno::CONNREFUSED) => CloseCause::Refused,
        Some(Errno::CONNRESET | Errno::CONNABORTED | Errno::PIPE) => CloseCause::Reset,
        Some(Errno::HOSTUNREACH | Errno::NETUNREACH | Errno::NETDOWN | Errno::HOSTDOWN) => {
            CloseCause::Unreachable
        }
        Some(Errno::TIMEDOUT) => CloseCause::TimedOut,
        Some(
            Errno::MFILE
            | Errno::NFILE
            | Errno::NOBUFS
            | Errno::NOMEM
            | Errno::ADDRNOTAVAIL
            | Errno::ADDRINUSE
            | Errno::AFNOSUPPORT
            | Errno::NODEV
            | Errno::ACCESS
            | Errno::PERM,
        ) => CloseCause::Local(words(error)),
        None if error.kind() == io::ErrorKind::UnexpectedEof => CloseCause::Eof,
        None if error.kind() == io::ErrorKind::AddrNotAvailable => CloseCause::Local(words(error)),
        _ => CloseCause::Other(words(error)),
    }
}

/// Whether the system has no descriptor or memory left: waiting helps.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)
    )
}

/// Why a datagram did not arrive.
pub(crate) fn datagram_fault(error: &io::Error) -> DatagramFault {
    match Errno::from_io_error(error) {
        Some(Errno::CONNREFUSED) => DatagramFault::Refused,
        Some(Errno::HOSTUNREACH | Errno::NETUNREACH | Errno::NETDOWN | Errno::HOSTDOWN) => {
            DatagramFault::Unreachable
        }
        Some(Errno::MSGSIZE) => DatagramFault::TooLong,
        _ => DatagramFault::Other,
    }
}

fn tls_fault(error: &rustls::Error) -> TlsFault {
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return TlsFault::Other(printable(&error.to_string(), TEXT_MAX));
    };
    match certificate {
        // A bad signature: an issuer of a trusted name and with another key, as after making one's own authority anew.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => TlsFault::UnknownIssuer,
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => TlsFault::Expired,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsFault::WrongName
        }
        // What `openssl req -x509` makes: a self-signed authority that is also the server.
        CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            TlsFault::UnknownIssuer
        }
        other => TlsFault::Other(printable(
            &format!("the certificate is not valid: {other:?}"),
            TEXT_MAX,
        )),
    }
}

/// The system's words without the number that `io::Error` adds.
fn words(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    printable(&text[..end], TEXT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_fault_it_is() {
        let check =
            |errno: Errno, cause: CloseCause| assert_eq!(close_cause(&errno.into()), cause, "{errno:?}");
        check(Errno::CONNREFUSED, CloseCause::Refused);
        check(Errno::PIPE, CloseCause::Reset);
        check(Errno::NETUNREACH, CloseCause::Unreachable);
        check(Errno::TIMEDOUT, CloseCause::TimedOut);
        check(Errno::MFILE, CloseCause::Local("Too many open files".into()));
        check(Errno::NODEV, CloseCause::Local("No such device".into()));
        check(Errno::PROTO, CloseCause::Other("Protocol error".into()));
    }
}
