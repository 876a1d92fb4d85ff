//! The page of an aggregation: heat maps of topics and stances by group, shares over time, the table, the method.
//!
//! Flows in: an [`Aggregation`], and which of its columns is time. Flows out: HTML. Heat maps show the most trusted estimate there is and add up the periods of a group; curves show its interval as a band.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::chart::{COLOURS, Chart, Point, Series};
use super::heat_map::{Cell, HeatMap, cut};
use super::page::{Section, file_name, page, percent, scroll};
use crate::aggregate::{Aggregation, Estimate, FEW_ROWS, GroupShares, Kind, LabelShare, UNSURE};

/// Groups in heat maps, the largest ones; more than anybody compares.
const MOST_GROUPS: usize = 60;
/// Rows of the table on the page; the CSV has all.
const MOST_ROWS: usize = 2_000;
/// Labels on the axis of time.
const MOST_TICKS: usize = 6;

/// A page of HTML about an aggregation. `source` is what it is of, `time` the place of the column of dates or years among `by`, `notes` what the reader should know beside.
///
/// ```
/// use rapporteur::aggregate::{JudgedRow, ShareCounter};
/// let mut counter = ShareCounter::new(vec!["year".into()], None);
/// counter.push(&["1993"], &JudgedRow { topic: Some("sanctions"), ..Default::default() });
/// let page = rapporteur::report::aggregation_page(&counter.finish(200, 42), "speeches.csv", Some(0), &[]);
/// assert!(page.contains("<svg") && page.contains("sanctions"));
/// ```
pub fn aggregation_page(aggregation: &Aggregation, source: &str, time: Option<usize>, notes: &[String]) -> String {
    let view = View { aggregation, time };
    let mut sections = vec![Section { id: "topics", heading: "Topics by group", body: view.topics() }];
    if view.stances().next().is_some() {
        sections.push(Section { id: "stances", heading: "Stance by group and topic", body: view.stance_maps() });
    }
    if time.is_some() {
        sections.push(Section { id: "time", heading: "Over time", body: view.curves() });
    }
    sections.push(Section { id: "table", heading: "Table of shares", body: view.table() });
    sections.push(Section { id: "method", heading: "How the shares were estimated", body: view.method() });
    sections.retain(|section| !section.body.0.is_empty());
    let rows: u64 = aggregation.groups.iter().map(|g| g.rows).sum();
    let unlabelled: u64 = aggregation.groups.iter().map(|g| g.unlabelled).sum();
    let few = aggregation.groups.iter().filter(|g| g.few_rows).count();
    let introduction = html! {
        p { "Groups by " (aggregation.by.join(", ")) ". Heat maps and curves show the shares " (view.estimate_name()) "." }
        dl.figures {
            div { dt { "rows with a label" } dd { (rows) } }
            div { dt { "groups" } dd { (aggregation.groups.len()) } }
            div { dt { "groups of fewer than " (FEW_ROWS) " rows" } dd { (few) } }
            @if unlabelled > 0 { div { dt { "rows without a label" } dd { (unlabelled) } } }
        }
        @for note in notes { p.warn { (note) } }
    };
    page(&format!("Shares in {}", file_name(source)), &introduction, &sections)
}

struct View<'a> {
    aggregation: &'a Aggregation,
    time: Option<usize>,
}

/// Shares of a label over the periods of a group, weighted by their rows.
#[derive(Default, Clone, Copy)]
struct Pooled {
    sum: f64,
    rows: u64,
}

