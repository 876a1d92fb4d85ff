//! What must hold for every corpus, text and problem, tried on many small ones.

use std::ops::Range;

use linfa::ParamGuard;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rapporteur::control::Control;
use rapporteur::features::{Documents, Frequency, TextVectoriser, Vectoriser, VectoriserParams};
use rapporteur::linear::{Calibration, ClassWeight, HeldOut, LinearClassifier, LinearParams, Loss};
use rapporteur::model::{Choice, LabelledText, Model, Predictor, TrainOptions, TrainingSet, TrainingSetBuilder, train};
use rapporteur::sparse::SparseMatrix;
use rapporteur::text::{AnalyserSettings, Language, NgramRange};

/// The same cases every time: a failure can be repeated, and no one else's change fails by chance.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(42), failure_persistence: None, ..ProptestConfig::default() }
}

/// Few words, so that they meet again; with marks, negations, several scripts, and text that is no word at all.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        12 => prop::sample::select(vec![
            "peace", "peaceful", "talks", "The", "the", "of", "not", "never", "isn't", "embargo", "embargoes", "water",
            "cease-fire", "l'accord", "#UNSC", "@un", "1,540", "3.5", "Straße", "état", "мир", "和平", "السلام", "é",
        ]).prop_map(str::to_owned),
        3 => prop::sample::select(vec![",", ".", "!?", "—", "…", "(", "\u{301}", "👍🏽", "¬", "_"]).prop_map(str::to_owned),
        1 => "\\PC{0,4}",
    ];
    let space = prop::sample::select(vec![" ", " ", " ", "", "\u{a0}", "\n", "\t "]);
    vec((piece, space), 0..14).prop_map(|pieces| pieces.into_iter().map(|(piece, space)| piece + space).collect())
}

fn params() -> impl Strategy<Value = VectoriserParams> {
    let language = prop::option::of(prop::sample::select(vec![Language::English, Language::French]));
    let blocks = prop::sample::select(vec![(Some((1, 2)), None), (Some((2, 3)), Some((2, 4))), (None, Some((3, 3)))]);
    let most = prop::option::of(1usize..12);
    (blocks, language, any::<bool>(), any::<bool>(), 1u64..3, most).prop_map(
        |((words, chars), language, mark_negation, sublinear, min_df, most)| {
            let range = |r: Option<(usize, usize)>| r.and_then(|(low, high)| NgramRange::new(low, high).ok());
            VectoriserParams::default()
                .analyser(AnalyserSettings { stemmer: language, language, mark_negation, ..Default::default() })
                .word_ngrams(range(words))
                .char_ngrams(range(chars))
                .min_df(Frequency::Count(min_df))
                .max_features(most)
                .sublinear_tf(sublinear)
        },
    )
}

/// A vectoriser, unless no term is left of the texts.
fn fitted(params: &VectoriserParams, texts: &[String]) -> Option<(Vectoriser, Documents)> {
    let documents: Documents = texts.iter().map(String::as_str).collect();
    let vectoriser = Vectoriser::fit(params.check_ref().expect("parameters"), &documents).ok()?;
    Some((vectoriser, documents))
}

fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads").install(work)
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn a_paragraph_has_one_vector(params in params(), texts in vec(text(), 1..12), others in vec(text(), 0..4)) {
        let Some((vectoriser, documents)) = fitted(&params, &texts) else { return Ok(()) };
        // In a batch, on one thread and on many; among all, and alone.
        let rows: Vec<u32> = (0..texts.len() as u32).collect();
        let batch = on_threads(1, || vectoriser.transform_rows(&documents, &rows));
        prop_assert_eq!(&batch, &on_threads(3, || vectoriser.transform_rows(&documents, &rows)));
        // One by one, by a vectoriser that has read other texts before.
        let mut reader = TextVectoriser::new(&vectoriser);
        let mut aside = SparseMatrix::with_cols(vectoriser.width());
        others.iter().for_each(|text| reader.transform(text, &mut aside));
        for (i, text) in texts.iter().enumerate() {
            let mut alone = SparseMatrix::with_cols(vectoriser.width());
            reader.transform(text, &mut alone);
            prop_assert_eq!(alone.row(0), batch.row(i));
            let mut fresh = SparseMatrix::with_cols(vectoriser.width());
            TextVectoriser::new(&vectoriser).transform(text, &mut fresh);
            prop_assert_eq!(fresh.row(0), batch.row(i));
            let single = vectoriser.transform_rows(&documents, &[i as u32]);
            prop_assert_eq!(single.row(0), batch.row(i));
            prop_assert!(batch.row(i).indices.windows(2).all(|w| w[0] < w[1]), "columns ascend");
            // Each block is of length 1 or empty.
            for chars in [false, true] {
                let of_block = batch.row(i).iter().filter(|&(j, _)| vectoriser.vocabulary().is_char(j) == chars);
                let square: f64 = of_block.map(|(_, v)| f64::from(v).powi(2)).sum();
                prop_assert!(square == 0.0 || (square - 1.0).abs() < 1e-5, "{}", square);
            }
        }
    }

    #[test]
    fn a_vocabulary_does_not_depend_on_the_order_of_rows(
        params in params(),
        (texts, shuffled) in vec(text(), 1..12).prop_flat_map(|t| (Just(t.clone()), Just(t).prop_shuffle())),
    ) {
        let terms = |texts: &[String]| fitted(&params, texts).map(|(v, _)| {
            let terms: Vec<String> = (0..v.width()).map(|j| v.vocabulary().term(j)).collect();
            (terms, v.idf().to_vec())
        });
        prop_assert_eq!(terms(&texts), terms(&shuffled));
    }

    #[test]
    fn occurrences_stand_where_they_say(params in params(), texts in vec(text(), 1..6)) {
        let Some((vectoriser, _)) = fitted(&params, &texts) else { return Ok(()) };
        let mut reader = TextVectoriser::new(&vectoriser);
        for text in &texts {
            let found = reader.occurrences(text);
            let mut columns: Vec<u32> = found.iter().map(|o| o.column as u32).collect();
            columns.sort_unstable();
            columns.dedup();
            let mut x = SparseMatrix::with_cols(vectoriser.width());
            reader.transform(text, &mut x);
            prop_assert_eq!(columns, x.row(0).indices);
            prop_assert!(found.iter().all(|o| text.get(o.place.clone()).is_some_and(|s| !s.is_empty())));
        }
    }
}

/// A small problem, with empty rows, a constant feature, classes of a single row and rows of no weight.
#[derive(Debug, Clone)]
struct Problem {
    x: SparseMatrix,
    targets: Vec<u32>,
    weights: Option<Vec<f32>>,
    classes: usize,
}

fn problem(rows: Range<usize>) -> impl Strategy<Value = Problem> {
    let value = prop_oneof![3 => Just(0.0f32), 3 => -2.0f32..2.0, 1 => Just(1e-4), 1 => Just(50.0)];
    (2usize..6, 1usize..6, rows, any::<bool>()).prop_flat_map(move |(classes, features, more, constant)| {
        let rows = classes + more;
        let weight = prop_oneof![1 => Just(0.0f32), 3 => 0.1f32..3.0];
        (vec(vec(value.clone(), features), rows), vec(0..classes as u32, more), prop::option::of(vec(weight, rows)))
            .prop_map(move |(values, drawn, weights)| {
                let mut x = SparseMatrix::with_cols(features + 1);
                for row in &values {
                    let own = row.iter().enumerate().filter(|(_, v)| **v != 0.0).map(|(j, &v)| (j as u32, v));
                    x.push_row(own.chain(constant.then_some((features as u32, 1.0))));
                }
                Problem { x, targets: (0..classes as u32).chain(drawn).collect(), weights, classes }
            })
    })
}

