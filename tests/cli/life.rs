//! The whole life of an estate over a real socket, with the documents that scripts read.

use super::*;
use rsds::sandbox::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};

/// `rsds sandbox serve` on a port of its own.
pub(super) struct Served {
    pub folder: Folder,
    pub url: String,
    /// What its line to paste exports.
    exports: BTreeMap<String, String>,
    running: Running,
}

/// Starts it, and waits until it listens.
pub(super) fn serve() -> Served {
    let folder = Folder::new(SMALL);
    let mut running = folder.start(&[&["sandbox", "serve", "--port", "0", "--sandbox-speed", "2000"]]);
    running.until("listens on http://127.0.0.1:");
    let line = running.until("export ");
    let pairs = line.trim().strip_prefix("export ").unwrap().split(' ').map(|pair| pair.split_once('=').unwrap());
    let exports: BTreeMap<String, String> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Served { folder, url: exports["AWS_ENDPOINT_URL"].clone(), exports, running }
}

#[test]
fn the_line_to_paste_is_all_that_an_sdk_or_cli_needs() {
    let served = serve();
    let given = ["AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_SECRET_ACCESS_KEY"];
    assert!(served.exports.keys().eq(given), "{:?}", served.exports);
    assert_eq!(served.exports["AWS_DEFAULT_REGION"], served.exports["AWS_REGION"]);
    let client = Folder::new(SMALL);
    let ran = client.binary(&[&["plan"]]).envs(&served.exports).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn an_estate_lives_and_dies_over_a_socket() {
    let served = serve();
    let mut folder = Folder::new(SMALL);
    folder.variables.insert("AWS_ENDPOINT_URL", served.url.clone());
    folder.variables.insert("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID.to_owned());
    folder.variables.insert("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned());

    let pending = folder.rsds(&[&["plan", "--detailed-exitcode", "--json"]]).exits(2).document("rsds.plan/1");
    let planned = pending["summary"]["create"].as_u64().unwrap();
    assert!(planned > 25, "{planned}");
    let applied = folder.rsds(&[&["apply", "--auto-approve", "--json"]]).exits(0);
    let events = applied.documents();
    assert_eq!(events[0]["format"], "rsds.plan/1");
    assert!(events[1..].iter().all(|event| event["format"] == "rsds.event/1"), "{applied}");
    let finished = events.iter().filter(|event| event["event"] == "finished").count();
    assert_eq!(finished as u64, planned);
    let outcome = events.last().unwrap();
    assert_eq!((&outcome["event"], &outcome["complete"]), (&"outcome".into(), &true.into()));
    folder.rsds(&[&["plan", "--detailed-exitcode"]]).exits(0).prints("No changes.");

    let outputs = folder.rsds(&[&["output", "--json"]]).exits(0).document("rsds.outputs/1");
    let dns = outputs["outputs"]["nlb_dns_name"].as_str().unwrap();
    let raw = folder.rsds(&[&["output", "--raw", "nlb_dns_name"]]).exits(0);
    assert_eq!((raw.out.as_str(), raw.err.as_str()), (format!("{dns}\n").as_str(), ""));
    folder.rsds(&[&["output"]]).exits(0).prints("psql \"host=").prints(dns);
    let state = folder.rsds(&[&["show", "--json"]]).exits(0);
    state.documents();
    let listed = folder.rsds(&[&["state", "list", "--json"]]).exits(0);
    listed.documents();
    let list = folder.rsds(&[&["state", "list"]]).exits(0);
    assert_eq!(list.out.lines().count() as u64, planned);
    assert!(!fs::read_to_string(folder.path(".rsds/dev/state.json")).unwrap().contains(SECRET_ACCESS_KEY));
    assert!(!folder.path(".rsds/sandbox").exists(), "what is served belongs to the server");

    let before = folder.rsds(&[&["plan", "--destroy", "--json"]]).exits(0).document("rsds.plan/1");
    assert_eq!((&before["destroy"], before["summary"]["delete"].as_u64()), (&true.into(), Some(planned)));
    let gone = folder.rsds(&[&["destroy", "--auto-approve", "--json"]]).exits(0).documents();
    assert_eq!(gone.last().unwrap()["complete"], true);
    assert_eq!(served.folder.sandbox().leftovers(), Vec::<String>::new());
    folder.rsds(&[&["destroy", "--auto-approve"]]).exits(0).prints("Nothing to destroy");
    folder.rsds(&[&["output"]]).exits(0);

    served.running.signal("INT");
    served.running.end().exits(0);
}
