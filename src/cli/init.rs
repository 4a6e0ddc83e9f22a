//! `rsds init`: writes an environment file to start from; asks when somebody is there to answer.
//!
//! What stands in the file is the matter of `config::template`. Must never overwrite anything.

use super::context::{Context, shown, variable};
use crate::{
    config::{
        shape::{Fault, Shape},
        template::{Answers, Network, choices, template, works},
    },
    failure::{Exit, Failure},
};
use serde_json::json;
use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Name of the environment: writes environments/<ENV>.toml
    #[arg(value_name = "ENV", default_value = "dev")]
    name: String,
    /// First part of every name [default: the name of the folder]
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// AWS region [default: AWS_REGION, else us-west-2]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Type of the producer [default: serverless]
    #[arg(long, value_name = "TYPE", value_parser = choices("producer.type"))]
    producer: Option<String>,
    /// Groups of consumers, with commas between [default: readers]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    consumers: Option<Vec<String>>,
    /// Create a VPC with this range [default: 10.40.0.0/16]
    #[arg(long, value_name = "CIDR", group = "network")]
    vpc_cidr: Option<String>,
    /// Use this VPC, which exists
    #[arg(long, value_name = "ID", group = "network")]
    vpc_id: Option<String>,
    /// Use the VPC with this Name tag, which exists
    #[arg(long, value_name = "NAME", group = "network")]
    vpc_name: Option<String>,
    /// Ask nothing: what no flag says is the default
    #[arg(short, long)]
    yes: bool,
}

pub(super) async fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    check("the environment", Shape::Name, &args.name)?;
    let name = args.name.clone();
    let path = context.directory.join("environments").join(format!("{name}.toml"));
    if path.exists() {
        return Err(there_already(&path, &name));
    }
    let answers = Questions { context, asks: context.asks && !args.yes }.all(args).await?;
    write(&path, &template(&name, &answers)).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => there_already(&path, &name),
        _ => unwritable(&path, &error),
    })?;
    let ignore = context.directory.join(".gitignore");
    let ignored = ignore_state(&ignore).map_err(|error| unwritable(&ignore, &error))?;
    let human = || {
        let also = if ignored { " (and .rsds/ to .gitignore)" } else { "" };
        format!(
            "{} is written{also}. Next:\n  rsds validate --env {name}\n  rsds plan --env {name} --sandbox    on the \
             AWS inside rsds\n  rsds plan --env {name}              on AWS, with your credentials",
            shown(&path)
        )
    };
    let json = || json!({ "format": "rsds.init/1", "environment": name, "path": shown(&path), "ignored": ignored });
    context.result(human, json)?;
    Ok(Exit::Done)
}

fn there_already(path: &Path, name: &str) -> Failure {
    Failure::new(
        format!("{} is there already, and nothing was changed", shown(path)),
        format!("look at it (rsds validate --env {name}), or name another environment: rsds init NAME"),
    )
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("cannot write {}: {error}", shown(path)), "check that the folder is yours and has space")
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}

/// Keeps the state and the sandbox out of version control; false when they are out already.
fn ignore_state(path: &Path) -> io::Result<bool> {
    let before = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        other => other?,
    };
    if before.lines().any(|line| matches!(line.trim().trim_start_matches('/'), ".rsds" | ".rsds/")) {
        return Ok(false);
    }
    let end = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    OpenOptions::new().append(true).create(true).open(path)?.write_all(format!("{end}.rsds/\n").as_bytes())?;
    Ok(true)
}

fn check(what: &str, shape: Shape, text: &str) -> Result<(), Failure> {
    shape.check(text).map_err(|fault| {
        Failure::new(format!("{what}: {}", fault.message), fault.help.unwrap_or_else(|| "choose another".to_owned()))
    })
}

/// A flag that was given, or the answer of somebody, or the default.
struct Questions<'a> {
    context: &'a Context,
    asks: bool,
}

