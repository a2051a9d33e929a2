//! The machine: several runs at once, too few files, a full disk, signals.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::lake::{Lake, Run, files_below};
use super::{arrived, one_run, undisturbed};
use crate::city::files::{csv, zip};
use crate::city::server::{Answer, Delivery, Framing, Then};
use crate::city::{City, Edition, FILE};
use crate::many::Slot;

/// How often starters race. More by `RACES=1000`.
fn races() -> usize {
    std::env::var("RACES").map_or(100, |races| races.parse().unwrap())
}

/// A City with the second edition and a lake with the first.
fn start() -> (City, Lake) {
    let city = City::start();
    city.publish(Edition::Second);
    (city, undisturbed(Edition::First).copy())
}

#[test]
fn of_eight_starters_one_publishes() {
    let _first = undisturbed(Edition::First);
    for _ in 0..races() {
        let _slot = Slot::take();
        let (city, lake) = start();
        // A lease that outlives a pause of a busy machine: nobody may take it for that of a dead run.
        let start = |_| lake.start(&city, &["--lease-seconds", "5"]);
        let runs: Vec<Run> = (0..8).map(start).collect::<Vec<Child>>().into_iter().map(Run::of).collect();
        let published = runs.iter().filter(|run| run.published().is_some()).count();
        assert_eq!((published, lake.version()), (1, 2), "{runs:#?}");
        for run in &runs {
            let fine = ["published", "no_change", "busy"].iter().any(|word| run.said.starts_with(word));
            assert!(run.code == Some(0) && fine && run.errors.is_empty(), "{run:#?}");
        }
        assert_eq!(lake.problems(), [""; 0]);
        assert!(lake.marts() == undisturbed(Edition::Second).marts());
    }
}

#[test]
fn a_held_file_does_not_hold_the_others() {
    let (city, lake) = start();
    city.change_package(|all| {
        let mut newest = crate::city::resource(all).clone();
        newest["id"] = "2026".into();
        newest["name"] = "311 Service Requests 2026".into();
        newest["url"] = format!("{}/nowhere/sr2026.zip", city.url()).into();
        all["result"]["resources"].as_array_mut().unwrap().insert(1, newest);
    });
    let run = one_run(&lake, |lake| lake.refresh(&city, &[]));
    assert_eq!((run.code, run.errors.len()), (Some(1), 1), "{run:#?}");
    assert!(run.errors[0].starts_with("error: SR2026: "), "{run:#?}");
    assert_eq!(run.published(), undisturbed(Edition::Second).current()["release"].as_str(), "{run:#?}");
}

#[test]
fn a_year_that_is_told_apart_is_the_only_one_that_is_read() {
    let (city, lake) = start();
    city.set_file(b"no CSV".to_vec());
    let run = one_run(&lake, |lake| lake.refresh(&city, &["--years", "2024"]));
    assert_eq!((run.code, run.no_change().is_some()), (Some(0), true), "{run:#?}");
    assert_eq!(city.requests("GET", FILE).len() + city.requests("HEAD", FILE).len(), 0);
}

#[test]
fn an_empty_lake_with_nothing_but_bad_files_fails() {
    let city = City::start();
    city.change_package(|all| {
        all["result"]["resources"].as_array_mut().unwrap().retain(|file| file["name"] != "311 Service Requests 2024");
    });
    city.set_file(b"no CSV".to_vec());
    let lake = Lake::new();
    let run = one_run(&lake, |lake| lake.refresh(&city, &[]));
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(!lake.path().join("current.json").exists());
    city.publish(Edition::Second);
    arrived(&lake, &one_run(&lake, |lake| lake.refresh(&city, &[])));
}

