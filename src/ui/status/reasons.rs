//! What the codes of target health mean in plain words, and what to look at (aws-facts.md 7.4).
//!
//! Called by the status views. Must never be needed to understand the status: AWS's own code stands beside it.

use crate::ui::Hint;

const MEANINGS: &[(&str, &str, &str)] = &[
    ("Elb.RegistrationInProgress", "the load balancer is taking it in", "wait: it takes a minute or two"),
    (
        "Elb.InitialHealthChecking",
        "the first health checks are under way",
        "wait: as many checks as [nlb.health_check] wants must succeed",
    ),
    (
        "Target.Timeout",
        "nothing answered the health check in time",
        "look at the security groups between balancer and warehouse, at its port, and whether it is available",
    ),
    (
        "Target.FailedHealthChecks",
        "the connection was refused or cut",
        "look whether the warehouse is available and listens on this port",
    ),
    ("Target.ResponseCodeMismatch", "the health check expects another answer", "a TCP check is wanted: rsds plan"),
    ("Elb.InternalError", "the load balancer itself has a fault", "wait; if it stays, ask AWS"),
    (
        "Target.NotInUse",
        "no listener forwards to its group, or the balancer is not in its zone",
        "look whether rsds plan wants a listener or a subnet",
    ),
    ("Target.InvalidState", "what has this address is stopped or gone", "look whether rsds plan wants other addresses"),
    ("Target.IpUnusable", "the address belongs to a load balancer", "look whether rsds plan wants other addresses"),
    ("Target.HealthCheckDisabled", "health checks are switched off", "look whether rsds plan wants them on"),
];

/// Returns what a code means.
pub(super) fn meaning(code: &str) -> Option<Hint> {
    MEANINGS.iter().find(|(of, ..)| *of == code).map(|(_, cause, cure)| Hint { cause, cure: (*cure).into() })
}

/// Writes what a code means behind it; nothing where AWS's word is all there is.
pub(super) fn explained(code: &str) -> String {
    meaning(code).map(|Hint { cause, cure }| format!(": {cause}; {cure}")).unwrap_or_default()
}
