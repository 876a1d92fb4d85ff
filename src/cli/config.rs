//! What was typed about training, and what it comes to.
//!
//! Flows in: options of the command line, and of a TOML file, which has the same names. Flows out: [`TrainOptions`]. Options are first kept as what was typed, so
//! that the command line can override the file before anything is understood; defaults are the library's.

use clap::Args;
use rapporteur::corpus::{Codebook, nearest};
use rapporteur::error::Place;
use rapporteur::memory::Bytes;
use rapporteur::model::{Decoding, StanceScope, TrainOptions};
use rapporteur::{Error, Result};
use serde::{Deserialize, Serialize};

use super::columns::ColumnArgs;
use super::reading::ReadingArgs;
use super::small_file;
use super::typed::{ngrams, parse, set, set_named, stop_words, text, texts, whole, wrong};

/// Options about what is learnt and how.
#[derive(Args, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[command(next_help_heading = "Learning")]
pub struct LearnArgs {
    /// CSV of the topics and their targets (topic,target,description): checked against the corpus, kept in the model
    #[arg(long, value_name = "FILE")]
    #[serde(deserialize_with = "text")]
    pub codebook: Option<String>,
    /// Lengths of word n-grams, or none [default: 1-2]
    #[arg(long, value_name = "MIN-MAX")]
    #[serde(deserialize_with = "text")]
    pub word_ngrams: Option<String>,
    /// Lengths of character n-grams within words, or none [default: 2-5]
    #[arg(long, value_name = "MIN-MAX")]
    #[serde(deserialize_with = "text")]
    pub char_ngrams: Option<String>,
    /// auto (detect the language; none where they are mixed), none, or a language [default: auto]
    #[arg(long, value_name = "LANGUAGE")]
    #[serde(deserialize_with = "text")]
    pub stemmer: Option<String>,
    /// Leave out the stop words of a language, or those of a file with one a line [default: none]
    #[arg(long, value_name = "LANGUAGE|FILE")]
    #[serde(deserialize_with = "text")]
    pub stop_words: Option<String>,
    /// Make words in a negation's scope terms of their own: true or false [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    #[serde(deserialize_with = "text")]
    pub mark_negation: Option<String>,
    /// Leave out terms of fewer paragraphs: a number, a share such as 0.01, or auto [default: auto: 1, for more than 20,000 paragraphs 2]
    #[arg(long, value_name = "N|SHARE")]
    #[serde(deserialize_with = "text")]
    pub min_df: Option<String>,
    /// Leave out terms of more paragraphs: a number, or a share such as 0.5 [default: 1.0]
    #[arg(long, value_name = "N|SHARE")]
    #[serde(deserialize_with = "text")]
    pub max_df: Option<String>,
    /// Keep so many terms a block, those of most paragraphs, or none for all [default: none]
    #[arg(long, value_name = "N")]
    #[serde(deserialize_with = "text")]
    pub max_features: Option<String>,
    /// Count terms as 1 + ln(count): true or false [default: true]
    #[arg(long, value_name = "BOOL")]
    #[serde(deserialize_with = "text")]
    pub sublinear_tf: Option<String>,
    /// How much the character n-grams of a text count beside its words, from 0.01 to 100 [default: 1]
    #[arg(long, value_name = "X")]
    #[serde(deserialize_with = "text")]
    pub char_weight: Option<String>,
    /// Also use the text of N paragraphs before and after each, a block of features of its own; needs --document-column [default: 0]
    #[arg(long, value_name = "N")]
    #[serde(deserialize_with = "text")]
    pub context: Option<String>,
    /// logistic or svm [default: svm]
    #[arg(long, value_name = "NAME")]
    #[serde(deserialize_with = "text")]
    pub classifier: Option<String>,
    /// logistic or svm for the stance head, or same: that of --classifier [default: same]
    #[arg(long, value_name = "NAME")]
    #[serde(deserialize_with = "text")]
    pub stance_classifier: Option<String>,
    /// Inverse strength of the penalty, or auto [default: auto]
    #[arg(long = "c", value_name = "X")]
    #[serde(deserialize_with = "text", alias = "C")]
    pub c: Option<String>,
    /// Weight features by how far they tell the labels apart: auto, none, or nb (naive-Bayes log-count ratios) [default: auto]
    #[arg(long, value_name = "METHOD")]
    #[serde(deserialize_with = "text")]
    pub feature_weighting: Option<String>,
    /// none, balanced, topic:LABEL=X or stance:LABEL=X; may be repeated [default: none]
    #[arg(long, value_name = "WEIGHT")]
    #[serde(deserialize_with = "texts")]
    pub class_weight: Vec<String>,
    /// How far each topic's stance weights may depart from those shared by all topics, or auto; of more than 255 topics none departs [default: auto]
    #[arg(long, value_name = "X")]
    #[serde(deserialize_with = "text")]
    pub topic_departure: Option<String>,
    /// How probabilities are mended: auto, temperature, platt, isotonic or none [default: auto]
    #[arg(long, value_name = "METHOD")]
    #[serde(deserialize_with = "text")]
    pub calibration: Option<String>,
    /// auto: fit decision offsets where they help macro-F1; none: decide by probability [default: auto]
    #[arg(long, value_name = "METHOD")]
    #[serde(deserialize_with = "text")]
    pub thresholds: Option<String>,
    /// How topic and stance are decided: topic_first, joint (the best pair of both), or auto: joint where it is clearly better out of fold [default: auto]
    #[arg(long, value_name = "METHOD")]
    #[serde(deserialize_with = "text")]
    pub decoding: Option<String>,
    /// What a stance is told of: given (the topic written), or global where stances mean the same for every topic: the sum over topics [default: given]
    #[arg(long, value_name = "SCOPE")]
    #[serde(deserialize_with = "text")]
    pub stance_scope: Option<String>,
    /// Stop fitting when the duality gap is this share of the objective [default: 0.001]
    #[arg(long, value_name = "X")]
    #[serde(deserialize_with = "text")]
    pub tolerance: Option<String>,
    /// Precision of the weights in the model file: i8, f16 or f32 [default: i8]
    #[arg(long, value_name = "TYPE")]
    #[serde(deserialize_with = "text")]
    pub precision: Option<String>,
}

