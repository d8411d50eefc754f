//! What goes wrong in a world: connections that break, programs that are killed.

use super::stream::Other;
use super::{Pending, World};
use seedbed_engine::id::ConnId;
use seedbed_engine::net::CloseCause;
use seedbed_engine::time::Duration;
use seedbed_engine::{Config, Engine, Event};

impl World {
    /// The connections of a node.
    #[must_use]
    pub fn connections(&self, node: usize) -> Vec<ConnId> {
        self.nodes[node].streams.keys().copied().collect()
    }

    /// A connection ends for this node; its other end hears nothing of it.
    pub fn break_connection(&mut self, node: usize, conn: ConnId) {
        self.nodes[node].streams.remove(&conn);
        self.push(
            Duration::ZERO,
            node,
            Pending::Event(Event::Closed {
                conn,
                cause: CloseCause::Reset,
            }),
        );
    }

    /// The program of a node is killed and started again with the disk as it is; `seed` is the new run's. The other
    /// ends of its connections are told, as an operating system does.
    pub fn restart(&mut self, node: usize, mut config: Config, seed: [u8; 32]) {
        let streams = core::mem::take(&mut self.nodes[node].streams);
        for stream in streams.into_values() {
            if let Other::Node(there, conn) = stream.other {
                let cause = CloseCause::Reset;
                self.push(
                    Duration::ZERO,
                    there,
                    Pending::Event(Event::Closed { conn, cause }),
                );
            }
        }
        self.queue.retain(|_, (whose, _)| *whose != node);
        config.listen_port = self.nodes[node].listen_port;
        self.nodes[node].engine = Engine::new(config, seed);
        self.nodes[node].tick_at = None;
    }
}
