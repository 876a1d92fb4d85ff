//! Labelled corpora: what training and evaluation read.
//!
//! Flows in: one or more files with the same header, and which columns hold what. Flows out: [`LabelledRow`]s, each
//! with its place. Reading and looking are two types: [`LabelledReader`] fills batches, one thread at a time, and
//! [`LabelledColumns`], cheap to clone, takes rows out of a batch on whatever thread has it.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use super::columns::{ColumnNames, Missing, join_text, listed};
use super::format::Format;
use super::pace::Pace;
use super::records::{Batch, ReadOptions, RecordReader, open_as};
use super::side_columns::{Side, SideColumns, SideIndices};
use super::topic_cell::{TopicStance, parse_topics};
use crate::error::{Error, Place, Result};

/// The largest weight of a row: beyond it, sums of weights would lose the other rows.
const MOST_WEIGHT: f64 = 1e6;

/// Which columns hold what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelColumns {
    /// Columns that make the text, joined in this order.
    pub text: Vec<String>,
    /// Column of the topic; `None` for corpora without.
    pub topic: Option<String>,
    /// Column of the stance; `None` for corpora without.
    pub stance: Option<String>,
    /// Column that says which rows belong together, such as a document or a speaker.
    pub group: Option<String>,
    /// Column of the row's weight.
    pub weight: Option<String>,
    /// Columns beside text and labels that become features.
    pub side: SideColumns,
    /// Cells that stand for no label.
    pub missing: Missing,
    /// Whether a cell of the topic column holds several topics with their stances, see [`super::parse_topics`].
    pub multi_label: bool,
}

impl Default for LabelColumns {
    /// `text`, `topic` and `stance`, one label a cell.
    fn default() -> Self {
        LabelColumns {
            text: vec!["text".to_owned()],
            topic: Some("topic".to_owned()),
            stance: Some("stance".to_owned()),
            group: None,
            weight: None,
            side: SideColumns::default(),
            missing: Missing::default(),
            multi_label: false,
        }
    }
}

/// Several files read as one corpus.
///
/// ```
/// use rapporteur::corpus::{Batch, LabelColumns, LabelledReader, ReadOptions};
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("corpus.csv").display().to_string();
/// std::fs::write(&path, "text,topic,stance\nWe support the plan., peace ,NA\n").unwrap();
/// let mut reader = LabelledReader::open(&[path], &LabelColumns::default(), &ReadOptions::default())?;
/// let columns = reader.columns().clone();
/// let mut batch = Batch::new();
/// while reader.read(&mut batch, 1000, 1 << 20)? {
///     for i in 0..batch.len() {
///         let row = columns.row(&batch, i)?;
///         assert_eq!((&*row.text, row.topic, row.stance), ("We support the plan.", Some("peace"), None));
///     }
/// }
/// # Ok::<(), rapporteur::Error>(())
/// ```
pub struct LabelledReader {
    header: Vec<String>,
    columns: LabelledColumns,
    readers: VecDeque<Box<dyn RecordReader>>,
    batches: u64,
    pace: Pace,
}

impl LabelledReader {
    /// Opens the files and finds the columns. All are opened at once, so that a header that differs is reported before
    /// hours of work.
    ///
    /// # Errors
    /// When a file cannot be opened, a column is missing, or headers differ.
    pub fn open(paths: &[String], columns: &LabelColumns, options: &ReadOptions) -> Result<LabelledReader> {
        LabelledReader::open_with(paths, &columns.text, options, |_| columns.clone())
    }

