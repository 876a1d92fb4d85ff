//! Several topics in one cell: `sanctions:oppose|trade:support`.
//!
//! Flows in: the cell of a corpus of several topics a row. Flows out: its topics in order, each with its stance where the cell says one; and the way back. A bar separates
//! topics; the last colon of an item begins the stance, so that a topic may hold colons. `\|`, `\:`, `\\` and `\-` stand for the sign itself, a backslash elsewhere for a backslash.
//! White space around topics and stances is left out. An empty cell says nothing of the row; `-` alone says that it has none of the topics, which is something to learn from.

use std::borrow::Cow;

use super::columns::Missing;

/// The cell of a row that has none of the topics.
pub const NO_TOPICS: &str = "-";

/// A topic, and the stance on it where it is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TopicStance<'a> {
    /// The topic.
    pub topic: Cow<'a, str>,
    /// The stance on it.
    pub stance: Option<Cow<'a, str>>,
}

/// Why a cell cannot be read: what was found, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadTopicCell {
    /// What was found.
    pub problem: String,
    /// How to mend it.
    pub mend: String,
}

/// Reads a cell: `None` where it says nothing (empty, or a word that stands for no label), no topic where it is [`NO_TOPICS`].
///
/// A topic that is named twice counts once, with the stance of either.
///
/// ```
/// use rapporteur::corpus::{Missing, parse_topics};
/// let topics = parse_topics(r"sanctions:oppose | trade \| aid", &Missing::default())?.unwrap();
/// assert_eq!((&*topics[0].topic, topics[0].stance.as_deref()), ("sanctions", Some("oppose")));
/// assert_eq!((&*topics[1].topic, topics[1].stance.as_deref()), ("trade | aid", None));
/// assert_eq!(parse_topics("-", &Missing::default())?.unwrap(), []);
/// assert_eq!(parse_topics(" ", &Missing::default())?, None);
/// assert!(parse_topics("trade:support|trade:oppose", &Missing::default()).is_err());
/// # Ok::<(), rapporteur::corpus::BadTopicCell>(())
/// ```
///
/// # Errors
/// When a stance has no topic, a topic has two stances, or a sign for "no topic" stands among topics.
pub fn parse_topics<'a>(cell: &'a str, missing: &Missing) -> Result<Option<Vec<TopicStance<'a>>>, BadTopicCell> {
    let Some(cell) = missing.label(cell) else { return Ok(None) };
    if cell == NO_TOPICS {
        return Ok(Some(Vec::new()));
    }
    let bad = |problem: String, mend: &str| Err(BadTopicCell { problem, mend: mend.to_owned() });
    let mut out: Vec<TopicStance<'a>> = Vec::new();
    for (item, colon) in items(cell) {
        let topic = unescaped(colon.map_or(item, |at| &item[..at]));
        let stance = colon.map(|at| unescaped(&item[at + 1..])).filter(|stance| !missing.contains(stance));
        if topic.is_empty() {
            match stance {
                Some(stance) => {
                    return bad(format!("the stance {stance:?} has no topic"), "write the topic before the colon");
                }
                None => continue,
            }
        }
        if item.trim() == NO_TOPICS || missing.contains(&topic) {
            let problem = format!("{topic:?} says that there is no topic, and stands beside others");
            return bad(problem, "leave it out, or write a backslash before a - that is the name of a topic");
        }
        match out.iter_mut().find(|known| known.topic == topic) {
            None => out.push(TopicStance { topic, stance }),
            Some(TopicStance { stance: known @ None, .. }) => *known = stance,
            Some(TopicStance { stance: Some(known), .. }) => {
                if let Some(other) = stance.filter(|stance| stance != known) {
                    let problem = format!("the topic {topic:?} has two stances, {known:?} and {other:?}");
                    return bad(problem, "leave one of them");
                }
            }
        }
    }
    if out.is_empty() {
        return bad(
            format!("{cell:?} holds no topic"),
            "write topics as topic:stance|topic:stance, - for none of them, or leave the cell empty",
        );
    }
    Ok(Some(out))
}

/// Writes topics as a cell that [`parse_topics`] reads.
///
/// ```
/// use rapporteur::corpus::write_topics;
/// assert_eq!(write_topics([("trade: goods", Some("support")), ("a|b", None)]), r"trade\: goods:support|a\|b");
/// assert_eq!(write_topics([]), "-");
/// ```
pub fn write_topics<'a>(topics: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> String {
    let mut out = String::new();
    for (topic, stance) in topics {
        if !out.is_empty() {
            out.push('|');
        }
        if topic == NO_TOPICS {
            out.push('\\');
        }
        escape(topic, &mut out);
        if let Some(stance) = stance {
            out.push(':');
            escape(stance, &mut out);
        }
    }
    if out.is_empty() { NO_TOPICS.to_owned() } else { out }
}

