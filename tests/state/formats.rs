//! The bytes of a state: nothing that is not exactly what rsds wrote is taken for a state.

use rsds::state::{FORMAT, LocalStore, State, Store, StoreError, envelope};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use std::{fs, path::Path};

/// A fixture in an envelope, as the rsds of that format wrote it.
fn sealed(state: &Json) -> Vec<u8> {
    let checksum = hex::encode(Sha256::digest(serde_json::to_vec(state).unwrap()));
    serde_json::to_vec_pretty(&json!({ "checksum": format!("sha256:{checksum}"), "state": state })).unwrap()
}

fn fixture(format: u32) -> Json {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/formats/format-{format}.json"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn every_format() -> impl Iterator<Item = Vec<u8>> {
    (1..=FORMAT).map(|format| sealed(&fixture(format)))
}

#[test]
fn a_cut_at_any_byte_is_noticed() {
    for bytes in every_format() {
        assert_eq!(envelope::open("x", &bytes).unwrap().format, FORMAT);
        for length in 0..bytes.len() {
            let error = envelope::open("x", &bytes[..length]).unwrap_err();
            assert!(matches!(error, StoreError::Damaged { .. }), "{length}: {error}");
        }
    }
}

/// Another byte anywhere is noticed, or changes nothing: white space, and what JSON writes in two ways.
#[test]
fn an_edit_of_any_byte_is_noticed() {
    for bytes in every_format() {
        let whole = envelope::open("x", &bytes).unwrap();
        for at in 0..bytes.len() {
            for other in [b'0', b'9', b' ', b'"', b'x', b'}', 0] {
                let mut edited = bytes.clone();
                edited[at] = other;
                match envelope::open("x", &edited) {
                    Ok(state) => assert_eq!(state, whole, "byte {at} as {other}"),
                    Err(StoreError::Damaged { .. } | StoreError::Newer { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn any_damage_offers_the_last_good_state() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalStore::new(dir.path());
    let state = envelope::open("x", &sealed(&fixture(FORMAT))).unwrap();
    store.save(&State { serial: 1, ..state.clone() }).await.unwrap();
    store.save(&State { serial: 2, ..state }).await.unwrap();
    let whole = fs::read(dir.path().join("state.json")).unwrap();
    let mut newer = fixture(FORMAT);
    newer["format"] = json!(FORMAT + 1);
    for (bytes, says) in [
        (whole[..whole.len() - 3].to_vec(), "was cut short at"),
        (Vec::new(), "it is empty"),
        (b"\xff".to_vec(), "it is not text"),
        (b"[]".to_vec(), "it is no state of rsds"),
        (
            String::from_utf8(whole.clone()).unwrap().replacen("vpc-1", "vpc-2", 1).into_bytes(),
            "its checksum does not match",
        ),
    ] {
        fs::write(dir.path().join("state.json"), bytes).unwrap();
        let error = store.load().await.unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        let StoreError::Damaged { last_good: Some(name), .. } = error else { panic!("{error}") };
        assert_eq!(store.past(&name).await.unwrap().serial, 1);
    }
    fs::write(dir.path().join("state.json"), sealed(&newer)).unwrap();
    assert!(matches!(store.load().await, Err(StoreError::Newer { found, known, .. }) if found == u64::from(known) + 1));
}
