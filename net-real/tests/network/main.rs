//! The adapter on loopback sockets: TLS, fetching, datagrams, and two clients that share files.

mod clients;
mod fetch;
mod rig;
mod tls;
