//! Texts that are unlike the rest by their looks: length, language, broken letters.
//!
//! Flows in: texts, and what each is written in. Flows out: findings. What is usual is learnt from the corpus itself, so a corpus of tweets and one of speeches each have
//! lengths of their own, and a corpus in three languages has three.

use std::collections::BTreeMap;

use super::corpus::Corpus;
use super::finding::{CheckOptions, Checked, Finding, Kind};
use super::minhash::Words;
use super::mojibake::garbled;

/// So many robust standard deviations from the median of the logarithm of the length, a text is outlying.
const FAR: f64 = 4.5;
/// Lengths that hardly vary at all would make every odd one outlying: the standard deviation of the logarithm is taken for this at least.
const LEAST_SPREAD: f64 = 0.3;
/// Fewer rows than this tell nothing of what is usual.
const ENOUGH: usize = 30;
/// A language or script of this share of the texts belongs to the corpus, if more than a few texts have it.
const AT_HOME: f64 = 0.02;
const A_FEW: usize = 3;
/// In a corpus too small for shares, one that is no rarer than this, compared with the commonest, does too.
const NOT_RARE: usize = 10;

pub(super) fn look(corpus: &Corpus, options: &CheckOptions, out: &mut Checked) {
    lengths(corpus, out);
    languages(corpus, out);
    if options.wants(Kind::Mojibake) {
        for row in 0..corpus.len() {
            if let Some(found) = garbled(corpus.text(row)) {
                let detail = match &found.mended {
                    Some(mended) => format!("{:?} stands for {mended:?}", found.piece),
                    None => format!("{:?} is no letter", found.piece),
                };
                let score = found.count as f64;
                out.findings.push(finding(
                    corpus,
                    row,
                    Kind::Mojibake,
                    score,
                    format!("{detail}; {} such places", found.count),
                ));
            }
        }
    }
}

fn finding(corpus: &Corpus, row: usize, kind: Kind, score: f64, detail: String) -> Finding {
    Finding { row, kind, label: corpus.labels(row), suggestion: String::new(), score, detail }
}

fn lengths(corpus: &Corpus, out: &mut Checked) {
    let words = Words::new(&corpus.set.documents);
    let counts: Vec<usize> = (0..corpus.len()).map(|row| words.of(row).count()).collect();
    for row in (0..corpus.len()).filter(|&row| counts[row] == 0) {
        let what = if corpus.text(row).trim().is_empty() { "the text is empty" } else { "the text has no word" };
        out.findings.push(finding(corpus, row, Kind::EmptyText, 1.0, what.to_owned()));
    }
    let logs: Vec<f64> = counts.iter().filter(|&&n| n > 0).map(|&n| libm::log(n as f64)).collect();
    if logs.len() < ENOUGH {
        return;
    }
    let middle = median(logs.clone());
    // The median distance from the median, made comparable with a standard deviation.
    let spread = 1.4826 * median(logs.iter().map(|x| (x - middle).abs()).collect());
    let usual = libm::exp(middle).round();
    for (row, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let far = (libm::log(count as f64) - middle) / spread.max(LEAST_SPREAD);
        if far.abs() >= FAR {
            let detail = format!("{count} words, where the median is {usual}");
            out.findings.push(finding(corpus, row, Kind::OutlyingLength, far.abs(), detail));
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    let at = |i: usize| values.get(i).copied().unwrap_or_default();
    if n % 2 == 1 { at(n / 2) } else { (at((n / 2).saturating_sub(1)) + at(n / 2)) / 2.0 }
}

fn languages(corpus: &Corpus, out: &mut Checked) {
    let (mut scripts, mut languages): (BTreeMap<&str, usize>, BTreeMap<&str, usize>) = Default::default();
    for written in corpus.written.iter().flatten() {
        *scripts.entry(written.script).or_default() += 1;
        written.language.into_iter().for_each(|language| *languages.entry(language).or_default() += 1);
    }
    let at_home = |counts: &BTreeMap<&str, usize>, name: &str| {
        let (total, most) = (counts.values().sum::<usize>(), counts.values().copied().max().unwrap_or_default());
        counts.get(name).is_some_and(|&count| {
            (count >= A_FEW && count as f64 >= AT_HOME * total as f64) || count * NOT_RARE >= most
        })
    };
    let usual: Vec<&str> = languages.keys().copied().filter(|name| at_home(&languages, name)).collect();
    for (row, written) in corpus.written.iter().enumerate() {
        let Some(written) = written else { continue };
        let detail = match written.language {
            _ if !at_home(&scripts, written.script) => format!("{} script", written.script),
            Some(language) if !at_home(&languages, language) => {
                format!("{language}, in a corpus of {}", usual.join(", "))
            }
            _ => continue,
        };
        out.findings.push(finding(corpus, row, Kind::OtherLanguage, 1.0, detail));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!((median(vec![3.0, 1.0, 2.0]), median(vec![4.0, 1.0, 2.0, 3.0]), median(vec![])), (2.0, 2.5, 0.0));
    }
}
