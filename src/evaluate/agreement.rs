//! How well coders agree: Krippendorff's alpha, Cohen's and Fleiss' kappa.
//!
//! Flows in: for every unit (a paragraph, say) the label that each coder gave it, or none. Flows out: [`Agreement`] over all labels and for each label
//! against the rest.
//!
//! - Alpha, nominal (Krippendorff 2011, *Computing Krippendorff's Alpha-Reliability*): 1 less observed over expected disagreement, over the units that two or
//!   more coders labelled; coders may miss units.
//! - Cohen's kappa (Cohen 1960) of two coders, over the units that both labelled; of more coders, the mean over pairs (Light 1971).
//! - Fleiss' kappa (Fleiss 1971), over the units that every coder labelled.
//!
//! A figure is `None` where it is not defined: without such units, or where only one label was ever given. Alpha's interval is a bootstrap of units, or of groups of units.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::bootstrap::{Bootstrap, Interval, Units};

/// Agreement over some labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgreementScores {
    /// Krippendorff's alpha.
    pub alpha: Option<f64>,
    /// Its 95 % bootstrap interval.
    pub alpha_interval: Option<Interval>,
    /// Cohen's kappa; of more than two coders, the mean over the pairs for whom it is defined.
    pub cohen_kappa: Option<f64>,
    /// Fleiss' kappa.
    pub fleiss_kappa: Option<f64>,
    /// Of the pairs of labels that two coders gave a unit, the share that is alike, each unit counting the same.
    pub percent_agreement: Option<f64>,
}

/// Agreement of coders about one kind of label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agreement {
    /// Units with two labels or more, on which alpha rests.
    pub units: usize,
    /// Units that every coder labelled, on which Fleiss' kappa rests.
    pub complete_units: usize,
    /// Units whose labels are not all the same.
    pub disagreements: usize,
    /// Over all labels.
    #[serde(flatten)]
    pub scores: AgreementScores,
    /// Each label against the rest.
    pub labels: BTreeMap<String, AgreementScores>,
}

