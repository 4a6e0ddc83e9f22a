//! Where the worlds are kept: in memory, or in `world.json` of a directory that several processes may share.
//!
//! One world per region, made when first changed; IAM has one set of objects for all of them and is moved into the
//! world of the region at work and out again. Used by the router alone. A change is on disk (temporary file, rename)
//! before it is answered, so killing the process loses nothing that was answered; it is not synced to the platter, so
//! a power cut may. Must never start over silently: a file that cannot be read is an error that names it.

use super::World;
use super::dispatch::GLOBAL_REGION;
use super::iam::Iam;
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

#[derive(Serialize, Deserialize, Clone, Debug)]
struct Contents {
    format: u32,
    // World time and the wall time it was then: runs on from this pair, at the rate of whoever asks.
    times: (Timestamp, Timestamp),
    home: Option<String>,
    iam: Iam,
    regions: BTreeMap<String, World>,
}

impl Contents {
    fn new(wall: Timestamp) -> Self {
        Self { format: FORMAT, times: (wall, wall), home: None, iam: Iam::default(), regions: BTreeMap::new() }
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
}

impl Store {
    pub(super) fn in_memory(wall: Timestamp) -> Self {
        Self { dir: None, contents: Contents::new(wall), mark: Mark::default() }
    }

    /// Opens or begins the world of a directory, which is made if it is missing.
    pub(super) fn open(dir: &Path, wall: Timestamp) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let mut store = Self { dir: Some(dir.to_owned()), ..Self::in_memory(wall) };
        let guard = store.lock(false)?;
        store.load(&guard, wall)?;
        Ok(store)
    }

    /// Takes the directory's lock (shared for reading), waiting for other processes.
    pub(super) fn lock(&self, writing: bool) -> io::Result<Guard> {
        self.dir.as_deref().map_or(Ok(Guard(None)), |dir| lock(dir, writing))
    }

    /// Takes over what another process wrote since the last look.
    pub(super) fn refresh(&mut self, guard: &Guard, wall: Timestamp) -> io::Result<()> {
        match &self.dir {
            Some(dir) if mark(dir, guard)? != self.mark => self.load(guard, wall),
            _ => Ok(()),
        }
    }

    fn load(&mut self, guard: &Guard, wall: Timestamp) -> io::Result<()> {
        let Some(dir) = &self.dir else { return Ok(()) };
        let found = mark(dir, guard)?;
        self.contents = if found.file.is_some() { parse(&dir.join(FILE))? } else { Contents::new(wall) };
        self.mark = found;
        Ok(())
    }

    /// World time: that of the last change plus what AWS time has passed on the clock since; never before it.
    pub(super) fn now(&self, clock: &Clock) -> Timestamp {
        let (world, wall) = self.contents.times;
        let since = clock.timestamp().duration_since(wall);
        let passed = clock.aws_time(Duration::try_from(since).unwrap_or(Duration::ZERO));
        world.checked_add(passed).unwrap_or(world)
    }

    /// The region that `world` and `edit` speak of: the first one that was changed.
    pub(super) fn home(&self) -> &str {
        self.contents.home.as_deref().unwrap_or(DEFAULT_REGION)
    }

    /// Names of all regions that were ever changed.
    pub(super) fn regions(&self) -> Vec<String> {
        self.contents.regions.keys().cloned().collect()
    }

    /// A copy of one region, IAM included.
    pub(super) fn copy(&self, region: &str) -> World {
        let world = self.contents.regions.get(region).cloned();
        World { iam: self.contents.iam.clone(), ..world.unwrap_or_else(|| World::new(region)) }
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
        let result = run(world);
        world.iam = Iam::default();
        result
    }

    /// Lets `run` change a region; kept (on disk first) only if it succeeds. `times` are world time and wall time.
    pub(super) fn change<R, E: From<io::Error>>(
        &mut self,
        guard: &Guard,
        region: &str,
        times: (Timestamp, Timestamp),
        run: impl FnOnce(&mut World) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut world = self.copy(region);
        let result = run(&mut world)?;
        let iam = std::mem::take(&mut world.iam);
        let times = std::mem::replace(&mut self.contents.times, times);
        let iam = std::mem::replace(&mut self.contents.iam, iam);
        let world = self.contents.regions.insert(region.to_owned(), world);
        let home = self.contents.home.clone();
        if home.is_none() && region != GLOBAL_REGION {
            self.contents.home = Some(region.to_owned());
        }
        match self.save(guard) {
            Ok(mark) => {
                self.mark = mark;
                Ok(result)
            }
            Err(error) => {
                self.contents.restore(region, world);
                (self.contents.times, self.contents.iam, self.contents.home) = (times, iam, home);
                Err(error.into())
            }
        }
    }

    fn save(&self, guard: &Guard) -> io::Result<Mark> {
        let Some(dir) = &self.dir else { return Ok(Mark::default()) };
        let text = serde_json::to_vec(&self.contents)?;
        let temporary = dir.join(format!("{FILE}.new"));
        fs::write(&temporary, text)?;
        // The generation first: killed between the two, others read the old file once more for nothing.
        set_generation(guard, self.mark.generation + 1)?;
        fs::rename(&temporary, dir.join(FILE))?;
        mark(dir, guard)
    }

    /// Forgets the world of a directory, also for processes that have it open.
    pub(super) fn reset(dir: &Path) -> io::Result<()> {
        if !dir.exists() {
            return Ok(());
        }
        let guard = lock(dir, true)?;
        set_generation(&guard, mark(dir, &guard)?.generation + 1)?;
        match fs::remove_file(dir.join(FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn lock(dir: &Path, writing: bool) -> io::Result<Guard> {
    let file = File::options().read(true).write(true).create(true).truncate(false).open(dir.join(LOCK))?;
    if writing {
        file.lock()?;
    } else {
        file.lock_shared()?;
    }
    Ok(Guard(Some(file)))
}

fn mark(dir: &Path, guard: &Guard) -> io::Result<Mark> {
    let mut text = String::new();
    if let Some(mut file) = guard.0.as_ref() {
        io::Seek::rewind(&mut file)?;
        file.read_to_string(&mut text)?;
    }
    let file = match fs::metadata(dir.join(FILE)) {
        Ok(found) => Some((found.len(), modified(&found))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    Ok(Mark { generation: text.trim().parse().unwrap_or(0), file })
}

fn modified(found: &Metadata) -> Option<SystemTime> {
    found.modified().ok()
}

fn set_generation(guard: &Guard, generation: u64) -> io::Result<()> {
    let Some(mut file) = guard.0.as_ref() else { return Ok(()) };
    io::Seek::rewind(&mut file)?;
    // Never shorter than before, so there is no moment without a number.
    write!(file, "{generation:020}")
}

fn parse(path: &Path) -> io::Result<Contents> {
    let damaged = |why: String| {
        let path = path.display();
        let hint = "`rsds sandbox reset` starts an empty one";
        io::Error::new(io::ErrorKind::InvalidData, format!("the sandbox world {path} cannot be read: {why}; {hint}"))
    };
    let text = fs::read(path)?;
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    let format = value.get("format").and_then(serde_json::Value::as_u64);
    if format != Some(u64::from(FORMAT)) {
        let found = format.map_or_else(|| "no format number".to_owned(), |number| format!("format {number}"));
        return Err(damaged(format!("it has {found}, this rsds knows format {FORMAT}")));
    }
    serde_json::from_value(value).map_err(|error| damaged(error.to_string()))
}
