//! The inputs that fuzzing kept, once more: what each found stays mended. And some changed at random, as a fuzzer without eyes would.

#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::path::Path;
use std::time::{Duration, Instant};

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// The inputs kept for a target, in the order of their names.
fn kept(name: &str) -> Vec<Vec<u8>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let entries = std::fs::read_dir(&corpus).unwrap_or_else(|e| panic!("{}: {e}", corpus.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn every_input_that_was_kept_passes() {
    for (name, run) in targets::TARGETS {
        let inputs = kept(name);
        assert!(!inputs.is_empty(), "{name} has no inputs");
        inputs.iter().for_each(|input| run(input));
    }
}

/// Changes an input at a few places: other bytes, fewer, more, a piece of another input, or one that files have.
fn mutate(random: &mut Xoshiro256PlusPlus, inputs: &[Vec<u8>]) -> Vec<u8> {
    let pieces: [&[u8]; 16] = [
        b"\n",
        b"\r\n",
        b"\r",
        b"\"",
        b"\"\"",
        b",",
        b";",
        b"\t",
        b"\0",
        b"\xEF\xBB\xBF",
        b"\xFF\xFE",
        b"\xE9",
        "e\u{301}\u{200d}İ".as_bytes(),
        b"{\"a\":",
        b"\\ud800",
        b"\xFF\xFF\xFF\xFF",
    ];
    let mut below = |n: usize| (random.next_u64() % n.max(1) as u64) as usize;
    let mut data = inputs[below(inputs.len())].clone();
    for _ in 0..=below(6) {
        let at = below(data.len() + 1);
        match below(6) {
            0 if at < data.len() => data[at] ^= 1 << below(8),
            1 if at < data.len() => data[at] = below(256) as u8,
            2 => drop(data.drain(at..(at + below(9)).min(data.len()))),
            3 => drop(data.splice(at..at, pieces[below(pieces.len())].iter().copied())),
            4 => {
                let other = &inputs[below(inputs.len())];
                let from = below(other.len() + 1);
                let piece = other[from..(from + below(40)).min(other.len())].to_vec();
                drop(data.splice(at..at, piece));
            }
            _ => drop(data.splice(at..at, (0..below(4)).map(|_| 0).collect::<Vec<u8>>())),
        }
    }
    data
}

/// `RAPPORTEUR_FUZZ_SECONDS=60 cargo test --test fuzz_replay -- --nocapture` tries more.
#[test]
fn inputs_changed_at_random_pass() {
    let seconds = std::env::var("RAPPORTEUR_FUZZ_SECONDS").ok().and_then(|n| n.parse().ok()).map(Duration::from_secs);
    for (name, run) in targets::TARGETS {
        let inputs = kept(name);
        let (started, mut tried) = (Instant::now(), 0u64);
        // A failure can be repeated: the same changes every time.
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        while seconds.map_or(tried < 300, |seconds| started.elapsed() < seconds) {
            let input = mutate(&mut random, &inputs);
            if let Err(panic) = std::panic::catch_unwind(|| run(&input)) {
                println!("{name}, input {tried}: {:?}", String::from_utf8_lossy(&input));
                if let Some(keep) = std::env::var_os("RAPPORTEUR_FUZZ_KEEP") {
                    std::fs::write(Path::new(&keep).join(name), &input).unwrap();
                }
                std::panic::resume_unwind(panic);
            }
            tried += 1;
        }
        println!("{name}: {tried} inputs");
    }
}
