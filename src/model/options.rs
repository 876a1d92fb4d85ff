//! What a user can choose about training, with the defaults; the command line and the configuration file read them from here.
//!
//! Flows in: options by name. Flows out: checked parameters for the rooms below, once the corpus's language is known.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::features::{Frequency, VectoriserParams, VectoriserValidParams};
use crate::linear::{LinearParams, LinearValidParams, Loss};
use crate::text::{AnalyserSettings, Language, NgramRange, Stemming};

/// A number, or `auto`: chosen from the data.
///
/// ```
/// use rapporteur::model::Choice;
/// assert_eq!("auto".parse::<Choice>()?, Choice::Auto);
/// assert_eq!("0.5".parse::<Choice>()?, Choice::Value(0.5));
/// # Ok::<(), rapporteur::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "NumberOrText", into = "String")]
pub enum Choice {
    /// Chosen by cross-validation inside training.
    #[default]
    Auto,
    /// This.
    Value(f64),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(f64),
    Text(String),
}

impl TryFrom<NumberOrText> for Choice {
    type Error = Error;

    fn try_from(raw: NumberOrText) -> Result<Self> {
        match raw {
            NumberOrText::Number(x) => Ok(Choice::Value(x)),
            NumberOrText::Text(s) => s.parse(),
        }
    }
}

impl From<Choice> for String {
    fn from(choice: Choice) -> String {
        choice.to_string()
    }
}

impl FromStr for Choice {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self> {
        if s == "auto" {
            return Ok(Choice::Auto);
        }
        match s.parse::<f64>() {
            Ok(x) if x.is_finite() && x >= 0.0 => Ok(Choice::Value(x)),
            _ => Err(Error::parameter("value", format!("{s:?}"), "auto or a number of at least 0")),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Choice::Auto => f.write_str("auto"),
            Choice::Value(x) => write!(f, "{x}"),
        }
    }
}

/// How much each label counts in training.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LabelWeights {
    /// n / (labels * rows of the label), before the factors below.
    pub balanced: bool,
    /// Factors of single topics.
    pub topic: BTreeMap<String, f64>,
    /// Factors of single stances.
    pub stance: BTreeMap<String, f64>,
}

impl LabelWeights {
    /// Takes in one word of `--class-weight`: `none`, `balanced`, `topic:LABEL=X` or `stance:LABEL=X`.
    ///
    /// # Errors
    /// When it is none of these, or X no number from 0 to a million.
    pub fn add(&mut self, word: &str) -> Result<()> {
        let wrong = || {
            Error::parameter(
                "class_weight",
                format!("{word:?}"),
                "none, balanced, topic:LABEL=X or stance:LABEL=X, X from 0 to 1e6",
            )
        };
        match word {
            "none" => self.balanced = false,
            "balanced" => self.balanced = true,
            _ => {
                let (head, rest) = word.split_once(':').ok_or_else(wrong)?;
                let (label, x) = rest.rsplit_once('=').ok_or_else(wrong)?;
                let x = x.trim().parse::<f64>().ok().filter(is_factor).ok_or_else(wrong)?;
                let factors = match head {
                    "topic" => &mut self.topic,
                    "stance" => &mut self.stance,
                    _ => return Err(wrong()),
                };
                factors.insert(label.trim().to_owned(), x);
            }
        }
        Ok(())
    }
}

/// Whether a label may count so much.
fn is_factor(x: &f64) -> bool {
    (0.0..=1e6).contains(x)
}

/// How probabilities are mended after training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CalibrationMethod {
    /// Whichever of the others has the lowest log loss out of fold.
    #[default]
    Auto,
    /// One factor for all scores.
    Temperature,
    /// A factor and an offset for each label (of three and more, vector scaling: Guo et al. 2017, *On calibration of modern neural networks*). The factors are worked into the weights, so that they take part in decisions and explanations.
    Platt,
    /// One factor for all scores, and then a curve for each label, see [`crate::linear::IsotonicRegression`]. `auto` takes it for 2,000 rows and more, and at most 60 labels.
    Isotonic,
    /// As they come.
    None,
}

