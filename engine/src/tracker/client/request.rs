//! One request on its way: its limits in time, its exchanges (one an address family), and what they brought.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::IpAddr;

use crate::config::{HttpConfig, TrackerConfig};
use crate::http::{Access, Families, HttpBody, HttpError, HttpExchange, Scheme, Use, allowed};
use crate::time::{Duration, Instant};
use crate::tracker::announce::parse_failure;
use crate::tracker::http::{announce_target, parse_announce, parse_scrape, scrape_target};
use crate::tracker::udp::{Hurry, UdpKey};
use crate::tracker::{
    AnnounceError, AnnounceEvent, AnnounceParams, RequestKind, RequestOptions, StreamKey, TrackerReply,
    TrackerUrl,
};
use serde::{Deserialize, Serialize};

/// One address family's exchange.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Part {
    Http {
        exchange: Box<HttpExchange>,
        stream: Option<StreamKey>,
        /// Whether its first lookup, made for all families, has been skipped.
        looked_up: bool,
        family: Families,
    },
    Udp(UdpKey),
    Over,
}

/// A request that is not over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) url: TrackerUrl,
    pub(super) kind: RequestKind,
    pub(super) options: RequestOptions,
    pub(super) parts: Vec<Part>,
    /// Whether it has had its turn.
    pub(super) begun: bool,
    pub(super) lookup_at: Instant,
    pub(super) first_timeout_at: Instant,
    pub(super) grace_at: Instant,
    reply: Option<TrackerReply>,
    error: Option<AnnounceError>,
}

impl Request {
    pub(super) fn new(
        now: Instant,
        url: &TrackerUrl,
        kind: RequestKind,
        options: RequestOptions,
        config: &TrackerConfig,
    ) -> Result<Self, AnnounceError> {
        if url.has_reserved_argument() && !options.typed_by_user {
            return Err(AnnounceError::Forbidden(
                "its query has an argument that only the client may set".into(),
            ));
        }
        let (url, first_timeout_at) = match kind {
            RequestKind::Announce(_) if url.scheme() == Scheme::Udp => {
                (url.clone(), now + config.parallel_after)
            }
            RequestKind::Announce(_) => (url.clone(), Instant::FAR_FUTURE),
            RequestKind::Scrape(_) => {
                let scrape = url.scrape_url().ok_or(AnnounceError::NoScrape)?;
                (scrape, Instant::FAR_FUTURE)
            }
        };
        Ok(Self {
            url,
            kind,
            options,
            parts: Vec::new(),
            begun: false,
            lookup_at: Instant::FAR_FUTURE,
            first_timeout_at,
            grace_at: Instant::FAR_FUTURE,
            reply: None,
            error: None,
        })
    }

    pub(super) fn is_udp(&self) -> bool {
        self.url.scheme() == Scheme::Udp
    }

    /// Whether waiting for a turn would make it useless.
    pub(super) const fn in_a_hurry(&self) -> bool {
        self.options.sends_max.is_some()
    }

    /// How often it has to be sent, if it has a limit of sends and one of time.
    pub(super) fn hurry(&self, now: Instant) -> Option<Hurry> {
        let (sends_max, deadline) = self.options.sends_max.zip(self.options.deadline)?;
        Some(Hurry {
            sends_max,
            period: (deadline.since(now) / sends_max.max(1)).max(Duration::from_millis(1)),
        })
    }

    /// Its turn has come: the lookup begins.
    pub(super) fn begin(&mut self, now: Instant, http: &HttpConfig) {
        self.begun = true;
        self.lookup_at = now + http.total_timeout;
    }

    pub(super) fn deadline(&self) -> Instant {
        let exchanges = self.parts.iter().filter_map(|part| match part {
            Part::Http { exchange, .. } => exchange.deadline(),
            Part::Udp(_) | Part::Over => None,
        });
        exchanges
            .chain(self.options.deadline)
            .chain([self.lookup_at, self.first_timeout_at, self.grace_at])
            .min()
            .unwrap_or(Instant::FAR_FUTURE)
    }

    const fn access(&self) -> Access {
        Access {
            purpose: Use::Tracker,
            allow_local: self.options.allow_local,
            typed: self.options.typed_by_user,
        }
    }

    fn has_query(&self) -> bool {
        self.url.url().query().is_some()
    }

    /// The addresses that there are sockets for and that the URL may reach.
    pub(super) fn usable(
        &self,
        addresses: &[IpAddr],
        families: Families,
    ) -> Result<Vec<IpAddr>, AnnounceError> {
        let mut usable = Vec::new();
        let mut error = AnnounceError::Http(HttpError::NoAddress);
        for address in addresses.iter().map(IpAddr::to_canonical) {
            if !families.contain(&address) || usable.contains(&address) {
                continue;
            }
            match allowed(self.url.url(), address, self.access(), self.has_query(), None) {
                Ok(()) => usable.push(address),
                Err(why) => error = AnnounceError::Forbidden(why.into()),
            }
        }
        if usable.is_empty() { Err(error) } else { Ok(usable) }
    }

