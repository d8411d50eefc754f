//! The life of one GET: look up, connect (next address when one fails), send, receive, follow redirects.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::access::Origin;
use super::inflate::inflate;
use super::response::Response;
use super::{Access, Families, HttpBody, HttpError, HttpOutput, Scheme, Stage, Url, allowed};
use crate::config::HttpConfig;
use crate::net::{CloseCause, LookupError, ServerName};
use crate::scope::Scope;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Addresses of one host that are tried; a name may have hundreds.
const ADDRESSES_MAX: usize = 8;

#[derive(Clone, Debug, Serialize, Deserialize)]
enum State {
    Resolving,
    Connecting { to: SocketAddr, rest: VecDeque<IpAddr> },
    Receiving { from: SocketAddr, response: Response },
    Done,
}

/// One GET of one URL.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HttpExchange {
    url: Url,
    access: Access,
    families: Families,
    config: HttpConfig,
    user_agent: String,
    /// Whether whoever wrote the URL gave it a query.
    user_query: bool,
    /// The query of the first request.
    first_query: Option<String>,
    /// Where the last redirect came from.
    redirected_by: Option<Scope>,
    redirects: u32,
    state: State,
    total_at: Instant,
    stage_at: Instant,
    outputs: VecDeque<HttpOutput>,
}

impl HttpExchange {
    /// Starts a GET of `url`. `user_query` says whether the URL had a query before any of our arguments were added
    /// (it decides about local addresses).
    pub fn new(
        now: Instant,
        url: &Url,
        access: Access,
        user_query: bool,
        families: Families,
        config: &HttpConfig,
        user_agent: &str,
    ) -> Self {
        let mut exchange = Self {
            url: url.clone(),
            access,
            families,
            config: config.clone(),
            user_agent: user_agent.into(),
            user_query,
            first_query: url.query().map(String::from),
            redirected_by: None,
            redirects: 0,
            state: State::Resolving,
            total_at: now + config.total_timeout,
            stage_at: Instant::FAR_FUTURE,
            outputs: VecDeque::new(),
        };
        exchange.resolve(now);
        exchange
    }

    /// What to do next, in order.
    pub fn poll_output(&mut self) -> Option<HttpOutput> {
        self.outputs.pop_front()
    }

