//! The page of an evaluation: figures with intervals, confusions, probabilities, mistakes, the model card.
//!
//! Flows in: an [`EvaluationReport`]: an evaluation and what was gathered beside it. Flows out: HTML.

use maud::{Markup, html};

use super::chart::{Chart, Point, Series, fifths};
use super::heat_map::{Cell, HeatMap};
use super::page::{Section, file_name, page, percent, scroll};
use super::scores::{bars, figure, metrics};
use crate::aggregate::Estimate;
use crate::evaluate::{Confusion, Evaluation, HeadScores, Mistakes, RiskPoint};

/// Points of a risk-coverage curve that are drawn: more cannot be told apart.
const MOST_POINTS: usize = 200;
/// Shares of the rows for which the table under the curves has lines.
const COVERAGES: [f64; 6] = [1.0, 0.95, 0.9, 0.8, 0.7, 0.5];
/// Name of the column of rows without an answer.
const NO_ANSWER: &str = "(no answer)";

/// What a page about an evaluation is made of.
#[derive(Debug, Clone, Copy)]
pub struct EvaluationReport<'a> {
    /// What was judged, such as the name of a file.
    pub source: &'a str,
    /// What judged it, such as the name of a model.
    pub judge: &'a str,
    /// The figures.
    pub evaluation: &'a Evaluation,
    /// The worst confusions, with examples.
    pub mistakes: &'a [Mistakes],
    /// What the model is: names and values.
    pub card: &'a [(String, String)],
}

/// A page of HTML about an evaluation.
///
/// ```
/// use rapporteur::evaluate::{Evaluation, Row};
/// use rapporteur::report::{EvaluationReport, evaluation_page};
/// let rows = [Row { gold_topic: Some("peace"), topic: Some("trade"), ..Row::default() }];
/// let evaluation = Evaluation::from_rows(&rows, &["peace", "trade"], &[] as &[&str]);
/// let page = evaluation_page(&EvaluationReport {
///     source: "held_out.csv",
///     judge: "my.model",
///     evaluation: &evaluation,
///     mistakes: &[],
///     card: &[],
/// });
/// assert!(page.contains("<svg") && page.contains("peace"));
/// ```
pub fn evaluation_page(report: &EvaluationReport<'_>) -> String {
    let e = report.evaluation;
    let mut sections = vec![Section { id: "figures", heading: "All figures", body: metrics(e) }];
    if let Some(topic) = &e.topic {
        let body = html! { (bars("Topics", topic)) (confusion("Which topics are taken for which", topic)) };
        sections.push(Section { id: "topics", heading: "Topics", body });
    }
    if let Some(stance) = &e.stance {
        sections.push(Section {
            id: "stances",
            heading: "Stances",
            body: stances(stance, e.stance_given_true_topic.as_ref()),
        });
    }
    sections.push(Section {
        id: "reliability",
        heading: "Do the probabilities mean what they say?",
        body: reliability(e),
    });
    sections.push(Section { id: "risk", heading: "Answering only when sure", body: risk(e) });
    sections.push(Section { id: "mistakes", heading: "The worst confusions", body: mistakes(report.mistakes) });
    sections.push(Section { id: "card", heading: "Model card", body: card(report.card) });
    sections.retain(|section| !section.body.0.is_empty());
    let introduction = html! {
        p { (e.rows) " labelled rows of " (file_name(report.source)) ", judged by " (file_name(report.judge)) "." }
        dl.figures {
            @if let Some(topic) = &e.topic { (figure("topic, accuracy", topic.accuracy, topic.intervals.get("accuracy"))) (figure("topic, macro-F1", topic.macro_f1, topic.intervals.get("macro_f1"))) }
            @if let Some(stance) = &e.stance { (figure("stance, macro-F1", stance.macro_f1, stance.intervals.get("macro_f1"))) }
            @if let Some(given) = &e.stance_given_true_topic { (figure("stance given the true topic, macro-F1", given.macro_f1, given.intervals.get("macro_f1"))) }
            @if let Some(joint) = &e.joint { (figure("topic and stance both right", joint.accuracy, joint.intervals.get("accuracy"))) }
        }
        @if e.bootstrap.resamples > 0 {
            p.soft { "Intervals hold 95\u{a0}% of " (e.bootstrap.resamples) " bootstrap resamples of " (e.bootstrap.units) " " (e.bootstrap.unit) "s (seed " (e.bootstrap.seed) ")." }
        }
        @for warning in &e.warnings { p.warn { (warning) } }
        @for note in &e.notes { p.soft { (note) } }
    };
    page(&format!("Evaluation of {}", file_name(report.source)), &introduction, &sections)
}

