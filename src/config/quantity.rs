//! Ranges of addresses and durations: read from text, with what to say when they are none. Called by `shape.rs` to check
//! and by `convert.rs` to convert, so that both always agree.

use std::time::Duration;

use ipnet::Ipv4Net;
use jiff::{Span, SpanRelativeTo};

use super::shape::Fault;

/// Reads an IPv4 range in canonical form with a prefix length within `from..=to`.
///
/// # Errors
/// Says what is wrong; host bits that are set come with the canonical form as help.
pub fn cidr(text: &str, from: u8, to: u8) -> Result<Ipv4Net, Fault> {
    let Ok(net) = text.parse::<Ipv4Net>() else {
        return Err(Fault::new(format!("`{text}` is not an IPv4 range")).help("for example `10.40.0.0/16`"));
    };
    if net != net.trunc() {
        return Err(
            Fault::new(format!("`{text}` has bits set beyond its prefix")).help(format!("write `{}`", net.trunc()))
        );
    }
    if !(from..=to).contains(&net.prefix_len()) {
        let size = net.prefix_len();
        return Err(Fault::new(format!("`{text}` is a /{size}: it must be between /{from} and /{to}")));
    }
    Ok(net)
}

/// Reads a duration such as `90s`, `1h 30m` or `7d` of whole seconds within `from..=to`.
///
/// # Errors
/// Says what is wrong, with the bounds in seconds.
pub fn duration(text: &str, from: u64, to: u64) -> Result<Duration, Fault> {
    let length = length(text, "write a number and a unit: `90s`, `2m`, `1h`, `7d`")?;
    let seconds = length.as_secs();
    if length.subsec_nanos() != 0 {
        return Err(Fault::new(format!("`{text}` is not a whole number of seconds")));
    }
    if !(from..=to).contains(&seconds) {
        let given = grouped(seconds);
        let bound = if seconds > to {
            format!("the most is {} s", grouped(to))
        } else {
            format!("the least is {} s", grouped(from))
        };
        return Err(Fault::new(format!("`{text}` is {given} s: {bound}")));
    }
    Ok(length)
}

/// Reads a duration such as `30ms` or `1m 30s` of whole milliseconds, at most `to` seconds.
///
/// # Errors
/// Says what is wrong, with the bound.
pub fn span(text: &str, to: u64) -> Result<Duration, Fault> {
    let length = length(text, "write a number and a unit: `30ms`, `5s`, `2m`")?;
    if !length.subsec_nanos().is_multiple_of(1_000_000) {
        return Err(Fault::new(format!("`{text}` is not a whole number of milliseconds")));
    }
    if length > Duration::from_secs(to) {
        return Err(Fault::new(format!("`{text}` is too long: the most is {} s", grouped(to))));
    }
    Ok(length)
}

fn length(text: &str, example: &str) -> Result<Duration, Fault> {
    let fault = || Fault::new(format!("`{text}` is not a duration")).help(example);
    let span: Span = text.trim().parse().map_err(|_| fault())?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| fault())?;
    Duration::try_from(length).map_err(|_| Fault::new(format!("`{text}` is negative")))
}

/// Writes a number with commas between thousands.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("1h", 0, 86_399).unwrap().as_secs(), 3600);
        assert_eq!(duration("7d", 0, u64::MAX).unwrap().as_secs(), 604_800);
        assert_eq!(duration("1h 30m", 0, 86_399).unwrap().as_secs(), 5400);
        assert_eq!(duration("24h", 0, 86_399).unwrap_err().message, "`24h` is 86,400 s: the most is 86,399 s");
        for bad in ["", "90", "-5s", "1 month", "500ms", "1y", "99999999999999999999h"] {
            assert!(duration(bad, 0, 86_399).is_err(), "{bad}");
        }
    }

    #[test]
    fn short_durations() {
        assert_eq!(span("30ms", 60).unwrap().as_millis(), 30);
        assert_eq!(span("1m", 60).unwrap().as_secs(), 60);
        assert_eq!(span("61s", 60).unwrap_err().message, "`61s` is too long: the most is 60 s");
        for bad in ["", "30", "-1s", "5us", "1 month"] {
            assert!(span(bad, 60).is_err(), "{bad}");
        }
    }

    #[test]
    fn ranges_are_canonical() {
        assert_eq!(cidr("10.0.0.1/16", 16, 28).unwrap_err().help.unwrap(), "write `10.0.0.0/16`");
        assert_eq!(
            cidr("10.0.0.0/8", 16, 28).unwrap_err().message,
            "`10.0.0.0/8` is a /8: it must be between /16 and /28"
        );
    }
}
