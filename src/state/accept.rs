//! Whether a state from elsewhere may take the place of the present one.
//!
//! Called by `rsds state push`. Must never say yes to what would make rsds forget resources without naming that.

use super::{edit::Present, format::State};

/// What the state is to be of, by the TOML.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The TOML's `project`.
    pub project: &'a str,
    /// The environment's name.
    pub environment: &'a str,
    /// The TOML's `account`, if it names one.
    pub account: Option<&'a str>,
    /// The TOML's `region`.
    pub region: &'a str,
}

/// Names everything that speaks against `new` in the place of what is there, as sentences without full stop.
pub fn objections(new: &State, present: &Present, place: Place<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut differs = |what: &str, new: &str, there: &str, whose: &str| {
        if new != there {
            found.push(format!("it is of {what} {new}, {whose} of {there}"));
        }
    };
    differs("project", &new.project, place.project, "this environment");
    differs("environment", &new.environment, place.environment, "this one is");
    let there = present.state.as_ref();
    let of_state = |of: fn(&State) -> Option<&str>| there.filter(|state| !state.entries.is_empty()).and_then(of);
    if let Some(region) = &new.region {
        differs("region", region, place.region, "the TOML");
    }
    let account = place.account.or_else(|| of_state(|state| state.account.as_deref()));
    if let (Some(account), Some(there)) = (&new.account, account) {
        differs("account", account, there, "this environment");
    }
    if let Some(there) = there {
        differs("lineage", &new.lineage, &there.lineage, "the present state");
    }
    if new.serial < present.serial {
        found.push(format!("its serial is {}, the present state's is {}: it is older", new.serial, present.serial));
    }
    if there.is_some_and(|there| there.serial == new.serial && there.lineage == new.lineage && *there != *new) {
        found.push(format!("its serial is {} like the present state's, and what they hold differs", new.serial));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place { project: "airline", environment: "dev", account: Some("1"), region: "us-west-2" };

    fn state(serial: u64) -> State {
        let (account, region) = (Some("1".to_owned()), Some("us-west-2".to_owned()));
        State { serial, account, region, ..State::pristine("airline", "dev", "l".into()) }
    }

    fn present(state: Option<State>) -> Present {
        Present { serial: state.as_ref().map_or(0, |state| state.serial), state, damage: None }
    }

    #[test]
    fn everything_that_speaks_against_it_is_named() {
        let there = present(Some(state(7)));
        assert!(objections(&state(8), &there, PLACE).is_empty());
        assert!(objections(&state(7), &there, PLACE).is_empty(), "the very same");
        assert!(objections(&state(1), &present(None), PLACE).is_empty());
        let wrong = State {
            account: Some("2".into()),
            region: Some("eu-central-1".into()),
            ..State { serial: 3, ..State::pristine("freight", "prod", "m".into()) }
        };
        let expected = [
            "it is of project freight, this environment of airline",
            "it is of environment prod, this one is of dev",
            "it is of region eu-central-1, the TOML of us-west-2",
            "it is of account 2, this environment of 1",
            "it is of lineage m, the present state of l",
            "its serial is 3, the present state's is 7: it is older",
        ];
        assert_eq!(objections(&wrong, &there, PLACE), expected);
        let other = State { account: None, ..state(7) };
        assert_eq!(objections(&other, &there, PLACE).len(), 1, "one serial, two contents");
    }
}
