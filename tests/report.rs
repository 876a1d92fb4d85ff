//! The pages of `--report`, without a browser: their HTML is parsed.

mod common;

use common::{STANCES, TOPICS, Work, corpus, csv};
use predicates::prelude::*;
use predicates::str::contains;
use scraper::{ElementRef, Html, Selector};

fn select<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

fn text(element: ElementRef<'_>) -> String {
    element.text().collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A page that parses without a fault and holds all that it needs.
fn page(work: &Work, name: &str) -> Html {
    let source = work.read(name);
    let page = Html::parse_document(&source);
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    assert!(select(&page, "script, link, img, iframe, object").is_empty());
    // The name of the SVG language looks like an address and is none.
    let source = source.replace("http://www.w3.org/2000/svg", "");
    assert!(!source.contains("http://") && !source.contains("https://") && !source.contains("@import"));
    for chart in select(&page, "svg[role=img]") {
        assert!(chart.value().attr("aria-label").is_some_and(|label| label.len() > 10));
        assert!(chart.child_elements().any(|e| e.value().name() == "title"));
    }
    // Every link of the contents leads somewhere.
    let links: Vec<&str> = select(&page, "nav a").into_iter().filter_map(|a| a.value().attr("href")).collect();
    assert!(links.len() >= 3 && links.iter().all(|link| !select(&page, link).is_empty()), "{links:?}");
    page
}

/// The corpus with labels that would break a page that does not escape.
fn mistaken() -> String {
    common::relabelled(|row| {
        if row.id % 7 == 0 {
            row.topic = "rail".into();
        }
        row.text = row.text.replace("members", "members <script>alert(1)</script> & \"others\"");
    })
}

#[test]
fn an_evaluation_has_its_parts() {
    let work = Work::with_model();
    work.write("gold.csv", mistaken());
    work.run("evaluate gold.csv --model a.model --report page.html --json out.json --quiet").success();
    let (page, json) = (page(&work, "page.html"), work.json("out.json"));
    let headings: Vec<String> = select(&page, "h2").into_iter().map(text).collect();
    assert_eq!(headings.len(), 7, "{headings:?}");
    let figures: Vec<String> = select(&page, "dl.figures > div").into_iter().map(text).collect();
    let interval = &json["topic"]["intervals"]["accuracy"];
    let shown = format!(
        "topic, accuracy {:.3} {:.3} to {:.3}",
        json["topic"]["accuracy"].as_f64().unwrap(),
        interval["low"].as_f64().unwrap(),
        interval["high"].as_f64().unwrap()
    );
    assert!(figures.contains(&shown), "{shown} in {figures:?}");
    // The heat map of topics: a cell for every pair, its number in it.
    let map = select(&page, "section[aria-labelledby=topics] svg.heat")[0];
    let cells: Vec<String> = map.select(&Selector::parse("g > title").unwrap()).map(text).collect();
    assert_eq!(cells.iter().filter(|c| c.contains(" taken for ")).count(), TOPICS.len() * TOPICS.len());
    let wrong = corpus().iter().filter(|row| row.id % 7 == 0 && row.topic == "water").count();
    assert!(cells.iter().any(|c| c.starts_with(&format!("rail taken for water: {wrong} of "))), "{cells:?}");
    // A bar for every label; stances given the predicted and the true topic.
    assert_eq!(select(&page, "section[aria-labelledby=topics] td.bar svg").len(), TOPICS.len());
    assert_eq!(select(&page, "section[aria-labelledby=stances] td.bar svg").len(), 2 * STANCES.len());
    assert_eq!(select(&page, "section[aria-labelledby=reliability] svg.chart").len(), 2);
    assert_eq!(select(&page, "section[aria-labelledby=risk] svg.chart").len(), 2);
    let worst: Vec<String> = select(&page, "section[aria-labelledby=mistakes] h3").into_iter().map(text).collect();
    assert!(worst.len() == 3 && worst.iter().all(|w| w.starts_with("Topic: rail taken for ")), "{worst:?}");
    let quotes: Vec<String> =
        select(&page, "section[aria-labelledby=mistakes] blockquote").into_iter().map(text).collect();
    assert_eq!(quotes.len(), 2 * worst.len());
    let misled = select(&page, "section[aria-labelledby=mistakes] p.soft").into_iter().map(text);
    assert!(misled.into_iter().all(|p| p.contains("misled by ")));
    let card = text(select(&page, "dl.card")[0]);
    assert!(card.contains("digest") && card.contains("144 rows") && card.contains("\"seed\":42"), "{card}");
}

#[test]
fn folds_have_a_page_too_and_one_head_alone() {
    let work = Work::new();
    work.run("evaluate corpus.csv --cv 3 --stance-column none --report page.html --quiet").success();
    let page = page(&work, "page.html");
    let headings: Vec<String> = select(&page, "h2").into_iter().map(text).collect();
    assert!(!headings.contains(&"Stances".to_owned()) && headings.contains(&"Model card".to_owned()), "{headings:?}");
    assert!(text(select(&page, "main > p")[0]).contains("models of 3 folds that had not seen them"));
}

#[test]
fn the_same_page_again_and_no_page_over_the_corpus() {
    let work = Work::with_model();
    work.run("evaluate corpus.csv --model a.model --report a.html --quiet").success();
    work.run("evaluate corpus.csv --model a.model --report b.html --threads 1 --quiet").success();
    assert!(work.bytes("a.html") == work.bytes("b.html"));
    work.run("evaluate corpus.csv --model a.model --report corpus.csv").code(2).stderr(contains("would write over"));
    work.run("evaluate - --model a.model --report a.html").code(2).stderr(contains("--report reads the file twice"));
}

#[test]
fn an_aggregation_has_its_parts() {
    let work = Work::with_model();
    let speaker = |row: &common::Row| format!("{} <b>&</b>", row.speaker);
    let rows = corpus()
        .into_iter()
        .enumerate()
        .map(|(i, row)| [row.text.clone(), speaker(&row), (1990 + i * 5 % 12).to_string()]);
    work.write("speeches.csv", csv(&["text", "speaker", "year"], rows));
    work.run("classify speeches.csv --model a.model --scores --output labelled.csv --quiet").success();
    work.run("aggregate labelled.csv --by speaker,year --model a.model --report page.html --output shares.csv")
        .success()
        .stderr(contains("have fewer than 100 rows").and(contains("em columns").not()));
    let page = page(&work, "page.html");
    // Periods are added up in the maps: a row a speaker.
    for map in select(&page, "svg.heat") {
        assert_eq!(map.select(&Selector::parse("rect.cell").unwrap()).count(), 6 * TOPICS.len());
    }
    assert_eq!(select(&page, "svg.heat").len(), 1 + STANCES.len());
    assert_eq!(select(&page, "section[aria-labelledby=time] svg.chart").len(), TOPICS.len());
    // Five speakers have colours of their own.
    assert_eq!(select(&page, "section[aria-labelledby=time] .legend li").len(), 5);
    assert!(text(select(&page, "section[aria-labelledby=time]")[0]).contains("The 5 largest of 6 groups"));
    let header = text(select(&page, "section[aria-labelledby=table] thead")[0]);
    assert_eq!(header, "speaker year topic stance rows of counted adjusted EM");
    assert!(text(select(&page, "section[aria-labelledby=method]")[0]).contains("Saerens, Latinne & Decaestecker 2002"));
    // By years alone there is one curve, and the map has a row a year.
    work.run("aggregate labelled.csv --by year --report years.html --output shares.csv --quiet").success();
    let years = Html::parse_document(&work.read("years.html"));
    assert!(
        select(&years, ".legend").is_empty()
            && select(&years, "section[aria-labelledby=time] polyline").len() == TOPICS.len()
    );
}
