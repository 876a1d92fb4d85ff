//! The pages of `--report` in a real browser: `cargo test --features browser-tests --test browser`.
//!
//! The browser is Chromium without a window, the first found of `$CHROMIUM`, `chromium`, `chromium-browser`, `google-chrome`. Each page is opened in a frame as wide as a telephone and as wide as a desk, light and dark
//! (a frame, because no window of Chromium is as narrow as a telephone). A script put into a copy of the page measures it as it was laid out.

mod common;

use std::process::{Command, Stdio};

use common::{Work, corpus, csv};
use scraper::{Html, Selector};
use serde_json::Value;

/// Measures the page and tells the frame around it.
const MEASURE: &str = r#"<script>
window.addEventListener("load", () => {
  const light = c => { const [r, g, b] = c.match(/[\d.]+/g).map(Number).map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const body = getComputedStyle(document.body);
  const [a, b] = [light(body.color), light(body.backgroundColor)].sort();
  const clipped = [], small = [];
  for (const svg of document.querySelectorAll("svg[role=img]")) {
    const frame = svg.getBoundingClientRect();
    for (const text of svg.querySelectorAll("text")) {
      const box = text.getBoundingClientRect();
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1) clipped.push(text.textContent);
      if (parseFloat(getComputedStyle(text).fontSize) * frame.width / svg.viewBox.baseVal.width < 9) small.push(text.textContent);
    }
  }
  const wide = [...document.querySelectorAll("main *")].filter(e => !e.closest(".scroll > *") && e.getBoundingClientRect().right > innerWidth + 1);
  parent.postMessage(JSON.stringify({
    width: innerWidth, overflow: document.documentElement.scrollWidth - innerWidth, contrast: (b + 0.05) / (a + 0.05), dark: light(body.backgroundColor) < 0.2,
    headings: [...document.querySelectorAll("h2")].map(h => h.textContent), charts: document.querySelectorAll("svg[role=img]").length,
    drawn: [...document.querySelectorAll("svg[role=img]")].every(s => s.getBoundingClientRect().width > 100 && s.getAttribute("aria-label").length > 10),
    clipped, small, wide: wide.map(e => e.tagName + " " + e.textContent.slice(0, 40)), requests: performance.getEntriesByType("resource").length,
    keyboard: [...document.querySelectorAll(".scroll")].every(s => s.tabIndex === 0 && s.getAttribute("aria-label")),
  }), "*");
});
</script></body>"#;

fn browser() -> String {
    let named = std::env::var("CHROMIUM").into_iter();
    let known = ["chromium", "chromium-browser", "google-chrome"].map(str::to_owned);
    let works = |name: &String| {
        let version = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    };
    named.chain(known).find(works).expect("no Chromium: install it (apt-get install chromium), or name it in $CHROMIUM")
}

/// What the script found on a page of a directory, in a frame of this width.
fn measure(work: &Work, page: &str, width: u32, dark: bool) -> Value {
    let measured = work.read(page).replace("</body>", MEASURE);
    assert!(measured.contains("postMessage"));
    work.write("measured.html", measured);
    let frame = format!(
        r#"<!DOCTYPE html><meta charset="utf-8"><iframe src="measured.html" width="{width}" height="900" style="border:0"></iframe>
        <pre id="found"></pre><script>addEventListener("message", e => document.getElementById("found").textContent = e.data)</script>"#
    );
    work.write("frame.html", frame);
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(browser())
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--hide-scrollbars",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--blink-settings=preferredColorScheme={}", if dark { 0 } else { 1 }))
        .args(["--window-size=1400,1000", "--virtual-time-budget=10000", "--timeout=60000", "--dump-dom"])
        .arg(format!("file://{}", work.path("frame.html").display()))
        .output()
        .unwrap();
    let dom = Html::parse_document(&String::from_utf8_lossy(&output.stdout));
    let found = dom.select(&Selector::parse("#found").unwrap()).next().map(|e| e.text().collect::<String>());
    let found = found.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    serde_json::from_str(&found)
        .unwrap_or_else(|e| panic!("{e}: {found:?} {}", String::from_utf8_lossy(&output.stderr)))
}

