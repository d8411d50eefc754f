//! The configuration of a small world, and the names under which a scenario may change it.

use super::params::duration;
use crate::scenario::{TorrentSpec, Value, text};
use seedbed_engine::Config;
use seedbed_engine::config::{
    CandidatesConfig, Encryption, MetadataConfig, PexConfig, SeedPolicy, SessionConfig,
};
use seedbed_engine::throttle::RateLimit;
use seedbed_engine::time::Duration;

/// Blocks on their way to the disk, and to one peer, in a small world: few enough that back-pressure is common.
const BLOCKS_IN_FLIGHT: u64 = 64;

/// The engine's defaults, with limits in bytes as small as the torrent's blocks.
pub fn small(torrent: &TorrentSpec) -> Config {
    let block = u64::from(torrent.block);
    let defaults = Config::default();
    Config {
        block_length: torrent.block,
        metadata: MetadataConfig {
            piece_length: torrent
                .magnet
                .map_or(defaults.metadata.piece_length, |magnet| magnet.piece),
            ..defaults.metadata
        },
        disk_bytes_in_flight_max: defaults.disk_bytes_in_flight_max.min(block * BLOCKS_IN_FLIGHT),
        send_buffer_max: defaults.send_buffer_max.min(block * BLOCKS_IN_FLIGHT),
        // peers find each other by more ways than a world shows unless it says so
        pex: PexConfig {
            enabled: false,
            ..PexConfig::default()
        },
        candidates: CandidatesConfig {
            canonical_priority: false,
            ..CandidatesConfig::default()
        },
        session: SessionConfig {
            dont_have: false,
            ..SessionConfig::default()
        },
        ..defaults
    }
}

/// Where a name leads to.
enum Field {
    Time(fn(&mut Config) -> &mut Duration),
    U32(fn(&mut Config) -> &mut u32),
    U64(fn(&mut Config) -> &mut u64),
    Size(fn(&mut Config) -> &mut usize),
    Flag(fn(&mut Config) -> &mut bool),
    /// Bytes a second, 0 for no limit.
    Rate(fn(&mut Config) -> &mut RateLimit),
    Policy,
    Encryption,
    /// Nothing of the configuration: a flag of the torrent.
    OfTorrent,
}