#[test]
fn the_city_is_asked_politely() {
    let (city, lake) = (City::start(), Lake::new());
    assert!(one_run(&lake, |lake| lake.refresh(&city, &[])).published().is_some());
    city.publish(Edition::Second);
    city.forget_requests();
    arrived(&lake, &one_run(&lake, |lake| lake.refresh(&city, &[])));
    let all = [city.requests("GET", ""), city.requests("HEAD", "")].concat();
    for logged in &all {
        let header = |name| logged.request.header(name);
        assert!(header("user-agent").is_some_and(|agent| agent.starts_with("toronto311")), "{logged:?}");
        assert!(header("accept-encoding").is_none_or(|encoding| encoding == "identity"), "{logged:?}");
    }
    assert_eq!(city.requests("GET", "package_show").len(), 2);
    assert_eq!(city.requests("GET", "readme").len() + city.requests("GET", "sr_type").len(), 0);
    assert_eq!(city.requests("GET", "sr2024").len(), 0, "it has not changed");
    city.forget_requests();
    one_run(&lake, |lake| lake.refresh(&city, &[]));
    assert_eq!((city.requests("GET", "download").len(), city.requests("HEAD", "download").len()), (0, 3));
}

#[test]
fn an_etag_that_has_not_changed_is_enough() {
    let (city, lake) = (City::start(), Lake::new());
    assert!(one_run(&lake, |lake| lake.refresh(&city, &[])).published().is_some());
    city.forget_requests();
    // Another server of the same City: it has another date, and tells no length before it sends.
    city.fault_times("download", &["HEAD"], usize::MAX, |_, answer| {
        answer.set("Last-Modified", "Sun, 09 Mar 2025 14:03:12 GMT");
        answer.framing = Framing::Chunked;
    });
    assert!(one_run(&lake, |lake| lake.refresh(&city, &[])).no_change().is_some());
    assert_eq!(city.requests("GET", "download").len(), 0);
}

#[test]
fn sixty_four_open_files_are_enough() {
    let (city, lake) = start();
    let run = one_run(&lake, |lake| Run::of(within(&["prlimit", "--nofile=64"], lake, &city).spawn().unwrap()));
    arrived(&lake, &run);
}

#[test]
fn a_full_disk_for_temporary_files_is_said() {
    let (city, lake) = start();
    let Some(disk) = Disk::mount(lake.temporary(), "8k") else { return };
    let run = Run::of(lake.command(&city.url(), &[]).spawn().unwrap());
    assert_eq!(run.code, Some(1), "{run:#?}");
    assert!(run.errors.iter().all(|line| line.starts_with("error: ")), "{run:#?}");
    assert!(run.stderr.contains("No space left"), "{run:#?}");
    assert_eq!(lake.problems(), [""; 0]);
    assert_eq!(lake.version(), 1);
    drop(disk);
    arrived(&lake, &one_run(&lake, |lake| lake.refresh(&city, &[])));
}

#[test]
fn a_full_disk_under_the_lake_leaves_it_whole() {
    let (city, first) = start();
    let mut failed = 0;
    // From no room at all to almost enough: each stops the run elsewhere.
    for spare_kb in (0..=40).step_by(8) {
        let lake = Lake::new();
        fs::create_dir(lake.path()).unwrap();
        let Some(disk) = Disk::mount(lake.path(), "64m") else { return };
        super::lake::copy_folder(&first.path(), &lake.path());
        disk.leave(spare_kb);
        let run = Run::of(lake.command(&city.url(), &[]).spawn().unwrap());
        assert!(!run.stderr.contains("panicked"), "{run:#?}");
        assert!(run.code == Some(0) || run.errors.iter().all(|line| line.starts_with("error: ")), "{run:#?}");
        failed += u32::from(run.code != Some(0));
        let verified = lake.verify();
        assert_eq!(verified.code, Some(0), "{spare_kb} kB: {verified:#?}");
        disk.leave(60_000);
        let run = lake.refresh(&city, &[]);
        arrived(&lake, &run);
        assert_eq!(lake.problems(), [""; 0], "{spare_kb} kB");
    }
    assert!(failed > 2, "only {failed} runs met a full disk");
}