    /// As [`LabelledReader::open`], for those who do with what labels there are: `choose` sees the header and says which
    /// columns hold what. `text` names the columns of the text.
    ///
    /// # Errors
    /// As [`LabelledReader::open`].
    pub fn open_with(
        paths: &[String],
        text: &[String],
        options: &ReadOptions,
        choose: impl FnOnce(&[String]) -> LabelColumns,
    ) -> Result<LabelledReader> {
        let options = ReadOptions { columns: text.to_vec(), ..options.clone() };
        let pace = Pace::new(paths, &options.log);
        let mut readers: VecDeque<Box<dyn RecordReader>> = VecDeque::with_capacity(paths.len());
        for path in paths {
            let reader = open_as(path, &options, Some(Format::Csv))?;
            if let Some(first) = readers.front() {
                same_header(first.name(), first.header(), reader.as_ref())?;
            }
            readers.push_back(reader);
        }
        let Some(first) = readers.front() else {
            return Err(Error::corpus(
                "no corpus was given",
                "name a file with a header line, or - for standard input",
            ));
        };
        let header = first.header().to_vec();
        let columns = LabelledColumns::resolve(first.name(), &header, &choose(&header))?;
        Ok(LabelledReader { header, columns, readers, batches: 0, pace })
    }

    /// Names of the columns, the same in all files.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// What takes rows out of batches.
    pub fn columns(&self) -> &LabelledColumns {
        &self.columns
    }

    /// How fast its rows go by.
    pub fn pace(&self) -> Pace {
        self.pace.clone()
    }

    /// Fills `batch` with the next rows, as [`RecordReader::read`]; [`Batch::sequence`] counts through all files. A
    /// batch has rows of one file only.
    ///
    /// # Errors
    /// A row that cannot be read, with its place.
    pub fn read(&mut self, batch: &mut Batch, max_rows: usize, max_bytes: usize) -> Result<bool> {
        while let Some(reader) = self.readers.front_mut() {
            if reader.read(batch, max_rows, max_bytes)? {
                batch.set_sequence(self.batches);
                self.batches += 1;
                return Ok(true);
            }
            self.readers.pop_front();
        }
        Ok(false)
    }
}

/// Checks that a file read after another has its columns, by the other's name and header.
///
/// # Errors
/// When it has not, with what differs.
pub fn same_header(name: &str, header: &[String], other: &dyn RecordReader) -> Result<()> {
    if header == other.header() {
        return Ok(());
    }
    let lacking = |from: &[String], of: &[String]| of.iter().filter(|c| !from.contains(c)).cloned().collect::<Vec<_>>();
    let (less, more) = (lacking(other.header(), header), lacking(header, other.header()));
    let mut problem = format!("the header differs from that of {name}");
    if !less.is_empty() {
        problem += &format!("; it lacks {}", listed(&less));
    }
    if !more.is_empty() {
        problem += &format!("; it has also {}", listed(&more));
    }
    if less.is_empty() && more.is_empty() {
        problem += &format!("; its columns are in another order: {}", listed(other.header()));
    }
    Err(Error::input(Place::file(other.name()), problem, "files read together need the same columns in the same order"))
}

/// Where in a record everything is.
#[derive(Debug, Clone)]
pub struct LabelledColumns(Arc<Indices>);

#[derive(Debug)]
struct Indices {
    text: Vec<usize>,
    topic: Option<usize>,
    stance: Option<usize>,
    group: Option<usize>,
    weight: Option<(usize, String)>,
    side: SideIndices,
    missing: Missing,
    /// Name of the topic column, where its cells hold several topics.
    multi_label: Option<String>,
}

impl LabelledColumns {
    /// Finds the columns in the header of a file.
    ///
    /// # Errors
    /// When one is missing, with the columns found and the nearest name.
    pub fn resolve(file: &str, header: &[String], columns: &LabelColumns) -> Result<Self> {
        let names = ColumnNames::new(file, header);
        let find = |name: &Option<String>, option| name.as_deref().map(|n| names.find(n, option)).transpose();
        let find_label = |name: &Option<String>, option: &str| {
            let mend = |near: Option<&str>| match near {
                Some(near) => format!("did you mean {option} {near:?}? If there is none, say {option} none"),
                None => format!("name one of them with {option}, or say {option} none"),
            };
            name.as_deref().map(|n| names.find_or(n, mend)).transpose()
        };
        let weight = find(&columns.weight, "--weight-column")?;
        Ok(LabelledColumns(Arc::new(Indices {
            text: names.find_all(&columns.text, "--text-column")?,
            topic: find_label(&columns.topic, "--topic-column")?,
            // Cells of several topics bring their stances.
            stance: find_label(&columns.stance.clone().filter(|_| !columns.multi_label), "--stance-column")?,
            group: find(&columns.group, "--group-column")?,
            weight: weight.zip(columns.weight.clone()),
            side: columns.side.resolve(&names)?,
            missing: columns.missing.clone(),
            multi_label: columns.topic.clone().filter(|_| columns.multi_label),
        })))
    }