impl Questions<'_> {
    async fn all(&self, args: Args) -> Result<Answers, Failure> {
        let project = self.text("Project", Shape::Name, args.project, &self.folder()).await?;
        let region = variable("AWS_REGION").filter(|region| Shape::Region.check(region).is_ok());
        let region = region.unwrap_or_else(|| "us-west-2".to_owned());
        let region = self.text("Region", Shape::Region, args.region, &region).await?;
        let types = choices("producer.type");
        let first = types.first().copied().unwrap_or_default();
        let producer = match types.len() {
            1 => args.producer.unwrap_or_else(|| first.to_owned()),
            _ => {
                let question = format!("Producer ({})", types.join(" or "));
                let known = |text: &str| match types.contains(&text) {
                    true => Ok(()),
                    false => Err(Fault::new(format!("`{text}` is neither of these"))),
                };
                self.answer(&question, &known, args.producer, first).await?
            }
        };
        let groups = args.consumers.map(|groups| groups.join(","));
        let groups = self.list("Groups of consumers, with commas between", Shape::Group, groups, "readers").await?;
        let network = match (args.vpc_cidr, args.vpc_id, args.vpc_name) {
            (None, Some(id), _) => Network::Id(checked("--vpc-id", Shape::Id("vpc-"), id)?),
            (None, None, Some(name)) => Network::Name(checked("--vpc-name", Shape::Any, name)?),
            (cidr, ..) => self.network(cidr).await?,
        };
        Ok(Answers { project, region, producer, consumers: groups, network })
    }

    async fn network(&self, cidr: Option<String>) -> Result<Network, Failure> {
        const CIDR: Shape = Shape::Cidr(16, 28);
        let exists = if works("networking.vpc_id") { ", or the id of a VPC that exists" } else { "" };
        let question = format!("Range of a new VPC{exists}");
        let shape = |text: &str| if text.starts_with("vpc-") { Shape::Id("vpc-") } else { CIDR };
        let answer = self.answer(&question, &|text| shape(text).check(text), cidr, "10.40.0.0/16").await?;
        Ok(if answer.starts_with("vpc-") { Network::Id(answer) } else { Network::New(answer) })
    }

    /// The name of the folder, if it can be one of a project.
    fn folder(&self) -> String {
        let folder = fs::canonicalize(&self.context.directory).ok();
        let name = folder.as_deref().and_then(Path::file_name).and_then(|name| name.to_str()).map(str::to_lowercase);
        name.filter(|name| Shape::Name.check(name).is_ok()).unwrap_or_else(|| "demo".to_owned())
    }

    async fn text(&self, what: &str, shape: Shape, flag: Option<String>, default: &str) -> Result<String, Failure> {
        self.answer(what, &|text| shape.check(text), flag, default).await
    }

    async fn list(
        &self,
        what: &str,
        shape: Shape,
        flag: Option<String>,
        default: &str,
    ) -> Result<Vec<String>, Failure> {
        let names = |text: &str| -> Vec<String> {
            text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
        };
        let each = |text: &str| names(text).iter().try_for_each(|name| shape.check(name));
        let mut names = names(&self.answer(what, &each, flag, default).await?);
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Asks until the answer fits; a flag that does not is a failure.
    async fn answer(
        &self,
        what: &str,
        check: &dyn Fn(&str) -> Result<(), Fault>,
        flag: Option<String>,
        default: &str,
    ) -> Result<String, Failure> {
        let mut given = flag.or_else(|| (!self.asks).then(|| default.to_owned()));
        loop {
            let asked = given.is_none();
            let text = match given.take() {
                Some(text) => text,
                None => self.ask(what, default).await?,
            };
            match check(&text) {
                Ok(()) => return Ok(text),
                Err(fault) if asked => self.context.printer.warning(&fault.message),
                Err(fault) => {
                    let help = fault.help.unwrap_or_else(|| "see rsds init --help".to_owned());
                    return Err(Failure::new(format!("{what}: {}", fault.message), help));
                }
            }
        }
    }

    async fn ask(&self, what: &str, default: &str) -> Result<String, Failure> {
        self.context.printer.prompt(&format!("{what} [{default}]: "));
        let read = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            io::stdin().read_line(&mut line).map(|bytes| (bytes, line))
        });
        match read.await {
            Ok(Ok((1.., line))) if line.trim().is_empty() => Ok(default.to_owned()),
            Ok(Ok((1.., line))) => Ok(line.trim().to_owned()),
            _ => {
                Err(Failure::new("there is nobody to answer, and nothing was changed", "ask nothing: rsds init --yes"))
            }
        }
    }
}

fn checked(flag: &str, shape: Shape, text: String) -> Result<String, Failure> {
    check(flag, shape, &text)?;
    Ok(text)
}