/// Resamples at most: beyond, they only cost time and memory.
pub const MOST_RESAMPLES: usize = 100_000;

/// Everything a configuration file may hold.
#[derive(Default)]
pub struct Config {
    pub columns: ColumnArgs,
    pub learn: LearnArgs,
    pub reading: ReadingArgs,
    pub seed: Option<u64>,
    pub threads: Option<u16>,
    pub cv: Option<usize>,
    pub max_memory: Option<Bytes>,
    /// Resamples of `evaluate`.
    pub resamples: Option<usize>,
    /// Labels whose mean F1 `evaluate` is to give.
    pub labels: Option<String>,
}

impl Config {
    /// What was given, as a file that [`Config::read`] reads.
    pub fn to_toml(columns: &ColumnArgs, reading: &ReadingArgs, learn: &LearnArgs, seed: u64) -> Result<String> {
        let given = |args: serde_json::Value| -> toml::Table {
            let names = args.as_object().cloned().unwrap_or_default().into_iter();
            names.filter_map(|(name, value)| Some((name, toml::Value::try_from(value).ok()?))).collect()
        };
        let fail = |e: serde_json::Error| Error::usage(format!("the options cannot be written: {e}"));
        let mut table = given(serde_json::to_value(columns).map_err(fail)?);
        table.extend(given(serde_json::to_value(reading).map_err(fail)?));
        table.extend(given(learn.given()?.into()));
        table.insert("seed".into(), toml::Value::Integer(i64::try_from(seed).map_err(|_| too_large(seed))?));
        toml::to_string(&table).map_err(|e| Error::usage(format!("the options cannot be written: {e}")))
    }

    /// Reads a TOML file. Names are those of the options, with `-` or `_`. All values are understood here, so that the file can be named.
    pub fn read(path: &str) -> Result<Config> {
        Config::parse(path, &small_file::read("read", path)?)
    }