/// Measures the agreement of coders. `codings[c][u]` is the label that coder `c` gave unit `u`, and a list that ends early lacks the rest; `groups`, if
/// given, has the group of each unit.
///
/// ```
/// use rapporteur::evaluate::{Bootstrap, agreement};
/// let a = [Some("pro"), Some("pro"), Some("con"), None];
/// let b = [Some("pro"), Some("con"), Some("con"), Some("pro")];
/// let found = agreement(&[&a, &b], None, Bootstrap::default()).expect("units labelled twice");
/// assert_eq!((found.units, found.disagreements), (3, 1));
/// ```
///
/// Returns `None` if no unit has two labels.
pub fn agreement<'a>(
    codings: &[&[Option<&'a str>]],
    groups: Option<&[u32]>,
    bootstrap: Bootstrap,
) -> Option<Agreement> {
    let count = codings.iter().map(|c| c.len()).max().unwrap_or(0);
    let label = |coder: &[Option<&'a str>], unit: usize| coder.get(unit).copied().flatten();
    let given: BTreeSet<&'a str> = codings.iter().flat_map(|c| c.iter().flatten().copied()).collect();
    let numbers: BTreeMap<&str, usize> = given.iter().enumerate().map(|(i, label)| (*label, i)).collect();
    // Units with two labels or more; the others say nothing about agreement.
    let pairable: Vec<usize> =
        (0..count).filter(|&u| codings.iter().filter(|c| label(c, u).is_some()).count() > 1).collect();
    if pairable.is_empty() {
        return None;
    }
    let coded: Vec<Vec<Option<usize>>> =
        pairable.iter().map(|&u| codings.iter().map(|c| label(c, u).map(|l| numbers[l])).collect()).collect();
    let units = Units::new(&pairable, groups);
    let disagreements = coded.iter().filter(|unit| unit.iter().flatten().collect::<BTreeSet<_>>().len() > 1).count();
    let against = |label: usize| -> Vec<Vec<Option<usize>>> {
        coded.iter().map(|unit| unit.iter().map(|l| l.map(|l| usize::from(l == label))).collect()).collect()
    };
    Some(Agreement {
        units: coded.len(),
        complete_units: coded.iter().filter(|unit| unit.iter().all(Option::is_some)).count(),
        disagreements,
        scores: scores(&coded, given.len(), &units, bootstrap),
        labels: numbers
            .iter()
            .map(|(label, &number)| ((*label).to_owned(), scores(&against(number), 2, &units, bootstrap)))
            .collect(),
    })
}

fn scores(coded: &[Vec<Option<usize>>], labels: usize, units: &Units, bootstrap: Bootstrap) -> AgreementScores {
    let counts: Vec<Vec<(usize, u64)>> = coded.iter().map(|unit| label_counts(unit)).collect();
    let mut all = Coincidences::new(labels);
    counts.iter().for_each(|unit| all.add(unit));
    let intervals = bootstrap.intervals(
        units.len(),
        1,
        || Coincidences::new(labels),
        |sums, draws, out| {
            sums.clear();
            draws.for_each(|unit| units.rows(unit).iter().for_each(|&row| sums.add(&counts[row])));
            out[0] = sums.alpha().unwrap_or(f64::NAN);
        },
    );
    let pairs: Vec<f64> = counts.iter().map(|unit| alike(unit)).collect();
    AgreementScores {
        alpha: all.alpha(),
        alpha_interval: intervals[0],
        cohen_kappa: pairwise_kappa(coded, labels),
        fleiss_kappa: fleiss_kappa(coded, labels),
        percent_agreement: (!pairs.is_empty()).then(|| pairs.iter().sum::<f64>() / pairs.len() as f64),
    }
}

/// How often each label was given to a unit.
fn label_counts(unit: &[Option<usize>]) -> Vec<(usize, u64)> {
    let mut counts: BTreeMap<usize, u64> = BTreeMap::new();
    unit.iter().flatten().for_each(|&label| *counts.entry(label).or_default() += 1);
    counts.into_iter().collect()
}

/// Of the pairs of labels of a unit, the share that is alike.
fn alike(counts: &[(usize, u64)]) -> f64 {
    let all: u64 = counts.iter().map(|(_, n)| n).sum();
    counts.iter().map(|(_, n)| n * (n - 1)).sum::<u64>() as f64 / (all * (all - 1)) as f64
}

/// What alpha is made of.
struct Coincidences {
    /// How often each label was given, among units with two labels or more.
    given: Vec<u64>,
    /// Observed disagreement: of every unit its labels times the share of its pairs that differ.
    observed: f64,
}

impl Coincidences {
    fn new(labels: usize) -> Coincidences {
        Coincidences { given: vec![0; labels], observed: 0.0 }
    }

    fn clear(&mut self) {
        self.given.fill(0);
        self.observed = 0.0;
    }

    fn add(&mut self, unit: &[(usize, u64)]) {
        let all: u64 = unit.iter().map(|(_, n)| n).sum();
        unit.iter().for_each(|&(label, n)| self.given[label] += n);
        self.observed += all as f64 * (1.0 - alike(unit));
    }

    fn alpha(&self) -> Option<f64> {
        let n = self.given.iter().sum::<u64>() as f64;
        let expected = n * n - self.given.iter().map(|&g| g as f64 * g as f64).sum::<f64>();
        (expected > 0.0).then(|| 1.0 - (n - 1.0) * self.observed / expected)
    }
}

/// Cohen's kappa of every pair of coders, in the mean.
fn pairwise_kappa(coded: &[Vec<Option<usize>>], labels: usize) -> Option<f64> {
    let coders = coded.first().map_or(0, Vec::len);
    let pairs = (0..coders).flat_map(|a| (a + 1..coders).map(move |b| (a, b)));
    let kappas: Vec<f64> = pairs.filter_map(|(a, b)| cohen_kappa(coded, labels, a, b)).collect();
    (!kappas.is_empty()).then(|| kappas.iter().sum::<f64>() / kappas.len() as f64)
}

fn cohen_kappa(coded: &[Vec<Option<usize>>], labels: usize, a: usize, b: usize) -> Option<f64> {
    let (mut of_a, mut of_b, mut alike, mut n) = (vec![0.0; labels], vec![0.0; labels], 0.0, 0.0);
    for (x, y) in coded.iter().filter_map(|unit| unit[a].zip(unit[b])) {
        of_a[x] += 1.0;
        of_b[y] += 1.0;
        alike += f64::from(u8::from(x == y));
        n += 1.0;
    }
    let by_chance: f64 = of_a.iter().zip(&of_b).map(|(x, y)| x * y).sum();
    (n * n > by_chance).then(|| (alike * n - by_chance) / (n * n - by_chance))
}

fn fleiss_kappa(coded: &[Vec<Option<usize>>], labels: usize) -> Option<f64> {
    let complete: Vec<Vec<(usize, u64)>> =
        coded.iter().filter(|unit| unit.iter().all(Option::is_some)).map(|unit| label_counts(unit)).collect();
    let mut given = vec![0.0; labels];
    complete.iter().flatten().for_each(|&(label, n)| given[label] += n as f64);
    let all: f64 = given.iter().sum();
    let observed = complete.iter().map(|unit| alike(unit)).sum::<f64>() / complete.len() as f64;
    let by_chance: f64 = given.iter().map(|g| (g / all) * (g / all)).sum();
    // One label alone gives chance everything; without units all this is no number.
    (given.iter().filter(|&&g| g > 0.0).count() > 1).then(|| (observed - by_chance) / (1.0 - by_chance))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A coder's labels, one letter a unit; `*` is none.
    fn coder(labels: &'static str) -> Vec<Option<&'static str>> {
        (0..labels.len()).map(|i| Some(&labels[i..=i]).filter(|l| *l != "*")).collect()
    }

    fn of(coders: &[&'static str]) -> Agreement {
        let codings: Vec<Vec<Option<&str>>> = coders.iter().map(|c| coder(c)).collect();
        let codings: Vec<&[Option<&str>]> = codings.iter().map(Vec::as_slice).collect();
        agreement(&codings, None, Bootstrap { resamples: 200, seed: 1 }).expect("units labelled twice")
    }

    /// The worked examples A, B and C of Krippendorff 2011: two observers and binary data, five categories, four observers with missing data.
    #[test]
    fn alpha_is_that_of_krippendorff() {
        let rounded = |coders: &[&'static str]| of(coders).scores.alpha.map(|a| (a * 1000.0).round() / 1000.0);
        assert_eq!(rounded(&["0100000010", "1110010000"]), Some(0.095));
        assert_eq!(rounded(&["aabbdcccedda", "babbbccceddd"]), Some(0.692));
        let four = ["123321412***", "1233224125*3", "*3332342251*", "12332441251*"];
        assert_eq!(rounded(&four), Some(0.743));
        // The last unit has one label and says nothing.
        assert_eq!((of(&four).units, of(&four).complete_units), (11, 8));
    }

    /// Fleiss 1971: 30 patients diagnosed by six psychiatrists each, kappa = .430. A digit counts the psychiatrists who gave the diagnosis of its place:
    /// depression, personality disorder, schizophrenia, neurosis, other.
    #[test]
    fn fleiss_kappa_is_that_of_fleiss() {
        const TABLE: &str = "00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031 00501 30012 51000 02040 \
                             10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006";
        let names = ["depression", "personality", "schizophrenia", "neurosis", "other"];
        let patients: Vec<Vec<&str>> = TABLE
            .split(' ')
            .map(|row| row.chars().zip(names).flat_map(|(n, name)| vec![name; n as usize - '0' as usize]).collect())
            .collect();
        let coders: Vec<Vec<Option<&str>>> =
            (0..6).map(|c| patients.iter().map(|patient| Some(patient[c])).collect()).collect();
        let coders: Vec<&[Option<&str>]> = coders.iter().map(Vec::as_slice).collect();
        let found = agreement(&coders, None, Bootstrap { resamples: 0, seed: 0 }).expect("patients");
        assert_eq!(found.scores.fleiss_kappa.map(|k| (k * 1000.0).round()), Some(430.0));
        assert_eq!((found.units, found.labels.len(), found.scores.alpha_interval), (30, 5, None));
    }

    /// Cohen 1960, the agreement of two judges on 200 cases in three categories: kappa = .492.
    #[test]
    fn cohen_kappa_is_that_of_cohen() {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for (x, row) in [[88, 10, 2], [14, 40, 6], [18, 10, 12]].iter().enumerate() {
            for (y, &n) in row.iter().enumerate() {
                a.extend(vec![Some(["1", "2", "3"][x]); n]);
                b.extend(vec![Some(["1", "2", "3"][y]); n]);
            }
        }
        let found = agreement(&[&a, &b], None, Bootstrap::default()).expect("cases");
        assert_eq!(found.scores.cohen_kappa.map(|k| (k * 1000.0).round()), Some(492.0));
        assert_eq!((found.disagreements, found.scores.percent_agreement), (60, Some(0.7)));
        let (alpha, interval) = (found.scores.alpha.expect("alpha"), found.scores.alpha_interval.expect("an interval"));
        assert!(interval.low < alpha && alpha < interval.high && interval.high - interval.low < 0.25, "{interval}");
        // A label against the rest: 88 of 100 and 120.
        let one = found.labels["1"].cohen_kappa.expect("kappa");
        assert!((one - (0.78 - 0.5) / 0.5).abs() < 1e-12, "{one}");
        // Groups of like cases make the interval wider.
        let groups: Vec<u32> = (0..200).map(|i| i / 20).collect();
        let grouped = agreement(&[&a, &b], Some(&groups), Bootstrap::default()).and_then(|f| f.scores.alpha_interval);
        assert!(grouped.is_some_and(|g| g.high - g.low > 1.5 * (interval.high - interval.low)));
    }

    #[test]
    fn what_is_not_defined_is_none() {
        let alone = of(&["aaa", "aaa"]);
        assert_eq!((alone.scores.alpha, alone.scores.cohen_kappa, alone.scores.fleiss_kappa), (None, None, None));
        assert_eq!((alone.scores.percent_agreement, alone.scores.alpha_interval), (Some(1.0), None));
        let never: [&[Option<&str>]; 2] = [&[Some("a"), None], &[None, Some("a")]];
        assert_eq!(agreement(&never, None, Bootstrap::default()), None);
        assert_eq!(agreement(&[], None, Bootstrap::default()), None);
        let perfect = of(&["ab*b", "abbb", "ab*b"]);
        assert_eq!(
            (perfect.scores.alpha, perfect.scores.cohen_kappa, perfect.scores.fleiss_kappa),
            (Some(1.0), Some(1.0), Some(1.0))
        );
    }
}
