//! What goes wrong outside the program: kills, full disks, folders that may not be written, inputs that go away.

#![cfg(unix)]

mod common;

use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{Work, corpus, corpus_csv, csv};
use predicates::prelude::*;
use predicates::str::{contains, starts_with};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Kills of each command; `RAPPORTEUR_KILLS=100 cargo test --release --test faults -- --nocapture` tells more.
fn kills() -> u32 {
    std::env::var("RAPPORTEUR_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(12)
}

/// Rows enough for some hundred milliseconds.
fn many_rows() -> String {
    let corpus = corpus();
    let rows = (0..30_000).map(|i| [i.to_string(), corpus[i % corpus.len()].text.clone()]);
    csv(&["id", "text"], rows)
}

/// Kills a command at moments spread over its time, and calls `check` after each; returns how many were cut short.
fn kill_at_random(work: &Work, arguments: &str, seed: u64, mut check: impl FnMut(bool)) -> u32 {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let started = Instant::now();
    assert!(work.process(arguments).stderr(Stdio::null()).status().unwrap().success());
    let whole = started.elapsed();
    check(true);
    let mut cut_short = 0;
    for _ in 0..kills() {
        let mut child = work.process(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let share = random.next_u64() as f64 / u64::MAX as f64;
        std::thread::sleep(whole.mul_f64(share * 1.1));
        child.kill().unwrap();
        let finished = child.wait().unwrap().success();
        cut_short += u32::from(!finished);
        check(finished);
    }
    println!("{arguments}: {} kills, {cut_short} before the end", kills());
    cut_short
}

/// The output is the old one or the new one, and at most one file more is left, which the next run removes.
fn a_killed_command_leaves_the_old_or_the_new(work: &Work, arguments: &str, output: &str, seed: u64) {
    let before = work.files().len() + usize::from(!work.path(output).exists());
    work.run(arguments).success();
    let new = work.bytes(output);
    let (mut old_left, mut new_left) = (0, 0);
    let cut_short = kill_at_random(work, arguments, seed, |_| {
        let left = work.bytes(output);
        if left == new {
            new_left += 1;
        } else {
            assert_eq!(left, b"old", "neither the old nor the new");
            old_left += 1;
        }
        assert!(work.files().len() <= before + 1, "{:?}", work.files());
        work.write(output, "old");
    });
    println!("the old file stood {old_left} times, the new one {new_left} times");
    assert!(cut_short > 0 && old_left > 0, "no run was killed in time");
    work.run(arguments).success();
    assert_eq!((work.files().len(), work.bytes(output)), (before, new));
}

#[test]
fn classify_killed_leaves_the_old_or_the_new() {
    let work = Work::with_model();
    work.write("in.csv", many_rows());
    a_killed_command_leaves_the_old_or_the_new(&work, "classify in.csv --model a.model --output out.csv", "out.csv", 1);
}

#[test]
fn train_killed_leaves_the_old_or_the_new() {
    let work = Work::new();
    a_killed_command_leaves_the_old_or_the_new(&work, "train corpus.csv --output new.model", "new.model", 2);
}

/// The model, the trials and the options found are three files, each of them whole.
#[test]
fn tune_killed_leaves_the_old_or_the_new() {
    let work = Work::new();
    let arguments = "tune corpus.csv --output new.model --trials 3 --config-output best.toml";
    work.run(arguments).success();
    // The times that trials took differ from run to run.
    let whole = |csv: &[u8]| csv.ends_with(b"\n") && csv.iter().filter(|&&b| b == b'\n').count() > 3;
    assert!(whole(&work.bytes("new.model.trials.csv")));
    let (model, best) = (work.bytes("new.model"), work.bytes("best.toml"));
    let mut seen = [0, 0];
    let cut_short = kill_at_random(&work, arguments, 4, |_| {
        let left = work.bytes("new.model");
        assert!(left == b"old" || left == model, "neither the old model nor the new");
        assert!([&b"old"[..], &best].contains(&&*work.bytes("best.toml")), "neither the old options nor the new");
        let trials = work.bytes("new.model.trials.csv");
        assert!(trials == b"old" || whole(&trials), "{}", String::from_utf8_lossy(&trials));
        // The model comes first: what tells of a model does not stand without it.
        assert!(left == model || (trials == b"old" && work.bytes("best.toml") == b"old"));
        assert!(work.files().len() <= 4 + 3, "{:?}", work.files());
        seen[usize::from(left == model)] += 1;
        for name in ["new.model", "best.toml", "new.model.trials.csv"] {
            work.write(name, "old");
        }
    });
    println!("the old model stood {} times, the new one {} times", seen[0], seen[1]);
    assert!(cut_short > 0 && seen[0] > 0, "no run was killed in time");
    work.run(arguments).success();
    assert_eq!((work.files().len(), work.bytes("new.model")), (4, model));
}

/// Killed again and again, it comes to the bytes of a run that nobody disturbed.
#[test]
fn classify_goes_on_after_kills_with_no_row_lost_or_doubled() {
    let work = Work::with_model();
    work.write("in.csv", many_rows() + "too,many,cells\n30000,the dam upstream\n");
    let common = "classify in.csv --model a.model --on-error skip --bom";
    work.run(&format!("{common} --output whole.csv")).success();
    let whole = work.bytes("whole.csv");
    let resume = format!("{common} --output out.csv --resume");
    let started = Instant::now();
    work.run(&format!("{resume} --threads 1")).success();
    let time = started.elapsed();
    assert_eq!(work.bytes("out.csv"), whole);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
    let (mut killed, mut went_on, mut runs) = (0, 0, 0);
    while killed < kills() {
        std::fs::remove_file(work.path("out.csv")).unwrap();
        loop {
            let threads = 1 + random.next_u64() % 3;
            let mut child =
                work.process(&format!("{resume} --threads {threads}")).stdout(Stdio::null()).spawn().unwrap();
            std::thread::sleep(time.mul_f64(random.next_u64() as f64 / u64::MAX as f64 * 0.8));
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            went_on += u32::from(String::from_utf8_lossy(&output.stderr).contains("note: going on after "));
            if output.status.success() {
                break;
            }
            killed += 1;
            // Killed after the last step, before it could say so: what stands under the name is whole, as is checked below.
            if work.path("out.csv").exists() {
                break;
            }
        }
        runs += 1;
        assert!(work.bytes("out.csv") == whole, "run {runs}");
        assert!(!work.path("out.csv.partial").exists() && !work.path("out.csv.partial.journal").exists());
    }
    println!("{runs} runs, killed {killed} times, went on {went_on} times");
    assert!(went_on > 0);
}

#[test]
fn going_on_asks_for_the_same_input_and_options() {
    let work = Work::with_model();
    let rows = many_rows();
    let bad = format!("{rows}too,many,cells\n");
    work.write("in.csv", &bad);
    let resume = "classify in.csv --model a.model --output out.csv --resume";
    // Ends at a bad row; what was done is kept.
    work.run(resume).code(1).stderr(contains("error: in.csv, line 30002: found 3 fields"));
    assert!(work.path("out.csv.partial").exists() && !work.path("out.csv").exists());
    work.run(&format!("{resume} --top 2"))
        .code(1)
        .stderr(contains("out.csv.partial: it was begun with another model, other options"));
    work.write("in.csv", bad.replacen("ban", "bun", 1));
    work.run(resume).code(1).stderr(contains("the first 30000 rows are not those that the earlier run has read"));
    work.write("in.csv", &bad[..1000]);
    work.run(resume).code(1).stderr(contains("the first 30000 rows are not those"));
    // The bad row is mended: the run goes on behind what was done.
    work.write("in.csv", format!("{rows}30000,the dam upstream\n"));
    work.run(resume).success().stderr(contains("note: going on after 30000 rows that are done"));
    work.run("classify in.csv --model a.model --output whole.csv").success();
    assert!(work.bytes("out.csv") == work.bytes("whole.csv"));
    for wrong in ["--resume", "--resume --output -", "--resume --output /dev/null", "--resume --output out.csv.gz"] {
        work.run(&format!("classify in.csv --model a.model {wrong}")).code(2);
    }
}

#[test]
fn a_fifo_is_written_directly_and_read_as_a_file() {
    let work = Work::with_model();
    let fifo = work.path("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let expected = work.stdout("classify corpus.csv --model a.model");
    let reader = std::thread::spawn({
        let fifo = fifo.clone();
        move || std::fs::read_to_string(fifo).unwrap()
    });
    work.run("classify corpus.csv --model a.model --output fifo").success();
    assert_eq!(reader.join().unwrap(), expected);
    let writer = std::thread::spawn(move || std::fs::write(fifo, corpus_csv()).unwrap());
    assert_eq!(work.stdout("classify fifo --format csv --model a.model"), expected);
    writer.join().unwrap();
    assert_eq!(work.files(), ["a.model", "corpus.csv", "fifo"]);
}

#[test]
#[cfg(target_os = "linux")]
fn devices_and_descriptors_are_read_and_written() {
    let work = Work::with_model();
    let expected = work.stdout("classify corpus.csv --model a.model");
    let from_stdin = |arguments: &str| {
        let output = work.command(arguments).write_stdin(corpus_csv()).assert().success();
        String::from_utf8(output.get_output().stdout.clone()).unwrap()
    };
    assert_eq!(from_stdin("classify /dev/stdin --format csv --model a.model --output /dev/stdout"), expected);
    // As the shell's process substitution makes them.
    let shell = format!(
        "cd '{}' && '{}' classify <(cat corpus.csv) --format csv --model a.model --output >(cat > copy.csv) && sleep 0.3",
        work.path("").display(),
        env!("CARGO_BIN_EXE_rapporteur")
    );
    match std::process::Command::new("bash").args(["-c", &shell]).status() {
        Ok(status) => {
            assert!(status.success());
            assert_eq!(work.read("copy.csv"), expected);
        }
        Err(_) => println!("skipped: there is no bash here"),
    }
    // An open descriptor of a regular file is written through and not renamed over.
    let file = std::fs::File::create(work.path("fd.csv")).unwrap();
    assert!(
        work.process("classify corpus.csv --model a.model --output /dev/stdout")
            .stdout(file)
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(work.read("fd.csv"), expected);
}

/// A small disk, if this process may make one.
#[cfg(target_os = "linux")]
struct SmallDisk(std::path::PathBuf);

#[cfg(target_os = "linux")]
impl SmallDisk {
    fn new(work: &Work, size: &str) -> Option<SmallDisk> {
        let place = work.path("disk");
        std::fs::create_dir(&place).unwrap();
        let mount = |options: &str| {
            let command =
                std::process::Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&place).output();
            command.is_ok_and(|o| o.status.success())
        };
        mount(&format!("size={size}")).then(|| SmallDisk(place))
    }
}

#[cfg(target_os = "linux")]
impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_fills_up_leaves_the_old_file() {
    let work = Work::with_model();
    let Some(disk) = SmallDisk::new(&work, "12k") else {
        println!("skipped: mounting a small disk needs root");
        return;
    };
    work.write("in.csv", many_rows());
    for arguments in [
        "classify in.csv --model a.model --output disk/out",
        "train corpus.csv --char-ngrams 1-8 --precision f32 --output disk/out",
        "evaluate corpus.csv --model a.model --predictions disk/out",
    ] {
        work.write("disk/out", "old");
        work.run(arguments)
            .code(1)
            .stderr(starts_with("error: cannot write disk/out: ").and(contains("No space left")));
        assert_eq!(work.read("disk/out"), "old", "{arguments}");
        assert_eq!(std::fs::read_dir(work.path("disk")).unwrap().count(), 1, "{arguments}");
    }
    // What is done is kept, and goes on when there is room.
    let resume = "classify in.csv --model a.model --output disk/new --resume";
    work.run(resume).code(1).stderr(starts_with("error: cannot write disk/new.partial").and(contains("No space left")));
    let grow = ["-o", "remount,size=64m"];
    assert!(std::process::Command::new("mount").args(grow).arg(work.path("disk")).status().unwrap().success());
    work.run(resume).success();
    work.run("classify in.csv --model a.model --output whole.csv").success();
    assert!(work.bytes("disk/new") == work.bytes("whole.csv"));
    drop(disk);
}

#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_vanishes_is_an_error() {
    let work = Work::with_model();
    let Some(disk) = SmallDisk::new(&work, "64m") else {
        println!("skipped: mounting a small disk needs root");
        return;
    };
    let mut child = work.process("classify - --format csv --model a.model --output disk/out.csv").spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, b"id,text\n1,We reject the dam.\n").unwrap();
    let started = Instant::now();
    while std::fs::read_dir(work.path("disk")).unwrap().count() == 0 {
        assert!(started.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(5));
    }
    // The folder is there still, and empty: the renaming finds no temporary file.
    drop(disk);
    drop(input);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("error: cannot replace disk/out.csv: "), "{said}");
}

