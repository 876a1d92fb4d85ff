//! How fast each stage is, and that it still does what it should while it is timed.
//!
//! ```text
//! cargo bench                    # a minute or two
//! cargo bench -- --quick         # less exact
//! cargo bench -- classify        # one stage
//! ```
//!
//! The corpus is made up by a seeded generator, outside the timer: words by Zipf's law, some of them peculiar to a topic or a stance, in sentences with marks and capitals.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use linfa::ParamGuard;
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use rapporteur::features::{Documents, TextVectoriser};
use rapporteur::model::{CalibrationMethod, Choice, LabelledText};
use rapporteur::text::{Token, tokenise};
use rapporteur::{
    Control, Model, Predictor, SparseMatrix, TrainOptions, TrainingSet, TrainingSetBuilder, Vectoriser,
    VectoriserParams, train,
};

const TOPICS: [&str; 8] = ["climate", "cyber", "disarmament", "health", "migration", "peace", "reform", "trade"];
const STANCES: [&str; 3] = ["neutral", "oppose", "support"];
/// Paragraphs of a corpus: about the size of the default one, and a tenth.
const SIZES: [usize; 2] = [250, 2_500];

struct Paragraph {
    text: String,
    topic: usize,
    stance: usize,
}

struct Generator {
    rng: Xoshiro256PlusPlus,
    words: Vec<String>,
}

impl Generator {
    const COMMON: usize = 8_000;
    /// Words peculiar to each topic and each stance.
    const OWN: usize = 60;

    fn new(seed: u64) -> Self {
        let mut generator = Generator { rng: Xoshiro256PlusPlus::seed_from_u64(seed), words: Vec::new() };
        for _ in 0..Self::COMMON + Self::OWN * (TOPICS.len() + STANCES.len()) {
            let word = generator.word();
            generator.words.push(word);
        }
        generator
    }

    fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.rng.next_u64()) * n as u128) >> 64) as usize
    }

    fn share(&mut self) -> f64 {
        self.rng.next_u64() as f64 / u64::MAX as f64
    }

    fn word(&mut self) -> String {
        const SYLLABLES: [&str; 20] = [
            "ra", "ti", "on", "ment", "con", "pre", "so", "lu", "ne", "gal", "der", "is", "mo", "ver", "ka", "lin",
            "est", "pa", "ce", "bur",
        ];
        let length = 1 + self.below(4);
        (0..length).map(|_| SYLLABLES[self.below(SYLLABLES.len())]).collect()
    }

    fn paragraph(&mut self) -> Paragraph {
        let (topic, stance) = (self.below(TOPICS.len()), self.below(STANCES.len()));
        let length = 35 + self.below(50);
        let mut text = String::new();
        let mut begins = true;
        for i in 0..length {
            let own = |group: usize| Self::COMMON + group * Self::OWN;
            let number = match self.below(20) {
                0 | 1 => own(topic) + self.below(Self::OWN),
                2 => own(TOPICS.len() + stance) + self.below(Self::OWN),
                // Zipf's law: the rank is the exponential of an even draw.
                _ => ((Self::COMMON as f64).powf(self.share()) as usize).min(Self::COMMON) - 1,
            };
            let word = &self.words[number];
            let at = text.len();
            text.push_str(word);
            if begins {
                text[at..=at].make_ascii_uppercase();
            }
            begins = i + 1 == length || self.below(14) == 0;
            text.push_str(match (begins, self.below(12)) {
                (true, _) => ". ",
                (false, 0) => ", ",
                _ => " ",
            });
        }
        Paragraph { text: text.trim_end().to_owned(), topic, stance }
    }
}

fn paragraphs(seed: u64, n: usize) -> Vec<Paragraph> {
    // The words are those of one language, whatever the seed of the texts.
    let mut generator = Generator::new(1);
    generator.rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    (0..n).map(|_| generator.paragraph()).collect()
}

fn bytes(paragraphs: &[Paragraph]) -> Throughput {
    Throughput::Bytes(paragraphs.iter().map(|p| p.text.len() as u64).sum())
}

fn documents(paragraphs: &[Paragraph]) -> Documents {
    paragraphs.iter().map(|p| p.text.as_str()).collect()
}

fn training_set(paragraphs: &[Paragraph]) -> TrainingSet {
    let mut set = TrainingSetBuilder::default();
    for p in paragraphs {
        let (topic, stance) = (Some(TOPICS[p.topic]), Some(STANCES[p.stance]));
        set.push(LabelledText { text: &p.text, topic, stance, ..LabelledText::default() });
    }
    set.finish()
}

/// Words 1-2 and characters 2-5 as by default, but nothing chosen by folds: what is timed is one fit of each head.
fn options() -> TrainOptions {
    TrainOptions {
        c: Choice::Value(10.0),
        topic_departure: Choice::Value(0.5),
        calibration: CalibrationMethod::None,
        thresholds: false,
        ..TrainOptions::default()
    }
}

