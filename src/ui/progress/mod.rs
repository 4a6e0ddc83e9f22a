//! The progress of an apply, told from its events: redrawn at the foot of a terminal (`live`), as lines anywhere
//! else (`plain`), as JSON for scripts.
//!
//! Called by `apply` and `destroy` of the CLI, beside the apply itself. `board` keeps what the events have said. Must
//! never hold the apply up: events are taken until the channel closes, whatever becomes of the output.

mod board;
mod live;
mod plain;

use super::printer::{Format, PrintError, Printer, Verbosity};
use crate::{apply::Event, clock::Clock, plan::Plan};
use board::Board;
use serde_json::{Value as Json, json};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;

/// How often the display at the foot of a terminal is redrawn, on the wall.
const FRAME: Duration = Duration::from_millis(100);
/// How often lines say that something still runs, in AWS time; where that runs fast, no oftener than `READABLE`.
const HEARTBEAT: Duration = Duration::from_secs(60);
/// How often something may be said again, on the wall.
const READABLE: Duration = Duration::from_secs(10);

/// A way to tell what happens.
trait View {
    /// Tells what has happened; the board knows it already.
    fn event(&mut self, event: &Event, board: &Board, now: Duration);
    /// Tells that time passes.
    fn tick(&mut self, board: &Board, now: Duration);
    /// How often `tick` wants to be called, in AWS time; none = never.
    fn every(&self) -> Option<Duration>;
}

/// Shows the events of an apply until their channel closes. All durations are AWS time.
pub async fn follow(printer: &Printer, plan: &Plan, mut events: UnboundedReceiver<Event>, clock: Clock) {
    let settings = printer.settings();
    let again = HEARTBEAT.max(clock.aws_time(READABLE));
    let mut view: Box<dyn View + Send + '_> = match settings.format {
        Format::Json => Box::new(Lines { printer, clock: clock.clone(), closed: false }),
        Format::Human | Format::Markdown | Format::Github
            if settings.interactive && settings.verbosity > Verbosity::Quiet =>
        {
            Box::new(live::Display::new(printer, clock.aws_time(FRAME), again))
        }
        Format::Human | Format::Markdown | Format::Github => Box::new(plain::Log::new(printer, again)),
    };
    let start = clock.elapsed();
    let now = || clock.elapsed().saturating_sub(start);
    let mut board = Board::new(plan);
    let mut last_tick = Duration::ZERO;
    loop {
        let pause = view.every().map(|every| (last_tick + every).saturating_sub(now()));
        tokio::select! {
            biased;
            event = events.recv() => {
                let Some(event) = event else { break };
                board.note(&event, now());
                view.event(&event, &board, now());
            }
            () = pass(&clock, pause) => {
                last_tick = now();
                view.tick(&board, last_tick);
            }
        }
    }
}

async fn pass(clock: &Clock, pause: Option<Duration>) {
    match pause {
        Some(pause) => clock.sleep(pause).await,
        None => std::future::pending().await,
    }
}

/// One event per line on standard output: `rsds.event/1`.
struct Lines<'a> {
    printer: &'a Printer,
    clock: Clock,
    closed: bool,
}

impl View for Lines<'_> {
    fn event(&mut self, event: &Event, board: &Board, _: Duration) {
        if self.closed {
            return;
        }
        match self.printer.json_line(&line(event, board, &self.clock)) {
            Ok(()) => {}
            Err(PrintError::Closed) => self.closed = true,
            Err(error @ PrintError::Failed(_)) => {
                self.closed = true;
                self.printer.warning(&format!("{error}; the apply goes on"));
            }
        }
    }

    fn tick(&mut self, _: &Board, _: Duration) {}

    fn every(&self) -> Option<Duration> {
        None
    }
}

