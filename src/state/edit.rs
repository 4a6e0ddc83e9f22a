//! A state written as a whole, by a person instead of an apply: the before-image first, then the next serial.
//!
//! Called by the state commands, under the lock. Must never lower a serial, nor lose what was there: even of a state that
//! cannot be read the bytes stay in the history.

use super::{
    format::{FORMAT, State},
    run::Run,
    store::{Store, StoreError},
};

/// What a store has now.
#[derive(Clone, Debug)]
pub struct Present {
    /// The state, if there is one that can be read.
    pub state: Option<State>,
    /// Why there is none, when there is something.
    pub damage: Option<StoreError>,
    /// Its serial, or the one it must have had by what the history says.
    pub serial: u64,
}

impl Present {
    /// Looks at what is there, damaged or not.
    ///
    /// Errors: the store cannot be read at all, or a newer rsds wrote there.
    pub async fn of(store: &dyn Store) -> Result<Self, StoreError> {
        let (state, damage) = match store.load().await {
            Ok(state) => (state, None),
            Err(damage @ StoreError::Damaged { .. }) => (None, Some(damage)),
            Err(error) => return Err(error),
        };
        let serial = match &state {
            Some(state) => state.serial,
            None => last_serial(store).await?,
        };
        Ok(Self { state, damage, serial })
    }

    /// Puts `next` in the place of what is there, as the write of `run`; returns it as it was written.
    pub async fn replace(&self, store: &dyn Store, next: State, run: Option<Run>) -> Result<State, StoreError> {
        if let Some(before) = self.state.as_ref().filter(|before| before.serial > 0) {
            store.keep(before).await?;
        }
        let next = State { format: FORMAT, serial: self.serial.max(next.serial) + 1, run, ..next };
        store.save(&next).await?;
        Ok(next)
    }
}

/// The serial that the history ends with: a former state stood before the write that has the next number.
async fn last_serial(store: &dyn Store) -> Result<u64, StoreError> {
    for (age, past) in (1..).zip(store.history().await?) {
        if let Ok(state) = store.past(&past.name).await {
            return Ok(state.serial + age);
        }
    }
    Ok(0)
}

/// Finds the newest former state that is whole and fits, by the name `past` knows it by.
pub async fn last_good(store: &dyn Store, fits: impl Fn(&State) -> bool) -> Option<String> {
    for past in store.history().await.ok()? {
        if store.past(&past.name).await.is_ok_and(|state| fits(&state)) {
            return Some(past.name);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{LocalStore, MemoryStore};

    fn state(serial: u64) -> State {
        State { serial, ..State::pristine("airline", "dev", "l".into()) }
    }

    #[tokio::test]
    async fn the_serial_goes_on_from_the_higher_one_and_what_was_there_is_kept() {
        let store = MemoryStore::default();
        let first = Present::of(&store).await.unwrap();
        assert_eq!((first.serial, first.state.is_none()), (0, true));
        assert_eq!(first.replace(&store, state(7), None).await.unwrap().serial, 8);
        let then = Present::of(&store).await.unwrap();
        assert_eq!(then.replace(&store, state(2), None).await.unwrap().serial, 9);
        let past = store.history().await.unwrap();
        assert_eq!(store.past(&past[0].name).await.unwrap().serial, 8);
        assert_eq!(past.len(), 1, "of nothing there is no before-image");
    }

    #[tokio::test]
    async fn a_damaged_state_is_replaced_and_its_bytes_stay() {
        let dir = tempfile::tempdir().unwrap();
        let store = LocalStore::new(dir.path());
        for serial in 1..=3 {
            store.save(&state(serial)).await.unwrap();
        }
        std::fs::write(dir.path().join("state.json"), "{").unwrap();
        let present = Present::of(&store).await.unwrap();
        assert_eq!((present.serial, present.damage.is_some()), (3, true));
        assert_eq!(present.replace(&store, state(1), None).await.unwrap().serial, 4);
        let bytes = std::fs::read(dir.path().join("history/commit-0000000004.json")).unwrap();
        assert_eq!(bytes, b"{");
        assert_eq!(last_good(&store, |state| state.serial == 1).await.as_deref(), Some("commit-0000000002.json"));
        assert_eq!(last_good(&store, |state| state.serial == 9).await, None);
    }
}
