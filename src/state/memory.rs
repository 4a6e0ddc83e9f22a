//! A store in memory, for tests in virtual time.
//!
//! Called by tests alone. Must never touch a file.

use super::{
    format::State,
    writer::{Store, StoreError},
};
use std::{
    future::{Future, ready},
    pin::Pin,
    sync::{Mutex, PoisonError},
};

/// Keeps the last state it was given.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Option<State>>);

impl MemoryStore {
    /// Returns what was last saved.
    pub fn last(&self) -> Option<State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Store for MemoryStore {
    fn load(&self) -> Pin<Box<dyn Future<Output = Result<Option<State>, StoreError>> + Send + '_>> {
        Box::pin(ready(Ok(self.last())))
    }
    fn save<'a>(&'a self, state: &'a State) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(state.clone());
        Box::pin(ready(Ok(())))
    }
}