/// Every name that a scenario may set.
const FIELDS: &[(&str, Field)] = &[
    ("allow-local", Field::Flag(|c| &mut c.allow_local_services)),
    ("allowed-fast", Field::U32(|c| &mut c.session.allowed_fast_count)),
    ("all-tiers", Field::Flag(|c| &mut c.tracker.announce_to_all_tiers)),
    ("backoff-first", Field::Time(|c| &mut c.tracker.backoff_first)),
    ("backoff-max", Field::Time(|c| &mut c.tracker.backoff_max)),
    ("bad-requests", Field::U32(|c| &mut c.session.bad_requests_max)),
    ("ban-time", Field::Time(|c| &mut c.candidates.ban_time)),
    ("block", Field::U32(|c| &mut c.block_length)),
    (
        "canonical-priority",
        Field::Flag(|c| &mut c.candidates.canonical_priority),
    ),
    ("choke-round", Field::Time(|c| &mut c.choker.round)),
    ("connect-timeout", Field::Time(|c| &mut c.session.connect_timeout)),
    (
        "connection-id-lifetime",
        Field::Time(|c| &mut c.tracker.connection_id_lifetime),
    ),
    ("connections", Field::Size(|c| &mut c.connections_max)),
    (
        "connections-per-torrent",
        Field::Size(|c| &mut c.connections_per_torrent_max),
    ),
    ("dials-per-second", Field::U32(|c| &mut c.dials_per_second)),
    ("disk-bytes", Field::U64(|c| &mut c.disk_bytes_in_flight_max)),
    ("disk-retry", Field::Time(|c| &mut c.disk_retry)),
    ("dont-have", Field::Flag(|c| &mut c.session.dont_have)),
    (
        "endgame-duplicates",
        Field::U32(|c| &mut c.picker.endgame_duplicates_max),
    ),
    ("encryption", Field::Encryption),
    ("failures", Field::U32(|c| &mut c.candidates.failures_max)),
    ("half-open", Field::Size(|c| &mut c.half_open_max)),
    (
        "handshake-timeout",
        Field::Time(|c| &mut c.session.handshake_timeout),
    ),
    ("hash-jobs", Field::Size(|c| &mut c.hash_jobs_max)),
    (
        "http-concurrent",
        Field::Size(|c| &mut c.tracker.http_concurrent_max),
    ),
    ("idle-timeout", Field::Time(|c| &mut c.session.idle_timeout)),
    (
        "interval-ceiling",
        Field::Time(|c| &mut c.tracker.interval_ceiling),
    ),
    (
        "interval-default",
        Field::Time(|c| &mut c.tracker.interval_default),
    ),
    ("interval-floor", Field::Time(|c| &mut c.tracker.interval_floor)),
    ("ipv4", Field::Flag(|c| &mut c.ipv4)),
    ("ipv6", Field::Flag(|c| &mut c.ipv6)),
    ("keepalive", Field::Time(|c| &mut c.session.keepalive_after)),
    ("known", Field::Size(|c| &mut c.candidates.known_max)),
    ("lsd", Field::Flag(|c| &mut c.lsd.enabled)),
    ("lsd-candidates", Field::Size(|c| &mut c.lsd.candidates_max)),
    ("lsd-first-after", Field::Time(|c| &mut c.lsd.first_after)),
    ("lsd-heard", Field::U32(|c| &mut c.lsd.heard_max)),
    ("lsd-interval", Field::Time(|c| &mut c.lsd.interval)),
    ("metadata-max", Field::U32(|c| &mut c.metadata.size_max)),
    ("metadata-penalty", Field::Time(|c| &mut c.metadata.penalty)),
    ("metadata-pause", Field::Time(|c| &mut c.metadata.refusal_pause)),
    (
        "multiple-per-ip",
        Field::Flag(|c| &mut c.candidates.allow_multiple_per_ip),
    ),
    ("numwant", Field::U32(|c| &mut c.tracker.numwant)),
    (
        "optimistic-percent",
        Field::U32(|c| &mut c.choker.optimistic_percent),
    ),
    (
        "optimistic-rounds",
        Field::U32(|c| &mut c.choker.optimistic_rounds),
    ),
    ("pex", Field::Flag(|c| &mut c.pex.enabled)),
    ("pex-contacts", Field::Size(|c| &mut c.pex.contacts_max)),
    (
        "pex-contacts-first",
        Field::Size(|c| &mut c.pex.contacts_first_max),
    ),
    ("pex-first-after", Field::Time(|c| &mut c.pex.first_after)),
    ("pex-interval", Field::Time(|c| &mut c.pex.interval)),
    ("pex-stored", Field::Size(|c| &mut c.pex.stored_max)),
    ("pipeline-max", Field::U32(|c| &mut c.session.pipeline_max)),
    ("pipeline-min", Field::U32(|c| &mut c.session.pipeline_min)),
    ("random-first", Field::U32(|c| &mut c.picker.random_first_pieces)),
    ("rate-down", Field::Rate(|c| &mut c.rate_down)),
    ("rate-up", Field::Rate(|c| &mut c.rate_up)),
    ("reqq", Field::U32(|c| &mut c.session.reqq_ours)),
    ("request-timeout", Field::Time(|c| &mut c.session.request_timeout)),
    ("resume-interval", Field::Time(|c| &mut c.resume_interval)),
    ("retry-jitter", Field::Time(|c| &mut c.candidates.retry_jitter)),
    ("retry-min", Field::Time(|c| &mut c.candidates.retry_min)),
    ("seed-policy", Field::Policy),
    ("send-buffer", Field::U64(|c| &mut c.send_buffer_max)),
    ("serve-block", Field::U32(|c| &mut c.session.serve_block_max)),
    ("shutdown-timeout", Field::Time(|c| &mut c.shutdown_timeout)),
    ("slots", Field::U32(|c| &mut c.choker.slots)),
    ("snub-timeout", Field::Time(|c| &mut c.session.snub_timeout)),
    ("stray-rejects", Field::U32(|c| &mut c.session.stray_rejects_max)),
    (SUPER_SEED, Field::OfTorrent),
    ("trackers", Field::Size(|c| &mut c.tracker.trackers_max)),
    ("udp-retries", Field::U32(|c| &mut c.tracker.udp_retries)),
    ("udp-timeout", Field::Time(|c| &mut c.tracker.udp_timeout)),
    ("useless-timeout", Field::Time(|c| &mut c.session.useless_timeout)),
];

/// The names that [`set`] knows, in their order.
pub fn names() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|(name, _)| *name)
}

/// Whether the torrent is to be super-seeded: a matter of the torrent, which a file says of its engine.
pub fn super_seeds(settings: &[(String, Value)]) -> bool {
    let mut settings = settings.iter();
    settings.any(|(name, value)| name == SUPER_SEED && *value == Value::Bool(true))
}

