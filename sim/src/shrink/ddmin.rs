//! Leaving out parts of a list: halves, quarters and so on down to single entries, as long as what is left still shows what
//! is looked for.

/// The entries without which it does not show. Tries so many lists at the most; `shows` is asked about each.
pub(crate) fn ddmin<T: Clone>(mut list: Vec<T>, tries: usize, mut shows: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut tried = 0;
    let mut part = list.len() / 2;
    while part > 0 {
        let (mut at, before) = (0, list.len());
        while at < list.len() {
            tried += 1;
            if tried > tries {
                return list;
            }
            let mut fewer = list.clone();
            fewer.drain(at..(at + part).min(list.len()));
            if shows(&fewer) {
                list = fewer;
            } else {
                at += part;
            }
        }
        // single entries may become needless when others are gone
        if part > 1 || list.len() == before {
            part /= 2;
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::ddmin;

    #[test]
    fn only_what_is_needed_is_left() {
        let needs = |list: &[u32]| list.contains(&17) && list.contains(&61) && list.contains(&62);
        assert_eq!(ddmin((0..100).collect(), 10_000, needs), [17, 61, 62]);
        let few = ddmin((0..100).collect(), 3, needs);
        assert!(few.len() > 3 && needs(&few), "{few:?}");
    }
}
