//! Texts that stand in the corpus more than once, or in another corpus too.
//!
//! Flows in: token streams and labels. Flows out: findings of three kinds. Rows with the same words fall into families; a family whose labels differ is a conflict and every row of
//! it is told, otherwise every row but the first is a duplicate. Near duplicates are looked for among the first rows of families, each told once, of the row most like it.

use hashbrown::HashMap;

use super::corpus::Corpus;
use super::finding::{CheckOptions, Checked, Finding, Kind};
use super::minhash::{Signatures, Words, most_similar};
use crate::control::Control;
use crate::error::Result;

/// Rows are near duplicates when they share so much of their word triples.
pub(super) const LEAST: f64 = 0.8;

pub(super) fn look(
    corpus: &Corpus,
    other: Option<&Corpus>,
    options: &CheckOptions,
    control: &Control,
    out: &mut Checked,
) -> Result<()> {
    let words = Words::new(&corpus.set.documents);
    let families = families(&words);
    for family in &families {
        within(corpus, family, out);
    }
    let firsts: Vec<usize> = families.iter().map(|family| family[0]).collect();
    let near = options.wants(Kind::NearDuplicate);
    let bands = Signatures::of(&words, if near { &firsts } else { &[] });
    if near {
        let side = (&words, &firsts[..], &bands);
        for (place, found) in most_similar(side, side, true, LEAST, control)?.into_iter().enumerate() {
            let Some((earlier, likeness)) = found else { continue };
            let (row, earlier) = (firsts[place], firsts[earlier]);
            out.findings.push(near_duplicate(corpus, row, likeness, corpus.mention(earlier), corpus.labels(earlier)));
            let fold = folds_apart(corpus, row, earlier);
            out.findings.last_mut().into_iter().for_each(|finding| finding.detail.push_str(&fold));
        }
    }
    let Some(other) = other else { return Ok(()) };
    control.report("looking for duplicates of the other corpus", None);
    let other_words = Words::new(&other.set.documents);
    let other_families = self::families(&other_words);
    let known: HashMap<u128, usize> =
        other_families.iter().filter_map(|family| Some((other_words.identity(family[0])?, family[0]))).collect();
    let (mut rest, mut rest_places) = (Vec::new(), Vec::new());
    for (place, family) in families.iter().enumerate() {
        match words.identity(family[0]).and_then(|identity| known.get(&identity)) {
            Some(&twin) => {
                for &row in family {
                    out.findings.push(twin_outside(corpus, row, other, twin));
                }
            }
            None => {
                rest.push(family[0]);
                rest_places.push(place);
            }
        }
    }
    if near {
        let other_firsts: Vec<usize> = other_families.iter().map(|family| family[0]).collect();
        let other_bands = Signatures::of(&other_words, &other_firsts);
        let rest_bands = Signatures::of(&words, &rest);
        let found = most_similar(
            (&words, &rest, &rest_bands),
            (&other_words, &other_firsts, &other_bands),
            false,
            LEAST,
            control,
        )?;
        for (found, place) in found.into_iter().zip(rest_places) {
            let Some((twin, likeness)) = found else { continue };
            let twin = other_firsts[twin];
            for &row in &families[place] {
                let (mention, labels) = (other.mention_outside(twin), other.labels(twin));
                out.findings.push(near_duplicate(corpus, row, likeness, mention, labels));
            }
        }
    }
    Ok(())
}

/// Rows with the same words, each family and all families in the order of rows.
fn families(words: &Words<'_>) -> Vec<Vec<usize>> {
    let mut place_of: HashMap<u128, usize> = HashMap::new();
    let mut families: Vec<Vec<usize>> = Vec::new();
    for row in 0..words.len() {
        let Some(identity) = words.identity(row) else { continue };
        let place = *place_of.entry(identity).or_insert(families.len());
        if place == families.len() {
            families.push(Vec::new());
        }
        families[place].push(row);
    }
    families
}

/// Conflicts and duplicates of a family.
fn within(corpus: &Corpus, family: &[usize], out: &mut Checked) {
    let heads: [fn(&Corpus, usize) -> Option<&str>; 2] = [Corpus::topic, Corpus::stance];
    let mut conflict = false;
    for label_of in heads {
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for label in family.iter().filter_map(|&row| label_of(corpus, row)) {
            match counts.iter_mut().find(|(known, _)| *known == label) {
                Some((_, count)) => *count += 1,
                None => counts.push((label, 1)),
            }
        }
        if counts.len() < 2 {
            continue;
        }
        conflict = true;
        let labelled: usize = counts.iter().map(|(_, count)| count).sum();
        // A suggestion is what most say; a tie is for people to break.
        let most = counts.iter().map(|&(_, count)| count).max().unwrap_or_default();
        let mut winners = counts.iter().filter(|&&(_, count)| count == most);
        let winner = winners.next().filter(|_| winners.next().is_none()).map(|&(label, _)| label);
        for &row in family {
            let Some(label) = label_of(corpus, row) else { continue };
            let own = counts.iter().find(|(known, _)| *known == label).map_or(0, |(_, count)| *count);
            let others = family.iter().filter(|&&other| label_of(corpus, other).is_some_and(|l| l != label));
            let told: Vec<String> = others
                .take(3)
                .map(|&other| format!("{} has {}", corpus.mention(other), label_of(corpus, other).unwrap_or_default()))
                .collect();
            out.findings.push(Finding {
                row,
                kind: Kind::ConflictingLabel,
                label: label.to_owned(),
                suggestion: winner.filter(|&winner| winner != label).unwrap_or_default().to_owned(),
                score: (labelled - own) as f64 / labelled as f64,
                detail: format!("same text: {}", told.join(", ")),
            });
        }
    }
    if !conflict {
        for &row in &family[1..] {
            let fold = folds_apart(corpus, row, family[0]);
            out.findings.push(Finding {
                row,
                kind: Kind::ExactDuplicate,
                label: corpus.labels(row),
                suggestion: String::new(),
                score: 1.0,
                detail: format!("same text as {}{fold}", corpus.mention(family[0])),
            });
        }
    }
}

fn twin_outside(corpus: &Corpus, row: usize, other: &Corpus, twin: usize) -> Finding {
    Finding {
        row,
        kind: Kind::ExactDuplicate,
        label: corpus.labels(row),
        suggestion: String::new(),
        score: 1.0,
        detail: format!(
            "same text as {}{}",
            other.mention_outside(twin),
            differs(&corpus.labels(row), &other.labels(twin))
        ),
    }
}

fn near_duplicate(corpus: &Corpus, row: usize, likeness: f64, mention: String, labels: String) -> Finding {
    let label = corpus.labels(row);
    let detail =
        format!("shares {:.0} % of its word triples with {mention}{}", likeness * 100.0, differs(&label, &labels));
    Finding { row, kind: Kind::NearDuplicate, label, suggestion: String::new(), score: likeness, detail }
}

/// Tells of other labels, where both rows have some.
fn differs(own: &str, theirs: &str) -> String {
    if own == theirs || own.is_empty() || theirs.is_empty() { String::new() } else { format!(", which has {theirs}") }
}

fn folds_apart(corpus: &Corpus, a: usize, b: usize) -> String {
    match (corpus.folds.get(a), corpus.folds.get(b)) {
        (Some(own), Some(theirs)) if own != theirs => format!(", in fold {theirs} and not {own}"),
        _ => String::new(),
    }
}
