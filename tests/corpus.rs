//! The corpus keeps its rules: labels of the codebook, lengths, balance, and no family of paragraphs written after one
//! pattern, since a model would learn the pattern.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use rapporteur::corpus::Codebook;
use serde::Deserialize;
use unicode_segmentation::UnicodeSegmentation;

const STANCES: [&str; 3] = ["support", "oppose", "neutral"];

/// Runs of four words that may be common: names of institutions.
const NAMES: [&str; 4] = [
    "the world health organization",
    "the law of the sea",
    "the international criminal court",
    "the international court of justice",
];

/// Words that a skeleton keeps: articles, pronouns, prepositions, conjunctions, auxiliaries, adverbs of grammar.
const FUNCTION_WORDS: &str = "a about above across after again against all along also although am among an and any are \
    around as at be because been before being below between both but by can cannot could did do does doing done down \
    during each either else ever every few for from had has have having he her here hers herself him himself his how i \
    if in into is it its itself just least less like many may me might mine more most much must my myself neither never \
    no none nor not nothing now of off often on once one only onto or other others our ours ourselves out over own per \
    rather same shall she should since so some still such than that the their theirs them themselves then there these \
    they this those though through thus till to too toward towards under until up upon us very was we were what when \
    where which while who whom whose why will with within without would yet you your yours yourself";

#[derive(Deserialize)]
struct Row {
    id: String,
    document: String,
    text: String,
    topic: String,
    stance: String,
    other_topics: String,
}

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data").join(name)
}

fn rows(name: &str) -> Vec<Row> {
    let bytes = std::fs::read(data(name)).expect(name);
    assert!(!bytes.contains(&b'\r') && !bytes.starts_with(b"\xef\xbb\xbf"), "{name}: line ends are LF, without a mark");
    csv::Reader::from_reader(bytes.as_slice()).deserialize().map(|row| row.expect(name)).collect()
}

fn codebook() -> Codebook {
    Codebook::read(data("codebook.csv").to_str().expect("a UTF-8 path")).expect("the codebook is read")
}

/// Every cell is what the columns promise.
fn check_cells(name: &str, rows: &[Row], codebook: &Codebook) {
    let known = |topic: &str| codebook.get(topic).is_some();
    let mut ids = HashSet::new();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for row in rows {
        let id = &row.id;
        assert!(ids.insert(id), "{name}: id {id} twice");
        let number = counts.entry(&row.document).or_default();
        *number += 1;
        assert_eq!(*id, format!("{}-{number}", row.document), "{name}: ids number the paragraphs of a document");
        assert!(known(&row.topic), "{id}: topic {:?}", row.topic);
        assert!(STANCES.contains(&row.stance.as_str()), "{id}: stance {:?}", row.stance);
        assert!(row.topic != "none" || row.stance == "neutral", "{id}: none takes no side");
        let length = row.text.split_whitespace().count();
        assert!((25..=120).contains(&length), "{id}: {length} words");
        assert!(row.text.trim() == row.text && !row.text.contains(char::is_control), "{id}: stray white space");
        let mut topics = HashSet::from([row.topic.as_str()]);
        for other in row.other_topics.split('|').filter(|other| !other.is_empty()) {
            let (topic, stance) = other.split_once(':').unwrap_or_else(|| panic!("{id}: other topic {other:?}"));
            assert!(known(topic) && topic != "none" && topics.insert(topic), "{id}: other topic {other:?}");
            assert!(STANCES.contains(&stance), "{id}: other topic {other:?}");
        }
    }
}

fn words(text: &str) -> Vec<String> {
    text.unicode_words().map(|word| word.to_lowercase().replace('’', "'")).collect()
}

/// The words of many texts as numbers, so that runs of them compare fast.
#[derive(Default)]
struct Numbers {
    of: HashMap<String, u32>,
}

impl Numbers {
    fn of(&mut self, words: &[String]) -> Vec<u32> {
        words
            .iter()
            .map(|word| {
                let next = self.of.len() as u32;
                *self.of.entry(word.clone()).or_insert(next)
            })
            .collect()
    }
}

fn runs<const N: usize>(numbers: &[u32]) -> HashSet<[u32; N]> {
    numbers.windows(N).map(|window| window.try_into().expect("N numbers")).collect()
}

/// The pairs of texts whose runs have a Jaccard index of `limit` or more, by an index from run to texts.
fn alike<const N: usize>(texts: &[Vec<u32>], limit: f64) -> Vec<(f64, usize, usize)> {
    let sets: Vec<HashSet<[u32; N]>> = texts.iter().map(|text| runs(text)).collect();
    let mut index: HashMap<[u32; N], Vec<usize>> = HashMap::new();
    let mut pairs = Vec::new();
    let mut shared = vec![0_usize; texts.len()];
    for (i, set) in sets.iter().enumerate() {
        shared[..i].fill(0);
        for run in set {
            let earlier = index.entry(*run).or_default();
            earlier.iter().for_each(|&j| shared[j] += 1);
            earlier.push(i);
        }
        for j in (0..i).filter(|&j| shared[j] > 0) {
            let jaccard = shared[j] as f64 / (set.len() + sets[j].len() - shared[j]) as f64;
            if jaccard >= limit {
                pairs.push((jaccard, j, i));
            }
        }
    }
    pairs
}

