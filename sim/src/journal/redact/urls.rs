//! URLs with other hosts, and without passkeys. How a URL is treated depends on its scheme, its port, whether its path
//! ends as that of an announce and whether it has a query, so these stay.

use super::pseudonyms::Pseudonyms;

/// Words of paths that every tracker has.
const PLAIN: [&str; 6] = ["announce", "announce.php", "scrape", "scrape.php", "tracker", ""];

/// A URL, rewritten.
pub(super) fn url(names: &mut Pseudonyms, url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return names.url_part(url);
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(end);
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, authority),
    };
    let mut new = format!("{scheme}://");
    if let Some(user) = user {
        new += &names.url_part(user);
        new.push('@');
    }
    let port_at = match place.rfind(']') {
        Some(bracket) => place[bracket..].find(':').map(|at| at + bracket),
        None => place.rfind(':'),
    };
    let (host, port) = place.split_at(port_at.unwrap_or(place.len()));
    new += &names.host(host);
    new += port;
    new + &self::target(names, target)
}

/// A path with its query.
pub(super) fn target(names: &mut Pseudonyms, target: &str) -> String {
    let target = target.split('#').next().unwrap_or_default();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let parts: Vec<_> = path.split('/').map(|part| plain_or(names, part)).collect();
    let mut new = parts.join("/");
    if let Some(query) = query {
        let arguments = query.split('&').map(|argument| match argument.split_once('=') {
            Some((name, value)) => format!("{}={}", names.url_part(name), names.url_part(value)),
            None => names.url_part(argument),
        });
        let arguments: Vec<_> = arguments.collect();
        new.push('?');
        new += &arguments.join("&");
    }
    new
}

fn plain_or(names: &mut Pseudonyms, part: &str) -> String {
    if PLAIN.contains(&part) {
        part.to_owned()
    } else {
        names.url_part(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_and_hosts_go_and_the_rest_stays() {
        let mut names = Pseudonyms::new([1; 32]);
        let mut new = |text| url(&mut names, text);
        assert_eq!(
            new("http://tracker.org:6969/0123abcd/announce"),
            "http://host-1.example:6969/part-1/announce"
        );
        assert_eq!(
            new("https://tracker.org/announce?passkey=abc"),
            "https://host-1.example/announce?part-2=part-3"
        );
        assert_eq!(new("udp://other.net:80"), "udp://host-2.example:80");
        assert!(new("udp://[2a00::9]:80/announce").starts_with("udp://[2001:db8:"));
    }
}
