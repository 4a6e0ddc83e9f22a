//! Plans, changes and buffers that the tests of the views share.

use super::{Printer, Settings};
use crate::{
    address::Address,
    kind::{After, Disruption, Id, Impact, OutputRef, Step},
    plan::{Action, Change, FieldChange, LongestPath, Need, Op, Plan, Reason, Until, Verb, Work},
};
use serde_json::{Value as Json, json};
use std::{
    collections::BTreeSet,
    io::{self, Write},
    sync::{Arc, Mutex},
};

/// A buffer that can be read while a printer owns it.
#[derive(Clone, Default)]
pub(super) struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn printer(settings: Settings) -> (Printer, Buffer, Buffer) {
    let (out, err) = (Buffer::default(), Buffer::default());
    (Printer::from_write(Box::new(out.clone()), Box::new(err.clone()), settings), out, err)
}

pub(super) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

pub(super) fn known(field: &str, before: Json, after: Json) -> FieldChange {
    FieldChange {
        field: field.to_owned(),
        key: None,
        before,
        after: After::Known(after),
        replaces: false,
        drift: false,
        unreadable: false,
        impact: Impact::default(),
        origin: Some(format!("section.{field}")),
    }
}

pub(super) fn impact(disruption: Disruption, text: &str) -> Impact {
    Impact { disruption, text: text.to_owned(), seconds: None }
}

pub(super) fn from(field: &str, before: Json, of: &str, output: &str) -> FieldChange {
    let of = OutputRef { address: address(of), output: output.to_owned() };
    FieldChange { after: After::From(vec![of]), ..known(field, before, Json::Null) }
}

pub(super) fn change(of: &str, action: Action, reasons: &[Reason], fields: Vec<FieldChange>) -> Change {
    let id = (!matches!(action, Action::Create)).then(|| Id(format!("id-{}", of.replace('/', "-"))));
    let names: BTreeSet<String> = fields.iter().map(|field: &FieldChange| field.field.clone()).collect();
    let steps = match action {
        Action::Resume => vec![Step::set("x")],
        _ => names.iter().map(|name| Step::set(name)).collect(),
    };
    Change {
        address: address(of),
        kind: crate::aws::kind("ec2.vpc").unwrap(),
        action,
        reasons: reasons.to_vec(),
        fields,
        ignored: Vec::new(),
        id,
        origin: Some("section".to_owned()),
        work: Work { steps, ..Work::default() },
    }
}

pub(super) fn op(of: &str, verb: Verb, typical: u32, needs: &[usize]) -> Op {
    let needs = needs.iter().map(|op| Need { op: *op, until: Until::Done }).collect();
    Op { address: address(of), verb, needs, typical }
}

pub(super) fn plan(changes: Vec<Change>, ops: Vec<Op>) -> Plan {
    let longest = LongestPath {
        seconds: ops.iter().map(|op| op.typical).sum(),
        through: ops.iter().map(|op| op.address.clone()).collect(),
    };
    let changes = changes.into_iter().map(|change| (change.address.clone(), change)).collect();
    Plan { changes, ops, longest, ..Plan::default() }
}

/// A network and a workgroup to be created.
pub(super) fn fresh() -> Plan {
    let vpc = vec![
        known("cidr", Json::Null, json!("10.40.0.0/16")),
        known("tags", Json::Null, json!({ "Name": "airline-dev-vpc", "rsds:project": "airline" })),
    ];
    let workgroup = vec![
        known("max_capacity", Json::Null, json!(64)),
        known("parameters", Json::Null, json!({ "require_ssl": "true", "max_query_execution_time": "3600" })),
        from("subnets", Json::Null, "networking/subnet-1", "id"),
    ];
    plan(
        vec![
            change("consumer-a-2/workgroup", Action::Create, &[Reason::New], workgroup),
            change("networking/vpc", Action::Create, &[Reason::New], vpc),
        ],
        vec![op("networking/vpc", Verb::Create, 3, &[]), op("consumer-a-2/workgroup", Verb::Create, 300, &[0])],
    )
}
