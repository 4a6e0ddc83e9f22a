//! No input makes loading or rendering panic.

use proptest::prelude::*;

use super::*;
use crate::config::environments;

const FULL: &str = include_str!("full.toml");

fn survive(text: &str, sets: &[&str]) {
    let folder = Folder::new(&[("dev.toml", text)]);
    match folder.load("dev", sets) {
        Ok(environment) => assert_eq!(environment.digest().len(), 64),
        Err(problems) => {
            assert!(!problems.0.is_empty());
            assert!(!problems.render(true, 80).is_empty() && !problems.render(false, 0).is_empty());
            serde_json::to_string(&problems).unwrap();
        }
    }
    drop(environments(folder.0.path()));
}

#[test]
fn the_whole_of_the_design_is_understood() {
    let folder = Folder::new(&[("prod.toml", FULL), ("common.toml", "")]);
    let environment = folder.load("prod", &[]).unwrap_or_else(|problems| panic!("{}", problems.render(false, 120)));
    assert_eq!(environment.config.consumers["analytics"].count, 2);
    assert!(environment.unsupported.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_text(text in "\\PC*", set in "\\PC{0,30}") {
        survive(&text, &[&set]);
    }

    #[test]
    fn random_toml_like_text(text in "([a-z]{1,3}|[\\[\\]{}=\".,#\n\r\t é0-9_-]){0,80}", set in "[a-z.\"= \\[\\]{}0-9\n]{0,20}") {
        survive(&text, &[&set]);
    }

    #[test]
    fn the_design_with_pieces_cut_and_put_elsewhere(from in 0..FULL.len(), length in 0_usize..40, to in 0..FULL.len(), extra in "([a-zé]|[\\[\\]{}=\"'.,#\n0-9-]){0,6}") {
        let (from, to) = (FULL.floor_char_boundary(from), FULL.floor_char_boundary(to));
        let end = FULL.floor_char_boundary((from + length).min(FULL.len()));
        let mut text = format!("{}{}", &FULL[..from], &FULL[end.max(from)..]);
        let at = text.floor_char_boundary(to.min(text.len()));
        text.insert_str(at, &extra);
        survive(&text, &[]);
    }

    #[test]
    fn every_value_replaced_by_another(line in 0_usize..200, value in prop_oneof![Just("-1"), Just("\"\""), Just("[]"), Just("{}"), Just("[{}]"), Just("1.5"), Just("9223372036854775807"), Just("true"), Just("1979-05-27"), Just("[[1], \"é\"]"), Just("\"\u{1F600}\"")]) {
        let mut lines: Vec<String> = FULL.lines().map(str::to_owned).collect();
        let index = line % lines.len();
        if let Some((key, _)) = lines[index].clone().split_once('=') {
            lines[index] = format!("{key}= {value}");
        }
        survive(&lines.join("\n"), &[]);
    }
}
