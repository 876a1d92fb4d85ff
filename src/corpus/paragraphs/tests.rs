//! Golden texts, one for each shape and for what goes wrong between them, and properties that hold for any text.

use proptest::prelude::*;

use super::lines::is_space;
use super::{DEFAULT_MAX_WORDS, split_paragraphs};

fn split(text: &str) -> Vec<String> {
    split_paragraphs(text, DEFAULT_MAX_WORDS)
}

#[test]
fn blank_lines_between_paragraphs() {
    let text = "\n\nWe thank the Council.\n\n \t \nWe regret the veto; it was wrong.\r\n\r\nWe shall return.\u{2029}Thank you.";
    assert_eq!(
        split(text),
        ["We thank the Council.", "We regret the veto; it was wrong.", "We shall return.", "Thank you."]
    );
}

#[test]
fn a_paragraph_a_line() {
    let text = "Madam President,\nPeace is more than the absence of war. It is bread, water and a school that is open in the morning.\n\
                To live without fear.\n\nWe ask for no more than others have, and for no less. The harbours must open again before winter comes.\n\n\n";
    let paragraphs = split(text);
    assert_eq!(paragraphs.len(), 4, "{paragraphs:#?}");
    assert_eq!(paragraphs[2], "To live without fear.");
}

#[test]
fn a_line_broken_by_mistake_is_mended() {
    let text = "The harbours must open again before winter comes.\nWe ask for talks that lead\nto a lasting peace in our part of the world.\n\
                The fishermen of both shores are waiting.\nThey have waited for eleven years.\nThat is enough.\n";
    assert_eq!(split(text).len(), 5);
    assert_eq!(split(text)[1], "We ask for talks that lead to a lasting peace in our part of the world.");
}

/// Wrapped without blank lines: paragraphs end with a short line, page numbers stand in mid-sentence.
const WRAPPED: &str = "\
The harbour of our capital has been closed for
eleven years, and with it the only road by which
grain reaches the provinces of the north. We have
asked this Assembly for help, and the inter-
national community has answered.
Our neighbours say that the closure is a non-
military measure. Nobody who has seen the queues
before the bakeries believes them, and least of all
7

those who stand in them. We appeal to the Council
to look for itself.
8

There can be no peace without bread. Mr. Secretary-
General, you have said so yourself, and we thank Mr.
Okafor for the long report of the summer of
2015. It is a good report.";

#[test]
fn hard_wrapped_lines() {
    let paragraphs = split(WRAPPED);
    assert_eq!(paragraphs.len(), 3, "{paragraphs:#?}");
    assert!(paragraphs[0].ends_with("and the international community has answered."));
    assert!(paragraphs[1].starts_with("Our neighbours say that the closure is a non-military measure."));
    assert!(
        paragraphs[1].ends_with("least of all those who stand in them. We appeal to the Council to look for itself.")
    );
    assert!(paragraphs[2].ends_with("Mr. Secretary-General, you have said so yourself, and we thank Mr. Okafor for the long report of the summer of 2015. It is a good report."));
}

#[test]
fn hard_wrapped_and_blank_lines() {
    let text = "\
Mr. Traore (Guinea) (spoke in French): Let me first thank the
delegations that have called for this debate, which
comes at a dangerous hour for all of us.

We have three proposals:

- an observer mission that reports to the Council every
month;
- a fund for the provinces of the north, to be filled
by those who closed the harbour;
- talks.

We commend them to the attention of all members.
Mrs. Berg (Norway): My country supports what has been
proposed, and will pay its share.

The meeting rose at 1.10 p.m.
";
    let paragraphs = split(text);
    let starts: Vec<&str> = paragraphs.iter().map(|p| p.split(' ').next().unwrap_or("")).collect();
    assert_eq!(starts, ["Mr.", "We", "-", "-", "-", "We", "Mrs.", "The"], "{paragraphs:#?}");
}

#[test]
fn two_lines_are_enough_to_see_wrapping() {
    assert_eq!(
        split("I now give the floor to the\nrepresentative of Ruritania.\n\n"),
        ["I now give the floor to the representative of Ruritania."]
    );
}

#[test]
fn names_alone_do_not_hide_wrapping() {
    let text = "The President: I give the floor to His\nExcellency Mr. Aldo Rossi, Minister for\nForeign Affairs of Ruritania.\n";
    assert_eq!(split(text).len(), 1);
    assert_eq!(split("Ruritania\nGraustark\nSylvania\nOsterlich").len(), 4);
}

#[test]
fn a_lost_page_end_ends_no_paragraph() {
    let page = WRAPPED.lines().take(7).collect::<Vec<_>>().join("\n");
    let text = format!(
        "{page}\nbefore the bakeries believes the members of the\n\nSecurity Council.\n\nWe shall see what\n\nbecomes of it."
    );
    assert!(split(&text).iter().any(|p| p.ends_with("members of the Security Council.")), "{:#?}", split(&text));
}

#[test]
fn indented_first_lines_begin_paragraphs() {
    let text = "    The closure of the harbour was never lawful, and
no court has ever found that it was. It must end now.
    The fund that was promised two years ago is empty,
and the north is hungry. We ask those who promised.
    Bread is peace.";
    assert_eq!(split(text).len(), 3);
}

