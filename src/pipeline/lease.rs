//! One refresh at a time: an object that its holder keeps changing.
//!
//! Whether a holder is alive is judged by one's own clock only: a lease that has not changed for its whole time, as seen
//! from here, is free. The lease saves work; that nothing is published twice or lost rests on the pointer's
//! compare-and-set.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{info, warn};

use crate::domain::RunId;
use crate::lake::{self, Generation, Key, Lake};

/// Changes of a lease in the time after which it counts as abandoned.
const BEATS: u32 = 4;

/// Looks at somebody else's lease in that time.
const LOOKS: u32 = 20;

/// What the object holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Holding {
    /// `null` when it has been given back.
    run: Option<RunId>,
    /// One more with each change.
    beat: u64,
}

/// A lease that is held, and kept alive until it is given back or dropped.
pub(super) struct Lease {
    beating: JoinHandle<Option<Generation>>,
    lake: Lake,
    lost: CancellationToken,
    stop: DropGuard,
}

/// What came of asking for the lease.
pub(super) enum Taken {
    /// It is ours. With the run that it was taken over from, if that one did not give it back.
    Mine(Lease, Option<RunId>),
    /// Another run has it and is alive.
    Busy(Option<RunId>),
}

/// Takes the lease if it is free or abandoned.
pub(super) async fn take(lake: &Lake, run: &RunId, time: Duration) -> Result<Taken, lake::Error> {
    let mut first_seen: Option<(Generation, Instant)> = None;
    loop {
        let found = lake.get_with_generation(Key::Lease).await?;
        let generation = found.as_ref().map(|(_, generation)| generation.clone());
        // Garbage is watched like a lease: it may be one of a version to come.
        let holding = found.as_ref().and_then(|(bytes, _)| serde_json::from_slice::<Holding>(bytes).ok());
        let is_free = found.is_none() || holding.as_ref().is_some_and(|holding| holding.run.is_none());
        let holder = holding.and_then(|holding| holding.run);
        let abandoned = match (&first_seen, &generation) {
            (Some((seen, since)), Some(now)) if seen == now => since.elapsed() >= time,
            (Some(_), Some(_)) if !is_free => return Ok(Taken::Busy(holder)),
            _ => false,
        };
        if is_free || abandoned {
            let mine = Holding { run: Some(run.clone()), beat: 0 };
            if let Some(generation) = write(lake, generation.as_ref(), &mine).await? {
                return Ok(Taken::Mine(Lease::start(lake, mine, generation, time), holder));
            }
            // Somebody was faster: they are alive.
            first_seen = None;
            continue;
        }
        if let (None, Some(generation)) = (&first_seen, generation) {
            info!(
                holder = holder.as_ref().map(RunId::as_str),
                "another run has the lease: watching whether it is alive"
            );
            first_seen = Some((generation, Instant::now()));
        }
        sleep(time / LOOKS).await;
    }
}

impl Lease {
    fn start(lake: &Lake, mine: Holding, generation: Generation, time: Duration) -> Self {
        let (stop, lost) = (CancellationToken::new(), CancellationToken::new());
        let beating = tokio::spawn(beat(lake.clone(), mine, generation, time, stop.clone(), lost.clone()));
        Self { beating, lake: lake.clone(), lost, stop: stop.drop_guard() }
    }

    /// Ends when the lease is somebody else's.
    pub(super) async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Gives it back, if it is still ours: by the generation that we wrote, so that nobody else's is given away.
    pub(super) async fn give_back(self) {
        drop(self.stop);
        let Ok(Some(generation)) = self.beating.await else { return };
        if let Err(error) = write(&self.lake, Some(&generation), &Holding { run: None, beat: 0 }).await {
            warn!("the lease is not given back, it runs out: {error}");
        }
    }
}

/// Changes the lease again and again until told to stop; returns the last generation if it is still ours.
async fn beat(
    lake: Lake,
    mut mine: Holding,
    mut generation: Generation,
    time: Duration,
    stop: CancellationToken,
    lost: CancellationToken,
) -> Option<Generation> {
    let mut written = Instant::now();
    loop {
        tokio::select! {
            () = stop.cancelled() => return Some(generation),
            () = sleep(time / BEATS) => {}
        }
        mine.beat += 1;
        match write(&lake, Some(&generation), &mine).await {
            Ok(Some(new)) => (generation, written) = (new, Instant::now()),
            Ok(None) => break,
            Err(error) => warn!("the lease is not renewed: {error}"),
        }
        if written.elapsed() >= time {
            break;
        }
    }
    warn!("the lease is lost: another run has it");
    lost.cancel();
    None
}

/// Swaps the lease. When the store says that somebody else wrote, it may have been our own write whose answer was lost.
async fn write(lake: &Lake, read: Option<&Generation>, holding: &Holding) -> Result<Option<Generation>, lake::Error> {
    let json = serde_json::to_vec(holding).unwrap_or_default();
    let swapped = lake.swap(Key::Lease, read, json.clone()).await;
    if let Ok(Some(generation)) = swapped {
        return Ok(Some(generation));
    }
    match lake.get_with_generation(Key::Lease).await {
        Ok(Some((found, generation))) if holding.run.is_some() && found == json => Ok(Some(generation)),
        _ => swapped,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn lake() -> Lake {
        Lake::on(Arc::new(object_store::memory::InMemory::new()))
    }

    fn run(chance: u32) -> RunId {
        RunId::new("2026-11-25T00:00:00Z".parse().unwrap(), chance)
    }

    async fn mine(lake: &Lake, chance: u32) -> (Lease, Option<RunId>) {
        match take(lake, &run(chance), Duration::from_secs(120)).await.unwrap() {
            Taken::Mine(lease, from) => (lease, from),
            Taken::Busy(_) => panic!("busy"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_runner_is_busy_as_long_as_the_first_lives() {
        let lake = lake();
        let (lease, from) = mine(&lake, 1).await;
        assert_eq!(from, None);
        for _ in 0..3 {
            let taken = take(&lake, &run(2), Duration::from_secs(120)).await.unwrap();
            assert!(matches!(taken, Taken::Busy(Some(holder)) if holder == run(1)));
        }
        lease.give_back().await;
        assert_eq!(mine(&lake, 2).await.1, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_whose_holder_died_is_taken_over_when_its_time_is_up() {
        let lake = lake();
        let (lease, _) = mine(&lake, 1).await;
        drop(lease);
        let started = Instant::now();
        let (_lease, from) = mine(&lake, 2).await;
        assert_eq!(from, Some(run(1)));
        assert!((120..130).contains(&started.elapsed().as_secs()));
    }

    #[tokio::test(start_paused = true)]
    async fn who_lost_the_lease_learns_of_it_and_does_not_give_away_the_next_ones() {
        let lake = lake();
        let (first, _) = mine(&lake, 1).await;
        let other = Holding { run: Some(run(2)), beat: 0 };
        lake.replace(Key::Lease, serde_json::to_vec(&other).unwrap()).await.unwrap();
        first.lost().await;
        first.give_back().await;
        let found = lake.get(Key::Lease).await.unwrap().unwrap();
        assert_eq!(serde_json::from_slice::<Holding>(&found).unwrap(), other);
    }

    #[tokio::test(start_paused = true)]
    async fn garbage_in_the_place_of_a_lease_runs_out_like_one() {
        let lake = lake();
        lake.replace(Key::Lease, "garbage").await.unwrap();
        assert_eq!(mine(&lake, 1).await.1, None);
    }
}