/// Opens a page every way it is read.
fn open(work: &Work, page: &str, headings: &[&str], charts: u64) {
    for (width, dark) in [(390, false), (390, true), (1280, false)] {
        let found = measure(work, page, width, dark);
        let of = format!("{page} {width} {dark}: {found}");
        assert_eq!(found["width"], width, "{of}");
        assert_eq!(found["dark"], dark, "{of}");
        assert!(found["overflow"].as_f64().unwrap() <= 0.0 && found["wide"] == Value::Array(vec![]), "{of}");
        assert!(found["contrast"].as_f64().unwrap() >= 7.0, "{of}");
        let got: Vec<&str> = found["headings"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(got, headings, "{of}");
        assert_eq!(found["charts"], charts, "{of}");
        assert!(found["drawn"] == true && found["keyboard"] == true, "{of}");
        assert!(found["clipped"] == Value::Array(vec![]) && found["small"] == Value::Array(vec![]), "{of}");
        assert_eq!(found["requests"], 0, "{of}");
    }
}

const EVALUATION: [&str; 7] = [
    "All figures",
    "Topics",
    "Stances",
    "Do the probabilities mean what they say?",
    "Answering only when sure",
    "The worst confusions",
    "Model card",
];

#[test]
fn an_evaluation_is_readable_on_a_telephone_and_at_a_desk() {
    let work = Work::with_model();
    // Every seventh gold topic is wrong, so that there is something to see.
    work.write(
        "gold.csv",
        common::relabelled(|row| {
            if row.id % 7 == 0 {
                row.topic = "rail".into()
            }
        }),
    );
    work.run("evaluate gold.csv --model a.model --report page.html --quiet").success();
    open(&work, "page.html", &EVALUATION, 7);
}

#[test]
fn many_labels_and_long_ones_do_not_break_the_page() {
    let work = Work::new();
    let long = |n: usize| format!("a label of many words which its coders could not make any shorter, number {n:02}");
    let rows: Vec<[String; 2]> = (0..52 * 12)
        .map(|i| {
            let topic = i % 52;
            // Word number n is of topic n, but for every ninth row, which borrows its neighbour's.
            let word = if i % 9 == 0 { (topic + 1) % 52 } else { topic };
            [format!("matter{word} was spoken of {} times in the hall{}", i / 52, word * 31), long(topic)]
        })
        .collect();
    work.write("many.csv", csv(&["text", "topic"], &rows));
    work.run("train many.csv --stance-column none --output many.model --c 1 --quiet").success();
    work.run("evaluate many.csv --stance-column none --model many.model --report page.html --quiet").success();
    let headings: Vec<&str> = EVALUATION.into_iter().filter(|h| *h != "Stances").collect();
    open(&work, "page.html", &headings, 3);
}

#[test]
fn an_aggregation_is_readable_on_a_telephone_and_at_a_desk() {
    let work = Work::with_model();
    let rows =
        corpus().into_iter().enumerate().map(|(i, row)| [row.text, row.speaker, (1990 + i * 5 % 12).to_string()]);
    work.write("speeches.csv", csv(&["text", "speaker", "year"], rows));
    work.run("classify speeches.csv --model a.model --scores --output labelled.csv --quiet").success();
    work.run("aggregate labelled.csv --by speaker,year --model a.model --report page.html --output shares.csv --quiet")
        .success();
    let headings = [
        "Topics by group",
        "Stance by group and topic",
        "Over time",
        "Table of shares",
        "How the shares were estimated",
    ];
    // A map of the topics, one of each stance, and curves of each topic.
    open(&work, "page.html", &headings, 1 + 3 + 4);
}