fn stances(predicted: &HeadScores, given: Option<&HeadScores>) -> Markup {
    html! {
        @if let Some(given) = given {
            p { "Given the predicted topic is the stance as it is written, errors of the topic included; given the true topic is how well stance would be told if the topic were always right. Accuracy "
                (percent(predicted.accuracy)) " and " (percent(given.accuracy)) ": the difference is what errors of the topic cost." }
        }
        h3 { "Given the predicted topic" }
        (bars("Stances given the predicted topic", predicted))
        (confusion("Stances given the predicted topic: which are taken for which", predicted))
        @if let Some(given) = given {
            h3 { "Given the true topic" }
            (bars("Stances given the true topic", given))
            (confusion("Stances given the true topic: which are taken for which", given))
        }
    }
}

/// The confusion matrix of a head as a heat map.
fn confusion(title: &str, scores: &HeadScores) -> Markup {
    let confusion: &Confusion = &scores.confusion;
    let gold: Vec<usize> = (0..confusion.labels().len()).filter(|&g| confusion.gold_count(g) > 0).collect();
    let mut predicted: Vec<Option<usize>> = (0..confusion.labels().len()).map(Some).collect();
    if confusion.predicted_count(None) > 0 {
        predicted.push(None);
    }
    let name = |label: Option<usize>| label.map_or(NO_ANSWER.to_owned(), |l| confusion.labels()[l].clone());
    let (rows, columns): (Vec<String>, Vec<String>) =
        (gold.iter().map(|&g| name(Some(g))).collect(), predicted.iter().map(|&p| name(p)).collect());
    let worst =
        confusion.cells().filter(|(g, p, _)| Some(*g) != *p).max_by_key(|(g, p, n)| (*n, std::cmp::Reverse((*g, *p))));
    let description = match worst {
        Some((g, p, n)) => format!(
            "{} of rows are on the diagonal, right. The most common error: {} taken for {}, {n} of {} rows.",
            percent(scores.accuracy),
            name(Some(g)),
            name(p),
            confusion.gold_count(g)
        ),
        None => "All rows are on the diagonal, right.".to_owned(),
    };
    let map = HeatMap { title, description: &description, rows: &rows, columns: &columns, axes: ("gold", "predicted") };
    let drawn = map.draw(|r, c| {
        let (count, of) = (confusion.count(gold[r], predicted[c]), confusion.gold_count(gold[r]));
        Some(Cell {
            depth: count as f64 / of as f64,
            text: if count > 0 { count.to_string() } else { String::new() },
            name: format!("{} taken for {}: {count} of {of} rows", rows[r], columns[c]),
        })
    });
    html! { figure { figcaption { (title) small { (description) " The stronger the colour, the larger the share of the gold label's rows." } } (scroll(title, &drawn)) } }
}

fn heads(e: &Evaluation) -> impl Iterator<Item = (&'static str, &HeadScores)> {
    [("Topic", &e.topic), ("Stance, given the predicted topic", &e.stance)]
        .into_iter()
        .filter_map(|(name, head)| Some((name, head.as_ref()?)))
}

fn reliability(e: &Evaluation) -> Markup {
    let charts: Vec<Markup> = heads(e).filter_map(|(name, head)| {
        let scores = head.probabilities.as_ref()?;
        let points = scores.reliability.iter().map(|bin| {
            let right = (bin.accuracy * bin.rows as f64).round() as u64;
            let Estimate { low, high, .. } = Estimate::wilson(right, bin.rows);
            Point { x: bin.confidence, y: bin.accuracy, interval: Some((low, high)),
                name: format!("{} rows of mean probability {}: {} right", bin.rows, percent(bin.confidence), percent(bin.accuracy)) }
        });
        let description = format!("Expected calibration error {:.3}, log loss {:.3}, Brier score {:.3}, over {} rows in {} bins of equally many.",
            scores.expected_calibration_error, scores.log_loss, scores.brier_score, scores.probability_rows, scores.reliability.len());
        let chart = Chart {
            title: name, description: &description, x_label: "probability given", x_range: (0.0, 1.0), x_ticks: fifths(),
            y_label: "share that is right", y_range: (0.0, 1.0),
            series: vec![Series { colour: 0, points: points.collect(), dots: true }], diagonal: true,
        };
        Some(html! { figure { figcaption { (name) small { (description) } } (chart.draw()) } })
    }).collect();
    if charts.is_empty() {
        return html! {};
    }
    html! {
        p { "On the dashed line, of the rows labelled with a probability of 80\u{a0}% eight in ten are right. Below it the model is too sure, above it not sure enough. The band is Wilson's 95\u{a0}% interval." }
        div.charts { @for chart in &charts { (chart) } }
    }
}