    /// Row `i` of a batch.
    ///
    /// # Errors
    /// When its weight is not a number, or is negative or too large, or its topics cannot be read.
    pub fn row<'a>(&self, batch: &'a Batch, i: usize) -> Result<LabelledRow<'a>> {
        let record = batch.record(i);
        let label = |column: Option<usize>| self.0.missing.label(record.get(column?)?);
        let weight = match &self.0.weight {
            None => 1.0,
            Some((column, name)) => {
                let cell = record.get(*column).unwrap_or_default().trim();
                cell.parse().ok().filter(|w: &f64| (0.0..=MOST_WEIGHT).contains(w)).ok_or_else(|| {
                    Error::input(
                        batch.place(i).field(name),
                        format!("the weight is {cell:?}, expected a number from 0 to a million"),
                        "correct the cell, or leave --weight-column away to count every row once",
                    )
                })?
            }
        };
        let topics = match &self.0.multi_label {
            None => None,
            Some(name) => {
                let cell = self.0.topic.and_then(|column| record.get(column)).unwrap_or_default();
                parse_topics(cell, &self.0.missing)
                    .map_err(|bad| Error::input(batch.place(i).field(name), bad.problem, bad.mend))?
            }
        };
        let alone = self.0.multi_label.is_none();
        Ok(LabelledRow {
            text: join_text(record, &self.0.text),
            topic: label(self.0.topic.filter(|_| alone)),
            stance: label(self.0.stance.filter(|_| alone)),
            topics,
            group: label(self.0.group),
            weight,
            side: self.0.side.of(record),
            file: batch.name(),
            line: batch.line(i),
            number: batch.first_row() + i as u64,
        })
    }
}

/// A row of a labelled corpus. Labels are trimmed, and `None` where they are missing.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledRow<'a> {
    /// The text, as written.
    pub text: Cow<'a, str>,
    /// What it is about.
    pub topic: Option<&'a str>,
    /// Where its speaker stands.
    pub stance: Option<&'a str>,
    /// In place of the two, where cells hold several topics: what the cell says, if it says anything.
    pub topics: Option<Vec<TopicStance<'a>>>,
    /// What it belongs to.
    pub group: Option<&'a str>,
    /// How much it counts, 1 unless a column says otherwise.
    pub weight: f64,
    /// What other columns say of it.
    pub side: Side<'a>,
    /// The file as the user gave it.
    pub file: &'a str,
    /// The line it begins on; 0 where paragraphs of plain text have none.
    pub line: u64,
    /// Number of the row in its file, from 1.
    pub number: u64,
}