/// What a stance is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StanceScope {
    /// Of the topic written: P(stance | topic).
    #[default]
    Given,
    /// Of the paragraph, where stances mean the same for every topic: the sum over topics of P(topic) P(stance | topic). A wrong topic then costs less.
    Global,
}

/// How topic and stance are decided, by a model that has both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decoding {
    /// Together where that is better out of fold, by more than one standard error of the gain; else the topic first.
    #[default]
    Auto,
    /// The best topic, then its best stance.
    TopicFirst,
    /// The pair with the highest P(topic) P(stance | topic), leaning toward rare pairs where that helps. A topic less probable may win by a stance that fits it better.
    Joint,
}

/// How features are weighted before a classifier is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeatureWeighting {
    /// By naive Bayes, unless the log loss out of fold is lower without.
    #[default]
    Auto,
    /// All the same.
    None,
    /// By how far a feature tells the labels apart: softened log-count ratios of naive Bayes (Wang and Manning 2012, *Baselines and bigrams*).
    Nb,
}

/// How exactly the model file keeps its weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Whole numbers of eight bits times a step, and sixteen bits for the few weights that are too great for that: a quarter of the size;
    /// probabilities change by less than 0.001.
    #[default]
    I8,
    /// Half precision: half the size; probabilities change in the fourth decimal at most.
    F16,
    /// As trained.
    F32,
}

/// Everything that can be chosen about training; `Default` is what the command line does.
///
/// ```
/// use rapporteur::model::TrainOptions;
/// let options = TrainOptions { min_df: Some(rapporteur::features::Frequency::Count(3)), ..Default::default() };
/// assert!(options.vectoriser(1_000, None).is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainOptions {
    /// Lengths of word n-grams; `None` for no word block.
    pub word_ngrams: Option<NgramRange>,
    /// Lengths of character n-grams within word bounds; `None` for no character block.
    pub char_ngrams: Option<NgramRange>,
    /// Stemmer of the word block.
    pub stemmer: Stemming,
    /// Forms left out of the word block (already analysed, see [`crate::text::stop_words_from`]).
    pub stop_words: Vec<String>,
    /// Whether words in a negation's scope are terms of their own.
    pub mark_negation: bool,
    /// Terms of fewer paragraphs are left out; `None`: by the size of the corpus, see [`TrainOptions::SMALL`].
    pub min_df: Option<Frequency>,
    /// Terms of more paragraphs are left out.
    pub max_df: Frequency,
    /// At most so many terms a block.
    pub max_features: Option<usize>,
    /// Count terms as 1 + ln(count).
    pub sublinear_tf: bool,
    /// Length of the character block of a row; that of the word block is 1.
    pub char_weight: f64,
    /// Paragraphs before and after a row, of its document, whose text is a block of features; 0: none.
    pub context: usize,
    /// Loss of a row.
    pub classifier: Loss,
    /// Loss of a row of the stance head; `None`: that of `classifier`.
    pub stance_classifier: Option<Loss>,
    /// Inverse strength of the penalty, for each head: from 1e-9 to 1e9.
    pub c: Choice,
    /// How features are weighted.
    pub feature_weighting: FeatureWeighting,
    /// How much each label counts.
    pub class_weight: LabelWeights,
    /// How far each topic's stance weights may depart from the shared ones; 0: not at all, at most 1,000. Of more than 255 topics none departs, whatever is asked for.
    pub topic_departure: Choice,
    /// How probabilities are mended.
    pub calibration: CalibrationMethod,
    /// Whether decisions lean toward rare labels as far as helps macro-F1, tempered by accuracy.
    pub thresholds: bool,
    /// Whether topic and stance are decided together.
    pub decoding: Decoding,
    /// Whether a stance is that of the topic written, or summed over topics. Where topics are summed over, they are decided first.
    pub stance_scope: StanceScope,
    /// Relative duality gap at which the final fit stops.
    pub tolerance: f64,
    /// How exactly the model file keeps its weights.
    pub precision: Precision,
    /// Seed of everything random.
    pub seed: u64,
}

