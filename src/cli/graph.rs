//! `rsds graph`: what depends on what, drawn from the environment file and the state; no AWS, no credentials.

use super::context::{Context, Form, printed_or_closed};
use crate::{
    address::Selector,
    failure::{Exit, Failure},
    plan::{self, Observed, Options},
    session::outline,
    state::State,
    ui::{
        Format, Verbosity,
        graph::{Diagram, Picture},
    },
};
use clap::builder::{EnumValueParser, TypedValueParser as _};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Form of the graph
    // The id and the type are those of the flag of all commands, whose place this one takes.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = EnumValueParser::<Picture>::new().map(Form::Graph))]
    format: Form,
    /// Only these and what they need: a component, a group, an address, or one with `*`
    #[arg(long, value_name = "ADDRESS")]
    target: Vec<Selector>,
}

const EXAMPLES: &str = "\
rsds graph --format svg > estate.svg          a drawing; rules of security groups only with -v
rsds graph --format html > estate.html        the same, to move about in
rsds graph --target consumer-analytics        one group of readers and what it needs";

pub(super) async fn run(context: &Context, args: Args) -> Result<Exit, Failure> {
    let environment = context.load()?;
    context.warn(environment.warnings());
    let state = context.state(&environment).await?;
    let stack = outline(&environment, &state)?;
    // A plan from nothing knows what a target brings along, and which chain takes longest.
    let nothing = State::pristine(&state.project, &state.environment, state.lineage.clone());
    let options = Options { targets: args.target, ..Options::default() };
    let creation = plan::plan(&stack, &nothing, &Observed::assumed(&nothing), &options)?;
    let settings = context.printer.settings();
    let json = settings.format == Format::Json;
    // Programs get everything.
    let details = json || settings.verbosity == Verbosity::Verbose;
    let diagram = Diagram::of(&environment.config, &stack, &creation, &state, details);
    let picture = match args.format {
        _ if json => Picture::Json,
        Form::Graph(picture) => picture,
        // Where Markdown is asked for, it draws Mermaid.
        Form::Result(Format::Markdown) => {
            let fenced = format!("```mermaid\n{}```", diagram.mermaid());
            printed_or_closed(context.printer.result(&fenced))?;
            return Ok(Exit::Done);
        }
        Form::Result(_) => Picture::Text,
    };
    let drawn = match picture {
        Picture::Text => diagram.text(settings.color_out, settings.width, settings.unicode),
        Picture::Dot => diagram.dot(),
        Picture::Mermaid => diagram.mermaid(),
        Picture::Svg => diagram.svg(),
        Picture::Html => diagram.html(),
        Picture::Json => diagram.json().to_string(),
    };
    printed_or_closed(context.printer.result(&drawn))?;
    Ok(Exit::Done)
}