fn right(model: &Model, paragraphs: &[Paragraph]) -> (usize, usize) {
    let mut predictor = Predictor::new(model);
    let (mut topics, mut stances) = (0, 0);
    for p in paragraphs {
        let prediction = predictor.predict(&p.text);
        topics += usize::from(predictor.topic_name(prediction) == Some(TOPICS[p.topic]));
        stances += usize::from(predictor.stance_name(prediction) == Some(STANCES[p.stance]));
    }
    (topics, stances)
}

fn analyse(c: &mut Criterion) {
    let mut group = c.benchmark_group("analyse");
    for n in SIZES {
        let paragraphs = paragraphs(2, n);
        let mut tokens: Vec<Token> = Vec::new();
        paragraphs.iter().for_each(|p| tokenise(&p.text, &mut tokens));
        let expected = tokens.len();
        assert!(expected > 40 * n, "{expected} tokens of {n} paragraphs");
        group.throughput(bytes(&paragraphs));
        group.bench_function(BenchmarkId::new("tokenise", n), |b| {
            b.iter(|| {
                tokens.clear();
                paragraphs.iter().for_each(|p| tokenise(black_box(&p.text), &mut tokens));
                assert_eq!(tokens.len(), expected);
            })
        });
        // Tokens, their normal forms and the numbers of these: all of a text that training keeps.
        group.bench_function(BenchmarkId::new("documents", n), |b| {
            b.iter(|| {
                let documents = documents(black_box(&paragraphs));
                assert_eq!((documents.len(), documents.token_count()), (n, expected));
                documents
            })
        });
    }
    group.finish();
}

fn vectorise(c: &mut Criterion) {
    let mut group = c.benchmark_group("vectorise");
    for n in SIZES {
        let paragraphs = paragraphs(3, n);
        let documents = documents(&paragraphs);
        let rows: Vec<u32> = (0..n as u32).collect();
        let params = VectoriserParams::default().char_ngrams("2-5".parse().ok()).check().expect("parameters");
        let vectoriser = Vectoriser::fit(&params, &documents).expect("terms");
        let (width, expected) = (vectoriser.width(), vectoriser.transform_rows(&documents, &rows));
        group.throughput(bytes(&paragraphs));
        group.bench_function(BenchmarkId::new("fit", n), |b| {
            b.iter(|| {
                let fitted = Vectoriser::fit(&params, black_box(&documents)).expect("terms");
                assert_eq!(fitted.width(), width);
                fitted
            })
        });
        group.bench_function(BenchmarkId::new("all at once", n), |b| {
            b.iter(|| {
                let x = vectoriser.transform_rows(black_box(&documents), &rows);
                assert_eq!(x.nnz(), expected.nnz());
                x
            })
        });
        group.bench_function(BenchmarkId::new("one by one", n), |b| {
            let mut texts = TextVectoriser::new(&vectoriser);
            b.iter(|| {
                let mut x = SparseMatrix::with_cols(width);
                paragraphs.iter().for_each(|p| texts.transform(black_box(&p.text), &mut x));
                assert_eq!(x.nnz(), expected.nnz());
                x
            })
        });
    }
    group.finish();
}

fn training(c: &mut Criterion) {
    let mut group = c.benchmark_group("train");
    group.sample_size(10);
    for n in SIZES {
        let paragraphs = paragraphs(4, n);
        let set = training_set(&paragraphs);
        let (options, control) = (options(), Control::default());
        group.throughput(bytes(&paragraphs));
        group.bench_function(BenchmarkId::new("both heads", n), |b| {
            b.iter_batched(
                || (),
                |()| {
                    let model = train(black_box(&set), &options, &control).expect("a model");
                    let topics = model.topic.as_ref().map_or(0, |h| h.labels.len());
                    assert_eq!((topics, model.counts.rows), (TOPICS.len(), n));
                    model
                },
                BatchSize::PerIteration,
            )
        });
        let (topics, stances) = right(&train(&set, &options, &control).expect("a model"), &paragraphs);
        assert!(topics > n * 9 / 10 && stances > n * 9 / 10, "{topics} topics and {stances} stances of {n} learnt");
    }
    group.finish();
}

fn classify(c: &mut Criterion) {
    let mut group = c.benchmark_group("classify");
    let model = train(&training_set(&paragraphs(5, 2_500)), &options(), &Control::default()).expect("a model");
    for n in SIZES {
        // Other paragraphs than those it was trained on.
        let paragraphs = paragraphs(6, n);
        let expected = right(&model, &paragraphs);
        assert!(expected.0 > n * 3 / 4 && expected.1 > n / 2, "{expected:?} of {n} right");
        group.throughput(bytes(&paragraphs));
        group.bench_function(BenchmarkId::new("topic and stance", n), |b| {
            b.iter(|| assert_eq!(right(black_box(&model), &paragraphs), expected))
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = analyse, vectorise, training, classify
}
criterion_main!(benches);
