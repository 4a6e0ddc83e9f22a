//! The forms a text in the environment file may have, and what to say when it has another.
//! Used by the table of keys (which names a shape per key), checking, conversion and the JSON Schema.
//! It looks at one text alone; what compares several values is in `rules/`.

use serde_json::json;

use super::diagnostic::nearest;
use super::quantity::{cidr, duration, span};
use super::sql_name::{database, identifier, principal, table};
use crate::dns;
use crate::schedule::Schedule;

/// What is wrong with one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The sentence, without the name of the key.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

impl Fault {
    /// Makes a fault without help.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    /// Says what would be right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The form of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Anything but nothing.
    Any,
    /// Lower-case letters, digits and single dashes, letter first: what goes into physical names.
    Name,
    /// As `Name`, without a number at the end: a group of consumers.
    Group,
    /// An AWS region.
    Region,
    /// An AWS account number.
    Account,
    /// The id of a Redshift namespace.
    Guid,
    /// An IPv4 range in canonical form whose prefix length is within these.
    Cidr(u8, u8),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A duration with a unit, within these seconds.
    Duration(u64, u64),
    /// A duration with a unit, down to milliseconds and at most so many seconds.
    Span(u64),
    /// A name inside the database (`^[a-z_][a-z0-9_$]{0,126}$`).
    Identifier,
    /// A database: an identifier of at most 64 characters that is not reserved.
    Database,
    /// `schema.table`.
    Table,
    /// `user:NAME` or `role:NAME`.
    Principal,
    /// An S3 bucket, where `*` stands for anything.
    Bucket,
    /// The name of exactly one S3 bucket.
    BucketName,
    /// The ARN of something of this service, such as `kms`.
    Arn(&'static str),
    /// An AWS id with this prefix, such as `vpc-`.
    Id(&'static str),
    /// A mail address.
    Mail,
    /// The name of a host.
    Domain,
    /// A schedule, or only a `cron(...)` of six fields.
    Schedule {
        /// Whether the other forms are good too.
        rate: bool,
    },
    /// `ddd:hh:mm-ddd:hh:mm` in UTC, at least 30 minutes.
    Window,
    /// An address or pattern as in design.md section 3.
    Pattern,
    /// The address of exactly one resource.
    Address,
    /// A tag key.
    TagKey,
}

impl Shape {
    /// Checks one text.
    ///
    /// # Errors
    /// Says what is wrong with it, and what would be right when that is known.
    pub fn check(self, text: &str) -> Result<(), Fault> {
        match self {
            Self::Any if text.trim().is_empty() => Err(Fault::new("must not be empty")),
            Self::Any => Ok(()),
            Self::Name => name(text),
            Self::Group => group(text),
            Self::Region => region(text),
            Self::Account => digits(text, 12)
                .ok_or_else(|| Fault::new(format!("`{text}` is not an account number: it has 12 digits"))),
            Self::Guid => guid(text),
            Self::Cidr(from, to) => cidr(text, from, to).map(drop),
            Self::Choice(words) => choice(text, words),
            Self::Duration(from, to) => duration(text, from, to).map(drop),
            Self::Span(to) => span(text, to).map(drop),
            Self::Identifier => identifier(text),
            Self::Database => database(text),
            Self::Table => table(text).map(drop),
            Self::Principal => principal(text).map(drop),
            Self::Bucket => {
                bucket(text, b"*.-", "a bucket name: 3 to 63 lower-case letters, digits, `.`, `-`, or `*` for anything")
            }
            Self::BucketName => bucket(text, b".-", "a bucket name: 3 to 63 lower-case letters, digits, `.` or `-`"),
            Self::Arn(service) => arn(text, service),
            Self::Id(prefix) => id(text, prefix),
            Self::Mail => mail(text),
            Self::Domain => domain(text),
            Self::Schedule { rate } => schedule(text, rate),
            Self::Window => window(text),
            Self::Pattern => pattern(text),
            Self::Address => address(text),
            Self::TagKey => tag_key(text),
        }
    }

    /// Returns the JSON Schema of this shape (draft 2020-12).
    #[must_use]
    pub fn schema(self) -> serde_json::Value {
        match self {
            Self::Name => json!({"type": "string", "pattern": "^[a-z](-?[a-z0-9])*$"}),
            Self::Group => json!({"type": "string", "pattern": "^(?!.*-[0-9]+$)[a-z](-?[a-z0-9])*$"}),
            Self::Region => json!({"type": "string", "pattern": "^[a-z]{2,4}(-[a-z]+)+-[0-9]$"}),
            Self::Account => json!({"type": "string", "pattern": "^[0-9]{12}$"}),
            Self::Guid => {
                json!({"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"})
            }
            Self::Cidr(..) => json!({"type": "string", "pattern": "^[0-9.]+/[0-9]+$"}),
            Self::Choice(words) => json!({"enum": words}),
            Self::Duration(..) | Self::Span(_) => json!({"type": "string", "pattern": "[0-9] *[a-zA-Z]"}),
            Self::Identifier | Self::Database => json!({"type": "string", "pattern": "^[a-z_][a-z0-9_$]{0,126}$"}),
            Self::Table => json!({"type": "string", "pattern": "^[a-z_][a-z0-9_$]*\\.[a-z_][a-z0-9_$]*$"}),
            Self::Principal => json!({"type": "string", "pattern": "^(user|role):[a-z_][a-z0-9_$]*$"}),
            Self::Arn(service) => json!({"type": "string", "pattern": format!("^arn:aws[a-z-]*:{service}:")}),
            Self::Id(prefix) => json!({"type": "string", "pattern": format!("^{prefix}[0-9a-f]+$")}),
            _ => json!({"type": "string", "minLength": 1}),
        }
    }

    /// Returns the shape in a few words, for the reference.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Choice(words) => words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(" or "),
            Self::Cidr(..) => "IPv4 range".to_owned(),
            Self::Duration(..) | Self::Span(_) => "duration".to_owned(),
            Self::Table => "`schema.table`".to_owned(),
            Self::Principal => "`user:NAME` or `role:NAME`".to_owned(),
            Self::Arn(_) => "ARN".to_owned(),
            Self::Bucket => "bucket, `*` allowed".to_owned(),
            Self::Identifier | Self::Database => "SQL name".to_owned(),
            Self::Pattern => "address, `*` allowed".to_owned(),
            _ => "string".to_owned(),
        }
    }
}