#[test]
fn a_disk_that_cannot_read_an_object_is_no_end() {
    if !strace_works() {
        return;
    }
    let first = undisturbed(Edition::First);
    let mut failed = 0;
    for object in files_below(&first.path()).into_iter().filter(|name| !name.starts_with("runs/")) {
        let _slot = Slot::take();
        let (city, lake) = start();
        let path = lake.path().join(&object);
        let inject = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=read,pread64,readv:error=EIO", "-P"];
        let run = Run::of(within(&[&inject[..], &[path.to_str().unwrap()]].concat(), &lake, &city).spawn().unwrap());
        assert!(!run.stderr.contains("panicked"), "{object}: {run:#?}");
        assert!(matches!(run.code, Some(0 | 1)), "{object}: {run:#?}");
        failed += u32::from(run.code == Some(1));
        assert!(run.errors.iter().all(|line| line.starts_with("error: ")), "{object}: {run:#?}");
        assert_eq!(lake.problems(), [""; 0], "{object}: {run:#?}");
        arrived(&lake, &one_run(&lake, |lake| lake.refresh(&city, &[])));
    }
    // Some are read by nobody, some are made anew.
    assert!(failed > 0, "no run met a disk that can't read");
}

#[test]
fn a_run_that_is_told_to_stop_stops_and_says_so() {
    for signal in ["TERM", "INT"] {
        let (city, lake) = start();
        city.fault_times(FILE, &["GET"], 1, |_, answer| answer.delivery = Delivery::Cut(100, Then::Silence));
        let runs = lake.runs();
        let child = lake.start(&city, &["--stall-seconds", "60", "--download-seconds", "60", "--lease-seconds", "60"]);
        wait_for(|| city.requests("GET", FILE).len() == 1);
        assert!(lake.lease_holder().is_some());
        let told = Instant::now();
        send(signal, &child);
        let run = Run::of(child);
        assert!(told.elapsed() < Duration::from_secs(8), "{:?}", told.elapsed());
        assert_ne!(run.code, Some(0), "{run:#?}");
        assert_eq!(lake.problems(), [""; 0], "{run:#?}");
        let record = lake.runs().into_iter().find(|(name, _)| !runs.contains_key(name)).unwrap().1;
        assert_eq!((record["outcome"].as_str(), record["ended_at"].is_string()), (Some("interrupted"), true));
        // The next one does not have to wait for a lease that was given back.
        arrived(&lake, &one_run(&lake, |lake| lake.refresh(&city, &["--lease-seconds", "60"])));
    }
}

#[test]
fn a_run_that_was_stopped_longer_than_its_lease_does_not_publish() {
    let (city, lake) = start();
    city.fault_times(FILE, &["GET"], 1, |_, answer| answer.delivery = Delivery::Drip(100, Duration::from_millis(20)));
    let zombie = lake.start(&city, &["--stall-seconds", "60", "--download-seconds", "60"]);
    wait_for(|| city.requests("GET", FILE).len() == 1);
    send("STOP", &zombie);
    // Meanwhile the City publishes another file, which the zombie does not know of.
    city.set_file(zip(&[("SR2025.csv", csv(2025, 1..=4).as_bytes())]));
    let other = lake.refresh(&city, &[]);
    assert!(other.published().is_some(), "{other:#?}");
    let published = lake.current();
    send("CONT", &zombie);
    let zombie = Run::of(zombie);
    assert_eq!(zombie.published(), None, "{zombie:#?}");
    assert!(!zombie.stderr.contains("panicked"), "{zombie:#?}");
    assert_eq!(lake.current(), published);
    assert_eq!(lake.problems(), [""; 0], "{zombie:#?}");
    city.publish(Edition::Second);
    // A month less is what the guard is for.
    arrived(&lake, &one_run(&lake, |lake| lake.refresh(&city, &["--accept", "2025"])));
}

