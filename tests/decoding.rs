//! Topic and stance decided together, and stances summed over topics: against all pairs, one by one, as the predictor's parts give them.

mod common;

use common::Work;
use predicates::str::contains;
use rapporteur::Control;
use rapporteur::model::{
    Decoding, LabelledText, Model, Predictor, StanceScope, TrainOptions, TrainingSet, TrainingSetBuilder, train,
};

const TOPICS: [&str; 3] = ["fish", "rail", "war"];
const STANCES: [&str; 2] = ["con", "pro"];
const WORDS: [&str; 3] = ["herring", "sleepers", "trenches"];
const SAYINGS: [&str; 2] = ["lament", "applaud"];

/// Rows whose words say topic and stance with many errors, so that probabilities are moderate. Fish is mostly opposed, rail mostly supported; `war` never has a stance where `bare`.
fn rows(bare: bool) -> Vec<(String, &'static str, Option<&'static str>)> {
    let mut state = 11u32;
    let mut next = |n: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % n
    };
    (0..300)
        .map(|_| {
            let topic = next(3) as usize;
            let stance = usize::from(next(10) < [1, 9, 5][topic]);
            let topic_word = if next(10) < 6 { topic } else { next(3) as usize };
            let stance_word = if next(10) < 4 { stance } else { next(2) as usize };
            let text = format!("{} {} filler{}", WORDS[topic_word], SAYINGS[stance_word], next(30));
            (text, TOPICS[topic], (!bare || topic < 2).then_some(STANCES[stance]))
        })
        .collect()
}

/// Texts that speak of two topics, and say one of two things.
fn texts() -> Vec<String> {
    let mut out = Vec::new();
    for saying in SAYINGS.iter().chain(&["lament applaud"]) {
        for (a, b) in [(0, 1), (1, 2), (0, 2)] {
            for filler in 0..30 {
                out.push(format!("{} {} {saying} filler{filler}", WORDS[a], WORDS[b]));
            }
        }
    }
    out
}

fn set(bare: bool) -> TrainingSet {
    let mut builder = TrainingSetBuilder::default();
    for (text, topic, stance) in &rows(bare) {
        builder.push(LabelledText { text, topic: Some(topic), stance: *stance, ..Default::default() });
    }
    builder.finish()
}

fn model(bare: bool, options: TrainOptions) -> Model {
    train(&set(bare), &options, &Control::default()).unwrap()
}

/// P(topic) and P(stance | topic) of a text, of every pair.
fn pairs(predictor: &mut Predictor<'_>, text: &str) -> Vec<(usize, Option<usize>, f64)> {
    predictor.read(text);
    predictor.topic();
    let topics = predictor.topic_probabilities().to_vec();
    let mut out = Vec::new();
    for (t, p) in topics.into_iter().enumerate() {
        match predictor.stance_given(Some(TOPICS[t])).0 {
            Some(_) => {
                out.extend(predictor.stance_probabilities().iter().enumerate().map(|(k, q)| (t, Some(k), p * q)))
            }
            None => out.push((t, None, p)),
        }
    }
    out
}

#[test]
fn joint_decoding_writes_the_most_probable_pair() {
    for bare in [false, true] {
        let joint = model(bare, TrainOptions { decoding: Decoding::Joint, thresholds: false, ..Default::default() });
        assert_eq!(joint.decoding(), Some("joint"));
        let mut predictor = Predictor::new(&joint);
        let mut other_topic = 0;
        for text in texts() {
            let pairs = pairs(&mut predictor, &text);
            let best = pairs.iter().copied().reduce(|a, b| if b.2 > a.2 { b } else { a }).unwrap();
            let prediction = predictor.predict(&text);
            assert_eq!((prediction.topic, prediction.stance), (Some(best.0), best.1), "{text}: {pairs:?}");
            let (topics, stances) = (predictor.topic_probabilities(), predictor.stance_probabilities());
            assert_eq!(prediction.topic_probability, topics[best.0]);
            assert_eq!(prediction.stance_probability, best.1.map_or(0.0, |k| stances[k]));
            // The stance probability is still that of the stance given the topic written.
            assert!((prediction.topic_probability * best.1.map_or(1.0, |k| stances[k]) - best.2).abs() < 1e-12);
            other_topic += usize::from(topics.iter().any(|&p| p > topics[best.0]));
        }
        assert!(other_topic > 0, "no pair had another topic than the most probable");
    }
}