fn objective(problem: &Problem, params: &LinearParams, classifier: &LinearClassifier) -> f64 {
    let valid = params.check_ref().expect("parameters");
    let square = |x: f64| x * x;
    let costs = valid.costs(&problem.targets, problem.classes, problem.weights.as_deref());
    let norm: f64 = classifier.coefficients().iter().map(|&w| square(f64::from(w))).sum::<f64>()
        + classifier.intercept().iter().map(|&b| square(b)).sum::<f64>();
    let scores = classifier.decision_function(&problem.x);
    let losses = scores.rows().into_iter().zip(&problem.targets).zip(costs).map(|((z, &y), cost)| {
        let most = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let loss = match classifier.loss() {
            Loss::Logistic => most + z.iter().map(|z| (z - most).exp()).sum::<f64>().ln() - z[y as usize],
            Loss::Svm => {
                z.iter().enumerate().map(|(k, z)| square((1.0 - if k == y as usize { *z } else { -z }).max(0.0))).sum()
            }
        };
        valid.c * cost * loss
    });
    0.5 * norm + losses.sum::<f64>()
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn every_problem_has_a_finite_certified_solution(
        problem in problem(0..12),
        loss in prop::sample::select(vec![Loss::Logistic, Loss::Svm]),
        c in prop::sample::select(vec![1e-6, 1e-2, 1.0, 1e2, 1e6]),
        balanced in any::<bool>(),
        epochs in prop::sample::select(vec![1usize, 5, 300]),
    ) {
        let class_weight = if balanced { ClassWeight::Balanced } else { ClassWeight::None };
        let params = LinearParams::default().loss(loss).c(c).class_weight(class_weight).tolerance(1e-4);
        let solve = |epochs: usize| {
            let valid = params.clone().max_epochs(epochs).check().expect("parameters");
            valid.fit_certified(&problem.x, &problem.targets, problem.weights.as_deref()).expect("two classes")
        };
        let (classifier, certificate) = solve(epochs);
        prop_assert!(classifier.coefficients().iter().all(|w| w.is_finite()));
        prop_assert!(classifier.intercept().iter().all(|b| b.is_finite()));
        prop_assert!(certificate.gap >= 0.0 && certificate.gap.is_finite(), "{:?}", certificate);
        prop_assert!(certificate.objective >= 0.0 && certificate.objective.is_finite(), "{:?}", certificate);
        prop_assert!(certificate.epochs <= epochs);
        let probabilities = classifier.predict_proba(&problem.x);
        for row in probabilities.rows() {
            prop_assert!((row.sum() - 1.0).abs() < 1e-9, "{}", row);
        }
        // The gap bounds how far the objective is above that of any other weights: zero, and a longer run's.
        let mine = objective(&problem, &params, &classifier);
        let zero = LinearClassifier::from_parts(loss, vec![0.0; problem.x.cols() * problem.classes], vec![0.0; problem.classes]);
        for other in [zero, solve(2_000).0] {
            let theirs = objective(&problem, &params, &other);
            // Scores in `f32` are off by their seventh digit, which a large C multiplies.
            let slack = (if c > 1e4 { 1e-2 } else { 1e-3 }) * mine.max(theirs) + 1e-9;
            prop_assert!(mine - theirs <= certificate.gap + slack, "{} {} {:?}", mine, theirs, certificate);
        }
    }

    #[test]
    fn calibrated_probabilities_sum_to_one(
        classes in 2usize..5,
        rows in vec((vec(-30.0f64..30.0, 4), 0u32..5, 0.1f64..3.0, vec(any::<bool>(), 4)), 1..20),
        masked in any::<bool>(),
        probe in vec(-1e3f64..1e3, 4),
    ) {
        let scores: Vec<f64> = rows.iter().flat_map(|r| r.0[..classes].to_vec()).collect();
        let targets: Vec<u32> = rows.iter().map(|r| r.1 % classes as u32).collect();
        let weights: Vec<f64> = rows.iter().map(|r| r.2).collect();
        let allowed: Vec<bool> = match masked {
            true => rows.iter().zip(&targets).flat_map(|(r, &t)| (0..classes).map(move |k| r.3[k] || k as u32 == t)).collect(),
            false => Vec::new(),
        };
        let held_out = HeldOut { scores: &scores, targets: &targets, weights: &weights, classes, allowed: &allowed };
        for calibration in [Calibration::temperature, Calibration::platt, Calibration::isotonic].map(|fit| fit(held_out)) {
            prop_assert!(calibration.factor > 0.0 && calibration.offsets.iter().all(|b| b.is_finite()));
            let mut p = probe[..classes].to_vec();
            calibration.probabilities(&mut p);
            prop_assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9 && p.iter().all(|p| *p >= 0.0), "{:?}", p);
        }
    }
}

/// A row of a corpus: words, topic, stance, group; 3 and above stand for none.
type Row = (String, usize, usize, usize);

fn corpus() -> impl Strategy<Value = Vec<Row>> {
    vec((text(), 0usize..4, 0usize..4, 0usize..8), 2..30).prop_map(|mut rows| {
        // Two topics and two stances at least, and a word to learn from.
        for (i, row) in rows.iter_mut().enumerate().take(2) {
            (row.1, row.2) = (i, i);
            row.0.push_str(" peace");
        }
        rows
    })
}

const TOPICS: [&str; 3] = ["arms control", "food, water & land", "peace"];
const STANCES: [&str; 3] = ["against", "for", "mixed"];