    /// What is asked over one address family: whoever has not acknowledged `started` there hears that first, and nothing
    /// of the end if others have heard it.
    pub(super) fn kind_over(&self, family: Families) -> Option<RequestKind> {
        let heard = self.options.heard_start;
        let unheard = heard.any() && heard.union(family) != heard;
        match self.kind.clone() {
            RequestKind::Announce(params) if unheard => match params.event {
                AnnounceEvent::Stopped => None,
                AnnounceEvent::Started
                | AnnounceEvent::Completed
                | AnnounceEvent::Paused
                | AnnounceEvent::None => Some(RequestKind::Announce(AnnounceParams {
                    event: AnnounceEvent::Started,
                    ..params
                })),
            },
            kind => Some(kind),
        }
    }

    pub(super) fn http_exchange(
        &self,
        kind: &RequestKind,
        now: Instant,
        families: Families,
        config: &HttpConfig,
        user_agent: &str,
    ) -> HttpExchange {
        let target = match kind {
            RequestKind::Announce(params) => announce_target(&self.url, params),
            RequestKind::Scrape(hashes) => scrape_target(&self.url, hashes),
        };
        let url = self.url.url().with_target(&target);
        HttpExchange::new(
            now,
            &url,
            self.access(),
            self.has_query(),
            families,
            config,
            user_agent,
        )
    }

    /// Reads what an HTTP exchange brought.
    pub(super) fn read_http(
        &self,
        result: Result<HttpBody, HttpError>,
        peers_max: usize,
    ) -> Result<TrackerReply, AnnounceError> {
        let answer = result?;
        if answer.status != 200 {
            return Err(parse_failure(&answer.body).unwrap_or(AnnounceError::Status(answer.status)));
        }
        let reply = match &self.kind {
            RequestKind::Announce(_) => TrackerReply::Announce(parse_announce(&answer.body, peers_max)?),
            RequestKind::Scrape(hashes) => TrackerReply::Scrape(parse_scrape(&answer.body, hashes)?),
        };
        mark_source(Ok(reply), answer.from.ip())
    }

    /// An exchange is over.
    pub(super) fn part_done(
        &mut self,
        now: Instant,
        index: usize,
        result: Result<TrackerReply, AnnounceError>,
        config: &TrackerConfig,
    ) {
        if let Some(part) = self.parts.get_mut(index) {
            *part = Part::Over;
        }
        match (self.without_secrets(result), &mut self.reply) {
            (Ok(TrackerReply::Announce(more)), Some(TrackerReply::Announce(reply))) => reply.merge(more),
            (Ok(_), Some(_)) => {}
            (Ok(reply), empty) => {
                *empty = Some(reply);
                self.grace_at = now + config.family_grace;
                // what has been answered needs no parallel tracker
                self.first_timeout_at = Instant::FAR_FUTURE;
            }
            (Err(error), _) => {
                // a tracker's own words say more than a broken path of the other family
                let refused = matches!(error, AnnounceError::Failure { .. });
                if refused || self.error.is_none() {
                    self.error = Some(error);
                }
            }
        }
    }

    /// What the tracker says in words is shown to people.
    fn without_secrets(
        &self,
        mut result: Result<TrackerReply, AnnounceError>,
    ) -> Result<TrackerReply, AnnounceError> {
        let words = match &mut result {
            Ok(TrackerReply::Announce(reply)) => reply.warning.as_mut(),
            Err(AnnounceError::Failure { text, .. }) => Some(text),
            Ok(TrackerReply::Scrape(_)) | Err(_) => None,
        };
        if let Some(words) = words {
            *words = self.url.without_secrets(words);
        }
        result
    }

    /// The result, once every exchange is over. One family's answer is enough for a scrape.
    pub(super) fn outcome(&mut self) -> Option<Result<TrackerReply, AnnounceError>> {
        let over = self.parts.iter().all(|part| matches!(part, Part::Over));
        let scraped = matches!(self.reply, Some(TrackerReply::Scrape(_)));
        if self.parts.is_empty() || !over && !scraped {
            return None;
        }
        self.early_outcome()
    }

    /// The result as far as it is known.
    pub(super) fn early_outcome(&mut self) -> Option<Result<TrackerReply, AnnounceError>> {
        match self.reply.take() {
            Some(reply) => Some(Ok(reply)),
            None => self.error.take().map(Err),
        }
    }
}

/// Notes in an answer over which address family it came, and whether from this machine.
pub(super) fn mark_source(
    result: Result<TrackerReply, AnnounceError>,
    from: IpAddr,
) -> Result<TrackerReply, AnnounceError> {
    result.map(|mut reply| {
        if let TrackerReply::Announce(announce) = &mut reply {
            announce.from_loopback = from.to_canonical().is_loopback();
            announce.answered = Families::of(&from.to_canonical());
        }
        reply
    })
}
