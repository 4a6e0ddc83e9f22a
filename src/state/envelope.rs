//! A state as bytes: its JSON under a checksum, so that what was cut short or edited is told from what is whole.
//!
//! The one seam where states are written and parsed: files, objects, before-images, rescue files, `state pull` and
//! `push`. Must never let a state through that is not exactly what rsds wrote, nor one of a newer format.

use super::{
    format::{FORMAT, State},
    migrate::migrate,
    store::StoreError,
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

/// The form of the bytes. The checksum is over the state's compact JSON, so that reformatting by hand is noticed only
/// when it changes a value.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<S> {
    checksum: String,
    state: S,
}

/// Writes a state as bytes.
pub fn seal(state: &State) -> serde_json::Result<Vec<u8>> {
    let state = serde_json::to_value(state)?;
    let mut bytes = serde_json::to_vec_pretty(&Envelope { checksum: checksum(&state)?, state })?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Reads a state from bytes found at `place`; older formats become the present one.
///
/// Errors: it is cut short, edited, of a newer format, or no state at all.
pub fn open(place: &str, bytes: &[u8]) -> Result<State, StoreError> {
    let damaged = |why: String| StoreError::Damaged { place: place.to_owned(), why, last_good: None };
    let text = std::str::from_utf8(bytes).map_err(|_| damaged("it is not text".into()))?;
    if text.trim().is_empty() {
        return Err(damaged("it is empty".into()));
    }
    let envelope: Envelope<Json> = serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Eof => damaged(format!("it was cut short at {}:{}", error.line(), error.column())),
        _ => damaged(format!("it is no state of rsds ({error})")),
    })?;
    // The format comes first: of a newer one not even the checksum's rule is known.
    let Some(format) = envelope.state["format"].as_u64() else { return Err(damaged("it names no format".into())) };
    if format > u64::from(FORMAT) {
        return Err(StoreError::Newer { place: place.to_owned(), found: format, known: FORMAT });
    }
    if checksum(&envelope.state).map_err(|error| damaged(error.to_string()))? != envelope.checksum {
        return Err(damaged("its checksum does not match: a value was edited".into()));
    }
    let state = migrate(envelope.state).map_err(&damaged)?;
    serde_json::from_value(state).map_err(|error| damaged(error.to_string()))
}

fn checksum(state: &Json) -> serde_json::Result<String> {
    Ok(format!("sha256:{}", hex::encode(Sha256::digest(serde_json::to_vec(state)?))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_and_damage_is_told() {
        let state = State::pristine("airline", "dev", "l".into());
        let bytes = seal(&state).unwrap();
        assert_eq!(open("x", &bytes).unwrap(), state);
        let why = |bytes: &[u8]| open("x", bytes).unwrap_err().to_string();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(
            why(text.replace("airline", "airlane").as_bytes()),
            "the state at x is damaged: its checksum does not match: a value was edited"
        );
        assert_eq!(why(&text.as_bytes()[..60]), "the state at x is damaged: it was cut short at 2:58");
        assert_eq!(why(b" \n"), "the state at x is damaged: it is empty");
        assert_eq!(why(&[0xff, 0xfe]), "the state at x is damaged: it is not text");
        assert!(why(b"{}").contains("it is no state of rsds"), "{}", why(b"{}"));
        let newer = text.replace(&format!("\"format\": {FORMAT}"), "\"format\": 99");
        let wanted = format!("the state at x has format 99, this rsds reads up to {FORMAT}: use a newer rsds");
        assert_eq!(why(newer.as_bytes()), wanted);
    }

    /// Every cut is noticed: no prefix of a state is a state, but for its last line's end.
    #[test]
    fn no_torn_write_passes() {
        let bytes = seal(&State::pristine("airline", "dev", "l".into())).unwrap();
        for length in 0..bytes.len() - 1 {
            assert!(open("x", &bytes[..length]).is_err(), "{length}");
        }
    }
}
