//! Memory: sizes as people write them, and what this machine has left.
//!
//! Flows in: a typed size; what Linux says of itself in `/proc` and `/sys/fs/cgroup`. Flows out: bytes. On other systems nothing is known, and nothing is said.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// A number of bytes, written as `800M` or `2G`.
///
/// `k`, `M`, `G` and `T` are powers of 1,000, as on the packets that memory and disks come in; `KiB`, `MiB`, `GiB` and `TiB` are powers of 1,024. A `B` may follow; a number alone is bytes.
///
/// ```
/// use rapporteur::memory::Bytes;
/// assert_eq!("800M".parse::<Bytes>()?, Bytes(800_000_000));
/// assert_eq!("1.5 GiB".parse::<Bytes>()?, Bytes(3 << 29));
/// assert_eq!(Bytes(1_234_000_000).to_string(), "1.2 GB");
/// # Ok::<(), rapporteur::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl FromStr for Bytes {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        let wrong = || Error::parameter("size", format!("{s:?}"), "a size such as 800M, 2G or 1.5GiB");
        let typed = s.trim();
        let digits = typed.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        let number: f64 = typed[..digits].parse().map_err(|_| wrong())?;
        let unit = typed[digits..].trim().to_ascii_lowercase();
        let unit = unit.strip_suffix('b').unwrap_or(&unit);
        let (prefix, base) = unit.strip_suffix('i').map_or((unit, 1_000.0), |prefix| (prefix, 1_024.0));
        let power = match prefix {
            "" if base == 1_000.0 => 0,
            "k" => 1,
            "m" => 2,
            "g" => 3,
            "t" => 4,
            _ => return Err(wrong()),
        };
        let bytes = number * f64::powi(base, power);
        if (1.0..1e18).contains(&bytes) { Ok(Bytes(bytes as u64)) } else { Err(wrong()) }
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 as f64 {
            n if n < 999.5e6 => write!(f, "{:.0} MB", n / 1e6),
            n => write!(f, "{:.1} GB", n / 1e9),
        }
    }
}

/// The most memory this process has held.
pub fn peak() -> Option<Bytes> {
    of_process("VmHWM:")
}

/// The memory this process holds.
pub fn held() -> Option<Bytes> {
    of_process("VmRSS:")
}

/// The memory that this process may still take: what Linux calls available, or what the limit of its control group leaves, whichever is less.
pub fn available() -> Option<Bytes> {
    let machine = in_kilobytes(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")?;
    let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    // The files of the group that a container sees as the root; cache that can be dropped is counted as used, so a little too much is.
    let left = |most: &str, used: &str| Some(number(most)?.saturating_sub(number(used)?));
    let group = left("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current")
        .or_else(|| left("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"));
    Some(group.map_or(machine, |group| machine.min(Bytes(group))))
}

fn of_process(name: &str) -> Option<Bytes> {
    in_kilobytes(&std::fs::read_to_string("/proc/self/status").ok()?, name)
}

/// A line such as `VmRSS:     1234 kB`.
fn in_kilobytes(lines: &str, name: &str) -> Option<Bytes> {
    let line = lines.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kb| Bytes(kb * 1_024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_as_they_are_typed() {
        for (typed, bytes) in [
            ("1", 1),
            ("800M", 800_000_000),
            ("800mb", 800_000_000),
            ("2 GiB", 2 << 30),
            ("0.5k", 500),
            ("1T", 1_000_000_000_000),
        ] {
            assert_eq!(typed.parse::<Bytes>().unwrap(), Bytes(bytes), "{typed}");
        }
        for typed in ["", "M", "-1M", "1X", "0", "1i", "1e3M", "nan", "1.2.3M", "9999999T", "800 M B"] {
            let error = typed.parse::<Bytes>().unwrap_err().to_string();
            assert!(error.contains("800M"), "{typed}: {error}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn linux_says_what_is_held_and_left() {
        assert!(held().unwrap() <= peak().unwrap());
        assert!(held().unwrap() > Bytes(100_000) && available().unwrap() > Bytes(1_000_000));
    }
}