impl Default for TrainOptions {
    fn default() -> Self {
        TrainOptions {
            word_ngrams: NgramRange::new(1, 2).ok(),
            char_ngrams: NgramRange::new(2, 5).ok(),
            stemmer: Stemming::Auto,
            stop_words: Vec::new(),
            mark_negation: false,
            min_df: None,
            max_df: Frequency::Share(1.0),
            max_features: None,
            sublinear_tf: true,
            char_weight: 1.0,
            context: 0,
            classifier: Loss::Svm,
            stance_classifier: None,
            c: Choice::Auto,
            feature_weighting: FeatureWeighting::Auto,
            class_weight: LabelWeights::default(),
            topic_departure: Choice::Auto,
            calibration: CalibrationMethod::Auto,
            thresholds: true,
            decoding: Decoding::Auto,
            stance_scope: StanceScope::Given,
            tolerance: 5e-3,
            precision: Precision::I8,
            seed: 42,
        }
    }
}

impl TrainOptions {
    /// Corpora of at most so many paragraphs keep every term (`min_df` 1), larger ones those of two paragraphs (`min_df` 2).
    ///
    /// Terms of one paragraph help small corpora (a unique term takes up part of its paragraph, which keeps the weights of the
    /// others from fitting it too closely), and are most of the memory of large ones.
    pub const SMALL: usize = 20_000;

    /// The largest `context`: what is farther away is no context, and classifying holds so many rows before and after.
    pub const MOST_CONTEXT: usize = 100;

    /// The largest `topic_departure`.
    const MOST_DEPARTURE: f64 = 1e3;

    /// Parameters of the vectoriser, for a corpus of so many paragraphs in this language (`None`: mixed or unknown).
    ///
    /// # Errors
    /// When an option is out of range.
    pub fn vectoriser(&self, paragraphs: usize, language: Option<Language>) -> Result<VectoriserValidParams> {
        let by_size = Frequency::Count(if paragraphs <= Self::SMALL { 1 } else { 2 });
        let stemmer = match self.stemmer {
            Stemming::Auto => language,
            Stemming::None => None,
            Stemming::Of(language) => Some(language),
        };
        let analyser = AnalyserSettings {
            stemmer,
            language: stemmer.or(language),
            stop_words: self.stop_words.iter().cloned().collect(),
            mark_negation: self.mark_negation,
        };
        VectoriserParams::default()
            .analyser(analyser)
            .word_ngrams(self.word_ngrams)
            .char_ngrams(self.char_ngrams)
            .min_df(self.min_df.unwrap_or(by_size))
            .max_df(self.max_df)
            .max_features(self.max_features)
            .sublinear_tf(self.sublinear_tf)
            .char_weight(self.char_weight)
            .check()
    }

    /// Whether topic and stance may be decided together.
    pub(super) fn decides_pairs(&self) -> bool {
        self.decoding != Decoding::TopicFirst && self.stance_scope == StanceScope::Given
    }

    /// The options as the stance head takes them.
    pub(super) fn of_stance(&self) -> TrainOptions {
        TrainOptions { classifier: self.stance_classifier.unwrap_or(self.classifier), ..self.clone() }
    }

    /// Parameters of a classifier; `C` is 1 where it is to be chosen.
    ///
    /// # Errors
    /// When an option is out of range.
    pub fn linear(&self) -> Result<LinearValidParams> {
        let factors = &self.class_weight;
        if let Some(x) = factors.topic.values().chain(factors.stance.values()).find(|x| !is_factor(x)) {
            return Err(Error::parameter("class_weight", x, "numbers from 0 to 1e6"));
        }
        if let Choice::Value(x) = self.topic_departure
            && !(0.0..=Self::MOST_DEPARTURE).contains(&x)
        {
            return Err(Error::parameter("topic_departure", x, "auto or a number from 0 to 1000"));
        }
        let c = match self.c {
            Choice::Auto => 1.0,
            Choice::Value(c) => c,
        };
        LinearParams::default().loss(self.classifier).c(c).tolerance(self.tolerance).seed(self.seed).check()
    }
}
