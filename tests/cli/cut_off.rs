//! The real binary over a real socket whose answers are held back: signals, and a disk without room. What was asked and
//! not answered is found by the next run.

use super::{life::serve, *};
use rsds::sandbox::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use std::{
    io::Write as _,
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

/// What an apply asks for in its middle; its answer, and all after it, are held back.
const HELD: &[u8] = b"Action=CreateSubnet";

/// A wire to the served sandbox: requests pass, answers too until that one request has passed. From then on AWS hears
/// everything and is not heard.
struct Wire {
    url: String,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    held: Mutex<bool>,
    changed: Condvar,
}

impl Wire {
    fn to(url: &str) -> Self {
        let upstream = url.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let gate = Arc::new(Gate::default());
        let shared = Arc::clone(&gate);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let server = TcpStream::connect(&upstream).unwrap();
                let (from_client, to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (asking, answering) = (Arc::clone(&shared), Arc::clone(&shared));
                std::thread::spawn(move || asking.requests(from_client, to_server));
                std::thread::spawn(move || answering.answers(server, client));
            }
        });
        Self { url, gate }
    }

    /// Waits until the answer is held back.
    fn until_held(&self) {
        drop(self.gate.changed.wait_while(self.gate.held.lock().unwrap(), |held| !*held).unwrap());
    }
}

impl Gate {
    fn requests(&self, mut client: TcpStream, mut server: TcpStream) -> Option<()> {
        let mut buffer = [0; 64 * 1024];
        loop {
            let read = client.read(&mut buffer).ok()?;
            if read == 0 {
                return server.shutdown(std::net::Shutdown::Write).ok();
            }
            if buffer[..read].windows(HELD.len()).any(|part| part == HELD) {
                *self.held.lock().unwrap() = true;
                self.changed.notify_all();
            }
            server.write_all(&buffer[..read]).ok()?;
        }
    }

    /// Carries answers; the ends of a connection, too, wait at the gate.
    fn answers(&self, mut server: TcpStream, mut client: TcpStream) -> Option<()> {
        let mut buffer = [0; 64 * 1024];
        loop {
            let read = server.read(&mut buffer).ok()?;
            drop(self.changed.wait_while(self.held.lock().unwrap(), |held| *held).unwrap());
            match read {
                0 => return client.shutdown(std::net::Shutdown::Both).ok(),
                read => client.write_all(&buffer[..read]).ok()?,
            }
        }
    }
}

fn client(url: &str) -> Folder {
    let mut folder = Folder::new(SMALL);
    folder.variables.insert("AWS_ENDPOINT_URL", url.to_owned());
    folder.variables.insert("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID.to_owned());
    folder.variables.insert("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned());
    folder
}

/// Cuts an apply off with this signal while its calls hang, and tells how long it took to end.
fn cut_off_by(signal: &str) -> (Folder, life::Served, Ran, Duration) {
    let served = serve();
    let wire = Wire::to(&served.url);
    let mut folder = client(&wire.url);
    let apply = folder.start(&[&["apply", "--auto-approve"]]);
    wire.until_held();
    let told = Clock::system();
    apply.signal(signal);
    let ran = apply.end();
    // The next run has a wire that works.
    folder.variables.insert("AWS_ENDPOINT_URL", served.url.clone());
    (folder, served, ran, told.elapsed())
}

/// The next run completes what was cut off: nothing is missing and nothing is there twice.
fn made_good(folder: &Folder, served: &life::Served) {
    folder.rsds(&[&["apply", "--auto-approve"]]).exits(0).prints("Apply complete");
    folder.rsds(&[&["plan", "--detailed-exitcode"]]).exits(0).prints("No changes.");
    assert_eq!(census(&served.folder.sandbox()), *undisturbed());
    folder.rsds(&[&["destroy", "--auto-approve"]]).exits(0).prints("Destroy complete");
    assert_eq!(served.folder.sandbox().leftovers(), Vec::<String>::new());
}

fn undisturbed() -> &'static BTreeMap<String, usize> {
    static CENSUS: std::sync::OnceLock<BTreeMap<String, usize>> = std::sync::OnceLock::new();
    CENSUS.get_or_init(interrupts::undisturbed)
}

#[test]
fn ctrl_c_waits_five_seconds_for_calls_in_flight() {
    let (folder, served, ran, took) = cut_off_by("INT");
    let ran = ran.exits(130).prints("Interrupted; the next run goes on from here:").prints("Not started");
    assert!(ran.out.ends_with("  rsds apply --auto-approve --env dev\n"), "{ran}");
    assert!(took >= Duration::from_secs(5) && took < Duration::from_millis(7500), "CI sends SIGTERM: {took:?}");
    made_good(&folder, &served);
}

#[test]
fn sigterm_waits_a_second_and_a_half() {
    let (folder, served, ran, took) = cut_off_by("TERM");
    ran.exits(130).prints("Interrupted; the next run goes on from here:");
    assert!(took >= Duration::from_millis(1500) && took < Duration::from_millis(2500), "CI sends SIGKILL: {took:?}");
    made_good(&folder, &served);
}

#[test]
fn sigkill_loses_nothing_that_was_asked() {
    let (folder, served, ran, _) = cut_off_by("KILL");
    assert_eq!(ran.code, None, "{ran}");
    // The lock of the dead is taken over, and the next run says whose it was.
    folder.rsds(&[&["plan", "--detailed-exitcode"]]).exits(2);
    let state = fs::read_to_string(folder.path(".rsds/dev/state.json")).unwrap();
    assert!(state.contains("\"creating\""), "{state}");
    made_good(&folder, &served);
}

#[test]
fn the_lock_of_a_killed_run_is_taken_over_by_name() {
    let (folder, _served, ..) = cut_off_by("KILL");
    let next = folder.rsds(&[&["apply", "--auto-approve"]]);
    next.says("The lock of a run that died is taken over: ann@").says("rsds apply --auto-approve`");
}

/// A disk that takes no more: no file may grow beyond so many KiB. The state is rescued to a place that
/// has room, or at least printed; the printed command brings it back, and nothing is lost or doubled.
#[test]
fn a_full_disk_loses_nothing() {
    let served = serve();
    let folder = client(&served.url);
    let limited = "trap '' XFSZ; ulimit -f 16; exec \"$0\" apply --auto-approve";
    let output = folder.command("/bin/bash").args(["-c", limited, env!("CARGO_BIN_EXE_rsds")]).output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{err}");
    assert!(err.contains("cannot write the state at .rsds/dev/state.json: File too large"), "{err}");
    // No file takes the whole state, so that what was printed is all there is.
    let (_, rest) = err.split_once("The state, with all that AWS has answered:\n").unwrap();
    let (state, rest) = rest.split_once("\n}\n").unwrap();
    assert!(rest.contains("save the text above as rsds-dev.rescue.json"), "{rest}");
    let command = rest.split_once("type: ").unwrap().1.lines().next().unwrap();
    assert_eq!(command, "rsds state push rsds-dev.rescue.json --env dev");
    folder.write("rsds-dev.rescue.json", &format!("{state}\n}}\n"));
    folder.rsds(&[&["state", "push", "rsds-dev.rescue.json", "--env", "dev", "--auto-approve"]]).exits(0);
    made_good(&folder, &served);
}
