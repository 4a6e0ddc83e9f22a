//! Names of hosts: what is one, and which of them a certificate's name stands for.
//!
//! Read by `config`, by kinds and checks of certificates, and by the sandbox. Must never ask a name server: names are the
//! user's.

/// The longest name, and the longest label of one (RFC 1035).
const LONGEST: (usize, usize) = (253, 63);

/// Says what keeps a text from being the name of a host, in lower case as AWS shows them; none: it is one.
pub fn fault(name: &str) -> Option<String> {
    if name.len() > LONGEST.0 {
        return Some(format!("it has {} characters, and at most {} are allowed", name.len(), LONGEST.0));
    }
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some("names of hosts are written in lower case here".to_owned());
    }
    if !name.contains('.') {
        return Some("it has no dot".to_owned());
    }
    name.split('.').find_map(|label| {
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if label.is_empty() {
            Some("nothing stands beside one of its dots".to_owned())
        } else if label.len() > LONGEST.1 {
            Some(format!("the label `{label}` has {} characters, and at most {} are allowed", label.len(), LONGEST.1))
        } else if !label.bytes().all(good) || label.starts_with('-') || label.ends_with('-') {
            Some(format!("the label `{label}` is not made of letters and digits, with dashes between them"))
        } else {
            None
        }
    })
}

/// Tells whether a name in a certificate stands for that host: itself, or `*.` for exactly one label before the rest.
pub fn covers(of: &str, host: &str) -> bool {
    let (of, host) = (of.to_lowercase(), host.to_lowercase());
    match of.strip_prefix("*.") {
        Some(rest) => host.split_once('.').is_some_and(|(label, parent)| !label.is_empty() && parent == rest),
        None => of == host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_one_label() {
        let host = "a-1.dwh.example.com";
        for (of, good) in [
            (host, true),
            ("A-1.dwh.example.com", true),
            ("*.dwh.example.com", true),
            ("*.example.com", false),
            ("dwh.example.com", false),
            ("*.1.dwh.example.com", false),
        ] {
            assert_eq!(covers(of, host), good, "{of}");
        }
        assert!(!covers("*.dwh.example.com", "dwh.example.com"));
    }

    #[test]
    fn names_are_labels_between_dots() {
        for good in ["dwh.example.com", "a-1.b", "xn--bcher-kva.example"] {
            assert_eq!(fault(good), None, "{good}");
        }
        let long = format!("{}.example.com", "a".repeat(64));
        let longer = ["a"; 128].join(".");
        for (bad, why) in [
            ("localhost", "no dot"),
            ("Dwh.example.com", "lower case"),
            ("dwh..example.com", "nothing stands"),
            ("dwh.example.com.", "nothing stands"),
            ("-a.example.com", "`-a`"),
            ("a-.example.com", "`a-`"),
            ("*.example.com", "`*`"),
            ("a_b.example.com", "`a_b`"),
            (&long, "has 64 characters"),
            (&longer, "it has 255 characters"),
        ] {
            assert!(fault(bad).is_some_and(|said| said.contains(why)), "{bad}: {:?}", fault(bad));
        }
    }
}