fn digits(text: &str, count: usize) -> Option<()> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(())
}

/// As SQL and ARNs have it: in small letters.
fn guid(text: &str) -> Result<(), Fault> {
    let hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'));
    let parts: Vec<&str> = text.split('-').collect();
    if parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(|part| hex(part)) {
        return Ok(());
    }
    let fault = Fault::new(format!("`{text}` is not the id of a namespace"));
    let lower = text.trim().to_lowercase();
    Err(match lower != text && guid(&lower).is_ok() {
        true => fault.help(format!("in small letters: `{lower}`")),
        false => fault.help(
            "its producer tells it: `SELECT current_namespace`, in the form of `2f6c1b9e-5d3a-4c70-9b1e-0123456789ab`",
        ),
    })
}

fn bucket(text: &str, extra: &[u8], what: &str) -> Result<(), Fault> {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || extra.contains(&byte);
    if (3..=63).contains(&text.len()) && text.bytes().all(good) {
        return Ok(());
    }
    Err(Fault::new(format!("`{text}` is not {what}")))
}

fn name(text: &str) -> Result<(), Fault> {
    let first = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    let good = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if first && good && !text.ends_with('-') && !text.contains("--") {
        return Ok(());
    }
    let fault = Fault::new(format!(
        "`{text}` cannot be part of AWS names: only lower-case letters, digits and single dashes, a letter first"
    ));
    let better: String = text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let better = better.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    if better.starts_with(|c: char| c.is_ascii_lowercase()) {
        Err(fault.help(format!("for example `{better}`")))
    } else {
        Err(fault)
    }
}