fn risk(e: &Evaluation) -> Markup {
    let heads = [("Topic", &e.topic), ("Stance, given the predicted topic", &e.stance)];
    let curves: Vec<(&str, &[RiskPoint])> = heads
        .into_iter()
        .filter_map(|(name, head)| Some((name, &*head.as_ref()?.risk_coverage)))
        .filter(|(_, curve)| !curve.is_empty())
        .collect();
    if curves.is_empty() {
        return html! {};
    }
    let charts = curves.iter().map(|(name, curve)| {
        let step = curve.len().div_ceil(MOST_POINTS).max(1);
        let last = curve.len() - 1;
        let points: Vec<Point> = (0..=last)
            .filter(|i| i % step == 0 || *i == last)
            .map(|i| Point { x: curve[i].coverage, y: curve[i].risk, interval: None, name: String::new() })
            .collect();
        // The first few rows say nothing: one error among ten is no risk of a tenth.
        let top = points.iter().filter(|p| p.x >= 0.05).map(|p| p.y).fold(0.02, f64::max);
        let description = format!(
            "All rows answered, {} are wrong; the surest half, {}.",
            percent(curve[last].risk),
            percent(at(curve, 0.5).risk)
        );
        let chart = Chart {
            title: name,
            description: &description,
            x_label: "share of rows answered",
            x_range: (0.0, 1.0),
            x_ticks: fifths(),
            y_label: "share of them wrong",
            y_range: (0.0, top),
            series: vec![Series { colour: 1, points, dots: false }],
            diagonal: false,
        };
        html! { figure { figcaption { (name) small { (description) } } (chart.draw()) } }
    });
    let table = html! { table {
        thead { tr { th.text scope="col" { "rows answered" } @for (name, _) in &curves { th scope="col" { (name) ": wrong" } th scope="col" { "from probability" } } } }
        tbody { @for coverage in COVERAGES { tr { th scope="row" { (format!("{:.0} %", 100.0 * coverage)) }
            @for (_, curve) in &curves { @let point = at(curve, coverage); td { (percent(point.risk)) } td { (format!("{:.3}", point.threshold)) } } } } }
    } };
    html! {
        p { "If rows are answered only from some probability on, fewer are answered and fewer of them are wrong." }
        div.charts { @for chart in charts { (chart) } }
        (scroll("Risk by coverage", &table))
    }
}

/// The first point that covers so much.
fn at(curve: &[RiskPoint], coverage: f64) -> RiskPoint {
    curve.iter().find(|p| p.coverage >= coverage - 1e-12).or(curve.last()).copied().unwrap_or(RiskPoint {
        threshold: 0.0,
        coverage: 0.0,
        risk: 0.0,
        rows: 0,
    })
}

fn mistakes(all: &[Mistakes]) -> Markup {
    if all.is_empty() {
        return html! {};
    }
    html! {
        p { "The pairs of labels taken for each other most often, each with the errors of which the model was surest, and the words that spoke for the wrong label against the right one." }
        @for pair in all {
            h3 { (pair.head) ": " (pair.gold) " taken for " (pair.predicted) " (" (pair.rows) @if pair.rows == 1 { " row)" } @else { " rows)" } }
            @for example in &pair.examples {
                blockquote { (example.text) }
                p.soft { "Row " (example.row) ", probability " (format!("{:.2}", example.probability)) @if !example.words.is_empty() { "; misled by " (example.words.join(", ")) } "." }
            }
        }
    }
}

fn card(card: &[(String, String)]) -> Markup {
    if card.is_empty() {
        return html! {};
    }
    html! { dl.card { @for (name, value) in card { dt { (name) } dd { (value) } } } }
}
