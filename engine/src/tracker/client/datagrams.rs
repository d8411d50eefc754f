//! Requests over UDP: how they begin, and what comes of them.

use super::request::{Part, Request, mark_source};
use super::{ClientOutput, TrackerClient};
use crate::http::Families;
use crate::time::Instant;
use crate::tracker::RequestKind;
use crate::tracker::udp::{UdpKey, UdpOutput};
use core::net::{IpAddr, SocketAddr};

impl TrackerClient {
    pub(super) fn start_udp(
        &mut self,
        now: Instant,
        key: UdpKey,
        request: &mut Request,
        kind: RequestKind,
        addresses: &[IpAddr],
    ) {
        let port = request.url.port();
        let endpoints = addresses.iter().map(|ip| SocketAddr::new(*ip, port)).collect();
        let hurry = request.hurry(now);
        let url_data = request.url.path_and_query();
        self.udp.start(now, key, endpoints, kind, url_data, hurry);
        request.parts.push(Part::Udp(key));
    }

    pub(super) fn drain_udp(&mut self, now: Instant) {
        while let Some(output) = self.udp.poll_output() {
            match output {
                UdpOutput::Datagram { to, data } => {
                    self.outputs.push_back(ClientOutput::Datagram { to, data });
                }
                UdpOutput::Asked { key } => self.outputs.push_back(ClientOutput::Asked {
                    request: key.request,
                    family: Families {
                        v4: !key.v6,
                        v6: key.v6,
                    },
                }),
                UdpOutput::Trace { key, text } => self.outputs.push_back(ClientOutput::Trace {
                    request: key.request,
                    text,
                }),
                UdpOutput::Done { key, from, result } => {
                    let Some(mut request) = self.take(key.request) else {
                        continue;
                    };
                    let index = request
                        .parts
                        .iter()
                        .position(|part| matches!(part, Part::Udp(k) if *k == key));
                    if result.is_ok() {
                        self.hosts.answered(request.url.host(), from.ip());
                    }
                    if let Some(index) = index {
                        let result = mark_source(result, from.ip());
                        request.part_done(now, index, result, &self.config);
                    }
                    self.settle(key.request, request);
                }
            }
        }
    }
}