#[test]
#[cfg(target_os = "linux")]
fn folders_and_files_that_may_not_be_touched() {
    let work = Work::with_model();
    // Root may do anything, but not write to a file system that is mounted for reading, nor read a directory as a file.
    work.run("classify corpus.csv --model a.model --output /proc/new.csv")
        .code(1)
        .stderr(contains("cannot create a file beside /proc/new.csv").or(contains("cannot")));
    work.run("classify /proc/self/mem --format text --model a.model")
        .code(1)
        .stderr(starts_with("error: cannot read /proc/self/mem: "));
    for arguments in ["classify . --model a.model", "train . --output new.model", "evaluate . --model a.model"] {
        work.run(arguments).code(1).stderr(starts_with("error: .: this is a directory, expected a file"));
    }
    work.run("classify corpus.csv --model .").code(1).stderr(starts_with("error: cannot read .: "));
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir(work.path("closed")).unwrap();
    std::fs::set_permissions(work.path("closed"), std::fs::Permissions::from_mode(0o555)).unwrap();
    let result = work.run("classify corpus.csv --model a.model --output closed/out.csv");
    if result.get_output().status.success() {
        println!("skipped: this user may write anywhere");
    } else {
        result.code(1).stderr(starts_with("error: cannot create a file beside closed/out.csv: "));
    }
}
