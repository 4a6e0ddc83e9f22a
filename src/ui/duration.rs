//! Durations as people say them.
//!
//! Called by every view and by error messages. Must never be parsed back: JSON carries plain seconds.

/// Writes a duration given in seconds: `0.4s`, `12s`, `6m03s`, `1h02m`. What is negative or no number counts as 0.
pub fn seconds(seconds: f64) -> String {
    let seconds = if seconds.is_finite() { seconds.max(0.0) } else { 0.0 };
    let tenths = (seconds * 10.0).round() / 10.0;
    if tenths < 10.0 {
        // `{}` writes a whole number without a fraction: 3s, not 3.0s.
        return format!("{tenths}s");
    }
    let whole = seconds.round();
    let (minutes, rest) = ((whole / 60.0).floor(), whole % 60.0);
    if minutes < 1.0 {
        format!("{whole}s")
    } else if minutes < 60.0 {
        format!("{minutes}m{rest:02}s")
    } else {
        format!("{}h{:02}m", (minutes / 60.0).floor(), minutes % 60.0)
    }
}

/// Writes an estimate given in seconds, no finer than it is meant: `3s`, `5m`, `1m30s`, `12m`, `1h05m`.
pub(super) fn about(seconds: u32) -> String {
    let minutes = (seconds + 30) / 60;
    match (seconds, seconds / 60, seconds % 60) {
        (0..60, ..) => format!("{seconds}s"),
        (60..180, minutes, 0) => format!("{minutes}m"),
        (60..180, minutes, rest) => format!("{minutes}m{rest:02}s"),
        _ if minutes < 60 => format!("{minutes}m"),
        _ => format!("{}h{:02}m", minutes / 60, minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        let said = [0.0, 0.44, 3.0, 9.97, 12.3, 59.7, 363.0, 3599.6, 3720.0, f64::NAN, -1.0].map(seconds);
        assert_eq!(said, ["0s", "0.4s", "3s", "10s", "12s", "1m00s", "6m03s", "1h00m", "1h02m", "0s", "0s"]);
    }

    #[test]
    fn estimates_are_round() {
        let said = [3, 59, 90, 120, 303, 601, 3570, 3900].map(about);
        assert_eq!(said, ["3s", "59s", "1m30s", "2m", "5m", "10m", "1h00m", "1h05m"]);
    }
}
