//! Schedules as Redshift takes them, in UTC (aws-facts.md 5.6, 5.8, 6.6): `cron(...)`, `rate(...)`, `at(...)`.
//!
//! Read by `config`, which checks what people write, and by the sandbox, where things are done when their time has come.
//! Pure: a moment comes in and the next one goes out. Must never read a clock.

use jiff::{
    SignedDuration, Timestamp, ToSpan as _,
    civil::{Date, date},
    tz::TimeZone,
};
use std::collections::BTreeSet;

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
/// Days of the week; the first is number 1.
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
/// How many years are looked through: the 29th of February is a Monday once in 28 years, or in 40 around a century.
const HORIZON: i16 = 40;
/// The first year of what never comes or comes, before all that anybody writes.
const EARLIEST: Date = date(2000, 1, 1);

/// A schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// At the moments that fit.
    Cron(Cron),
    /// Every so many hours.
    Rate(u32),
    /// Once.
    At(Timestamp),
}

/// The moments of a `cron(...)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: BTreeSet<i16>,
    hours: BTreeSet<i16>,
    days: Days,
    months: BTreeSet<i16>,
    years: BTreeSet<i16>,
    /// Whether it has the three fields of a snapshot schedule: minutes, hours, days of the week.
    short: bool,
}

/// The days that fit, within the months that do.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    OfMonth(BTreeSet<i16>),
    LastOfMonth,
    LastWorkday,
    NearestWorkday(i16),
    OfWeek(BTreeSet<i16>),
    NthOfWeek(i16, i16),
    LastOfWeek(i16),
}

impl Schedule {
    /// Reads a schedule.
    ///
    /// # Errors
    /// Says what is wrong with it, as a sentence without its full stop.
    pub fn parse(text: &str) -> Result<Self, String> {
        let inner = |head: &str| text.strip_prefix(head).and_then(|rest| rest.strip_suffix(')')).map(str::trim);
        let told = |why: String| format!("`{text}` is not a schedule: {why}");
        if let Some(fields) = inner("cron(") {
            return Cron::parse(&fields.split_whitespace().collect::<Vec<_>>()).map(Self::Cron).map_err(told);
        }
        if let Some(moment) = inner("at(") {
            let at = moment.parse::<jiff::civil::DateTime>().ok().and_then(|at| at.to_zoned(TimeZone::UTC).ok());
            let at = at.filter(|_| moment.len() == "2030-01-02T03:04:05".len());
            return at
                .map(|at| Self::At(at.timestamp()))
                .ok_or_else(|| told("a moment is written `at(2030-01-02T03:04:05)`, in UTC".to_owned()));
        }
        if let Some(rate) = inner("rate(") {
            return rate_of(rate).map(Self::Rate).map_err(told);
        }
        Err(format!("`{text}` is not a schedule"))
    }

    /// Returns the first moment after `after`; none when there is none any more.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Cron(cron) => cron.next_after(after),
            Self::Rate(hours) => after.checked_add(SignedDuration::from_hours((*hours).into())).ok(),
            Self::At(at) => (*at > after).then_some(*at),
        }
    }

    /// Returns the first moment there can be; none for one that never comes.
    pub fn first(&self) -> Option<Timestamp> {
        let begin = EARLIEST.to_zoned(TimeZone::UTC).ok()?.timestamp();
        self.next_after(begin)
    }

    /// Tells whether two moments may be less than an hour apart, which Redshift refuses.
    pub fn is_dense(&self) -> bool {
        matches!(self, Self::Cron(cron) if cron.minutes.len() > 1)
    }

    /// Tells whether it has the three fields that only a cluster's snapshots have.
    pub fn is_short(&self) -> bool {
        matches!(self, Self::Cron(cron) if cron.short)
    }

    /// Tells whether some moment of the one lies within an hour before some moment of the other.
    pub fn runs_into(&self, other: &Self) -> bool {
        const LOOKED_AT: usize = 800;
        let moments = std::iter::successors(self.first(), |at| self.next_after(*at)).take(LOOKED_AT);
        let soon = |at: Timestamp| {
            let next = other.next_after(at - SignedDuration::from_secs(1));
            next.is_some_and(|next| next.duration_since(at) < SignedDuration::from_hours(1))
        };
        moments.into_iter().any(soon)
    }
}

fn rate_of(text: &str) -> Result<u32, String> {
    let wrong = || "a rate is a number of hours: `rate(12 hours)`".to_owned();
    let (count, unit) = text.split_once(char::is_whitespace).ok_or_else(wrong)?;
    let count: u32 = count.parse().map_err(|_| wrong())?;
    match (count, unit.trim()) {
        (1, "hour") | (2..=8784, "hours") => Ok(count),
        (1, "hours") => Err("one is written `rate(1 hour)`".to_owned()),
        _ => Err(wrong()),
    }
}

