//! The n-grams of a vocabulary in few bytes.
//!
//! Flows in: pairs of numbers, most of them in stretches that ascend. Flows out: bytes; and back. What is written is how far a pair is from the one before it, seven bits a byte (LEB128):
//! three bytes a pair and not eight, and reading it takes less time than reading what it saves.

/// Appends a number.
fn write(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Takes a number off the front; `None` where it ends too early or is greater than any that is written.
#[inline]
fn read(bytes: &mut &[u8]) -> Option<u64> {
    let (mut n, mut shift) = (0, 0);
    loop {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        n |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(n);
        }
        shift += 7;
        if shift > 35 {
            return None;
        }
    }
}

/// Pairs to bytes.
///
/// Zero and how much greater the second number is, where the first is the same; else one more than how far the first has moved, up in even numbers and down in odd ones, and the second.
pub(super) fn encode(pairs: &[(u32, u32)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(pairs.len() * 4);
    let mut last = (0, 0);
    for &(first, second) in pairs {
        if first == last.0 && second > last.1 {
            write(0, &mut out);
            write(u64::from(second - last.1), &mut out);
        } else {
            let moved = match first >= last.0 {
                true => u64::from(first - last.0) * 2,
                false => u64::from(last.0 - first) * 2 - 1,
            };
            write(moved + 1, &mut out);
            write(u64::from(second), &mut out);
        }
        last = (first, second);
    }
    out
}

/// Bytes to pairs; `None` if they are no bytes of [`encode`].
pub(super) fn decode(mut bytes: &[u8]) -> Option<Vec<(u32, u32)>> {
    // A pair takes two bytes at least.
    let mut out = Vec::with_capacity(bytes.len() / 2);
    let mut last = (0u32, 0u32);
    while !bytes.is_empty() {
        let (moved, second) = (read(&mut bytes)?, read(&mut bytes)?);
        last = match moved.checked_sub(1) {
            None => (last.0, u32::try_from(u64::from(last.1) + second).ok()?),
            Some(moved) => {
                let far = u32::try_from(moved.div_ceil(2)).ok()?;
                let first = if moved % 2 == 0 { last.0.checked_add(far)? } else { last.0.checked_sub(far)? };
                (first, u32::try_from(second).ok()?)
            }
        };
        out.push(last);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pairs_come_back(pairs in prop::collection::vec((any::<u32>(), any::<u32>()), 0..50), near in prop::collection::vec((0u32..4, 0u32..300), 0..50)) {
            for pairs in [pairs, near] {
                prop_assert_eq!(decode(&encode(&pairs)), Some(pairs));
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Some(pairs) = decode(&bytes) {
                prop_assert!(pairs.len() <= bytes.len() / 2);
            }
        }
    }

    #[test]
    fn ascending_pairs_take_few_bytes() {
        let pairs: Vec<(u32, u32)> = (0..1_000).map(|i| (i / 3, 20_000 + i % 3 * 100)).collect();
        assert!(encode(&pairs).len() < 3_000);
    }
}