#[test]
fn rare_pairs_are_leaned_toward_only_with_thresholds() {
    let with = |thresholds| {
        let joint = model(true, TrainOptions { decoding: Decoding::Joint, thresholds, ..Default::default() });
        let bytes = joint.to_bytes().unwrap();
        let read = Model::from_bytes("joint", &bytes).unwrap();
        assert_eq!(read.pairs, joint.pairs);
        read.pairs
    };
    // Of a hundred rows of fish, ten are supported: nobody would ever be said to support it.
    assert_ne!(with(true), with(false));
}

#[test]
fn a_global_stance_is_the_sum_over_topics() {
    for bare in [false, true] {
        let global = TrainOptions { stance_scope: StanceScope::Global, thresholds: false, ..Default::default() };
        let global = model(bare, global);
        assert_eq!(global.decoding(), Some("topic_first"));
        let mut predictor = Predictor::new(&global);
        let mut other_stance = 0;
        for text in texts() {
            let mut sums = [0.0; 2];
            for (_, stance, p) in pairs(&mut predictor, &text) {
                if let Some(stance) = stance {
                    sums[stance] += p;
                }
            }
            let total: f64 = sums.iter().sum();
            let prediction = predictor.predict(&text);
            let topic = prediction.topic.unwrap();
            if bare && TOPICS[topic] == "war" {
                assert_eq!(prediction.stance, None);
                continue;
            }
            let best = usize::from(sums[1] > sums[0]);
            assert_eq!(prediction.stance, Some(best), "{text}: {sums:?}");
            assert!((prediction.stance_probability - sums[best] / total).abs() < 1e-4);
            other_stance += usize::from(predictor.stance_given(Some(TOPICS[topic])).0 != Some(best));
        }
        assert!(other_stance > 0, "the topic written always said the same");
    }
}

#[test]
fn auto_decides_the_topic_first_where_pairs_gain_nothing() {
    let work = Work::with_model();
    let card: serde_json::Value = serde_json::from_str(&work.stdout("inspect a.model --json -")).unwrap();
    assert_eq!((&card["decoding"], &card["options"]["decoding"]), (&"topic_first".into(), &"auto".into()));
}

#[test]
fn decoding_is_an_option_of_the_command_line_and_of_the_file() {
    let work = Work::new();
    work.run("train corpus.csv --output joint.model --decoding joint").success().stderr(contains("together (joint)"));
    work.run("inspect joint.model").success().stdout(contains("decoding: joint\n"));
    work.write("options.toml", "decoding = \"joint\"\n");
    work.run("train corpus.csv --output file.model --config options.toml").success();
    assert_eq!(work.bytes("joint.model"), work.bytes("file.model"));
    work.run("train corpus.csv --output b.model --stance-scope global").success();
    work.run("inspect b.model").success().stdout(contains("\"stance_scope\":\"global\""));
    let refused = work.run("train corpus.csv --output c.model --stance-scope global --decoding joint").code(2);
    refused.stderr(contains("give one of them"));
    work.run("train corpus.csv --output c.model --decoding both").code(2).stderr(contains("topic_first or joint"));
}

#[test]
fn errors_that_a_model_knows_of_are_those_of_its_decisions() {
    // Every other text says nothing of its topic: its stance, as far as it is told, says which is likelier.
    let mut builder = TrainingSetBuilder::default();
    for (i, (text, topic, stance)) in rows(false).iter().enumerate() {
        let text = if i % 2 == 0 { text.split_once(' ').unwrap().1 } else { text };
        builder.push(LabelledText { text, topic: Some(topic), stance: *stance, ..Default::default() });
    }
    let set = builder.finish();
    let known = |decoding| {
        let model = train(&set, &TrainOptions { decoding, ..TrainOptions::default() }, &Control::default()).unwrap();
        let topics = model.topic.and_then(|head| head.known_errors).unwrap().confusion;
        let stances = model.stance.and_then(|stance| stance.head.known_errors).unwrap().confusion;
        (topics, stances)
    };
    let ((topics, stances), (joint_topics, joint_stances)) = (known(Decoding::TopicFirst), known(Decoding::Joint));
    // Each row has a topic and a stance, and is counted once, whatever is decided.
    let of_label = |confusion: &[u32], labels: usize| -> Vec<u32> {
        confusion.chunks_exact(labels).map(|given| given.iter().sum()).collect()
    };
    assert_eq!(of_label(&topics, 3), of_label(&joint_topics, 3));
    assert_eq!(of_label(&stances, 2), of_label(&joint_stances, 2));
    // A stance that fits another topic better decides some rows otherwise.
    assert_ne!(topics, joint_topics);
    let right = |confusion: &[u32]| confusion.iter().step_by(4).sum::<u32>();
    assert!(right(&joint_topics) + 15 > right(&topics), "{topics:?} {joint_topics:?}");
}