impl Cron {
    fn parse(fields: &[&str]) -> Result<Self, String> {
        let (minutes, hours, month_days, months, week_days, years, short) = match fields {
            [minutes, hours, week_days] => (minutes, hours, "?", "*", week_days, "*", true),
            [minutes, hours, month_days, months, week_days, years] => {
                (minutes, hours, *month_days, *months, week_days, *years, false)
            }
            _ => {
                let six = "minutes, hours, day of month, month, day of week, year";
                return Err(format!("it has {} fields, and six are wanted: {six}", fields.len()));
            }
        };
        let days = match (month_days, *week_days) {
            ("?", "?") => return Err("one of day of month and day of week must be told".to_owned()),
            ("?", days) => of_week(days)?,
            (days, "?") => of_month(days)?,
            _ => return Err("one of day of month and day of week must be `?`".to_owned()),
        };
        let years = match years {
            "*" => BTreeSet::new(),
            years => field("year", years, (1970, 2199), &[])?,
        };
        Ok(Self {
            minutes: field("minute", minutes, (0, 59), &[])?,
            hours: field("hour", hours, (0, 23), &[])?,
            days,
            months: field("month", months, (1, 12), &MONTHS)?,
            years,
            short,
        })
    }

    fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let today = after.to_zoned(TimeZone::UTC).date();
        let year = match self.years.is_empty() {
            true => today.year(),
            false => *self.years.range(today.year()..).next()?,
        };
        let begin = if year == today.year() { today } else { date(year, 1, 1) };
        let end = date(year.saturating_add(HORIZON).min(2199), 12, 31);
        let days = begin.series(1.day()).take_while(|day| *day <= end).filter(|day| self.fits(*day));
        let moments = days.flat_map(|day| {
            let hours = self.hours.iter().flat_map(|hour| self.minutes.iter().map(move |minute| (*hour, *minute)));
            hours.filter_map(move |(hour, minute)| {
                let at = day.at(hour.try_into().ok()?, minute.try_into().ok()?, 0, 0);
                at.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp())
            })
        });
        moments.into_iter().find(|at| *at > after)
    }

    fn fits(&self, day: Date) -> bool {
        let in_years = self.years.is_empty() || self.years.contains(&day.year());
        in_years && self.months.contains(&day.month().into()) && self.days.fit(day)
    }
}

impl Days {
    fn fit(&self, day: Date) -> bool {
        let (of_month, of_week) = (i16::from(day.day()), i16::from(day.weekday().to_sunday_one_offset()));
        let last = i16::from(day.days_in_month());
        match self {
            Self::OfMonth(days) => days.contains(&of_month),
            Self::LastOfMonth => of_month == last,
            Self::LastWorkday => nearest_workday(day, last) == Some(day),
            Self::NearestWorkday(near) => *near <= last && nearest_workday(day, *near) == Some(day),
            Self::OfWeek(days) => days.contains(&of_week),
            Self::NthOfWeek(week_day, nth) => of_week == *week_day && (of_month + 6) / 7 == *nth,
            Self::LastOfWeek(week_day) => of_week == *week_day && of_month + 7 > last,
        }
    }
}

/// The working day nearest to a day of a month, within that month.
fn nearest_workday(within: Date, near: i16) -> Option<Date> {
    let day = Date::new(within.year(), within.month(), near.try_into().ok()?).ok()?;
    let moved = match day.weekday() {
        jiff::civil::Weekday::Saturday if day.day() == 1 => 2,
        jiff::civil::Weekday::Saturday => -1,
        jiff::civil::Weekday::Sunday if day.day() == day.days_in_month() => -2,
        jiff::civil::Weekday::Sunday => 1,
        _ => 0,
    };
    day.checked_add(moved.days()).ok()
}

fn of_month(text: &str) -> Result<Days, String> {
    match text {
        "L" => return Ok(Days::LastOfMonth),
        "LW" | "WL" => return Ok(Days::LastWorkday),
        _ => {}
    }
    match text.strip_suffix('W') {
        Some(near) => Ok(Days::NearestWorkday(number("day of month", near, (1, 31), &[])?)),
        None => field("day of month", text, (1, 31), &[]).map(Days::OfMonth),
    }
}

fn of_week(text: &str) -> Result<Days, String> {
    let one = |text: &str| number("day of week", text, (1, 7), &DAYS);
    if let Some((day, nth)) = text.split_once('#') {
        return Ok(Days::NthOfWeek(one(day)?, number("week", nth, (1, 5), &[])?));
    }
    match text.strip_suffix('L') {
        Some("") => Ok(Days::OfWeek(BTreeSet::from([7]))),
        Some(day) => Ok(Days::LastOfWeek(one(day)?)),
        None => field("day of week", text, (1, 7), &DAYS).map(Days::OfWeek),
    }
}