impl<'a> View<'a> {
    fn estimate_name(&self) -> &'static str {
        match self.aggregation.corrected() {
            (_, true) => "corrected by EM",
            (true, false) => "corrected by adjusted count",
            _ => "as counted, which errors of the model bias",
        }
    }

    fn all(&self) -> impl Iterator<Item = (&'a GroupShares, &'a LabelShare)> + use<'a> {
        self.aggregation.groups.iter().flat_map(|g| g.shares.iter().map(move |s| (g, s)))
    }

    /// The key of a group without its period; where there is nothing else, the period.
    fn name(&self, group: &GroupShares) -> String {
        let others = group.key.iter().enumerate().filter(|(i, _)| group.key.len() == 1 || Some(*i) != self.time);
        let parts: Vec<&str> = others.map(|(_, part)| if part.is_empty() { "(empty)" } else { part }).collect();
        parts.join(" · ")
    }

    /// The largest groups, in alphabetical order, and how many there are.
    fn names(&self, most: usize) -> (Vec<String>, usize) {
        let mut rows: BTreeMap<String, u64> = BTreeMap::new();
        for group in &self.aggregation.groups {
            *rows.entry(self.name(group)).or_default() += group.rows;
        }
        let count = rows.len();
        let mut order: Vec<(String, u64)> = rows.into_iter().collect();
        order.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        order.truncate(most);
        let mut names: Vec<String> = order.into_iter().map(|(name, _)| name).collect();
        names.sort();
        (names, count)
    }

    /// Topics that have rows, in order.
    fn topic_names(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let topics = self.all().filter(|(_, s)| s.kind == Kind::Topic && s.rows > 0).map(|(_, s)| s.topic.clone());
        let mut names: Vec<String> = topics.filter(|t| seen.insert(t.clone())).collect();
        names.sort_by_key(|name| (name == UNSURE, name.clone()));
        names
    }

    fn stances(&self) -> impl Iterator<Item = (&'a GroupShares, &'a LabelShare)> + use<'a> {
        self.all().filter(|(_, s)| s.kind == Kind::Stance)
    }

    /// A heat map of groups and topics, of the shares that `which` keeps; `within` a topic, or of all rows.
    fn map(&self, title: &str, within: bool, which: impl Fn(&LabelShare) -> bool) -> Markup {
        let ((names, count), topics) = (self.names(MOST_GROUPS), self.topic_names());
        let topics = if topics.is_empty() { vec![String::new()] } else { topics };
        let mut cells: BTreeMap<(String, &str), Pooled> = BTreeMap::new();
        for (group, share) in self.all().filter(|(_, s)| which(s) && s.of_rows > 0) {
            let cell = cells.entry((self.name(group), share.topic.as_str())).or_default();
            cell.sum += share.best().value * share.of_rows as f64;
            cell.rows += share.of_rows;
        }
        let most = cells.iter().max_by(|a, b| (a.1.sum / a.1.rows as f64).total_cmp(&(b.1.sum / b.1.rows as f64)));
        let description = most.map_or(String::new(), |((group, topic), cell)| {
            format!(
                "Largest share: {} for {topic} in {group}. All numbers are in the table of shares.",
                percent(cell.sum / cell.rows as f64)
            )
        });
        // Stances fill a topic between few of them, topics a group between many: shares of topics are small, and are shaded by the largest.
        let deepest = most.filter(|_| !within).map_or(1.0, |(_, cell)| cell.sum / cell.rows as f64).max(1e-9);
        let by: Vec<&str> = self.aggregation.by.iter().map(String::as_str).collect();
        let map = HeatMap { title, description: &description, rows: &names, columns: &topics, axes: (by[0], "topic") };
        let drawn = map.draw(|row, column| {
            let cell = cells.get(&(names[row].clone(), topics[column].as_str()))?;
            let share = cell.sum / cell.rows as f64;
            Some(Cell {
                depth: share / deepest,
                text: format!("{:.0}", 100.0 * share),
                name: format!("{}, {}: {} of {} rows", names[row], topics[column], percent(share), cell.rows),
            })
        });
        html! {
            figure {
                figcaption { (title) small { "percent; the stronger the colour, the more" @if count > names.len() { ", the " (names.len()) " largest of " (count) " groups" } } }
                (scroll(title, &drawn))
            }
        }
    }

    fn topics(&self) -> Markup {
        if self.topic_names().is_empty() {
            return html! {};
        }
        self.map("Share of each topic", false, |s| s.kind == Kind::Topic)
    }

    fn stance_maps(&self) -> Markup {
        let stances: BTreeSet<&str> =
            self.stances().filter(|(_, s)| s.rows > 0).map(|(_, s)| s.stance.as_str()).collect();
        html! {
            p { "Of the rows of a topic in a group, the share that takes each stance toward the target of that topic. Stances under different topics are toward different things: compare down a column, not along a row." }
            @for stance in stances {
                (self.map(&format!("Share of {stance}"), true, |s| s.kind == Kind::Stance && s.stance == stance))
            }
        }
    }

    /// For each topic the curves of the largest groups over time.
    fn curves(&self) -> Markup {
        let Some(time) = self.time else { return html! {} };
        let periods: BTreeSet<&str> =
            self.aggregation.groups.iter().map(|g| g.key[time].as_str()).filter(|p| !p.is_empty()).collect();
        let periods: Vec<&str> = periods.into_iter().collect();
        if periods.len() < 2 {
            return html! { p { "There is one period only, so there is nothing to follow over time." } };
        }
        let axis = Axis::of(&periods);
        let single = self.aggregation.by.len() == 1;
        let (names, count) = if single { (vec!["all rows".to_owned()], 1) } else { self.names(COLOURS) };
        let charts = self.topic_names().into_iter().map(|topic| {
            let series: Vec<Series> = names
                .iter()
                .enumerate()
                .map(|(colour, name)| {
                    let points = self
                        .aggregation
                        .groups
                        .iter()
                        .filter(|g| !g.key[time].is_empty() && (single || self.name(g) == *name));
                    let points = points.filter_map(|group| {
                        let share =
                            group.shares.iter().find(|s| s.kind == Kind::Topic && s.topic == topic && s.of_rows > 0)?;
                        let Estimate { value, low, high } = share.best();
                        let period = &group.key[time];
                        let name = format!(
                            "{name}, {period}: {} ({} to {}), {} rows",
                            percent(value),
                            percent(low),
                            percent(high),
                            group.rows
                        );
                        Some(Point { x: axis.at(period)?, y: value, interval: Some((low, high)), name })
                    });
                    let mut points: Vec<Point> = points.collect();
                    points.sort_by(|a, b| a.x.total_cmp(&b.x));
                    Series { colour, points, dots: true }
                })
                .collect();
            let top =
                series.iter().flat_map(|s| &s.points).filter_map(|p| p.interval).map(|i| i.1).fold(0.05, f64::max);
            let description = describe(&names, &series);
            let chart = Chart {
                title: &topic,
                description: &description,
                x_label: &self.aggregation.by[time],
                x_range: axis.range,
                x_ticks: axis.ticks.clone(),
                y_label: "share of rows",
                y_range: (0.0, top.min(1.0)),
                series,
                diagonal: false,
            };
            html! { figure { figcaption { (topic) } (chart.draw()) } }
        });
        html! {
            p { "Share of each topic among the rows of a period, with 95 % intervals as bands. Axes differ from chart to chart." }
            @if !single {
                ul.legend aria-label="Colours" {
                    @for (colour, name) in names.iter().enumerate() {
                        li { svg width="18" height="10" aria-hidden="true" { rect class={ "bar s" (colour) } width="18" height="10" {} } (cut(name, 40)) }
                    }
                }
                @if count > names.len() { p.soft { "The " (names.len()) " largest of " (count) " groups." } }
            }
            div.charts { @for chart in charts { (chart) } }
        }
    }

    fn table(&self) -> Markup {
        let (adjusted, em) = self.aggregation.corrected();
        let rows: Vec<(&GroupShares, &LabelShare)> =
            self.all().filter(|(_, s)| s.rows > 0 || s.best().value >= 0.0005).collect();
        let cell = |e: Option<Estimate>| {
            html! {
                td { @if let Some(e) = e { (percent(e.value)) " " small { "[" (format!("{:.1}, {:.1}", 100.0 * e.low, 100.0 * e.high)) "]" } } }
            }
        };
        let table = html! {
            table {
                thead { tr {
                    @for column in &self.aggregation.by { th.text scope="col" { (column) } }
                    th.text scope="col" { "topic" } th.text scope="col" { "stance" }
                    th scope="col" { "rows" } th scope="col" { "of" } th scope="col" { "counted" }
                    @if adjusted { th scope="col" { "adjusted" } }
                    @if em { th scope="col" { "EM" } }
                } }
                tbody { @for (group, share) in rows.iter().take(MOST_ROWS) { tr {
                    @for part in &group.key { td.text { (part) } }
                    td.text { (share.topic) } td.text { (share.stance) }
                    td { (share.rows) } td { (share.of_rows) @if group.few_rows { span.warn title={ "fewer than " (FEW_ROWS) " rows in the group" } { " few" } } }
                    (cell(Some(share.share)))
                    @if adjusted { (cell(share.adjusted)) }
                    @if em { (cell(share.em)) }
                } } }
            }
        };
        html! {
            p { "Percent, with 95 % intervals in brackets. Labels that a group has not are left out; the CSV has them." }
            details open[rows.len() <= 60] {
                summary { "All " (rows.len()) " shares" }
                @if rows.len() > MOST_ROWS { p.soft { "The first " (MOST_ROWS) " of them." } }
                (scroll("Table of shares", &table))
            }
        }
    }

    fn method(&self) -> Markup {
        html! {
            ul {
                li { strong { "Counted: " } "the share of rows that were given the label (classify and count), with Wilson's interval (1927). Errors of the model bias it: what is rare in a group is counted too often." }
                li { strong { "Adjusted: " } "the shares whose expected counts, given how often the model took each label for which in cross-validation, are nearest to what was counted (Forman 2008; Hopkins & King 2010)." }
                li { strong { "EM: " } "the shares under which the probabilities of the rows, their prior replaced, are the likeliest (Saerens, Latinne & Decaestecker 2002)." }
                li { "Intervals of corrected shares are percentiles of " (self.aggregation.resamples) " bootstrap resamples of the rows, and of the known errors (seed " (self.aggregation.seed) "). Rows are taken for independent; where paragraphs of one speech are alike, intervals are too narrow." }
                li { "Both corrections assume that the paragraphs of a topic read as those of the training corpus do, while how frequent topics are may differ. They correct nothing that comes of another kind of text." }
            }
        }
    }
}

