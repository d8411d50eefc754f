//! Names and what a resolver answers about them: late, wrongly, or differently each time.

use seedbed_engine::net::LookupError;
use seedbed_engine::time::Duration;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What a lookup of one name comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DnsAnswer {
    /// The addresses, in the resolver's order.
    pub addresses: Vec<IpAddr>,
    /// How long the answer takes; none is never.
    pub delay: Option<Duration>,
    /// Fail with this sentence instead.
    pub fail: Option<String>,
    /// How many lookups are answered like this before the next answer of the list holds; 0 is for ever.
    pub times: u32,
}

impl DnsAnswer {
    /// How long a resolver takes when nothing is wrong.
    pub const DELAY: Duration = Duration::from_millis(20);

    /// These addresses, for ever.
    pub fn new(addresses: Vec<IpAddr>) -> Self {
        Self {
            addresses,
            delay: Some(Self::DELAY),
            fail: None,
            times: 0,
        }
    }

    /// A failure, for ever.
    pub fn failing(sentence: &str) -> Self {
        Self {
            fail: Some(sentence.into()),
            ..Self::new(Vec::new())
        }
    }

    /// The same, so much later.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// No answer at all: whoever asks has to give up.
    #[must_use]
    pub fn never(mut self) -> Self {
        self.delay = None;
        self
    }

    /// The same for so many lookups; then the next answer of the list holds.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }
}

/// What a lookup comes to, and when. `None`: never.
pub(crate) type Lookup = Option<(Duration, Result<Vec<IpAddr>, LookupError>)>;

/// The names of a world. A name that nobody set does not exist; a literal address is its own answer.
#[derive(Clone, Debug, Default)]
pub struct Dns {
    names: BTreeMap<String, Name>,
}

#[derive(Clone, Debug)]
struct Name {
    answers: Vec<DnsAnswer>,
    /// The answer that holds now, and how often it was given.
    current: usize,
    given: u32,
}

impl Dns {
    /// What a name comes to. Names are compared without regard to case.
    pub fn set(&mut self, host: &str, answer: DnsAnswer) {
        self.set_list(host, vec![answer]);
    }

    /// What a name comes to, one answer after the other; the last one stays.
    pub fn set_list(&mut self, host: &str, answers: Vec<DnsAnswer>) {
        let name = Name {
            answers,
            current: 0,
            given: 0,
        };
        self.names.insert(host.to_ascii_lowercase(), name);
    }

    /// What this lookup comes to.
    pub(crate) fn look_up(&mut self, host: &str) -> Lookup {
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
        if let Ok(ip) = literal {
            return Some((Duration::ZERO, Ok(vec![ip])));
        }
        let unknown = || Some((DnsAnswer::DELAY, Err(LookupError("no such host".into()))));
        let Some(name) = self.names.get_mut(&host.to_ascii_lowercase()) else {
            return unknown();
        };
        let Some(answer) = name.answers.get(name.current) else {
            return unknown();
        };
        let result = match &answer.fail {
            Some(sentence) => Err(LookupError(sentence.clone())),
            None if answer.addresses.is_empty() => Err(LookupError("no such host".into())),
            None => Ok(answer.addresses.clone()),
        };
        let lookup = answer.delay.map(|delay| (delay, result));
        name.given += 1;
        if answer.times != 0 && name.given >= answer.times && name.current + 1 < name.answers.len() {
            name.current += 1;
            name.given = 0;
        }
        lookup
    }
}
