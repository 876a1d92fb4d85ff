//! How many labels `suggest` saves: labelling simulated on corpora whose labels are known.
//!
//! `cargo bench --bench suggest -- FOLDER NAME...` reads `FOLDER/NAME/train.csv` (columns text, topic, stance). For each of ten seeds a quarter of the rows is set aside for
//! judging and never labelled; of the rest fifty rows are labelled at random, and then, always a fifth more, those that a strategy asks for, with a model trained
//! anew each time. What is counted is the labels it takes until macro-F1 (the mean of topic, and of stance given the true topic) reaches 95 % of what all labels give, between
//! two sizes by linear interpolation. `--seeds N` for another number of seeds, `--quick` for fixed settings in place of chosen ones.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rapporteur::corpus::{LabelColumns, ReadOptions};
use rapporteur::curate::{Candidates, choose_diverse};
use rapporteur::evaluate::{Answer, Evaluation, Row};
use rapporteur::labels::{LabelSet, UNLABELLED};
use rapporteur::model::{Choice, Model, Predictor, TrainOptions, TrainingSet, read_training_set, train_rows};
use rapporteur::{Control, Result};

const START: usize = 50;
const GROWTH: f64 = 1.2;
const GOAL: f64 = 0.95;

#[derive(Clone, Copy, PartialEq)]
enum Strategy {
    Random,
    /// The most doubtful rows, alike or not.
    Doubtful,
    /// What `suggest` does.
    Suggest,
}

fn main() -> Result<()> {
    let mut arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let mut flag = |name: &str| arguments.iter().position(|a| a == name).map(|at| arguments.remove(at)).is_some();
    let quick = flag("--quick");
    let mut seeds = 10;
    if let Some(at) = arguments.iter().position(|a| a == "--seeds") {
        seeds = arguments.get(at + 1).and_then(|n| n.parse().ok()).unwrap_or(seeds);
        arguments.drain(at..(at + 2).min(arguments.len()));
    }
    let Some((folder, names)) = arguments.split_first() else {
        eprintln!("usage: cargo bench --bench suggest -- FOLDER NAME... [--seeds N] [--quick]");
        return Ok(());
    };
    let options = match quick {
        true => TrainOptions { c: Choice::Value(0.2), topic_departure: Choice::Value(1.0), ..Default::default() },
        false => TrainOptions::default(),
    };
    for name in names {
        let path = format!("{folder}/{name}/train.csv");
        let (columns, read) = (LabelColumns::default(), ReadOptions::default());
        let set = read_training_set(&[path], &columns, &read, None, 0, &Control::default())?;
        corpus(name, &set, &options, seeds)?;
    }
    Ok(())
}

fn corpus(name: &str, set: &TrainingSet, options: &TrainOptions, seeds: u64) -> Result<()> {
    let mut labels = vec![Vec::new(); 3];
    let mut full_scores = Vec::new();
    for seed in 0..seeds {
        let mut rows: Vec<u32> = (0..set.len() as u32).filter(|&r| set.topic[r as usize] != UNLABELLED).collect();
        shuffle(&mut rows, seed);
        let (test, pool) = rows.split_at(rows.len() / 4);
        let full = score(set, &train_rows(set, pool, options, &Control::default())?, test);
        full_scores.push(full);
        for (place, strategy) in [Strategy::Random, Strategy::Doubtful, Strategy::Suggest].into_iter().enumerate() {
            let needed = simulate(set, options, (test, pool), strategy, seed, GOAL * full)?;
            labels[place].push(needed);
        }
        let last: Vec<String> = labels.iter().map(|l| format!("{:.0}", l[l.len() - 1])).collect();
        eprintln!("{name}, seed {seed}: full macro-F1 {full:.3}; random, doubtful, suggest need {}", last.join(", "));
    }
    println!("{name}: {} rows, full macro-F1 {:.3}", set.len(), mean(&full_scores));
    for (place, what) in ["random", "doubtful", "suggest"].into_iter().enumerate() {
        let (middle, half) = interval(&labels[place]);
        print!("  {what:<9} {middle:6.0} labels, 95 % interval {:.0} to {:.0}", middle - half, middle + half);
        if place > 0 {
            let saved: Vec<f64> =
                labels[place].iter().zip(&labels[0]).map(|(own, random)| 100.0 * (1.0 - own / random)).collect();
            let (middle, half) = interval(&saved);
            print!("; {middle:.0} % fewer than random, {:.0} to {:.0}", middle - half, middle + half);
        }
        println!();
    }
    Ok(())
}