/// What the curves of a chart say, in a sentence each.
fn describe(names: &[String], series: &[Series]) -> String {
    let ends = names.iter().zip(series).filter_map(|(name, s)| {
        let (first, last) = (s.points.first()?, s.points.last()?);
        let from = |p: &Point| percent(p.y);
        Some(format!("{name}: from {} to {} over {} periods.", from(first), from(last), s.points.len()))
    });
    ends.collect::<Vec<_>>().join(" ")
}

/// Time from left to right.
struct Axis {
    places: BTreeMap<String, f64>,
    range: (f64, f64),
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Years and dates stand where they fall; anything else in the order of its spelling.
    fn of(periods: &[&str]) -> Axis {
        let numbers: Option<Vec<f64>> = periods.iter().map(|p| year(p)).collect();
        let at = numbers.unwrap_or_else(|| (0..periods.len()).map(|i| i as f64).collect());
        let range = at.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)));
        // As many names as fit, evenly spread over the axis.
        let letters = periods.iter().map(|p| p.len()).max().unwrap_or(1);
        let most = MOST_TICKS.min(40 / (letters + 1)).max(2);
        let step = periods.len().div_ceil(most).max(1);
        let ticks = (0..periods.len()).step_by(step).map(|i| (at[i], periods[i].to_owned())).collect();
        Axis { places: periods.iter().map(|&p| p.to_owned()).zip(at).collect(), range, ticks }
    }

    fn at(&self, period: &str) -> Option<f64> {
        self.places.get(period).copied()
    }
}

/// `1993`, `1993-04` or `1993-04-30` as a year with its fraction.
fn year(date: &str) -> Option<f64> {
    let mut parts = date.splitn(3, '-');
    let year: f64 = parts.next()?.parse::<i32>().ok()?.into();
    let mut part = |range: std::ops::RangeInclusive<u32>| match parts.next() {
        None => Some(1),
        Some(text) => text.parse().ok().filter(|n| range.contains(n)),
    };
    let (month, day) = (part(1..=12)?, part(1..=31)?);
    Some(year + f64::from(month - 1) / 12.0 + f64::from(day - 1) / 372.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_stand_where_they_fall() {
        assert_eq!(year("1993"), Some(1993.0));
        assert_eq!(year("1993-07"), Some(1993.5));
        assert!(year("1993-07-31").is_some_and(|y| y > 1993.5 && y < 1993.6));
        assert_eq!(year("spring"), None);
        let axis = Axis::of(&["1990", "1991", "2000"]);
        assert_eq!((axis.at("1991"), axis.range), (Some(1991.0), (1990.0, 2000.0)));
        assert_eq!(Axis::of(&["autumn", "spring"]).at("spring"), Some(1.0));
    }
}
