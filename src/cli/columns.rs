//! Which columns hold what: the options that `train` and `evaluate` share.

use clap::Args;
use rapporteur::corpus::{
    DEFAULT_MAX_WORDS, Delimiter, Format, LabelColumns, LabelledReader, ReadOptions, SideColumns,
};
use serde::{Deserialize, Serialize};

use super::reading::Reading;
use super::typed::{list, text};
use rapporteur::{Error, Result};

/// Options about the columns of a labelled file.
#[derive(Args, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[command(next_help_heading = "Columns")]
pub struct ColumnArgs {
    /// Column of the text; several, separated by commas, are joined [default: text]
    #[arg(long, value_name = "COLUMN,...")]
    #[serde(deserialize_with = "text")]
    pub text_column: Option<String>,
    /// Column of the topic, or `none` [default: topic]
    #[arg(long, value_name = "COLUMN")]
    #[serde(deserialize_with = "text")]
    pub topic_column: Option<String>,
    /// Column of the stance, or `none` [default: stance]
    #[arg(long, value_name = "COLUMN")]
    #[serde(deserialize_with = "text")]
    pub stance_column: Option<String>,
    /// Cells of the topic column hold several topics, each perhaps with a stance: topic:stance|topic:stance; `-` for none of them [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    #[serde(deserialize_with = "text")]
    pub multi_label: Option<String>,
    /// Column that says which rows belong together (document, speaker): they are never split by folds [default: the document column]
    #[arg(long, value_name = "COLUMN")]
    #[serde(deserialize_with = "text")]
    pub group_column: Option<String>,
    /// Column with the weight of each row
    #[arg(long, value_name = "COLUMN")]
    #[serde(deserialize_with = "text")]
    pub weight_column: Option<String>,
    /// Column that names the document of a row, for --context: rows of a document stand together, in its order
    #[arg(long, value_name = "COLUMN")]
    #[serde(deserialize_with = "text")]
    pub document_column: Option<String>,
    /// Columns whose text is the context of a row, a block of features of its own (instead of --context)
    #[arg(long, value_name = "COLUMN,...")]
    #[serde(deserialize_with = "text")]
    pub context_columns: Option<String>,
    /// Columns whose values are features, such as speaker,party; they can leak the labels
    #[arg(long, value_name = "COLUMN,...")]
    #[serde(deserialize_with = "text")]
    pub feature_columns: Option<String>,
    /// Cells that mean "no label", separated by commas; an empty cell always does [default: ,NA]
    #[arg(long, value_name = "LIST")]
    #[serde(deserialize_with = "text")]
    pub missing: Option<String>,
    /// What separates the cells: auto, a character, or tab [default: auto]
    #[arg(long, value_name = "CHAR")]
    #[serde(deserialize_with = "text")]
    pub delimiter: Option<String>,
    /// Format of the files: csv, tsv or jsonl [default: by extension]
    #[arg(long, value_name = "FORMAT")]
    #[serde(deserialize_with = "text")]
    pub format: Option<String>,
}

impl ColumnArgs {
    /// These, and for what they leave open, `others`.
    pub fn or(self, others: ColumnArgs) -> ColumnArgs {
        ColumnArgs {
            text_column: self.text_column.or(others.text_column),
            topic_column: self.topic_column.or(others.topic_column),
            stance_column: self.stance_column.or(others.stance_column),
            multi_label: self.multi_label.or(others.multi_label),
            group_column: self.group_column.or(others.group_column),
            weight_column: self.weight_column.or(others.weight_column),
            document_column: self.document_column.or(others.document_column),
            context_columns: self.context_columns.or(others.context_columns),
            feature_columns: self.feature_columns.or(others.feature_columns),
            missing: self.missing.or(others.missing),
            delimiter: self.delimiter.or(others.delimiter),
            format: self.format.or(others.format),
        }
    }

