//! Notices that the network of this machine changed, or that it slept: then old connections are dead although nothing
//! says so, and the engine is told to begin anew.
//!
//! Nothing is sent for it. Which address the system would use is learned by connecting a datagram socket, which only
//! looks up a route; sleep is the difference between the clock that runs on in it and the one that does not.

use crate::driver::Driver;
use crate::sockets::Sockets;
use async_io::Timer;
use seedbed_engine::Event;
use seedbed_engine::time::Duration;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;

/// Time between two looks: connections would need minutes to notice, and a look costs two system calls a family.
const INTERVAL: Duration = Duration::from_secs(5);

/// Sleep that is worth telling: shorter than what makes others drop a silent peer.
const SLEEP_MIN: Duration = Duration::from_secs(30);

/// Addresses of the documentation ranges: what routes to them is the default route.
const FAR_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const FAR_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

/// What was seen at a look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Seen {
    /// The address that the system would use, an entry a family; none while there is no way.
    sources: [Option<IpAddr>; 2],
    /// How long the machine has slept since it was started.
    slept: Duration,
}

impl Seen {
    fn look(sockets: &Sockets) -> Self {
        let source = |far: IpAddr| {
            let socket = sockets.datagrams(SocketAddr::new(far, 9)).ok()?;
            socket.local_addr().ok().map(|local| local.ip())
        };
        Self {
            sources: [source(FAR_V4), source(FAR_V6)],
            slept: slept(),
        }
    }

    /// Takes in a later look. True when the engine has to know: another address than the last one that there was, or
    /// a sleep. That there is no way for the moment is not told: there is nothing to be done about it.
    fn update(&mut self, later: Self) -> bool {
        let mut changed = later.slept.saturating_sub(self.slept) >= SLEEP_MIN;
        self.slept = later.slept;
        for (known, now) in self.sources.iter_mut().zip(later.sources) {
            if let Some(now) = now {
                changed |= known.is_some_and(|known| known != now);
                *known = Some(now);
            }
        }
        changed
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn slept() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let time = |clock| Duration::try_from(clock_gettime(clock)).unwrap_or_default();
    let running = time(ClockId::Boottime);
    running.saturating_sub(time(ClockId::Monotonic))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn slept() -> Duration {
    Duration::ZERO
}

/// Looks for as long as the client lives. `multicast`: whether the groups of the local network are joined anew after a
/// change.
pub(crate) async fn watch(driver: Rc<Driver>, multicast: bool) {
    let mut seen = Seen::look(&driver.sockets);
    loop {
        Timer::after(INTERVAL).await;
        if seen.update(Seen::look(&driver.sockets)) {
            tracing::info!("the network of this machine changed, or it slept");
            if multicast {
                driver.join_multicast();
            }
            driver.event(Event::NetworkChanged);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(v4: Option<[u8; 4]>, slept: u64) -> Seen {
        Seen {
            sources: [v4.map(IpAddr::from), None],
            slept: Duration::from_secs(slept),
        }
    }

    #[test]
    fn another_address_is_a_change_and_a_gap_is_not() {
        let mut now = seen(Some([10, 0, 0, 1]), 0);
        assert!(!now.update(seen(Some([10, 0, 0, 1]), 0)));
        assert!(!now.update(seen(None, 0)), "no way for the moment");
        assert!(!now.update(seen(Some([10, 0, 0, 1]), 0)), "the same way again");
        assert!(!now.update(seen(None, 0)));
        assert!(
            now.update(seen(Some([10, 0, 0, 2]), 0)),
            "another way after a gap"
        );
        assert!(!now.update(seen(Some([10, 0, 0, 2]), 0)), "told once");
    }

    #[test]
    fn a_long_sleep_is_a_change() {
        let mut now = seen(None, 100);
        assert!(!now.update(seen(None, 110)));
        assert!(now.update(seen(None, 110 + SLEEP_MIN.as_secs())));
        assert!(!now.update(seen(None, 110 + SLEEP_MIN.as_secs())));
    }

    #[test]
    fn the_first_address_of_a_machine_without_one_is_no_change() {
        // nothing was connected before; candidates are tried again by themselves
        assert!(!seen(None, 0).update(seen(Some([10, 0, 0, 1]), 0)));
    }

    #[test]
    fn looking_sends_nothing_and_finds_the_bound_address() {
        let sockets = Sockets::new(Some(Ipv4Addr::LOCALHOST.into()), None);
        let seen = Seen::look(&sockets);
        assert!(
            seen.sources[0].is_none_or(|ip| ip == Ipv4Addr::LOCALHOST),
            "{seen:?}"
        );
        assert_eq!(seen.sources[1], None, "the bound address is of the other family");
    }
}
