//! The codebook: what each topic's stance is toward.
//!
//! Flows in: a CSV file `topic,target,description`. Flows out: [`Codebook`], in the file's order. "Support" means
//! nothing by itself; the target is the proposition that it supports, so the model keeps the codebook it was trained
//! under.

use serde::{Deserialize, Serialize};

use super::columns::ColumnNames;
use super::format::Format;
use super::records::{Batch, ReadOptions, open_as};
use crate::error::{Error, Place, Result};

/// A topic of the codebook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodebookEntry {
    /// The label, as the corpus has it.
    pub topic: String,
    /// The proposition that stances toward this topic support or oppose.
    pub target: String,
    /// What belongs to the topic; may be empty.
    pub description: String,
}

/// Topics with their targets, in the order of the file; no topic twice.
///
/// ```
/// use rapporteur::corpus::Codebook;
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("codebook.csv").display().to_string();
/// std::fs::write(&path, "topic,target,description\nclimate,Emissions should fall fast,Warming\n").unwrap();
/// let codebook = Codebook::read(&path)?;
/// assert_eq!(codebook.get("climate").map(|entry| entry.target.as_str()), Some("Emissions should fall fast"));
/// # Ok::<(), rapporteur::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<CodebookEntry>", into = "Vec<CodebookEntry>")]
pub struct Codebook {
    entries: Vec<CodebookEntry>,
}

impl Codebook {
    /// Reads a codebook. Columns `topic` and `target` are needed, `description` is kept where it is, others are passed
    /// over.
    ///
    /// # Errors
    /// When the file cannot be read, a column is missing, or a topic is empty or given twice.
    pub fn read(path: &str) -> Result<Codebook> {
        let options = ReadOptions { columns: vec!["topic".to_owned()], ..ReadOptions::default() };
        let mut reader = open_as(path, &options, Some(Format::Csv))?;
        let names = ColumnNames::new(reader.name(), reader.header());
        let find = |name: &str| {
            names.find_or(name, |near| match near {
                Some(near) => format!("rename {near:?} to {name:?} in the header"),
                None => format!("name the column {name:?} in the header"),
            })
        };
        let (topic, target, description) = (find("topic")?, find("target")?, names.position("description"));
        let mut codebook = Codebook::default();
        let mut lines: Vec<u64> = Vec::new();
        let mut batch = Batch::new();
        while reader.read(&mut batch, 1000, 1 << 20)? {
            for i in 0..batch.len() {
                let cell = |column| batch.record(i).get(column).unwrap_or_default().trim().to_owned();
                let topic = cell(topic);
                if topic.is_empty() {
                    return Err(Error::input(
                        batch.place(i).field("topic"),
                        "the topic is empty",
                        "name it, or take the row out",
                    ));
                }
                if let Some(first) = codebook.entries.iter().position(|entry| entry.topic == topic) {
                    let problem = format!("topic {topic:?} is on line {} already", lines[first]);
                    return Err(Error::input(batch.place(i).field("topic"), problem, "take one of the two rows out"));
                }
                codebook.entries.push(CodebookEntry {
                    topic,
                    target: cell(target),
                    description: description.map(cell).unwrap_or_default(),
                });
                lines.push(batch.line(i));
            }
        }
        if codebook.entries.is_empty() {
            return Err(Error::input(
                Place::file(reader.name()),
                "the codebook has no topics",
                "write a row for each topic",
            ));
        }
        Ok(codebook)
    }

    /// Its topics, in order.
    pub fn entries(&self) -> &[CodebookEntry] {
        &self.entries
    }

    /// The entry of a topic.
    pub fn get(&self, topic: &str) -> Option<&CodebookEntry> {
        self.entries.iter().find(|entry| entry.topic == topic)
    }

    /// True when it has no topics.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl TryFrom<Vec<CodebookEntry>> for Codebook {
    type Error = Error;

    fn try_from(entries: Vec<CodebookEntry>) -> Result<Self> {
        for (i, entry) in entries.iter().enumerate() {
            if entries[..i].iter().any(|e| e.topic == entry.topic) {
                let problem = format!("the codebook has topic {:?} twice", entry.topic);
                return Err(Error::corpus(problem, "take one of the two out"));
            }
        }
        Ok(Codebook { entries })
    }
}

impl From<Codebook> for Vec<CodebookEntry> {
    fn from(codebook: Codebook) -> Self {
        codebook.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> std::result::Result<Codebook, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("codebook.csv");
        std::fs::write(&path, content).unwrap();
        Codebook::read(path.to_str().unwrap()).map_err(|e| e.to_string())
    }

    #[test]
    fn keeps_the_order_and_survives_serialisation() {
        let codebook = read("id,target,topic\n1,T one,zeal\n2,T two, aid \n").unwrap();
        let topics: Vec<&str> = codebook.entries().iter().map(|entry| entry.topic.as_str()).collect();
        assert_eq!(topics, ["zeal", "aid"]);
        assert_eq!(codebook.get("aid").unwrap().target, "T two");
        let json = serde_json::to_string(&codebook).unwrap();
        assert_eq!(serde_json::from_str::<Codebook>(&json).unwrap(), codebook);
        assert!(serde_json::from_str::<Codebook>(&json.replace("zeal", "aid")).is_err());
    }

    #[test]
    fn mistakes_are_refused_with_their_place() {
        let said = read("topic,target\na,b\nc,d\na,e\n").unwrap_err();
        assert!(said.contains("line 4, column \"topic\": topic \"a\" is on line 2 already"), "{said}");
        assert!(read("topic,target\n ,b\n").unwrap_err().contains("line 2, column \"topic\": the topic is empty"));
        assert!(read("topic,target\n").unwrap_err().contains("has no topics"));
        let said = read("topic,aim\na,b\n").unwrap_err();
        assert!(
            said.contains(
                "there is no column \"target\"; the columns are \"topic\", \"aim\"\n  name the column \"target\""
            ),
            "{said}"
        );
    }
}