    /// Whether cells hold several topics.
    pub fn multi_label(&self) -> Result<bool> {
        match self.multi_label.as_deref().map(str::trim) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(Error::usage(format!("--multi-label is {other:?}, expected true or false"))),
        }
    }

    /// Refuses cells of several topics, for a command that knows one topic a row; `mend` says what to do instead.
    pub fn check_single(&self, command: &str, mend: &str) -> Result<()> {
        if self.multi_label()? {
            return Err(Error::usage(format!("{command} knows one topic a row and no --multi-label; {mend}")));
        }
        Ok(())
    }

    /// The columns, with the library's defaults.
    pub fn columns(&self) -> Result<LabelColumns> {
        let multi_label = self.multi_label()?;
        if let Some(column) = self.stance_column.as_deref().filter(|name| multi_label && *name != "none") {
            return Err(Error::usage(format!(
                "with --multi-label stances stand in the topic cells (topic:stance|topic:stance); leave --stance-column {column} away"
            )));
        }
        if multi_label && self.topic_column.as_deref() == Some("none") {
            return Err(Error::usage("--multi-label needs a topic column; leave --topic-column none away"));
        }
        let default = LabelColumns::default();
        let label = |given: &Option<String>, default: Option<String>| match given.as_deref() {
            None => default,
            Some("none") => None,
            Some(name) => Some(name.to_owned()),
        };
        let columns = LabelColumns {
            text: self.text_column.as_deref().map_or(default.text, list),
            topic: label(&self.topic_column, default.topic),
            stance: label(&self.stance_column, default.stance).filter(|_| !multi_label),
            group: label(&self.group_column, self.document_column.clone()),
            weight: label(&self.weight_column, None),
            side: SideColumns {
                document: self.document_column.clone(),
                context: self.context_columns.as_deref().map_or(Vec::new(), list),
                features: self.feature_columns.as_deref().map_or(Vec::new(), list),
            },
            missing: self.missing.as_deref().map_or(Ok(default.missing), str::parse)?,
            multi_label,
        };
        if columns.text.is_empty() {
            return Err(Error::usage("--text-column names no column"));
        }
        for (option, label) in [("--topic-column", &columns.topic), ("--stance-column", &columns.stance)] {
            if let Some(name) = label.as_ref().filter(|name| columns.text.contains(name)) {
                return Err(Error::usage(format!("{option} and --text-column both name {name:?}; a text is no label")));
            }
        }
        for name in &columns.side.features {
            if [&columns.topic, &columns.stance].into_iter().flatten().any(|label| label == name) {
                return Err(Error::usage(format!("--feature-columns names {name:?}, which is what is to be learnt")));
            }
        }
        Ok(columns)
    }

    /// Opens files whose label columns may be absent, unless they were named.
    pub fn open_leniently(&self, paths: &[String], reading: &Reading) -> Result<LabelledReader> {
        let wanted = self.columns()?;
        let text = wanted.text.clone();
        let options = reading.options(self.read_options()?);
        LabelledReader::open_with(paths, &text, &options, |header| {
            let there = |label: Option<String>, named: &Option<String>| {
                label.filter(|name| named.is_some() || header.contains(name))
            };
            let topic = there(wanted.topic, &self.topic_column);
            let stance = there(wanted.stance, &self.stance_column);
            LabelColumns { topic, stance, ..wanted }
        })
    }

    /// How to read the files.
    pub fn read_options(&self) -> Result<ReadOptions> {
        read_options(self.format.as_deref(), self.delimiter.as_deref(), None)
    }
}

/// How to read files, from what was typed.
pub fn read_options(format: Option<&str>, delimiter: Option<&str>, max_words: Option<usize>) -> Result<ReadOptions> {
    Ok(ReadOptions {
        format: format.map(str::parse::<Format>).transpose()?,
        delimiter: delimiter.map_or(Ok(Delimiter::Auto), str::parse)?,
        max_words: max_words.unwrap_or(DEFAULT_MAX_WORDS),
        ..Default::default()
    })
}