fn group(text: &str) -> Result<(), Fault> {
    name(text)?;
    let (stem, last) = text.rsplit_once('-').unwrap_or(("", ""));
    if !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()) {
        let fault = format!(
            "the group name `{text}` ends in a number, and `consumer-{text}` would read as one reader of `{stem}`"
        );
        return Err(Fault::new(fault)
            .help(format!("readers are numbered by rsds: use `{stem}` with `count`, or `{stem}{last}`")));
    }
    Ok(())
}

fn region(text: &str) -> Result<(), Fault> {
    let parts: Vec<&str> = text.split('-').collect();
    let good = parts.len() >= 3
        && parts.last().is_some_and(|last| digits(last, 1).is_some())
        && parts[..parts.len() - 1]
            .iter()
            .all(|part| part.len() >= 2 && part.bytes().all(|byte| byte.is_ascii_lowercase()))
        && parts[0].len() <= 4;
    if good {
        Ok(())
    } else {
        Err(Fault::new(format!("`{text}` is not an AWS region")).help("for example `us-west-2`"))
    }
}

fn choice(text: &str, words: &[&str]) -> Result<(), Fault> {
    if words.contains(&text) {
        return Ok(());
    }
    let all: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    let fault = Fault::new(format!("`{text}` is not one of {}", all.join(", ")));
    Err(match nearest(text, words.iter().copied()) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault,
    })
}

fn arn(text: &str, service: &str) -> Result<(), Fault> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let good = matches!(parts.as_slice(), ["arn", partition, of, place, account, rest]
        if partition.starts_with("aws") && *of == service && region(place).is_ok() && digits(account, 12).is_some() && !rest.is_empty());
    if good && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(Fault::new(format!("`{text}` is not an ARN of {service}"))
        .help(format!("for example `arn:aws:{service}:us-west-2:123456789012:...`")))
}

fn id(text: &str, prefix: &str) -> Result<(), Fault> {
    let rest = text.strip_prefix(prefix).unwrap_or_default();
    if rest.len() >= 8 && rest.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase()) {
        return Ok(());
    }
    Err(Fault::new(format!("`{text}` is not an id that starts with `{prefix}`"))
        .help(format!("for example `{prefix}0abc1234`")))
}

fn mail(text: &str) -> Result<(), Fault> {
    let good =
        text.split_once('@').is_some_and(|(who, place)| !who.is_empty() && place.contains('.') && !place.contains('@'));
    if good && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(Fault::new(format!("`{text}` is not a mail address")))
    }
}

fn domain(text: &str) -> Result<(), Fault> {
    let wrong =
        |why| Fault::new(format!("`{text}` is not the name of a host: {why}")).help("for example `dwh.example.com`");
    dns::fault(text).map_or(Ok(()), |why| Err(wrong(why)))
}

fn schedule(text: &str, rate: bool) -> Result<(), Fault> {
    let example = if rate { "`rate(12 hours)` or `cron(30 12 *)`" } else { "`cron(0 20 ? * MON-FRI *)`" };
    let wrong = |why: String| Fault::new(why).help(format!("for example {example}"));
    let schedule = Schedule::parse(text).map_err(wrong)?;
    if !rate && (!matches!(schedule, Schedule::Cron(_)) || schedule.is_short()) {
        return Err(wrong(format!("`{text}` is not a `cron(...)` of six fields")));
    }
    if schedule.is_dense() {
        return Err(wrong(format!("`{text}` runs more than once an hour, which Redshift does not take")));
    }
    match schedule.first() {
        Some(_) => Ok(()),
        None => Err(Fault::new(format!("`{text}` never comes: there is no such day"))),
    }
}

