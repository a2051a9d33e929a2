//! Compare-and-set on a folder, which has none of its own: under a lock that the system frees when its holder dies.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use super::sha256;

/// How long another process may hold the lock. It does so for a rename; one that was paused just there is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Writes a file if the one there has this hash, or if there is none when `read` is `None`. Not on a thread for blocking
/// work: those may all be cleaning, and a lease has to be renewed in time. It takes a few milliseconds.
pub(super) async fn swap(folder: &Path, name: &str, read: Option<&str>, bytes: &[u8]) -> io::Result<bool> {
    let target = folder.join(name);
    let parent = target.parent().unwrap_or(folder);
    fs::create_dir_all(parent)?;
    let _lock = lock(&folder.join(".lock")).await?;
    let found = match fs::read(&target) {
        Ok(found) => Some(sha256(&found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if found.as_deref() != read {
        return Ok(false);
    }
    // Under the lock nobody else writes this name, and what a killed process left of it is written over.
    let next = folder.join(format!("{name}.next"));
    let mut file = File::create(&next)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&next, &target)?;
    File::open(parent)?.sync_all()?;
    Ok(true)
}

/// Removes files that the store had begun when their writer was killed: their names end in `#` and a number, and no
/// listing shows them. Those younger than `age` may still be written.
pub(super) fn sweep(folder: &Path, age: Duration) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let meta = match entry.metadata() {
            Ok(meta) => meta,
            // Gone meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if meta.is_dir() {
            sweep(&entry.path(), age)?;
        } else if is_staged(&entry.file_name().to_string_lossy()) && meta.modified()?.elapsed().is_ok_and(|a| a >= age)
        {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn is_staged(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(_, n)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

async fn lock(path: &Path) -> io::Result<File> {
    let file = File::options().create(true).append(true).open(path)?;
    let until = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "another process holds the lock of the lake"));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}
