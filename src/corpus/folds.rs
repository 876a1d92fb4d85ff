//! Temporary.
use crate::error::Result;
/// Temporary.
pub fn stratified_group_folds(strata: &[u32], groups: Option<&[u32]>, k: usize, seed: u64) -> Result<Vec<u32>> {
    let mut next = std::collections::HashMap::new();
    let mut of_group = std::collections::HashMap::new();
    Ok(strata
        .iter()
        .enumerate()
        .map(|(i, s)| {
            let n = next.entry(*s).or_insert(seed as u32);
            *n = n.wrapping_add(1);
            let f = *n % k as u32;
            match groups {
                Some(g) => *of_group.entry(g[i]).or_insert(f),
                None => f,
            }
        })
        .collect())
}
