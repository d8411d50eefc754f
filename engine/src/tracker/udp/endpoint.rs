//! What is kept of one UDP tracker's address between requests: its connection id (BEP 15).

use crate::time::{Duration, Instant};
use alloc::vec::Vec;
use core::net::SocketAddr;
use serde::{Deserialize, Serialize};

/// What is known of an endpoint.
#[derive(Clone, Default, Debug, Serialize, Deserialize)]
pub(super) struct Endpoint {
    /// The connection id and when it came.
    pub(super) id: Option<(u64, Instant)>,
    /// Transaction ids of connects without an answer.
    pub(super) connects: Vec<u32>,
    /// When the last connect was sent.
    pub(super) connect_sent: Instant,
}

impl Endpoint {
    /// The connection id, if it may still be used.
    pub(super) fn fresh_id(&self, now: Instant, lifetime: Duration) -> Option<u64> {
        self.id
            .filter(|(_, since)| now.since(*since) < lifetime)
            .map(|(id, _)| id)
    }
}

/// The form in which endpoints are compared: IPv4 as IPv4, no flow label or scope.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
