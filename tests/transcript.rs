//! A whole story as people read it: staging is built, changed, looked at and taken away, in virtual time, so that every
//! line and every duration is the same each time.
//!
//! `cargo test --test rsds transcript` compares; `INSTA_UPDATE=always` before it takes what is there as right: read the
//! difference before you commit it.

use crate::harness::*;
use rsds::{
    plan::Options,
    status::Report,
    ui::{Format, PlanView, Printer, Settings, Verbosity, follow, outcome, status::StatusView},
};
use std::{
    fmt::Write as _,
    io::{Result, Write},
    sync::{Arc, Mutex},
};
use tokio::sync::{mpsc, watch};

/// Columns of a transcript.
const WIDTH: usize = 100;

/// A page that both streams of a printer write to.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Page {
    fn printer(&self) -> Printer {
        let settings = Settings {
            format: Format::Human,
            color_out: false,
            color_err: false,
            verbosity: Verbosity::Normal,
            width: WIDTH,
            interactive: false,
            unicode: true,
            ascii_out: false,
        };
        Printer::from_write(Box::new(self.clone()), Box::new(self.clone()), settings)
    }

    fn says(&mut self, text: &str) {
        writeln!(self, "{text}").unwrap();
    }
}

/// Does what a command does, and writes down what it would have shown.
async fn command(page: &mut Page, estate: &Estate, typed: &str, options: &Options, shows_plan: bool) {
    page.says(&format!("$ rsds {typed} --env {} --auto-approve", estate.env));
    let mut session = estate.open().await.unwrap();
    let plan = Arc::new(session.plan(options, true).await.unwrap());
    if shows_plan {
        let environment = rsds::config::load(estate.dir.path(), estate.env, &estate.sets).unwrap();
        let origin = |key: &str| environment.origin(key).map(|origin| origin.short());
        let destroy = options.destroy;
        let view =
            PlanView { plan: &plan, origin: &origin, destroy, limited: false, verbose: false, warnings: Vec::new() };
        page.says(&view.human(false, WIDTH));
    }
    let (events, inbox) = mpsc::unbounded_channel();
    let (_keep, interrupt) = watch::channel(None);
    let printer = page.printer();
    let progress = follow(&printer, &plan, inbox, estate.clock.clone());
    let (done, ()) = tokio::join!(session.apply(Arc::clone(&plan), events, interrupt), progress);
    assert!(done.is_complete(), "{:#?}", done.failed);
    page.says(&outcome(&done, &plan, ".rsds/staging/state.json", "rsds apply --env staging"));
}

async fn status(page: &mut Page, estate: &Estate) {
    page.says(&format!("$ rsds status --env {}", estate.env));
    let session = estate.open().await.unwrap();
    let (observed, plan) = session.look(&Options::default()).await.unwrap();
    let report = Report::of(&session.state, &observed, &plan);
    let view = StatusView { report: &report, verbose: false, spot_of: &|_| None, place: &|_| None };
    page.says(&view.human(false, WIDTH));
}

#[tokio::test(start_paused = true)]
async fn of_staging() {
    let (mut page, mut estate) = (Page::default(), Estate::shipped("staging"));
    command(&mut page, &estate, "apply", &Options::default(), false).await;
    let sets = ["producer.node_count=4", "producer.parameters.statement_timeout=600000", "consumers.analytics.count=2"];
    estate.set(&sets);
    let typed = sets.iter().fold("apply".to_owned(), |mut typed, set| {
        write!(typed, " --set {set}").unwrap();
        typed
    });
    command(&mut page, &estate, &typed, &Options::default(), true).await;
    status(&mut page, &estate).await;
    command(&mut page, &estate, "destroy", &destroying(&[]), false).await;
    let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("transcript_of_staging", text));
}
