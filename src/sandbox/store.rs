//! Where the worlds are kept: in memory, or in `world.json` of a directory that several processes may share.
//!
//! One world per region, made when first changed; IAM has one set of objects for all of them, and so has what Redshift
//! copies from one to another: they are moved into the world of the region at work and out again. Used by the router alone. A change is on disk (temporary file, rename)
//! before it is answered, so killing the process loses nothing that was answered; it is not synced to the platter, so
//! a power cut may. Must never start over silently: a file that cannot be read is an error that names it.

use super::World;
use super::dispatch::GLOBAL_REGION;
use super::iam::Iam;
use super::redshift::Abroad;
use super::world::DEFAULT_REGION;
use crate::clock::Clock;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const FORMAT: u32 = 1;
const FILE: &str = "world.json";
const LOCK: &str = "world.lock";

/// A moment as world time and as wall time.
type Times = (Timestamp, Timestamp);

/// All the worlds of an account.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub(super) struct Contents {
    format: u32,
    // World time of the last change and the wall time it was then.
    times: Times,
    home: Option<String>,
    iam: Iam,
    #[serde(default)]
    quotas: BTreeMap<String, u64>,
    #[serde(default)]
    abroad: Abroad,
    regions: BTreeMap<String, World>,
}

impl Contents {
    fn new(wall: Timestamp) -> Self {
        let (iam, quotas, abroad) = (Iam::default(), BTreeMap::new(), Abroad::default());
        Self { format: FORMAT, times: (wall, wall), home: None, iam, quotas, abroad, regions: BTreeMap::new() }
    }

    /// Whether the worlds are the same, whatever the time.
    pub(super) fn same_worlds(&self, other: &Self) -> bool {
        self.iam == other.iam && self.abroad == other.abroad && self.regions == other.regions
    }

    fn restore(&mut self, region: &str, world: Option<World>) {
        match world {
            Some(world) => self.regions.insert(region.to_owned(), world),
            None => self.regions.remove(region),
        };
    }
}

// What tells whether another process wrote since: its generation (kept in the lock file, so that a reused inode within
// one tick of the file system cannot hide a change) and the file itself (somebody may have deleted it).
#[derive(Debug, PartialEq, Eq, Default, Clone)]
struct Mark {
    generation: u64,
    file: Option<(u64, Option<SystemTime>)>,
}

/// The lock of one request; released when dropped.
#[derive(Debug)]
pub(super) struct Guard(Option<File>);

#[derive(Debug)]
pub(super) struct Store {
    dir: Option<PathBuf>,
    contents: Contents,
    mark: Mark,
    // The latest moment that anybody saw, kept in the lock file: world time runs on from it, at the rate of whoever
    // looks next. The last change alone would not do: what another process saw at a higher rate would not be yet.
    seen: Times,
}

impl Store {
    pub(super) fn in_memory(wall: Timestamp) -> Self {
        Self { dir: None, contents: Contents::new(wall), mark: Mark::default(), seen: (wall, wall) }
    }

    /// The same with these worlds in it.
    pub(super) fn holding(contents: Contents, wall: Timestamp) -> Self {
        Self { contents: Contents { times: (wall, wall), ..contents }, ..Self::in_memory(wall) }
    }

    /// A copy of all worlds.
    pub(super) fn contents(&self) -> Contents {
        self.contents.clone()
    }

