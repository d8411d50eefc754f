//! Whom a peer says that it is: the styles in which clients write their peer ids (BEP 20, and older ones).

use seedbed_engine::id::PeerId;
use seedbed_engine::rng::Rng;

/// How ids begin.
const STYLES: &[&[u8]] = &[
    b"-MP0100-",
    b"-AZ5760-",
    b"-BC0199-",
    b"-BOWA0C-",
    b"-DE211s-",
    b"-FG0012",
    b"-KT22B1-",
    b"-ML3.1.0-",
    b"-ML31x0-",
    b"-TR0006-",
    b"-TR0072-",
    b"-TR4050-",
    b"-WD0400-",
    b"-WW0102-",
    b"-XX1234-",
    b"-qB4640-",
    b"-!!!!!!-",
    b"A2-1-36-0-",
    b"AZ2500BT",
    b"FUTB\x02\x05",
    b"M7-9-2--",
    b"M4-20-8-",
    b"M4-2080-",
    b"OP7685",
    b"OPabcd",
    b"Q1-0-0--",
    b"S58B-----",
    b"S\x05\x08\x0bxxxx\0",
    b"T03I--00",
    b"XBT054d-",
    b"\0\x03BS",
    b"\x04\x02RS",
    b"exbc\x01\x09LORD",
    b"346------",
    b"zzzz",
];

/// Begins an id in some style; every other one stays a model peer's.
pub(super) fn style(id: &mut PeerId, rng: &mut Rng) {
    let begin = STYLES[rng.below(STYLES.len() as u32) as usize];
    // what follows was drawn, so that no two are alike
    let kept = if rng.chance(1, 2) { STYLES[0] } else { begin };
    id.0[..kept.len()].copy_from_slice(kept);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use seedbed_engine::client_name::client_name;
    use std::collections::BTreeSet;

    #[test]
    fn peers_are_of_many_clients_and_no_two_have_one_id() {
        let mut rng = Seed(3).stream("ids");
        let mut ids = BTreeSet::new();
        for _ in 0..500 {
            let mut id = PeerId([0; 20]);
            rng.fill(&mut id.0);
            style(&mut id, &mut rng);
            ids.insert(id.0);
        }
        assert_eq!(ids.len(), 500);
        let names: BTreeSet<_> = ids.iter().map(|id| client_name(&PeerId(*id))).collect();
        for known in ["Transmission", "aria2", "BitLord", "MLdonkey", "Mainline"] {
            assert!(
                names.iter().any(|name| name.starts_with(known)),
                "{known}: {names:?}"
            );
        }
    }
}