    /// Understands the text of one; `path` is what errors call it.
    pub fn parse(path: &str, raw: &str) -> Result<Config> {
        let bad = |problem: String| {
            Error::input(
                Place::file(path),
                problem.trim_end().to_owned(),
                "names are those of the options of `rapporteur train`, such as `min_df = 2`",
            )
        };
        let table: toml::Table = raw.parse().map_err(|e: toml::de::Error| bad(e.to_string()))?;
        let (column_names, learn_names) = (names_of::<ColumnArgs>(), names_of::<LearnArgs>());
        let reading_names = names_of::<ReadingArgs>();
        let (mut columns, mut learn, mut reading) = (toml::Table::new(), toml::Table::new(), toml::Table::new());
        let mut config = Config::default();
        for (key, value) in table {
            let name = if key == "C" { "c".to_owned() } else { key.replace('-', "_") };
            let place = match name.as_str() {
                "seed" => {
                    config.seed = Some(whole(&name, &value).map_err(bad)?);
                    continue;
                }
                "threads" => {
                    config.threads = Some(whole(&name, &value).map_err(bad)?);
                    continue;
                }
                "cv" => {
                    config.cv = Some(whole(&name, &value).map_err(bad)?);
                    continue;
                }
                "max_memory" => {
                    let size = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    config.max_memory = Some(size.parse().map_err(|e: Error| bad(format!("max_memory: {e}")))?);
                    continue;
                }
                "resamples" => {
                    let number = value.to_string().parse().ok().filter(|n| *n <= MOST_RESAMPLES);
                    config.resamples = Some(number.ok_or_else(|| {
                        bad(format!("resamples is {value}, expected a whole number from 0 to {MOST_RESAMPLES}"))
                    })?);
                    continue;
                }
                "labels" => {
                    config.labels = Some(texts(value).map_err(|e| bad(format!("labels: {e}")))?.join(","));
                    continue;
                }
                name if column_names.iter().any(|n| n == name) => &mut columns,
                name if learn_names.iter().any(|n| n == name) => &mut learn,
                name if reading_names.iter().any(|n| n == name) => &mut reading,
                name => {
                    let known = column_names.iter().chain(&learn_names).chain(&reading_names).map(String::as_str);
                    let mend = match nearest(
                        name,
                        known.chain(["seed", "threads", "cv", "max_memory", "resamples", "labels"]),
                    ) {
                        Some(near) => format!("did you mean {near}?"),
                        None => "names are those of the options of `rapporteur train`, such as `min_df = 2`".to_owned(),
                    };
                    return Err(Error::input(Place::file(path), format!("there is no option {key:?}"), mend));
                }
            };
            if place.insert(name, value).is_some() {
                return Err(bad(format!("{key} is given twice, with - and with _")));
            }
        }
        config.columns = columns.try_into().map_err(|e: toml::de::Error| bad(e.to_string()))?;
        config.learn = learn.try_into().map_err(|e: toml::de::Error| bad(e.to_string()))?;
        config.reading = reading.try_into().map_err(|e: toml::de::Error| bad(e.to_string()))?;
        config.reading.check().map_err(|e| bad(e.to_string()))?;
        config.learn.options(config.seed).map_err(|e| bad(e.to_string()))?;
        config.columns.columns().and(config.columns.read_options().map(drop)).map_err(|e| bad(e.to_string()))?;
        Ok(config)
    }
}

/// Names of options as a file has them, with `_`.
fn names_of<A: Args>() -> Vec<String> {
    let command = A::augment_args(clap::Command::new(""));
    command.get_arguments().filter_map(|a| a.get_long()).map(|name| name.replace('-', "_")).collect()
}

fn too_large(seed: u64) -> Error {
    Error::usage(format!("the seed {seed} is too large for a configuration file, whose numbers end at {}", i64::MAX))
}

