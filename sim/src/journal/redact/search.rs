//! Looks for what must not be there any more.

use std::collections::BTreeMap;

/// Shorter secrets are not looked for: they are in any file, by chance.
pub(super) const SECRET_MIN: usize = 5;

/// The bytes by which secrets are found.
const KEY: usize = 4;

/// The first secret that is in `bytes`: its number, and where it stands.
pub(super) fn find(bytes: &[u8], secrets: &[(&'static str, Vec<u8>)]) -> Option<(usize, usize)> {
    let mut by_start: BTreeMap<[u8; KEY], Vec<usize>> = BTreeMap::new();
    for (n, (_, secret)) in secrets.iter().enumerate() {
        // one byte over and over names nobody, and is anywhere too
        let says_something = secret.len() >= SECRET_MIN && secret.windows(2).any(|pair| pair[0] != pair[1]);
        if let Some(start) = secret.first_chunk::<KEY>().filter(|_| says_something) {
            by_start.entry(*start).or_default().push(n);
        }
    }
    for (at, start) in bytes.array_windows::<KEY>().enumerate() {
        let candidates = by_start.get(start).into_iter().flatten();
        let mut found = candidates.filter(|n| bytes[at..].starts_with(&secrets[**n].1));
        if let Some(n) = found.next() {
            return Some((*n, at));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_where_they_stand() {
        let secrets = [("a", b"tracker.org".to_vec()), ("b", b"abc".to_vec())];
        assert_eq!(find(b"xx tracker.org yy abc", &secrets), Some((0, 3)));
        assert_eq!(
            find(b"xx tracker.net yy abc", &secrets),
            None,
            "three bytes are anywhere"
        );
    }
}