#[test]
fn double_spacing_ends_no_paragraph() {
    let text = WRAPPED.lines().filter(|l| l.len() > 3).collect::<Vec<_>>().join("\r\r\n");
    assert_eq!(split(&text), split(&WRAPPED.lines().filter(|l| l.len() > 3).collect::<Vec<_>>().join("\n")));
}

#[test]
fn one_endless_line() {
    let sentence = "The harbour of Port St. John was closed by order No. 12 of the U.N. Commission under Mr. Okafor. ";
    let text = sentence.repeat(40);
    let pieces = split(&text);
    let words: Vec<usize> = pieces.iter().map(|p| p.split(' ').count()).collect();
    assert_eq!(words, [190, 190, 190, 190]);
    assert!(pieces.iter().all(|p| p.ends_with("Okafor.")));
}

#[test]
fn a_texts_own_paragraphs_may_be_somewhat_longer() {
    let long = "We want peace now. ".repeat(70);
    assert_eq!(split(&format!("{long}\nThank you.")).len(), 2);
    assert_eq!(split(&format!("{}\nThank you.", long.repeat(2))).len(), 4);
    assert_eq!(split(&long).len(), 2);
}

#[test]
fn verse_lists_and_headings_are_kept() {
    let text = "Demands\nbread\nPeace\nthe harbour\nRoses are red,\nViolets are blue.\n(a) first\n(b) second";
    assert_eq!(
        split(text).concat().chars().filter(|c| !c.is_whitespace()).count(),
        text.chars().filter(|c| !c.is_whitespace()).count()
    );
    assert_eq!(split("1.\nThe Council met."), ["1. The Council met."]);
}

#[test]
fn texts_in_scripts_without_case() {
    let arabic = "يعرب المجلس عن قلقه البالغ إزاء استمرار إغلاق الميناء\nويدعو جميع الأطراف إلى ضبط النفس والعودة إلى المفاوضات\nدون شروط مسبقة.\n\nشكرا لكم.";
    assert_eq!(split(arabic).len(), 2);
    let chinese = "安理会对港口继续关闭表示严重关切，并呼吁所有各方保持\n克制，无条件地恢复谈判。\n\n谢谢主席。";
    assert_eq!(
        split(chinese),
        ["安理会对港口继续关闭表示严重关切，并呼吁所有各方保持克制，无条件地恢复谈判。", "谢谢主席。"]
    );
}

#[test]
fn text_without_text_has_no_paragraphs() {
    for text in ["", "\n\n", " \t\u{A0}\u{FEFF}\r\n\u{0C}"] {
        assert!(split(text).is_empty());
    }
    assert_eq!(split_paragraphs("a b", 0), ["a", "b"]);
}

/// Each of these took quadratic time in some version or library: at four million letters the test would not end within hours.
#[test]
fn endless_texts_take_linear_time() {
    let size = 4_000_000;
    for unit in [
        "a",
        ".)",
        "a.",
        "a. ",
        "x-\n",
        "7\n",
        ")",
        "\n",
        "A\u{301}",
        ". \u{301}",
        "安",
        "a b\n",
        "\u{0C}",
        "Mr. ",
        "a:\n",
    ] {
        let text = unit.repeat(size / unit.len());
        let pieces = split(&text);
        assert!(pieces.len() <= text.len());
    }
}

/// Letters and digits but for lines that consist of nothing else than digits and marks.
fn substance(text: &str) -> String {
    text.split(['\n', '\r', '\u{0C}', '\u{0B}', '\u{85}', '\u{2028}', '\u{2029}'])
        .filter(|line| line.chars().any(char::is_alphabetic))
        .flat_map(str::chars)
        .filter(|c| c.is_alphabetic())
        .collect()
}

#[test]
fn a_number_after_a_connecting_word_is_no_page() {
    assert_eq!(split("de 0\na\n").concat().matches('0').count(), 1);
}

proptest! {
    #[test]
    fn no_letter_is_lost(text in "([A-Za-z.,:;()\\-]{1,9}[ \n\t-]{1,2}|[0-9]{1,4}\n|\r\n|\n\n|\u{0C}|é|安|\u{A0}|\\PC){0,60}", max in 1usize..40) {
        let pieces = split_paragraphs(&text, max);
        prop_assert_eq!(substance(&text), substance(&pieces.join("\n")));
    }

    #[test]
    fn no_digit_is_lost_but_in_page_numbers(text in "([a-z0-9]{1,4}[ \n]|[a-z]{5}[.]\n\n){0,60}") {
        let lone = |l: &&str| !l.trim().chars().all(|c| c.is_ascii_digit());
        let kept = split(&text).concat().chars().filter(char::is_ascii_digit).count();
        let all = text.chars().filter(char::is_ascii_digit).count();
        let least = text.lines().filter(lone).flat_map(str::chars).filter(char::is_ascii_digit).count();
        prop_assert!((least..=all).contains(&kept));
    }

    #[test]
    fn pieces_are_short_single_spaced_and_stay(text in "([A-Za-z]{1,6}[.,]? |\\PC|\n|\n\n){0,80}", max in 1usize..20) {
        for piece in split_paragraphs(&text, max) {
            prop_assert!(!piece.trim_matches(is_space).is_empty());
            prop_assert!(!piece.contains(|c: char| is_space(c) && c != ' ') && !piece.contains("  "));
            prop_assert_eq!(piece.trim_matches(is_space), &piece);
            let again = split_paragraphs(&piece, 2 * max);
            prop_assert_eq!(again, vec![piece]);
        }
    }
}