fn window(text: &str) -> Result<(), Fault> {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let moment = |part: &str| -> Option<usize> {
        let (day, time) = part.split_once(':')?;
        let (hour, minute) = time.split_once(':')?;
        digits(hour, 2)?;
        digits(minute, 2)?;
        let day = DAYS.iter().position(|name| *name == day)?;
        let (hour, minute): (usize, usize) = (hour.parse().ok()?, minute.parse().ok()?);
        (hour < 24 && minute < 60).then_some((day * 24 + hour) * 60 + minute)
    };
    let length =
        text.split_once('-').and_then(|(from, to)| Some((moment(to)? + 7 * 1440 - moment(from)?) % (7 * 1440)));
    match length {
        Some(30..=1440) => Ok(()),
        Some(_) => Err(Fault::new(format!("the window `{text}` must last between 30 minutes and 24 hours"))),
        None => {
            Err(Fault::new(format!("`{text}` is not a weekly window"))
                .help("for example `sun:08:00-sun:08:30`, in UTC"))
        }
    }
}

fn pattern(text: &str) -> Result<(), Fault> {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.*/$".contains(&byte);
    let parts: Vec<&str> = text.split('/').collect();
    if parts.len() <= 2 && parts.iter().all(|part| !part.is_empty()) && text.bytes().all(good) {
        return Ok(());
    }
    Err(Fault::new(format!("`{text}` is not an address"))
        .help("`<component>`, `<component>/<resource>`, with `*` for anything: `producer`, `consumer-*`"))
}

fn address(text: &str) -> Result<(), Fault> {
    if pattern(text).is_ok() && text.contains('/') && !text.contains('*') {
        return Ok(());
    }
    Err(Fault::new(format!("`{text}` is not the address of one resource"))
        .help("`<component>/<resource>`, as in `consumer-reporting-1/workgroup`"))
}

fn tag_key(text: &str) -> Result<(), Fault> {
    if let Some(prefix) = ["aws:", "rsds:"].into_iter().find(|prefix| text.to_lowercase().starts_with(prefix)) {
        let whose = if prefix == "aws:" { "AWS" } else { "rsds" };
        return Err(Fault::new(format!("the tag key `{text}` starts with `{prefix}`, which belongs to {whose}")));
    }
    tag_text(text, 1, 128)
        .map_err(|fault| Fault { message: format!("the tag key {}", fault.message), help: fault.help })
}

/// Checks length and characters of a tag's key or value.
///
/// # Errors
/// Says which of the two is wrong.
pub fn tag_text(text: &str, from: usize, to: usize) -> Result<(), Fault> {
    let length = text.chars().count();
    if !(from..=to).contains(&length) {
        return Err(Fault::new(format!("`{text}` has {length} characters: between {from} and {to} are allowed")));
    }
    let good = |c: char| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c);
    match text.chars().find(|c| !good(*c)) {
        Some(bad) => {
            Err(Fault::new(format!("`{text}` has a character AWS does not take in tags: `{}`", bad.escape_debug())))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(shape: Shape, text: &str) -> String {
        shape.check(text).unwrap_err().message
    }

    #[test]
    fn groups_do_not_end_in_a_number() {
        assert!(message(Shape::Group, "eu-1").contains("ends in a number"));
        assert_eq!(Shape::Group.check("eu1"), Ok(()));
        assert_eq!(Shape::Group.check("eu-1a"), Ok(()));
    }

    #[test]
    fn windows_last_between_half_an_hour_and_a_day() {
        assert_eq!(Shape::Window.check("sun:23:45-mon:00:15"), Ok(()));
        assert!(message(Shape::Window, "sun:08:00-sun:08:10").contains("30 minutes"));
        assert!(message(Shape::Window, "sunday").contains("not a weekly window"));
    }

    #[test]
    fn regions() {
        for good in ["us-west-2", "us-gov-west-1", "eu-isoe-west-1", "ap-southeast-5"] {
            assert_eq!(Shape::Region.check(good), Ok(()), "{good}");
        }
        for bad in ["us-west", "uswest2", "US-WEST-2", "us-west-2a", ""] {
            assert!(Shape::Region.check(bad).is_err(), "{bad}");
        }
    }
}