fn training_set(rows: &[Row], grouped: bool) -> TrainingSet {
    let groups: Vec<String> = rows.iter().map(|r| format!("speech {}", r.3)).collect();
    let mut set = TrainingSetBuilder::default();
    for ((text, topic, stance, _), group) in rows.iter().zip(&groups) {
        let group = grouped.then_some(group.as_str());
        let (topic, stance) = (TOPICS.get(*topic).copied(), STANCES.get(*stance).copied());
        set.push(LabelledText { text, topic, stance, group, ..Default::default() });
    }
    set.finish()
}

fn options() -> impl Strategy<Value = TrainOptions> {
    let c = prop::sample::select(vec![Choice::Auto, Choice::Value(10.0)]);
    let departure = prop::sample::select(vec![Choice::Auto, Choice::Value(0.0), Choice::Value(1.0)]);
    let loss = prop::sample::select(vec![Loss::Logistic, Loss::Svm]);
    (c, departure, loss, any::<u64>()).prop_map(|(c, topic_departure, classifier, seed)| TrainOptions {
        c,
        topic_departure,
        classifier,
        seed,
        ..TrainOptions::default()
    })
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn models_are_the_same_on_any_number_of_threads_and_after_saving(
        rows in corpus(),
        grouped in any::<bool>(),
        options in options(),
        texts in vec(text(), 1..6),
    ) {
        let set = training_set(&rows, grouped);
        let make = |threads: usize| on_threads(threads, || train(&set, &options, &Control::default()).and_then(|m| m.to_bytes()));
        let bytes = make(1).expect("a model");
        prop_assert!(bytes == make(3).expect("a model"), "the bytes depend on the number of threads");

        let model = Model::from_bytes("model", &bytes).expect("our own file");
        let again = model.to_bytes().expect("bytes");
        prop_assert!(bytes == again, "a model loaded and saved is another file");
        let reloaded = Model::from_bytes("again", &again).expect("our own file");
        let (mut a, mut b) = (Predictor::new(&model), Predictor::new(&reloaded));
        for text in texts.iter().chain(rows.iter().map(|r| &r.0)) {
            prop_assert_eq!(a.predict(text), b.predict(text));
            prop_assert_eq!(a.topic_probabilities(), b.topic_probabilities());
            prop_assert_eq!(a.stance_probabilities(), b.stance_probabilities());
        }
    }

    #[test]
    fn probabilities_are_probabilities(rows in corpus(), options in options(), texts in vec(text(), 1..6)) {
        let set = training_set(&rows, false);
        let model = train(&set, &options, &Control::default()).expect("a model");
        let topic = model.topic.as_ref().expect("a topic head");
        let stance = model.stance.as_ref().expect("a stance head");
        let mut predictor = Predictor::new(&model);
        for text in texts.iter().chain(rows.iter().map(|r| &r.0)) {
            let prediction = predictor.predict(text);
            let sum: f64 = predictor.topic_probabilities().iter().sum();
            match prediction.topic {
                Some(t) => {
                    prop_assert!((sum - 1.0).abs() < 1e-9, "{}", sum);
                    prop_assert_eq!(prediction.topic_probability, predictor.topic_probabilities()[t]);
                }
                None => prop_assert!(sum == 0.0 && prediction.stance.is_none()),
            }
            // Given each topic, those without a stance and one never heard of too.
            for name in TOPICS.iter().chain(&["unheard of"]) {
                let (best, probability) = predictor.stance_given(Some(name));
                let p = predictor.stance_probabilities();
                let known = stance.topics.find(name);
                let seen = |k: usize| rows.iter().any(|r| TOPICS.get(r.1) == Some(name) && STANCES.get(r.2) == Some(&stance.head.labels.name(k)));
                for k in 0..p.len() {
                    prop_assert!(known.is_none() || seen(k) || p[k] == 0.0, "{:?} with {}: {:?}", p, name, rows);
                    prop_assert!(known.is_none_or(|t| stance.seen_with(t)[k] == seen(k)));
                }
                match best {
                    Some(k) => {
                        prop_assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{:?}", p);
                        prop_assert_eq!(probability, p[k]);
                        prop_assert!(known.is_none() || seen(k), "a stance never seen with {}", name);
                    }
                    None => prop_assert!(p.iter().all(|p| *p == 0.0)),
                }
            }
        }
        prop_assert!(topic.labels.len() >= 2);
    }
}