const SUPER_SEED: &str = "super-seed";

/// Sets one field by its name.
///
/// # Errors
/// When there is no such name, with the list of those there are; when the value is of another kind or too large.
pub fn set(config: &mut Config, name: &str, value: &Value) -> Result<(), String> {
    let Some((_, field)) = FIELDS.iter().find(|(known, _)| *known == name) else {
        let known: Vec<_> = names().collect();
        return Err(format!(
            "no engine setting is called {name:?}; there are: {}",
            known.join(", ")
        ));
    };
    let done = match field {
        Field::Time(at) => duration(value).map(|value| *at(config) = value),
        Field::U32(at) => number(value).map(|value| *at(config) = value),
        Field::U64(at) => number(value).map(|value| *at(config) = value),
        Field::Size(at) => number(value).map(|value| *at(config) = value),
        Field::Flag(at) => match value {
            Value::Bool(value) => {
                *at(config) = *value;
                Some(())
            }
            Value::Int(_) | Value::Text(_) => None,
        },
        Field::OfTorrent => matches!(value, Value::Bool(_)).then_some(()),
        Field::Encryption => encryption(value).map(|encryption| config.encryption = encryption),
        Field::Rate(at) => rate(value).map(|value| *at(config) = value),
        Field::Policy => policy(value).map(|policy| config.choker.seed_policy = policy),
    };
    done.ok_or_else(|| format!("the engine setting {name} cannot be {value:?}"))
}

fn number<T: TryFrom<i64>>(value: &Value) -> Option<T> {
    match value {
        Value::Int(value) => T::try_from(*value).ok(),
        Value::Text(_) | Value::Bool(_) => None,
    }
}

fn encryption(value: &Value) -> Option<Encryption> {
    match value {
        Value::Text(text) if text == "off" => Some(Encryption::Off),
        Value::Text(text) if text == "prefer" => Some(Encryption::Prefer),
        Value::Text(text) if text == "require" => Some(Encryption::Require),
        Value::Text(_) | Value::Int(_) | Value::Bool(_) => None,
    }
}

fn rate(value: &Value) -> Option<RateLimit> {
    let bytes = match value {
        Value::Text(text) => text::rate(text),
        Value::Int(_) | Value::Bool(_) => number(value),
    };
    bytes.map(RateLimit::bytes)
}

fn policy(value: &Value) -> Option<SeedPolicy> {
    match value {
        Value::Text(text) if text == "round-robin" => Some(SeedPolicy::RoundRobin),
        Value::Text(text) if text == "fastest-upload" => Some(SeedPolicy::FastestUpload),
        Value::Text(_) | Value::Int(_) | Value::Bool(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn every_name_is_there_once_in_its_order_and_takes_a_value_of_its_kind() {
        let all: Vec<_> = names().collect();
        let mut sorted = all.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(all.len(), sorted.len());
        for name in all {
            let values = [
                Value::Int(7),
                text("7s"),
                Value::Bool(true),
                text("fastest-upload"),
                text("prefer"),
            ];
            let mut config = Config::default();
            let taken = values
                .iter()
                .filter(|value| set(&mut config, name, value).is_ok());
            assert!(taken.count() >= 1, "{name}");
        }
    }

    #[test]
    fn what_is_set_is_what_was_meant() {
        let mut config = Config::default();
        set(&mut config, "request-timeout", &text("20s")).unwrap();
        assert_eq!(config.session.request_timeout, Duration::from_secs(20));
        set(&mut config, "slots", &Value::Int(3)).unwrap();
        assert_eq!(config.choker.slots, 3);
        set(&mut config, "seed-policy", &text("fastest-upload")).unwrap();
        assert_eq!(config.choker.seed_policy, SeedPolicy::FastestUpload);
    }

    #[test]
    fn what_cannot_be_set_is_an_error_that_helps() {
        let mut config = Config::default();
        let unknown = set(&mut config, "request-timeouts", &Value::Int(1)).unwrap_err();
        assert!(
            unknown.contains("\"request-timeouts\"") && unknown.contains(" request-timeout,"),
            "{unknown}"
        );
        let wrong = set(&mut config, "slots", &text("many")).unwrap_err();
        assert!(wrong.contains("slots"), "{wrong}");
        assert!(set(&mut config, "slots", &Value::Int(-1)).is_err());
        assert_eq!(config, Config::default());
    }
}
