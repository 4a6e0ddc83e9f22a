//! What can go wrong with a call, and faults that tests order beforehand.
//!
//! Armed through `Sandbox::inject`, consulted by the router once per routed call, before the weather. Must never change
//! the world.

use super::AwsError;
use std::time::Duration;

/// What goes wrong with a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// The service answers this error and does nothing.
    Error(AwsError),
    /// The service does its work, then answers this error all the same.
    ErrorAfter(AwsError),
    /// The connection breaks before the service sees the call.
    LoseRequest,
    /// The service does its work, then the connection breaks: the client never learns of it.
    LoseAnswer,
    /// The connection breaks, and the request arrives so much later.
    Late(Duration),
}

/// A fault to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// `CreateVpc`, `ec2:CreateVpc`, or `*` for every call.
    pub operation: String,
    /// Which matching call it hits first, counted from now, from 1.
    pub nth: usize,
    /// How many matching calls in a row it hits; `usize::MAX` for all from then on.
    pub times: usize,
    /// What goes wrong.
    pub how: How,
}

impl Fault {
    /// A fault that hits the nth matching call once.
    pub fn once(operation: impl Into<String>, nth: usize, how: How) -> Self {
        Self { operation: operation.into(), nth, times: 1, how }
    }

    fn matches(&self, service: &str, operation: &str) -> bool {
        self.operation == "*"
            || self.operation == operation
            || self.operation.split_once(':') == Some((service, operation))
    }
}

/// The faults that are armed, each with the number of matching calls it has seen.
#[derive(Debug, Default)]
pub(super) struct Armed(Vec<(Fault, usize)>);

impl Armed {
    pub(super) fn arm(&mut self, fault: Fault) {
        self.0.push((fault, 0));
    }

    /// Counts the call on every fault that matches; the first one that is due hits it.
    pub(super) fn strike(&mut self, service: &str, operation: &str) -> Option<How> {
        let mut hit = None;
        for (fault, seen) in &mut self.0 {
            if fault.matches(service, operation) {
                *seen += 1;
                let due = *seen >= fault.nth && *seen - fault.nth < fault.times;
                if due && hit.is_none() {
                    hit = Some(fault.how.clone());
                }
            }
        }
        hit
    }

    /// The operations of those that have hit nothing.
    pub(super) fn unmet(&self) -> Vec<String> {
        self.0.iter().filter(|(fault, seen)| *seen < fault.nth).map(|(fault, _)| fault.operation.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_hits_its_calls_and_no_others() {
        let mut armed = Armed::default();
        armed.arm(Fault { operation: "ec2:CreateVpc".into(), nth: 2, times: 2, how: How::LoseRequest });
        let hits: Vec<bool> = (0..5).map(|_| armed.strike("ec2", "CreateVpc").is_some()).collect();
        assert_eq!(hits, [false, true, true, false, false]);
        armed.arm(Fault::once("kms:CreateKey", 1, How::LoseAnswer));
        assert_eq!(armed.unmet(), ["kms:CreateKey"]);
        assert_eq!(armed.strike("kms", "CreateVpc"), None);
    }
}
