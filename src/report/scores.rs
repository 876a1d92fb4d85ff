//! Scores as a reader takes them in: figures in boxes, a table of all metrics, bars a label.
//!
//! Flows in: an [`Evaluation`]. Flows out: markup.

use maud::{Markup, PreEscaped, html};
use svg::node::element::{Line, Rectangle, SVG};

use super::chart::short;
use super::page::scroll;
use crate::evaluate::{Evaluation, HeadScores, Interval};

/// A figure in a box.
pub(super) fn figure(name: &str, value: f64, interval: Option<&Interval>) -> Markup {
    html! { div { dt { (name) } dd { (format!("{value:.3}")) @if let Some(i) = interval { small { (format!("{:.3} to {:.3}", i.low, i.high)) } } } } }
}

/// The metrics by their names in the JSON.
fn listed(head: &HeadScores) -> Vec<(&'static str, &'static str, f64)> {
    let mut out = vec![
        ("accuracy", "accuracy", head.accuracy),
        ("balanced accuracy", "balanced_accuracy", head.balanced_accuracy),
        ("macro-F1", "macro_f1", head.macro_f1),
        ("macro-F1, gold labels", "macro_f1_gold", head.macro_f1_gold),
        ("weighted F1", "weighted_f1", head.weighted_f1),
        ("Cohen's kappa", "cohen_kappa", head.cohen_kappa),
        ("Matthews correlation", "matthews_corrcoef", head.matthews_corrcoef),
    ];
    if let Some(p) = &head.probabilities {
        out.push(("log loss", "log_loss", p.log_loss));
        out.push(("Brier score", "brier_score", p.brier_score));
        out.push(("calibration error", "expected_calibration_error", p.expected_calibration_error));
        out.push(("AURC", "aurc", p.aurc));
    }
    out
}

/// All metrics of all heads.
pub(super) fn metrics(e: &Evaluation) -> Markup {
    let heads =
        [("topic", &e.topic), ("stance", &e.stance), ("stance given the true topic", &e.stance_given_true_topic)];
    let heads: Vec<(&str, &HeadScores)> =
        heads.into_iter().filter_map(|(name, head)| Some((name, head.as_ref()?))).collect();
    let mut names: Vec<&str> = Vec::new();
    for (_, head) in &heads {
        for (name, ..) in listed(head) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let cell = |head: &HeadScores, wanted: &str| match listed(head).into_iter().find(|(name, ..)| *name == wanted) {
        Some((_, key, value)) => {
            html! { td { (format!("{value:.3}")) @if let Some(i) = head.intervals.get(key) { " " small { (i) } } } }
        }
        None => html! { td {} },
    };
    let table = html! { table {
        thead { tr { th.text scope="col" { "metric" } @for (name, _) in &heads { th scope="col" { (name) } } } }
        tbody {
            tr { th scope="row" { "rows" } @for (_, head) in &heads { td { (head.rows) } } }
            @for name in names { tr { th scope="row" { (name) } @for (_, head) in &heads { (cell(head, name)) } } }
        }
    } };
    scroll("All figures", &table)
}

/// Scores of each label, F1 as a bar.
pub(super) fn bars(title: &str, head: &HeadScores) -> Markup {
    let table = html! { table {
        thead { tr {
            th.text scope="col" { "label" } th scope="col" { "F1" } th.text scope="col" { "0 to 1" }
            th scope="col" { "precision" } th scope="col" { "recall" } th scope="col" { "rows" }
        } }
        tbody { @for (label, scores) in &head.labels { tr {
            th scope="row" { (label) } td { (format!("{:.3}", scores.f1)) } td.bar { (bar(scores.f1, scores.f1_interval)) }
            td { (format!("{:.3}", scores.precision)) } td { (format!("{:.3}", scores.recall)) } td { (scores.support) }
        } } }
    } };
    scroll(title, &table)
}

/// A bar with the whiskers of an interval; the number stands beside it, so nobody needs to be told of it twice.
fn bar(value: f64, interval: Option<Interval>) -> Markup {
    const WIDTH: f64 = 140.0;
    let field = |class: &str, y: f64, width: f64, height: f64| {
        Rectangle::new().set("class", class).set("x", 0).set("y", y).set("width", short(width)).set("height", height)
    };
    let mut out = SVG::new()
        .set("aria-hidden", "true")
        .set("viewBox", format!("0 0 {WIDTH} 18"))
        .set("width", "100%")
        .set("height", 18)
        .set("preserveAspectRatio", "none")
        .add(field("track", 3.0, WIDTH, 12.0))
        .add(field("bar s0", 3.0, WIDTH * value, 12.0));
    if let Some(Interval { low, high }) = interval {
        let line = Line::new().set("class", "whisker").set("y1", 9).set("y2", 9);
        out = out.add(line.set("x1", short(WIDTH * low)).set("x2", short(WIDTH * high)));
    }
    PreEscaped(out.to_string())
}
