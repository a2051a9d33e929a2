//! Watches the City's ward boundaries. Maps are drawn from `geo/`, which is made by hand from official files; this notices
//! when those have changed.

use super::Error;
use super::log::StepClock;
use super::take_in::{Intake, Known};
use crate::lake::Shelf;
use crate::source;

/// Keeps the boundaries as they are published, and warns when they are other than those kept before.
pub(super) async fn watch(intake: &Intake<'_>) -> Result<(), Error> {
    let resource = match intake.source.wards().await {
        Ok(Some(resource)) => resource,
        Ok(None) => return Ok(()),
        Err(error) => return not_looked_at(intake, &error),
    };
    let clock = StepClock::start("fetch", Some(resource.name.clone()));
    let look = match intake.known(&resource, &clock).await? {
        Ok(Known::Yes(_)) => return Ok(()),
        Ok(Known::No(look)) => look,
        Err(error) => return not_looked_at(intake, &error),
    };
    let kept = intake.lake.list(Shelf::Raw).await?;
    let kept: Vec<_> = kept.iter().filter_map(|found| found.name.strip_prefix("city-wards/")).collect();
    let brought = match intake.bring(&resource, &look, &clock).await? {
        Ok(brought) => brought,
        Err(error) => return not_looked_at(intake, &error),
    };
    if !kept.is_empty() && !kept.contains(&brought.sha256.as_str()) {
        intake.log.warn(format!(
            "the City has published other ward boundaries, {} of {}: make geo/ again by `toronto311 boundaries build`",
            brought.sha256, resource.location
        ));
    }
    intake.remember(brought.seen.as_ref()).await
}

/// Requests are published without this.
fn not_looked_at(intake: &Intake<'_>, error: &source::Error) -> Result<(), Error> {
    intake.log.warn(format!("ward boundaries are not looked at: {error}"));
    Ok(())
}