#[test]
fn a_pause_within_the_lease_is_nothing() {
    let (city, lake) = start();
    city.fault_times(FILE, &["GET"], 1, |_, answer| answer.delivery = Delivery::Drip(100, Duration::from_millis(20)));
    let child = lake.start(&city, &["--lease-seconds", "60"]);
    wait_for(|| city.requests("GET", FILE).len() == 1);
    send("STOP", &child);
    // Longer than the silence that it bears: by its clock, the source was silent.
    std::thread::sleep(Duration::from_secs(2));
    send("CONT", &child);
    arrived(&lake, &Run::of(child));
    assert_eq!(lake.problems(), [""; 0]);
}

#[test]
fn a_run_that_died_is_succeeded() {
    let (city, lake) = start();
    city.fault_times(FILE, &["GET"], 1, |_, answer| answer.delivery = Delivery::Cut(100, Then::Silence));
    let runs = lake.runs();
    let child = lake.start(&city, &["--stall-seconds", "60", "--download-seconds", "60"]);
    wait_for(|| city.requests("GET", FILE).len() == 1);
    send("KILL", &child);
    Run::of(child);
    fs::remove_dir_all(lake.temporary()).unwrap();
    fs::create_dir(lake.temporary()).unwrap();
    let run = lake.refresh(&city, &[]);
    arrived(&lake, &run);
    assert!(run.took < Duration::from_secs(10), "{run:#?}");
    assert_eq!(lake.problems(), [""; 0], "{run:#?}");
    for (name, record) in lake.runs().into_iter().filter(|(name, _)| !runs.contains_key(name)) {
        assert!(record["ended_at"].is_string() && record["outcome"].is_string(), "{name}: {record:#}");
    }
}

#[test]
fn a_failure_and_the_recovery_after_it_are_told() {
    let (city, lake) = start();
    let hook = format!("{}/hook", city.url());
    let told = |city: &City| city.requests("POST", "/hook").len();
    city.fault_times("/hook", &["POST"], usize::MAX, |_, answer| *answer = Answer::new(204, "text/plain", Vec::new()));
    city.fault_times(FILE, &["GET"], 1, |_, answer| answer.become_page(404, "Not found"));
    assert_eq!(one_run(&lake, |lake| lake.refresh(&city, &["--webhook", &hook])).code, Some(1));
    assert_eq!(told(&city), 1);
    arrived(&lake, &one_run(&lake, |lake| lake.refresh(&city, &["--webhook", &hook])));
    assert_eq!(told(&city), 2);
    one_run(&lake, |lake| lake.refresh(&city, &["--webhook", &hook]));
    assert_eq!(told(&city), 2, "there is nothing to tell");
}

#[test]
fn a_failure_to_read_a_folder_is_told_as_well() {
    let (city, lake) = start();
    let hook = format!("{}/hook", city.url());
    city.fault_times("/hook", &["POST"], usize::MAX, |_, answer| *answer = Answer::new(204, "text/plain", Vec::new()));
    let run = one_run(&lake, |lake| lake.refresh_from("/nowhere", &["--webhook", &hook]));
    assert_eq!((run.code, city.requests("POST", "/hook").len()), (Some(1), 1), "{run:#?}");
}

#[test]
fn a_run_that_is_telling_a_silent_address_can_be_stopped() {
    let (city, lake) = start();
    let hook = format!("{}/hook", city.url());
    city.fault_times("/hook", &["POST"], usize::MAX, |_, answer| answer.delivery = Delivery::Nothing(Then::Silence));
    city.fault(FILE, |_, answer| answer.become_page(404, "Not found"));
    let child = lake.start(&city, &["--webhook", &hook]);
    wait_for(|| city.requests("POST", "/hook").len() == 1);
    send("TERM", &child);
    let told = Instant::now();
    let run = Run::of(child);
    assert!(told.elapsed() < Duration::from_secs(8), "{:?}: {run:#?}", told.elapsed());
    assert_eq!(lake.problems(), [""; 0]);
}