    /// Opens or begins the world of a directory, which is made if it is missing.
    pub(super) fn open(dir: &Path, wall: Timestamp) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let nothing = (Timestamp::MIN, Timestamp::MIN);
        let mut store = Self { dir: Some(dir.to_owned()), seen: nothing, ..Self::in_memory(wall) };
        let guard = store.lock()?;
        store.load(mark(dir, &guard)?, wall)?;
        Ok(store)
    }

    /// Takes the directory's lock, waiting for other processes.
    pub(super) fn lock(&self) -> io::Result<Guard> {
        self.dir.as_deref().map_or(Ok(Guard(None)), lock)
    }

    /// Takes over what another process wrote since the last look, and lets time run on from the latest moment that
    /// anybody saw, as fast as this clock goes: never back, whatever the wall clock does. Returns world time.
    pub(super) fn look(&mut self, guard: &Guard, clock: &Clock) -> io::Result<Timestamp> {
        let wall = clock.timestamp();
        self.refresh(guard, wall)?;
        let (world, before) = self.seen;
        let passed = clock.aws_time(Duration::try_from(wall.duration_since(before)).unwrap_or(Duration::ZERO));
        self.seen = (world.checked_add(passed).unwrap_or(world), wall);
        if self.mark.file.is_some() {
            note(guard, self.mark.generation, Some(self.seen))?;
        }
        Ok(self.seen.0)
    }

    fn refresh(&mut self, guard: &Guard, wall: Timestamp) -> io::Result<()> {
        let Some(dir) = &self.dir else { return Ok(()) };
        let found = mark(dir, guard)?;
        if found != self.mark {
            self.load(found, wall)?;
        }
        // What was seen of a world that is gone means nothing for the next one.
        if self.mark.file.is_some() {
            self.seen = noted(guard)?.1.map_or(self.seen, |seen| seen.max(self.seen));
        }
        Ok(())
    }

    fn load(&mut self, found: Mark, wall: Timestamp) -> io::Result<()> {
        let Some(dir) = &self.dir else { return Ok(()) };
        self.contents = if found.file.is_some() { parse(&dir.join(FILE))? } else { Contents::new(wall) };
        self.seen = self.seen.max(self.contents.times);
        self.mark = found;
        Ok(())
    }

    /// World time at the last look.
    pub(super) fn seen(&self) -> Timestamp {
        self.seen.0
    }

    /// The region that `world` and `edit` speak of: the first one that was changed.
    pub(super) fn home(&self) -> &str {
        self.contents.home.as_deref().unwrap_or(DEFAULT_REGION)
    }

    /// Names of all regions that were ever changed.
    pub(super) fn regions(&self) -> Vec<String> {
        self.contents.regions.keys().cloned().collect()
    }

    /// A copy of one region, with what all regions share.
    pub(super) fn copy(&self, region: &str) -> World {
        let world = self.contents.regions.get(region).cloned();
        let (iam, quotas) = (self.contents.iam.clone(), self.contents.quotas.clone());
        let abroad = self.contents.abroad.clone();
        World { iam, quotas, abroad, ..world.unwrap_or_else(|| World::new(region)) }
    }

    /// Lets `run` look at a region without a copy of it; what it changes is not kept on disk.
    pub(super) fn read<R>(&mut self, region: &str, run: impl FnOnce(&mut World) -> R) -> R {
        let mut absent = None;
        let world = match self.contents.regions.get_mut(region) {
            Some(world) => world,
            None => absent.insert(World::new(region)),
        };
        // A copy, not a move: a panicking operation must not take the roles with it.
        world.iam.clone_from(&self.contents.iam);
        world.quotas.clone_from(&self.contents.quotas);
        world.abroad.clone_from(&self.contents.abroad);
        let result = run(world);
        (world.iam, world.quotas, world.abroad) = (Iam::default(), BTreeMap::new(), Abroad::default());
        result
    }

    /// Lets `run` change a region as of the last look; kept (on disk first) only if it succeeds. Answers, too, what was
    /// there before.
    pub(super) fn change<R, E: From<io::Error>>(
        &mut self,
        guard: &Guard,
        region: &str,
        run: impl FnOnce(&mut World) -> Result<R, E>,
    ) -> Result<(R, World), E> {
        let mut world = self.copy(region);
        let result = run(&mut world)?;
        let (iam, abroad) = (std::mem::take(&mut world.iam), std::mem::take(&mut world.abroad));
        let times = std::mem::replace(&mut self.contents.times, self.seen);
        let iam = std::mem::replace(&mut self.contents.iam, iam);
        let abroad = std::mem::replace(&mut self.contents.abroad, abroad);
        let quotas = std::mem::replace(&mut self.contents.quotas, std::mem::take(&mut world.quotas));
        let world = self.contents.regions.insert(region.to_owned(), world);
        let home = self.contents.home.clone();
        if home.is_none() && region != GLOBAL_REGION {
            self.contents.home = Some(region.to_owned());
        }
        match self.save(guard) {
            Ok(mark) => {
                self.mark = mark;
                Ok((result, World { iam, abroad, ..world.unwrap_or_else(|| World::new(region)) }))
            }
            Err(error) => {
                self.contents.restore(region, world);
                (self.contents.times, self.contents.iam, self.contents.home) = (times, iam, home);
                (self.contents.quotas, self.contents.abroad) = (quotas, abroad);
                Err(error.into())
            }
        }
    }

    /// Takes these for the quotas of the account, in every region.
    pub(super) fn set_quotas(&mut self, guard: &Guard, quotas: BTreeMap<String, u64>) -> io::Result<()> {
        let before = std::mem::replace(&mut self.contents.quotas, quotas);
        match self.save(guard) {
            Ok(mark) => {
                self.mark = mark;
                Ok(())
            }
            Err(error) => {
                self.contents.quotas = before;
                Err(error)
            }
        }
    }

    /// The quotas of the account that differ from AWS's defaults.
    pub(super) fn quotas(&self) -> &BTreeMap<String, u64> {
        &self.contents.quotas
    }

    fn save(&self, guard: &Guard) -> io::Result<Mark> {
        let Some(dir) = &self.dir else { return Ok(Mark::default()) };
        let text = serde_json::to_vec(&self.contents)?;
        let temporary = dir.join(format!("{FILE}.new"));
        fs::write(&temporary, text)?;
        // The generation first: killed between the two, others read the old file once more for nothing.
        note(guard, self.mark.generation + 1, Some(self.seen))?;
        fs::rename(&temporary, dir.join(FILE))?;
        mark(dir, guard)
    }

    /// Forgets the world of a directory, also for processes that have it open.
    pub(super) fn reset(dir: &Path) -> io::Result<()> {
        if !dir.exists() {
            return Ok(());
        }
        let guard = lock(dir)?;
        note(&guard, noted(&guard)?.0 + 1, None)?;
        match fs::remove_file(dir.join(FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn lock(dir: &Path) -> io::Result<Guard> {
    let file = File::options().read(true).write(true).create(true).truncate(false).open(dir.join(LOCK))?;
    file.lock()?;
    Ok(Guard(Some(file)))
}

fn mark(dir: &Path, guard: &Guard) -> io::Result<Mark> {
    let file = match fs::metadata(dir.join(FILE)) {
        Ok(found) => Some((found.len(), modified(&found))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    Ok(Mark { generation: noted(guard)?.0, file })
}

fn modified(found: &Metadata) -> Option<SystemTime> {
    found.modified().ok()
}

/// Writes the generation and the latest moment seen into the lock file.
fn note(guard: &Guard, generation: u64, seen: Option<Times>) -> io::Result<()> {
    let Some(mut file) = guard.0.as_ref() else { return Ok(()) };
    let (world, wall) = seen.unwrap_or_default();
    // In one write, and always of the same length: there is no moment without numbers.
    let line = format!("{generation:020} {:030} {:030}\n", world.as_nanosecond(), wall.as_nanosecond());
    io::Seek::rewind(&mut file)?;
    file.write_all(line.as_bytes())
}

/// Reads what `note` wrote; a new lock file counts as generation 0 that nobody has seen.
fn noted(guard: &Guard) -> io::Result<(u64, Option<Times>)> {
    let Some(mut file) = guard.0.as_ref() else { return Ok((0, None)) };
    let mut text = String::new();
    io::Seek::rewind(&mut file)?;
    file.read_to_string(&mut text)?;
    let mut words = text.split_whitespace();
    let generation = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    let mut moment = || Timestamp::from_nanosecond(words.next()?.parse().ok()?).ok();
    let seen = moment().zip(moment());
    Ok((generation, seen))
}

/// What is read of a world first: in another format the rest may be anything.
#[derive(serde::Deserialize)]
struct Head {
    format: Option<u64>,
}

fn parse(path: &Path) -> io::Result<Contents> {
    let damaged = |why: String| {
        let path = path.display();
        let hint = "`rsds sandbox reset` starts an empty one";
        io::Error::new(io::ErrorKind::InvalidData, format!("the sandbox world {path} cannot be read: {why}; {hint}"))
    };
    let text = fs::read(path)?;
    let Head { format } = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    if format != Some(u64::from(FORMAT)) {
        let found = format.map_or_else(|| "no format number".to_owned(), |number| format!("format {number}"));
        return Err(damaged(format!("it has {found}, this rsds knows format {FORMAT}")));
    }
    serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))
}
