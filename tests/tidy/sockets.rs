//! All sockets are made in one file, so that binding to an interface, and failing closed, is one function.

use syn::visit::{self, Visit};

use crate::sources::Source;

const THE_PLACE: &str = "net-real/src/sockets.rs";
const TYPES: &[&str] = &["Socket", "TcpStream", "TcpListener", "UdpSocket"];
const MAKERS: &[&str] = &["new", "new_raw", "pair", "bind", "connect", "connect_timeout"];

/// Every call outside of [`THE_PLACE`] that makes a socket. Tests may make their own.
pub(crate) fn check(source: &Source) -> Vec<String> {
    if source.path == THE_PLACE || source.is_test() {
        return Vec::new();
    }
    let mut calls = Calls::default();
    calls.visit_file(&source.syntax);
    calls
        .0
        .iter()
        .map(|(line, call)| format!("{}:{line}: `{call}` belongs into {THE_PLACE}", source.path))
        .collect()
}

#[derive(Default)]
struct Calls(Vec<(usize, String)>);

impl<'ast> Visit<'ast> for Calls {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !item.attrs.iter().any(is_cfg_test) {
            visit::visit_item_mod(self, item);
        }
    }

    /// `UdpSocket::bind`, `smol::net::TcpStream::connect` and `Async::<TcpListener>::bind`.
    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        let mut names = Names::default();
        names.visit_expr_path(path);
        let maker = path
            .path
            .segments
            .last()
            .map(|segment| segment.ident.to_string())
            .unwrap_or_default();
        if let Some(kind) = names.0.iter().find(|name| TYPES.contains(&name.as_str()))
            && MAKERS.contains(&maker.as_str())
        {
            let line = path.path.segments[0].ident.span().start().line;
            self.0.push((line, format!("{kind}::{maker}")));
        }
        visit::visit_expr_path(self, path);
    }
}

/// All names of a path, those between angle brackets included.
#[derive(Default)]
struct Names(Vec<String>);

impl<'ast> Visit<'ast> for Names {
    fn visit_ident(&mut self, ident: &'ast syn::Ident) {
        self.0.push(ident.to_string());
    }
}

fn is_cfg_test(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute
            .parse_args::<syn::Ident>()
            .is_ok_and(|condition| condition == "test")
}

#[cfg(test)]
mod planted {
    use super::check;
    use crate::sources::Source;

    #[track_caller]
    fn findings(path: &str, text: &str, want: usize) {
        let found = check(&Source::parse(path, text));
        assert_eq!(found.len(), want, "{path}: {text}: {found:?}");
    }

    #[test]
    fn a_socket_made_elsewhere_is_found() {
        for call in [
            "socket2::Socket::new(a, b, c)",
            "std::net::UdpSocket::bind(a)",
            "Async::<TcpListener>::bind(a)",
            "<Async<TcpStream>>::connect(a)",
            "a.map(TcpStream::connect)",
        ] {
            let text = format!("fn f() {{ {call}; }}");
            findings("net-real/src/tcp.rs", &text, 1);
            findings("sim/src/net.rs", &text, 1);
            findings("net-real/src/sockets.rs", &text, 0);
            findings("net-real/src/driver/tests.rs", &text, 0);
            findings("net-real/tests/loopback.rs", &text, 0);
            findings(
                "net-real/src/tcp.rs",
                &format!("#[cfg(test)] mod tests {{ {text} }}"),
                0,
            );
        }
    }

    #[test]
    fn other_calls_are_not_sockets() {
        findings(
            "net-real/src/tcp.rs",
            "fn f(s: TcpStream) { Socket::from(s); Vec::new(); engine.connect(); }",
            0,
        );
    }
}
