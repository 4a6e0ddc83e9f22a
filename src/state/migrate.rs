//! Brings states of older formats to the present one, a step a format.
//!
//! Called by `envelope` alone. A step must never ask anything but the state itself, and never be changed once a release
//! has written its format.

use super::format::FORMAT;
use serde_json::{Value as Json, json};

/// Turns a state of one format into the next one.
type Step = fn(&mut Json);

/// The steps, the first one from format 1. One for each format before the present one.
const STEPS: [Step; FORMAT as usize - 1] = [say_who_wrote_it, say_when_it_was_written];

/// Takes a state through all the steps that its format lacks.
///
/// Errors: it names no format there ever was.
pub(super) fn migrate(mut state: Json) -> Result<Json, String> {
    let format = state["format"].as_u64().and_then(|format| usize::try_from(format).ok()).unwrap_or_default();
    let Some(behind) = format.checked_sub(1) else { return Err(format!("there is no format {format}")) };
    for (step, next) in STEPS.iter().zip(2_u32..).skip(behind) {
        step(&mut state);
        state["format"] = json!(next);
    }
    Ok(state)
}

/// Format 2 names the run that wrote the state; of older ones that is not known.
fn say_who_wrote_it(state: &mut Json) {
    state["run"] = Json::Null;
}

/// Format 3 says when it was written; of older ones that is not known.
fn say_when_it_was_written(state: &mut Json) {
    state["written"] = Json::Null;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::format::{State, Status};

    /// The fixtures are never edited: whatever this rsds becomes, it reads them.
    const FIXTURES: [&str; FORMAT as usize] = [
        include_str!("../../tests/formats/format-1.json"),
        include_str!("../../tests/formats/format-2.json"),
        include_str!("../../tests/formats/format-3.json"),
    ];

    #[test]
    fn every_format_stays_readable() {
        for (text, format) in FIXTURES.iter().zip(1..) {
            let found: Json = serde_json::from_str(text).unwrap();
            assert_eq!(found["format"], format);
            let state: State = serde_json::from_value(migrate(found).unwrap()).unwrap();
            assert_eq!(state.format, FORMAT);
            assert_eq!(state.entries.len(), 2);
            let vpc = &state.entries[&"networking/vpc".parse().unwrap()];
            assert_eq!(vpc.status, Status::Ready);
            assert_eq!(serde_json::to_value(&state).unwrap()["entries"]["networking/vpc"]["id"], "vpc-1");
        }
    }

    /// What this rsds writes is exactly the newest fixture: a field that is added or dropped is a new format.
    #[test]
    fn the_newest_format_is_written_as_it_was_read() {
        let found: Json = serde_json::from_str(FIXTURES[FIXTURES.len() - 1]).unwrap();
        let state: State = serde_json::from_value(found.clone()).unwrap();
        assert_eq!(serde_json::to_value(&state).unwrap(), found);
    }

    #[test]
    fn there_is_no_format_0() {
        assert_eq!(migrate(json!({ "format": 0 })).unwrap_err(), "there is no format 0");
    }
}
