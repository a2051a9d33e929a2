//! The local disk and threads: what the steps need of the machine.

use std::path::Path;

use tokio::runtime::{Handle, RuntimeFlavor};

use super::Error;

/// Names of all files below a folder, relative to it and with `/`, in order.
pub(super) fn files_below(folder: &Path) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    collect(folder, "", &mut names).map_err(disk(folder))?;
    names.sort();
    Ok(names)
}

fn collect(folder: &Path, prefix: &str, names: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), names)?;
        } else {
            names.push(name);
        }
    }
    Ok(())
}

pub(super) fn temporary_folder() -> Result<tempfile::TempDir, Error> {
    tempfile::Builder::new().prefix("toronto311-").tempdir().map_err(disk(&std::env::temp_dir()))
}

/// Runs work of the CPU away from the tasks that wait. Where there is one thread only, there is no elsewhere.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
        return work();
    }
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work)).await?
}

pub(super) fn disk(path: &Path) -> impl Fn(std::io::Error) -> Error {
    let path = path.to_owned();
    move |cause| Error::Disk { path: path.clone(), cause }
}
