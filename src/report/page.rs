//! The frame of a page: head, style, table of contents.
//!
//! Flows in: a title and sections. Flows out: a whole document.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The style of every page; it knows light, dark, narrow and paper.
const STYLE: &str = include_str!("style.css");

/// A part of a page.
pub(super) struct Section {
    /// Its place in the address, unique on the page.
    pub id: &'static str,
    pub heading: &'static str,
    pub body: Markup,
}

/// A document of these sections.
pub(super) fn page(title: &str, introduction: &Markup, sections: &[Section]) -> String {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(concat!("rapporteur ", env!("CARGO_PKG_VERSION")));
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (title) }
                    (introduction)
                    nav aria-label="Contents" {
                        ul { @for s in sections { li { a href={ "#" (s.id) } { (s.heading) } } } }
                    }
                    @for s in sections {
                        section aria-labelledby=(s.id) { h2 id=(s.id) { (s.heading) } (s.body) }
                    }
                }
            }
        }
    };
    document.into_string()
}

/// A path without its directories, which are nobody's concern on a page that is passed on.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// A share as a reader takes it in, `12.3 %`, never broken over two lines.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1}\u{a0}%", 100.0 * share)
}

/// Something wider than a telephone, to be moved sideways, by keyboard too.
pub(super) fn scroll(label: &str, inside: &Markup) -> Markup {
    html! { div.scroll tabindex="0" role="region" aria-label=(label) { (inside) } }
}