const ESCAPED: [char; 3] = ['|', ':', '\\'];

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        if ESCAPED.contains(&c) {
            out.push('\\');
        }
        out.push(c);
    }
}

/// Whether what follows a backslash is a sign that it takes the meaning from.
fn takes_meaning(after: &str) -> bool {
    after.starts_with(ESCAPED) || after.starts_with(NO_TOPICS)
}

/// The parts between bars, each with the place of its last colon.
fn items(cell: &str) -> Vec<(&str, Option<usize>)> {
    let (mut out, mut from, mut colon) = (Vec::new(), 0, None);
    let mut signs = cell.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '\\' if takes_meaning(&cell[at + 1..]) => drop(signs.next()),
            ':' => colon = Some(at - from),
            '|' => {
                out.push((&cell[from..at], colon.take()));
                from = at + 1;
            }
            _ => {}
        }
    }
    out.push((&cell[from..], colon));
    out
}

/// A part of an item, trimmed, with the escaped signs as they are meant.
fn unescaped(part: &str) -> Cow<'_, str> {
    let part = part.trim();
    if !part.contains('\\') {
        return Cow::Borrowed(part);
    }
    let mut out = String::with_capacity(part.len());
    let mut signs = part.char_indices();
    while let Some((at, sign)) = signs.next() {
        match sign {
            '\\' if takes_meaning(&part[at + 1..]) => out.extend(signs.next().map(|(_, sign)| sign)),
            _ => out.push(sign),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(cell: &str) -> Vec<(String, Option<String>)> {
        let topics = parse_topics(cell, &Missing::default()).unwrap().unwrap();
        topics.into_iter().map(|t| (t.topic.into_owned(), t.stance.map(Cow::into_owned))).collect()
    }

    fn one(topic: &str, stance: Option<&str>) -> (String, Option<String>) {
        (topic.to_owned(), stance.map(str::to_owned))
    }

    #[test]
    fn the_last_colon_splits_and_escapes_are_undone() {
        assert_eq!(read("un: council:support"), [one("un: council", Some("support"))]);
        assert_eq!(read("un: council:"), [one("un: council", None)]);
        assert_eq!(read(r"un\: council"), [one("un: council", None)]);
        assert_eq!(read(r"a\\:b\:c"), [one(r"a\", Some("b:c"))]);
        assert_eq!(read(r"C\D|\-|x\"), [one(r"C\D", None), one("-", None), one(r"x\", None)]);
        assert_eq!(read("| a:NA ||b : yes|"), [one("a", None), one("b", Some("yes"))]);
        assert_eq!(read("a|b:x|a:y|b"), [one("a", Some("y")), one("b", Some("x"))]);
    }

    #[test]
    fn cells_that_contradict_themselves_are_refused() {
        for (cell, problem) in [
            (":support", "the stance \"support\" has no topic"),
            ("a|-", "\"-\" says that there is no topic"),
            ("NA|a", "\"NA\" says that there is no topic"),
            ("a:x|b|a:y", "two stances, \"x\" and \"y\""),
            ("|", "holds no topic"),
        ] {
            let error = parse_topics(cell, &Missing::default()).unwrap_err();
            assert!(error.problem.contains(problem), "{cell}: {error:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(topics in prop::collection::btree_map(r"[-a|:\\ é]{1,6}", prop::option::of(r"[-a|:\\ é]{1,6}"), 0..5)) {
            let trimmed = |text: &str| text.trim().to_owned();
            let topics: std::collections::BTreeMap<String, Option<String>> = topics
                .iter()
                .map(|(t, s)| (trimmed(t), s.as_deref().map(trimmed).filter(|s| !s.is_empty())))
                .filter(|(t, _)| !t.is_empty())
                .collect();
            let cell = write_topics(topics.iter().map(|(t, s)| (t.as_str(), s.as_deref())));
            let wanted: Vec<_> = topics.into_iter().collect();
            prop_assert_eq!(read(&cell), wanted, "{}", cell);
        }

        #[test]
        fn no_cell_panics(cell in r"[-a|:\\ é\u{A0}]{0,12}") {
            let _ = parse_topics(&cell, &Missing::default());
        }
    }
}