/// The labels it takes to reach `goal`; all of the pool, where less does not.
fn simulate(
    set: &TrainingSet,
    options: &TrainOptions,
    (test, pool): (&[u32], &[u32]),
    strategy: Strategy,
    seed: u64,
    goal: f64,
) -> Result<f64> {
    let (mut labelled, mut rest) = (pool[..START].to_vec(), pool[START..].to_vec());
    let mut before: Option<(f64, f64)> = None;
    loop {
        let model = train_rows(set, &labelled, options, &Control::default())?;
        let (size, reached) = (labelled.len() as f64, score(set, &model, test));
        if reached >= goal || rest.is_empty() {
            return Ok(match before {
                Some((less, then)) if reached >= goal => less + (size - less) * (goal - then) / (reached - then),
                _ => size,
            });
        }
        before = Some((size, reached));
        let more = ((size * GROWTH).round() as usize - labelled.len()).min(rest.len());
        let candidates = candidates(set, &model, &rest);
        let mut chosen: Vec<usize> = match strategy {
            Strategy::Random => (0..more).collect(),
            Strategy::Doubtful => {
                let mut order: Vec<usize> = (0..rest.len()).collect();
                order.sort_by(|&a, &b| candidates.weight(b).total_cmp(&candidates.weight(a)).then(a.cmp(&b)));
                order.truncate(more);
                order
            }
            Strategy::Suggest => choose_diverse(&candidates, more, seed, &Control::default())?,
        };
        labelled.extend(chosen.iter().map(|&place| rest[place]));
        chosen.sort_unstable();
        chosen.iter().rev().for_each(|&place| {
            rest.remove(place);
        });
    }
}

fn candidates(set: &TrainingSet, model: &Model, rows: &[u32]) -> Candidates {
    let x = model.vectors(set, rows);
    let mut predictor = Predictor::new(model);
    let mut candidates = Candidates::with_cols(x.cols());
    for i in 0..rows.len() {
        predictor.read_vector(x.row(i));
        predictor.judge();
        let pairs = x.row(i).indices.iter().copied().zip(x.row(i).values.iter().copied());
        candidates.push(pairs, &[predictor.topic_probabilities(), predictor.stance_probabilities()]);
    }
    candidates
}

/// Macro-F1 on the rows set aside.
fn score(set: &TrainingSet, model: &Model, test: &[u32]) -> f64 {
    let name = |labels: &'_ LabelSet, n: u32| (n != UNLABELLED).then(|| labels.name(n as usize).to_owned());
    let x = model.vectors(set, test);
    let mut predictor = Predictor::new(model);
    let judged: Vec<_> = test
        .iter()
        .enumerate()
        .map(|(i, &row)| {
            predictor.read_vector(x.row(i));
            let topic = name(&set.topics, set.topic[row as usize]);
            let stance = name(&set.stances, set.stance[row as usize]);
            let answer = Answer::ask(&mut predictor, topic.as_deref(), stance.as_deref());
            (topic, stance, answer)
        })
        .collect();
    let rows: Vec<Row<'_>> =
        judged.iter().map(|(topic, stance, answer)| answer.beside(topic.as_deref(), stance.as_deref())).collect();
    let evaluation = Evaluation::from_rows(&rows, set.topics.names(), set.stances.names());
    let heads = [evaluation.topic, evaluation.stance_given_true_topic];
    mean(&heads.iter().flatten().map(|head| head.macro_f1).collect::<Vec<f64>>())
}

fn shuffle(rows: &mut [u32], seed: u64) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    for i in (1..rows.len()).rev() {
        rows.swap(i, (rng.next_u64() % (i as u64 + 1)) as usize);
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The mean and half of its 95 % interval, by Student's t.
fn interval(values: &[f64]) -> (f64, f64) {
    const T: [f64; 10] = [f64::NAN, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];
    let (n, middle) = (values.len(), mean(values));
    let variance = values.iter().map(|v| (v - middle) * (v - middle)).sum::<f64>() / (n as f64 - 1.0);
    (middle, T.get(n - 1).copied().unwrap_or(1.96) * (variance / n as f64).sqrt())
}