#[test]
fn what_is_damaged_is_found_and_made_again() {
    let second = undisturbed(Edition::Second);
    let live = second.current()["release"].as_str().unwrap().to_owned();
    let is_needed = |name: &String| {
        let of_release = name.contains(&live) && !name.starts_with("changes/");
        name == "current.json" || of_release || name.starts_with("raw/SR")
    };
    let city = City::start();
    city.publish(Edition::Second);
    type Damage = (&'static str, fn(&std::path::Path));
    let damages: [Damage; 3] = [
        ("missing", |path| fs::remove_file(path).unwrap()),
        ("empty", |path| fs::write(path, "").unwrap()),
        ("altered", |path| {
            let mut bytes = fs::read(path).unwrap();
            let middle = bytes.len() / 2;
            // Never a good letter for another one: nobody could know which was meant.
            bytes[middle] ^= if path.extension().is_some_and(|it| it == "json") { 0x80 } else { 1 };
            fs::write(path, bytes).unwrap();
        }),
    ];
    let mut failures = Vec::new();
    for object in files_below(&second.path()).iter().filter(|name| is_needed(name)) {
        for (how, damage) in damages {
            let _slot = Slot::take();
            let lake = second.copy();
            damage(&lake.path().join(object));
            let found = lake.verify();
            // With no pointer there is no release to be wrong.
            if found.code != Some(1) && (object.as_str(), how) != ("current.json", "missing") {
                failures.push(format!("{object} is {how}, and verify says {:?} {}", found.code, found.said));
            }
            // The look that a refresh takes is at sizes.
            if how == "altered" && !object.ends_with(".json") {
                continue;
            }
            let run = lake.refresh(&city, &[]);
            let after = lake.verify();
            if run.code != Some(0) || after.code != Some(0) {
                failures.push(format!("{object} is {how}: {} {:?}, then {:?}", run.said, run.errors, after.errors));
            } else if lake.marts() != second.marts() {
                failures.push(format!("{object} is {how}, and the tables are others: {}", run.said));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

/// The program under another one.
pub fn within(wrapper: &[&str], lake: &Lake, city: &City) -> Command {
    let inner = lake.command(&city.url(), &[]);
    let mut command = Command::new(wrapper[0]);
    command.args(&wrapper[1..]).arg(inner.get_program()).args(inner.get_args());
    command.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    command
}

/// Whether system calls can be tampered with here. Containers may forbid it.
pub fn strace_works() -> bool {
    let tried = Command::new("strace").args(["-f", "-qq", "-o", "/dev/null", "true"]).status();
    let tried = tried.expect("strace is missing; `make test` installs it");
    if !tried.success() {
        eprintln!("skipped: strace may not trace here");
    }
    tried.success()
}

fn send(signal: &str, to: &Child) {
    assert!(Command::new("kill").args([&format!("-{signal}"), &to.id().to_string()]).status().unwrap().success());
}

fn wait_for(condition: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < until, "it did not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A small disk in memory over a folder, as long as it lives.
struct Disk(PathBuf);

impl Disk {
    /// `None`, with a message, where nothing may be mounted.
    fn mount(folder: PathBuf, size: &str) -> Option<Self> {
        let options = format!("size={size}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&folder).status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(folder));
        }
        eprintln!("skipped: no disk can be mounted here");
        None
    }

    /// Makes it as large as what it holds and so much more.
    fn leave(&self, spare_kb: u64) {
        let used = Command::new("df").args(["--output=used", "-k"]).arg(&self.0).output().unwrap();
        let used: u64 = String::from_utf8_lossy(&used.stdout).lines().last().unwrap().trim().parse().unwrap();
        let size = format!("remount,size={}k", used + spare_kb);
        assert!(Command::new("mount").args(["-o", &size]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