/// Reads a list of numbers, names, ranges and steps.
fn field(what: &str, text: &str, (from, to): (i16, i16), names: &[&str]) -> Result<BTreeSet<i16>, String> {
    let mut all = BTreeSet::new();
    for part in text.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let step_by = step.map_or(Ok(1), |step| number("step", step, (1, to), &[]))?;
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (from, to),
            Some((first, last)) => (number(what, first, (from, to), names)?, number(what, last, (from, to), names)?),
            None => {
                let first = number(what, range, (from, to), names)?;
                (first, if step.is_some() { to } else { first })
            }
        };
        let by = usize::from(step_by.unsigned_abs());
        match first <= last {
            true => all.extend((first..=last).step_by(by)),
            // FRI-MON goes round.
            false if !names.is_empty() => all.extend((first..=to).chain(from..=last).step_by(by)),
            false => return Err(format!("the {what} `{range}` ends before it begins")),
        }
    }
    Ok(all)
}

fn number(what: &str, text: &str, (from, to): (i16, i16), names: &[&str]) -> Result<i16, String> {
    if let Some(at) = names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        return Ok(i16::try_from(at).unwrap_or_default() + 1);
    }
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse::<i16>().ok().filter(|number| digits && (from..=to).contains(number));
    number.ok_or_else(|| format!("the {what} `{text}` is not between {from} and {to}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(schedule: &str, after: &str) -> String {
        let next = Schedule::parse(schedule).unwrap().next_after(after.parse().unwrap());
        next.map_or_else(|| "never".to_owned(), |at| at.to_string())
    }

    #[test]
    fn the_next_moment_is_found() {
        let sunday = "2026-11-22T10:00:00Z";
        for (schedule, expected) in [
            ("cron(0 20 ? * MON-FRI *)", "2026-11-23T20:00:00Z"),
            ("cron(0 10 ? * SUN *)", "2026-11-29T10:00:00Z"),
            ("cron(30 12 *)", "2026-11-22T12:30:00Z"),
            ("cron(30 9 MON,WED)", "2026-11-23T09:30:00Z"),
            ("cron(15 */6 * * ? *)", "2026-11-22T12:15:00Z"),
            ("cron(0 7 ? * FRI-MON *)", "2026-11-23T07:00:00Z"),
            ("cron(0 7 ? * 2 *)", "2026-11-23T07:00:00Z"),
            ("cron(0 7 1 JAN ? 2028)", "2028-01-01T07:00:00Z"),
            ("cron(0 7 L * ? *)", "2026-11-30T07:00:00Z"),
            ("cron(0 7 LW 1 ? 2027)", "2027-01-29T07:00:00Z"),
            // The first of August 2026 was a Saturday.
            ("cron(0 7 1W 8 ? 2026-2028)", "2027-08-02T07:00:00Z"),
            ("cron(0 7 ? * 6L *)", "2026-11-27T07:00:00Z"),
            ("cron(0 7 ? * TUE#2 *)", "2026-12-08T07:00:00Z"),
            ("cron(0 7 29 2 ? *)", "2028-02-29T07:00:00Z"),
            ("cron(0 7 1 1 ? 2020)", "never"),
            ("cron(0 7 31 2 ? *)", "never"),
            ("rate(12 hours)", "2026-11-22T22:00:00Z"),
            ("at(2026-11-22T10:00:01)", "2026-11-22T10:00:01Z"),
            ("at(2026-11-22T10:00:00)", "never"),
        ] {
            assert_eq!(next(schedule, sunday), expected, "{schedule}");
        }
        assert!(Schedule::parse("cron(0 7 1 1 ? 2020)").unwrap().first().is_some());
        assert!(Schedule::parse("cron(0 7 31 2 ? *)").unwrap().first().is_none());
    }

    #[test]
    fn what_is_no_schedule_is_told() {
        for (schedule, why) in [
            ("at night", "is not a schedule"),
            ("cron(0 24 ? * * *)", "the hour `24` is not between 0 and 23"),
            ("cron(0 7 ? * MOO *)", "the day of week `MOO`"),
            ("cron(0 7 * * * *)", "must be `?`"),
            ("cron(0 7 ? * ? *)", "must be told"),
            ("cron(0 7 * * *)", "it has 5 fields"),
            ("cron(0 20-7 ? * * *)", "ends before it begins"),
            ("cron(0 +7 ? * * *)", "the hour `+7`"),
            ("rate(12 minutes)", "a number of hours"),
            ("rate(0 hours)", "a number of hours"),
            ("rate(1 hours)", "`rate(1 hour)`"),
            ("at(2030-01-02)", "a moment is written"),
        ] {
            let told = Schedule::parse(schedule).unwrap_err();
            assert!(told.contains(why), "{schedule}: {told}");
        }
    }

    #[test]
    fn schedules_run_into_each_other() {
        let read = |text: &str| Schedule::parse(text).unwrap();
        let stop = read("cron(30 23 ? * FRI *)");
        assert!(stop.runs_into(&read("cron(0 0 ? * SAT *)")) && stop.runs_into(&stop));
        assert!(!stop.runs_into(&read("cron(30 0 ? * SAT *)")) && !stop.runs_into(&read("cron(0 23 ? * FRI *)")));
        assert!(read("cron(0,30 7 ? * FRI *)").is_dense() && !stop.is_dense());
    }
}