impl LabelledRow<'_> {
    /// Where the row is, for an error.
    pub fn place(&self) -> Place {
        let place = Place::file(self.file);
        if self.line == 0 { place } else { place.line(self.line) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Corpora(tempfile::TempDir);

    impl Corpora {
        fn of(files: &[(&str, &str)]) -> (Self, Vec<String>) {
            let directory = tempfile::tempdir().unwrap();
            let path = |name: &str| directory.path().join(name).display().to_string();
            let paths = files.iter().map(|(name, content)| {
                std::fs::write(path(name), content).unwrap();
                path(name)
            });
            let paths = paths.collect();
            (Corpora(directory), paths)
        }
    }

    fn message(files: &[(&str, &str)], columns: &LabelColumns) -> String {
        let (corpora, paths) = Corpora::of(files);
        let result = LabelledReader::open(&paths, columns, &ReadOptions::default()).and_then(|mut reader| {
            let mut batch = Batch::new();
            while reader.read(&mut batch, 10, 1000)? {
                (0..batch.len()).try_for_each(|i| reader.columns().row(&batch, i).map(drop))?;
            }
            Ok(())
        });
        result.unwrap_err().to_string().replace(&format!("{}/", corpora.0.path().display()), "")
    }

    #[test]
    fn several_files_are_read_as_one() {
        let columns = LabelColumns {
            text: vec!["title".into(), "text".into()],
            group: Some("speaker".into()),
            weight: Some("n".into()),
            ..Default::default()
        };
        let header = "title,text,topic,stance,speaker,n\n";
        let (_corpora, paths) = Corpora::of(&[
            ("a.csv", &format!("{header}T,a, trade & aid ,NA,s1,2\n,b,x,,,0.5\n")),
            ("b.csv", header),
            ("c", &format!("{header},c,y,support,s2, 1e3 \n")),
        ]);
        let mut reader = LabelledReader::open(&paths, &columns, &ReadOptions::default()).unwrap();
        let view = reader.columns().clone();
        let (mut batch, mut rows) = (Batch::new(), Vec::new());
        while reader.read(&mut batch, 1, 1000).unwrap() {
            let row = view.row(&batch, 0).unwrap();
            let labels = [row.topic, row.stance, row.group].map(|l| l.unwrap_or("-").to_owned()).join("|");
            rows.push((batch.sequence(), row.text.to_string(), labels, row.weight, row.line, row.number));
        }
        let expected = [
            (0, "T a", "trade & aid|-|s1", 2.0, 2, 1),
            (1, "b", "x|-|-", 0.5, 3, 2),
            (2, "c", "y|support|s2", 1000.0, 2, 1),
        ];
        assert_eq!(rows, expected.map(|(s, t, l, w, i, n)| (s, t.to_owned(), l.to_owned(), w, i, n)));
    }

    #[test]
    fn headers_that_differ_are_refused() {
        let columns = LabelColumns::default();
        let said = message(&[("a.csv", "text,topic,stance\n"), ("b.csv", "text,topics,stance,id\n")], &columns);
        assert!(
            said.starts_with(
                "b.csv: the header differs from that of a.csv; it lacks \"topic\"; it has also \"topics\", \"id\"\n"
            ),
            "{said}"
        );
        let said = message(&[("a.csv", "text,topic,stance\n"), ("b.csv", "topic,text,stance\n")], &columns);
        assert!(said.contains("in another order: \"topic\", \"text\", \"stance\""), "{said}");
        assert!(message(&[], &columns).starts_with("no corpus was given"));
    }

    #[test]
    fn missing_columns_and_bad_weights_are_refused_with_their_place() {
        let columns = LabelColumns { weight: Some("n".into()), ..Default::default() };
        let said = message(&[("a.csv", "text,topic,position,n\n")], &columns);
        assert!(said.starts_with("a.csv: there is no column \"stance\"; the columns are \"text\","), "{said}");
        assert!(said.ends_with("name one of them with --stance-column, or say --stance-column none"), "{said}");
        for weight in ["-1", "", "inf", "many", "1e300"] {
            let said = message(&[("a.csv", &format!("text,topic,stance,n\na,b,c,1\na,b,c,{weight}\n"))], &columns);
            assert!(
                said.starts_with(&format!("a.csv, line 3, column \"n\": the weight is {weight:?}, expected")),
                "{said}"
            );
        }
    }
    #[test]
    fn cells_of_several_topics_are_read_or_refused_with_their_place() {
        let columns = LabelColumns { multi_label: true, ..Default::default() };
        let (_corpora, paths) = Corpora::of(&[("a.csv", "text,topic\na,x:pro|y\nb,-\nc,NA\n")]);
        let mut reader = LabelledReader::open(&paths, &columns, &ReadOptions::default()).unwrap();
        let (view, mut batch) = (reader.columns().clone(), Batch::new());
        assert!(reader.read(&mut batch, 10, 1000).unwrap());
        let topics: Vec<_> = (0..3).map(|i| view.row(&batch, i).unwrap().topics).collect();
        assert_eq!((topics[0].as_ref().map(Vec::len), &topics[1], &topics[2]), (Some(2), &Some(Vec::new()), &None));
        let said = message(&[("a.csv", "text,topic\na,x\na,x:pro|x:con\n")], &columns);
        assert!(said.starts_with("a.csv, line 3, column \"topic\": the topic \"x\" has two stances"), "{said}");
    }
}