    /// When `handle_timeout` is due; `None` once it is over.
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Done => None,
            State::Resolving | State::Connecting { .. } | State::Receiving { .. } => {
                Some(self.total_at.min(self.stage_at))
            }
        }
    }

    /// The answer to [`HttpOutput::Resolve`].
    pub fn handle_resolved(&mut self, now: Instant, result: Result<Vec<IpAddr>, LookupError>) {
        if !matches!(self.state, State::Resolving) {
            return;
        }
        match result {
            Ok(addresses) => self.use_addresses(now, addresses),
            Err(error) => self.finish(Err(HttpError::Lookup(error))),
        }
    }

    /// The connection stands (TLS included).
    pub fn handle_connected(&mut self, now: Instant) {
        let State::Connecting { to, .. } = self.state else {
            return;
        };
        self.stage_at = now + self.config.receive_timeout;
        self.trace(format!("GET {}/… from {to}", self.url.origin()));
        self.outputs.push_back(HttpOutput::Send(self.request()));
        self.state = State::Receiving {
            from: to,
            response: Response::default(),
        };
    }

    /// Bytes of the connection.
    pub fn handle_received(&mut self, now: Instant, data: &[u8]) {
        let State::Receiving { response, .. } = &mut self.state else {
            return;
        };
        if !data.is_empty() {
            self.stage_at = now + self.config.receive_timeout;
        }
        match response.receive(data, &self.config) {
            Ok(false) => self.check_length(),
            Ok(true) => {
                self.outputs.push_back(HttpOutput::Close);
                self.answered(now);
            }
            Err(error) => self.fail_open(error),
        }
    }

    /// The connection is no more, or never came to be.
    pub fn handle_closed(&mut self, now: Instant, cause: CloseCause) {
        match &mut self.state {
            State::Resolving | State::Done => {}
            State::Connecting { rest, .. } => {
                let rest = core::mem::take(rest);
                self.connect(now, rest, HttpError::Connect(cause));
            }
            State::Receiving { response, .. } => {
                if cause == CloseCause::Eof && response.finish() {
                    self.answered(now);
                } else {
                    self.finish(Err(HttpError::Closed(cause)));
                }
            }
        }
    }

    /// Time has passed; call it at [`HttpExchange::deadline`].
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadline().is_none_or(|due| now < due) {
            return;
        }
        let over = now >= self.total_at;
        match &mut self.state {
            State::Resolving | State::Done => self.finish(Err(HttpError::Timeout(Stage::Lookup))),
            State::Connecting { rest, .. } => {
                let rest = core::mem::take(rest);
                self.outputs.push_back(HttpOutput::Close);
                if over {
                    self.finish(Err(HttpError::Timeout(Stage::Connect)));
                } else {
                    self.connect(now, rest, HttpError::Timeout(Stage::Connect));
                }
            }
            State::Receiving { .. } => self.fail_open(HttpError::Timeout(Stage::Answer)),
        }
    }

    fn trace(&mut self, text: String) {
        self.outputs.push_back(HttpOutput::Trace(text));
    }

    fn finish(&mut self, result: Result<HttpBody, HttpError>) {
        self.state = State::Done;
        self.outputs.push_back(HttpOutput::Done(result));
    }

    fn fail_open(&mut self, error: HttpError) {
        self.outputs.push_back(HttpOutput::Close);
        self.finish(Err(error));
    }

    fn resolve(&mut self, now: Instant) {
        self.state = State::Resolving;
        self.stage_at = self.total_at;
        match self.url.address() {
            Some(address) => self.use_addresses(now, [address].into()),
            None => self.outputs.push_back(HttpOutput::Resolve {
                host: self.url.host().into(),
            }),
        }
    }

    fn use_addresses(&mut self, now: Instant, addresses: Vec<IpAddr>) {
        let mut rest: VecDeque<IpAddr> = VecDeque::new();
        for address in addresses
            .into_iter()
            .filter(|address| self.families.contain(address))
        {
            if rest.len() < ADDRESSES_MAX && !rest.contains(&address) {
                rest.push_back(address);
            }
        }
        self.connect(now, rest, HttpError::NoAddress);
    }

    /// Connects to the first permitted one of `rest`; `error` is what is wrong if there is none.
    fn connect(&mut self, now: Instant, mut rest: VecDeque<IpAddr>, mut error: HttpError) {
        while let Some(address) = rest.pop_front() {
            let origin = self.redirected_by.map(|scope| Origin {
                scope,
                query: self.first_query.as_deref(),
            });
            if let Err(why) = allowed(&self.url, address, self.access, self.user_query, origin.as_ref()) {
                error = HttpError::Forbidden(why.into());
                continue;
            }
            let to = SocketAddr::new(address, self.url.port());
            let tls = (self.url.scheme() == Scheme::Https).then(|| ServerName(self.url.host().into()));
            self.stage_at = now + self.config.connect_timeout;
            self.state = State::Connecting { to, rest };
            self.outputs.push_back(HttpOutput::Connect { to, tls });
            return;
        }
        self.finish(Err(error));
    }

    fn request(&self) -> Vec<u8> {
        let mut text = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: {}\r\nAccept-Encoding: gzip\r\nConnection: close\r\n",
            self.url.request_target(),
            self.url.host_header(),
            self.user_agent
        );
        if let Some(user) = self.url.user_info() {
            text.push_str("Authorization: Basic ");
            text.push_str(&base64(&percent_decode(user)));
            text.push_str("\r\n");
        }
        text.push_str("\r\n");
        text.into_bytes()
    }

    /// Refuses a body whose announced length is over the limit before its first byte.
    fn check_length(&mut self) {
        let State::Receiving { response, .. } = &self.state else {
            return;
        };
        if response
            .announced_length()
            .is_some_and(|length| length > self.config.body_max as u64)
        {
            self.fail_open(HttpError::BodyTooLong);
        }
    }

    /// The answer is whole and the connection closed.
    fn answered(&mut self, now: Instant) {
        let State::Receiving { from, response } = &mut self.state else {
            return;
        };
        let from = *from;
        let (head, body) = response.take();
        self.trace(format!(
            "HTTP {} with {} bytes from {from}",
            head.status,
            body.len()
        ));
        if let (301 | 302 | 303 | 307 | 308, Some(location)) = (head.status, &head.location) {
            return self.redirect(now, location, from);
        }
        let inflated = inflate(head.content_encoding.as_deref(), body, self.config.body_max);
        self.finish(inflated.map(|body| HttpBody {
            status: head.status,
            content_type: head.content_type,
            body,
            final_url: self.url.clone(),
            from,
        }));
    }

    fn redirect(&mut self, now: Instant, location: &str, from: SocketAddr) {
        if self.redirects >= self.config.redirects_max {
            return self.finish(Err(HttpError::TooManyRedirects));
        }
        let Ok(next) = self.url.join(location) else {
            return self.finish(Err(HttpError::BadRedirect("its URL is not valid".into())));
        };
        let refused = match (self.url.scheme(), next.scheme()) {
            (_, Scheme::Udp) => Some("it leads away from HTTP"),
            (Scheme::Https, Scheme::Http) => Some("it leads from https to http"),
            _ if next.has_idna_host() => Some("it leads to an internationalised host name"),
            _ => None,
        };
        if let Some(why) = refused {
            return self.finish(Err(HttpError::BadRedirect(why.into())));
        }
        self.redirects += 1;
        self.redirected_by = Some(match (self.redirected_by, Scope::of(from.ip())) {
            // a chain that was global once stays so
            (Some(Scope::Global), _) => Scope::Global,
            (_, scope) => scope,
        });
        self.trace(format!("redirected to {}/…", next.origin()));
        self.url = next;
        self.resolve(now);
    }
}

/// RFC 4648, with padding: for the `Authorization` header only.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().fold(0u32, |sum, byte| sum << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = group >> (18 - 6 * place) & 63;
            let shown = DIGITS.get(digit as usize).filter(|_| place <= chunk.len());
            text.push(shown.map_or('=', |digit| char::from(*digit)));
        }
    }
    text
}

fn percent_decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        match (first, after) {
            (b'%', [high, low, after @ ..]) if digit(high).is_some() && digit(low).is_some() => {
                let value = digit(high).unwrap_or(0) * 16 + digit(low).unwrap_or(0);
                bytes.push(u8::try_from(value).unwrap_or(0));
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    #[test]
    fn credentials_are_encoded() {
        assert_eq!(
            base64(&percent_decode("Aladdin:open%20sesame")),
            "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        assert_eq!(
            [base64(b"a"), base64(b"ab"), base64(b"abc")].map(|t| t.to_string()),
            ["YQ==", "YWI=", "YWJj"]
        );
        assert_eq!(percent_decode("%zz%4"), b"%zz%4");
    }
}
