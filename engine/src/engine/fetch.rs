//! Fetching a .torrent file from a URL that the user typed.

use super::{ConnOwner, Engine, OpOwner};
use crate::action::{Action, CloseReason};
use crate::config::HttpConfig;
use crate::http::{Access, Families, HttpError, HttpExchange, HttpOutput, Url, Use};
use crate::id::ConnId;
use crate::net::{CloseCause, LookupError, printable};
use crate::report::Report;
use crate::time::{Duration, Instant};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;
use serde::{Deserialize, Serialize};

/// The whole of a fetch may take so long: a .torrent file is larger than a tracker's answer.
const FETCH_TIMEOUT: Duration = Duration::from_secs(120);

/// A fetch under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Fetch {
    exchange: HttpExchange,
    conn: Option<ConnId>,
}

impl Engine {
    pub(super) fn start_fetch(&mut self, url: &str, body_max: usize) {
        if self.fetch.is_some() {
            self.rejected("fetch", "another fetch is under way".into());
            return;
        }
        let url = match Url::parse(url) {
            Ok(url) => url,
            Err(error) => {
                self.fetched(Err(error.to_string()));
                return;
            }
        };
        let config = HttpConfig {
            body_max,
            total_timeout: FETCH_TIMEOUT,
            ..self.config.http.clone()
        };
        let access = Access {
            purpose: Use::Tracker,
            allow_local: self.config.allow_local_services,
            typed: true,
        };
        let families = Families {
            v4: self.config.ipv4,
            v6: self.config.ipv6,
        };
        let user_query = url.query().is_some();
        let agent = &self.config.client_name;
        let exchange = HttpExchange::new(self.now, &url, access, user_query, families, &config, agent);
        self.fetch = Some(Fetch { exchange, conn: None });
        self.drain_fetch();
    }

    fn fetched(&mut self, result: Result<Vec<u8>, String>) {
        self.report(Report::Fetched { result });
    }

    fn drain_fetch(&mut self) {
        while let Some(output) = self.fetch.as_mut().and_then(|fetch| fetch.exchange.poll_output()) {
            self.fetch_output(output);
        }
    }

    fn fetch_output(&mut self, output: HttpOutput) {
        let Some(fetch) = &mut self.fetch else { return };
        match output {
            HttpOutput::Resolve { host } => {
                let op = self.ids.next_op();
                self.ops.insert(op, OpOwner::FetchLookup);
                self.actions.push_back(Action::Resolve { op, host });
            }
            HttpOutput::Connect { to, tls } => {
                let conn = self.ids.next_conn();
                fetch.conn = Some(conn);
                self.conns.insert(conn, ConnOwner::Fetch);
                self.actions.push_back(Action::Connect { conn, to, tls });
            }
            HttpOutput::Send(head) => {
                if let Some(conn) = fetch.conn {
                    self.actions.push_back(Action::Send {
                        conn,
                        head,
                        body: None,
                    });
                }
            }
            HttpOutput::Close => {
                if let Some(conn) = fetch.conn.take() {
                    self.close(conn, CloseReason::HttpDone);
                }
            }
            HttpOutput::Done(result) => {
                self.fetch = None;
                let result = match result {
                    Ok(body) if body.status == 200 => Ok(body.body),
                    Ok(body) => Err(format!("the server answered with status {}", body.status)),
                    Err(error) => Err(shown(&error)),
                };
                self.fetched(result);
            }
            HttpOutput::Trace(_) => {}
        }
    }

    fn is_fetch_of(&self, conn: ConnId) -> bool {
        self.fetch.as_ref().is_some_and(|fetch| fetch.conn == Some(conn))
    }

    pub(super) fn fetch_resolved(&mut self, result: Result<Vec<IpAddr>, LookupError>) {
        if let Some(fetch) = &mut self.fetch {
            fetch.exchange.handle_resolved(self.now, result);
        }
        self.drain_fetch();
    }

    pub(super) fn fetch_connected(&mut self, conn: ConnId) {
        if self.is_fetch_of(conn)
            && let Some(fetch) = &mut self.fetch
        {
            fetch.exchange.handle_connected(self.now);
        }
        self.drain_fetch();
    }

    pub(super) fn fetch_received(&mut self, conn: ConnId, data: &[u8]) {
        if self.is_fetch_of(conn)
            && let Some(fetch) = &mut self.fetch
        {
            fetch.exchange.handle_received(self.now, data);
        }
        self.drain_fetch();
    }

    pub(super) fn fetch_closed(&mut self, conn: ConnId, cause: CloseCause) {
        if self.is_fetch_of(conn)
            && let Some(fetch) = &mut self.fetch
        {
            fetch.conn = None;
            fetch.exchange.handle_closed(self.now, cause);
        }
        self.drain_fetch();
    }

    pub(super) fn fetch_deadline(&self) -> Option<Instant> {
        self.fetch.as_ref().and_then(|fetch| fetch.exchange.deadline())
    }

    pub(super) fn fetch_timeout(&mut self) {
        if self.fetch_deadline().is_some_and(|at| self.now >= at) {
            if let Some(fetch) = &mut self.fetch {
                fetch.exchange.handle_timeout(self.now);
            }
            self.drain_fetch();
        }
    }

    /// The program ends: the fetch is dropped.
    pub(super) fn cancel_fetch(&mut self) {
        if let Some(conn) = self.fetch.take().and_then(|fetch| fetch.conn) {
            self.close(conn, CloseReason::HttpDone);
        }
    }
}

/// Characters of an error that are shown.
const ERROR_SHOWN_MAX: usize = 500;

fn shown(error: &HttpError) -> String {
    printable(&error.to_string(), ERROR_SHOWN_MAX)
}