fn line(event: &Event, board: &Board, clock: &Clock) -> Json {
    // An event is a structure of texts and numbers: it always has a JSON form.
    let mut line = serde_json::to_value(event).unwrap_or_default();
    if let Json::Object(map) = &mut line {
        map.insert("format".into(), "rsds.event/1".into());
        map.insert("time".into(), clock.timestamp().to_string().into());
        map.insert("progress".into(), json!({ "done": board.done(), "total": board.total() }));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        apply::Trouble,
        aws::{Class, Fault},
        kind::Id,
        plan::Verb,
        ui::{
            printer::Settings,
            sample::{Buffer, address, fresh, printer},
        },
    };

    fn fault() -> Fault {
        Fault {
            request_id: Some("req-1".into()),
            ..Fault::answered("ec2:CreateVpc", "RequestLimitExceeded", "slow down")
        }
    }

    /// Plays an apply of the fresh plan: a VPC that is throttled twice, and a workgroup that takes long and fails.
    async fn play(settings: Settings) -> (Buffer, Buffer) {
        let clock = Clock::paused("2026-01-01T00:00:00Z".parse().unwrap());
        let (printer, out, err) = printer(settings);
        let (send, events) = tokio::sync::mpsc::unbounded_channel();
        let (vpc, workgroup) = (address("networking/vpc"), address("consumer-a-2/workgroup"));
        let story = {
            let clock = clock.clone();
            async move {
                let tell = |event| send.send(event).unwrap();
                tell(Event::Started { address: vpc.clone(), verb: Verb::Create, typical: 3 });
                tell(Event::Step { address: vpc.clone(), step: "create".into() });
                for _ in 0..2 {
                    tell(Event::Retrying { address: vpc.clone(), fault: fault(), in_seconds: 1.5 });
                    clock.sleep(Duration::from_millis(1500)).await;
                }
                tell(Event::Finished { address: vpc, verb: Verb::Create, id: Some(Id("vpc-1".into())), seconds: 3.0 });
                tell(Event::Started { address: workgroup.clone(), verb: Verb::Create, typical: 300 });
                tell(Event::Waiting { address: workgroup.clone(), status: "CREATING".into() });
                clock.sleep(Duration::from_secs(130)).await;
                let trouble = Trouble::Broken { why: "no free addresses".into() };
                tell(Event::Failed { address: workgroup, verb: Verb::Create, trouble, seconds: 130.0 });
            }
        };
        let plan = fresh();
        tokio::join!(story, follow(&printer, &plan, events, clock));
        (out, err)
    }

    #[tokio::test(start_paused = true)]
    async fn lines_tell_the_story_without_a_terminal() {
        let (out, err) = play(Settings::default()).await;
        assert_eq!(out.text(), "");
        insta::assert_snapshot!(err.text(), @r"
        [0/2] networking/vpc: ec2:CreateVpc answered RequestLimitExceeded: slow down (request req-1); again in 1.5s
        [1/2] networking/vpc: created vpc-1 (3s)
        [1/2] consumer-a-2/workgroup: creating (typically 5m)
        [1/2] still running after 1m00s: consumer-a-2/workgroup (CREATING, 57s of 5m)
        [1/2] still running after 2m00s: consumer-a-2/workgroup (CREATING, 1m57s of 5m)
        error: consumer-a-2/workgroup: create failed after 2m10s: it came up broken: no free addresses
        ");
    }

    #[tokio::test(start_paused = true)]
    async fn quiet_tells_failures_alone() {
        let (_, err) = play(Settings { verbosity: Verbosity::Quiet, interactive: true, ..Settings::default() }).await;
        let failure = "consumer-a-2/workgroup: create failed after 2m10s: it came up broken: no free addresses";
        assert_eq!(err.text(), format!("error: {failure}\n"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_display_leaves_finished_lines_and_goes() {
        let (_, err) = play(Settings { interactive: true, unicode: false, ..Settings::default() }).await;
        let text = err.text();
        for line in ["ok networking/vpc created in 3s (1/2)\n", "CREATING", "throttled"] {
            assert!(text.contains(line), "{line}: {text:?}");
        }
        let last_line = text.rsplit_once("error: ").unwrap().1;
        assert!(last_line.contains("no free addresses\n"), "{text:?}");
        assert!(text.is_ascii(), "no other characters where the locale has none: {text:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn events_come_one_a_line_as_json() {
        let (out, err) = play(Settings { format: Format::Json, ..Settings::default() }).await;
        assert_eq!(err.text(), "");
        let text = out.text();
        let lines: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 8);
        assert!(lines.iter().all(|line| line["format"] == "rsds.event/1"));
        assert_eq!(lines[2]["fault"]["request_id"], "req-1");
        assert_eq!(lines[2]["fault"]["class"], json!(Class::Throttled));
        assert_eq!(lines[4]["event"], "finished");
        assert_eq!(lines[4]["progress"], json!({ "done": 1, "total": 2 }));
        assert_eq!(lines[4]["time"], "2026-01-01T00:00:03Z");
        assert_eq!(lines[7]["trouble"]["kind"], "broken");
    }
}