impl LearnArgs {
    /// What was given, by name.
    pub fn given(&self) -> Result<serde_json::Map<String, serde_json::Value>> {
        let all = serde_json::to_value(self).map_err(|e| Error::usage(format!("the options cannot be kept: {e}")))?;
        let is_given =
            |value: &serde_json::Value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty());
        let all = all.as_object().cloned().unwrap_or_default();
        Ok(all.into_iter().filter(|(_, value)| is_given(value)).collect())
    }

    /// These with other values for the options named, as they would be typed.
    pub fn with(&self, changes: &[(&'static str, String)]) -> Result<LearnArgs> {
        let mut all = self.given()?;
        all.extend(changes.iter().map(|(name, typed)| ((*name).to_owned(), typed.clone().into())));
        serde_json::from_value(all.into()).map_err(|e| Error::usage(format!("the options cannot be kept: {e}")))
    }

    /// These, and for what they leave open, `others`.
    pub fn or(self, others: LearnArgs) -> LearnArgs {
        let class_weight = if self.class_weight.is_empty() { others.class_weight } else { self.class_weight };
        LearnArgs {
            codebook: self.codebook.or(others.codebook),
            word_ngrams: self.word_ngrams.or(others.word_ngrams),
            char_ngrams: self.char_ngrams.or(others.char_ngrams),
            stemmer: self.stemmer.or(others.stemmer),
            stop_words: self.stop_words.or(others.stop_words),
            mark_negation: self.mark_negation.or(others.mark_negation),
            min_df: self.min_df.or(others.min_df),
            max_df: self.max_df.or(others.max_df),
            max_features: self.max_features.or(others.max_features),
            sublinear_tf: self.sublinear_tf.or(others.sublinear_tf),
            char_weight: self.char_weight.or(others.char_weight),
            context: self.context.or(others.context),
            classifier: self.classifier.or(others.classifier),
            stance_classifier: self.stance_classifier.or(others.stance_classifier),
            c: self.c.or(others.c),
            feature_weighting: self.feature_weighting.or(others.feature_weighting),
            class_weight,
            topic_departure: self.topic_departure.or(others.topic_departure),
            calibration: self.calibration.or(others.calibration),
            thresholds: self.thresholds.or(others.thresholds),
            decoding: self.decoding.or(others.decoding),
            stance_scope: self.stance_scope.or(others.stance_scope),
            tolerance: self.tolerance.or(others.tolerance),
            precision: self.precision.or(others.precision),
        }
    }

    /// The codebook named, read.
    pub fn codebook(&self) -> Result<Option<Codebook>> {
        self.codebook.as_deref().map(Codebook::read).transpose()
    }

    /// What was typed, understood.
    pub fn options(&self, seed: Option<u64>) -> Result<TrainOptions> {
        let mut out = TrainOptions::default();
        if let Some(range) = ngrams("--word-ngrams", &self.word_ngrams)? {
            out.word_ngrams = range;
        }
        if let Some(range) = ngrams("--char-ngrams", &self.char_ngrams)? {
            out.char_ngrams = range;
        }
        set(&mut out.stemmer, "--stemmer", &self.stemmer)?;
        if let Some(list) = self.stop_words.as_deref().filter(|&s| s != "none") {
            out.stop_words = stop_words(list)?;
        }
        set(&mut out.mark_negation, "--mark-negation", &self.mark_negation)?;
        if let Some(bound) = self.min_df.as_deref().filter(|&s| s != "auto") {
            out.min_df = Some(parse("--min-df", bound)?);
        }
        set(&mut out.max_df, "--max-df", &self.max_df)?;
        if let Some(most) = self.max_features.as_deref().filter(|&s| s != "none") {
            out.max_features = Some(parse("--max-features", most)?);
        }
        set(&mut out.sublinear_tf, "--sublinear-tf", &self.sublinear_tf)?;
        set(&mut out.char_weight, "--char-weight", &self.char_weight)?;
        if let Some(n) = &self.context {
            let few = n.trim().parse().ok().filter(|&n: &usize| n <= TrainOptions::MOST_CONTEXT);
            out.context = few.ok_or_else(|| wrong("--context", n, "a number from 0 to 100"))?;
        }
        set_named(&mut out.classifier, "--classifier", &self.classifier, "logistic or svm")?;
        if let Some(name) = self.stance_classifier.clone().filter(|name| name != "same") {
            let mut loss = out.classifier;
            set_named(&mut loss, "--stance-classifier", &Some(name), "logistic, svm or same")?;
            out.stance_classifier = Some(loss);
        }
        set(&mut out.c, "--c", &self.c)?;
        set_named(&mut out.feature_weighting, "--feature-weighting", &self.feature_weighting, "auto, none or nb")?;
        for word in &self.class_weight {
            out.class_weight.add(word)?;
        }
        set(&mut out.topic_departure, "--topic-departure", &self.topic_departure)?;
        set_named(
            &mut out.calibration,
            "--calibration",
            &self.calibration,
            "auto, temperature, platt, isotonic or none",
        )?;
        match self.thresholds.as_deref() {
            None => {}
            Some("auto") => out.thresholds = true,
            Some("none") => out.thresholds = false,
            Some(other) => return Err(wrong("--thresholds", other, "auto or none")),
        }
        set_named(&mut out.decoding, "--decoding", &self.decoding, "auto, topic_first or joint")?;
        set_named(&mut out.stance_scope, "--stance-scope", &self.stance_scope, "given or global")?;
        if out.stance_scope == StanceScope::Global && out.decoding == Decoding::Joint {
            return Err(Error::usage(
                "--stance-scope global sums over topics, and --decoding joint chooses one with its stance: give one of them",
            ));
        }
        set(&mut out.tolerance, "--tolerance", &self.tolerance)?;
        set_named(&mut out.precision, "--precision", &self.precision, "i8, f16 or f32")?;
        out.seed = seed.unwrap_or(out.seed);
        // Range errors are worth telling before the corpus is read.
        out.vectoriser(0, None)?;
        out.linear()?;
        Ok(out)
    }
}