fn commonest(counts: HashMap<String, usize>) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts
}

#[test]
fn labels_ids_and_lengths_are_as_promised() {
    let codebook = codebook();
    let (statements, heldout) = (rows("statements.csv"), rows("heldout.csv"));
    check_cells("statements.csv", &statements, &codebook);
    check_cells("heldout.csv", &heldout, &codebook);
    assert!(statements.len() >= 2000 && heldout.len() >= 300, "{} and {} rows", statements.len(), heldout.len());

    let mut described = HashSet::new();
    for record in csv::Reader::from_path(data("documents.csv")).expect("documents.csv").records() {
        let record = record.expect("documents.csv");
        assert!(record.iter().all(|cell| !cell.is_empty()), "{record:?} has an empty cell");
        assert!(described.insert(record[0].to_owned()), "document {} twice", &record[0]);
    }
    let documents = |rows: &[Row]| rows.iter().map(|row| row.document.clone()).collect::<HashSet<String>>();
    assert_eq!(documents(&statements), described, "documents.csv describes the documents of statements.csv");
    assert!(documents(&heldout).is_disjoint(&described), "held-out documents are documents of their own");
}

#[test]
fn every_topic_has_every_stance_in_numbers() {
    let statements = rows("statements.csv");
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for row in &statements {
        *counts.entry((&row.topic, &row.stance)).or_default() += 1;
    }
    for entry in codebook().entries() {
        let [support, oppose, neutral] =
            STANCES.map(|stance| counts.get(&(entry.topic.as_str(), stance)).copied().unwrap_or(0));
        println!("{:24} support {support:4} oppose {oppose:4} neutral {neutral:4}", entry.topic);
        if entry.topic == "none" {
            assert!(neutral >= 150, "none: {neutral} paragraphs");
        } else {
            assert!(support + oppose + neutral >= 80, "{}: too few paragraphs", entry.topic);
            assert!(oppose >= 15 && neutral >= 15, "{}: oppose {oppose}, neutral {neutral}", entry.topic);
        }
    }
}

/// Held-out paragraphs and those of the sample must differ from the corpus as its own do from each other.
#[test]
fn no_paragraph_is_written_after_another() {
    let mut texts: Vec<(String, String)> =
        ["statements.csv", "heldout.csv"].into_iter().flat_map(rows).map(|row| (row.id, row.text)).collect();
    let sample = std::fs::read_to_string(data("sample.txt")).expect("sample.txt");
    texts.extend(sample.split("\n\n").enumerate().map(|(i, text)| (format!("sample-{}", i + 1), text.to_owned())));

    let function_words: HashSet<&str> = FUNCTION_WORDS.split_whitespace().collect();
    let mut numbers = Numbers::default();
    let (mut full, mut skeletons) = (Vec::new(), Vec::new());
    for (_, text) in &texts {
        let mut words = words(text);
        full.push(numbers.of(&words));
        words.iter_mut().filter(|word| !function_words.contains(word.as_str())).for_each(|word| *word = "*".into());
        skeletons.push(numbers.of(&words));
    }
    let named = |pairs: Vec<(f64, usize, usize)>| -> Vec<String> {
        pairs.iter().map(|(jaccard, i, j)| format!("{} and {}: {jaccard:.2}", texts[*i].0, texts[*j].0)).collect()
    };
    let near = named(alike::<5>(&full, 0.2));
    assert!(near.is_empty(), "pairs that share too many runs of five words: {near:#?}");
    let near = named(alike::<4>(&skeletons, 0.5));
    assert!(near.is_empty(), "pairs built alike, content words aside: {near:#?}");
}

#[test]
fn no_phrase_and_no_opening_is_a_habit() {
    let texts: Vec<Vec<String>> = rows("statements.csv").iter().map(|row| words(&row.text)).collect();
    let (mut phrases, mut openings) = (HashMap::new(), HashMap::new());
    for words in &texts {
        let distinct: HashSet<String> = words.windows(4).map(|run| run.join(" ")).collect();
        for phrase in distinct {
            *phrases.entry(phrase).or_default() += 1;
        }
        *openings.entry(words[..3].join(" ")).or_default() += 1;
    }
    println!("commonest openings:");
    for (opening, count) in commonest(openings).iter().take(10) {
        println!("{count:4} {opening}");
    }
    let phrases: Vec<(String, usize)> =
        commonest(phrases).into_iter().filter(|(phrase, _)| !NAMES.iter().any(|name| name.contains(phrase))).collect();
    println!("commonest runs of four words:");
    for (phrase, count) in &phrases[..10] {
        println!("{count:4} {phrase}");
    }
    assert!(phrases[0].1 * 100 <= texts.len(), "{:?} is in more than 1 % of the paragraphs", phrases[0]);
}
