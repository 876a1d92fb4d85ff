//! Words that negate, and how far they reach.
//!
//! Flows in: forms, in order. Flows out: which of them stand in a negation's scope. The rule is the classic one of Das and Chen (2001) and Pang, Lee and
//! Vaithyanathan (2002): every word between a negation and the next clause punctuation is marked. It is an option, off by default: it pays on short
//! comments and costs on long diplomatic sentences.

use super::language::Language;

/// Negating words of a language; the English ones where the language is not known.
fn negations(language: Option<Language>) -> &'static [&'static str] {
    match language.unwrap_or(Language::English) {
        Language::Arabic => &["لا", "لم", "لن", "ليس", "ليست", "غير", "دون", "بدون", "ما"],
        Language::Danish => &["ikke", "ingen", "intet", "aldrig", "uden", "hverken"],
        Language::Dutch => &["niet", "geen", "nooit", "niets", "zonder", "noch", "niemand"],
        Language::English => &[
            "not", "no", "never", "neither", "nor", "none", "nobody", "nothing", "nowhere", "without", "cannot",
            "hardly",
        ],
        Language::Finnish => &["ei", "en", "et", "emme", "ette", "eivät", "ilman", "eikä"],
        Language::French => &["ne", "pas", "non", "jamais", "aucun", "aucune", "rien", "sans", "ni", "nul", "nulle"],
        Language::German => &[
            "nicht", "kein", "keine", "keinen", "keiner", "keinem", "keines", "nie", "niemals", "nichts", "ohne",
            "weder",
        ],
        Language::Greek => &["δεν", "μη", "μην", "όχι", "ποτέ", "χωρίς", "ούτε", "κανείς"],
        Language::Hungarian => &["nem", "ne", "nincs", "nincsen", "sem", "soha", "nélkül"],
        Language::Italian => &["non", "no", "mai", "nessun", "nessuno", "nessuna", "niente", "nulla", "senza", "né"],
        Language::Norwegian => &["ikke", "ingen", "intet", "aldri", "uten", "verken"],
        Language::Portuguese => &["não", "nunca", "nenhum", "nenhuma", "nada", "sem", "nem", "jamais"],
        Language::Romanian => &["nu", "niciodată", "nici", "nimic", "fără", "niciun", "nicio"],
        Language::Russian => &["не", "нет", "ни", "никогда", "без", "нельзя", "ничего"],
        Language::Spanish => &["no", "nunca", "jamás", "ningún", "ninguna", "ninguno", "nada", "sin", "ni", "tampoco"],
        Language::Swedish => &["inte", "ej", "ingen", "inget", "aldrig", "utan", "varken"],
        Language::Tamil => &["இல்லை", "அல்ல", "வேண்டாம்"],
        Language::Turkish => &["değil", "yok", "hiç", "asla", "ne"],
    }
}

/// True when a form negates in the language (English where none is given): `not`, `no`, `don't`, `without` ...
///
/// ```
/// use rapporteur::text::{is_negation, Language};
/// assert!(is_negation("cannot", Some(Language::English)) && is_negation("won't", None));
/// assert!(is_negation("sans", Some(Language::French)) && !is_negation("peace", None));
/// ```
pub fn is_negation(form: &str, language: Option<Language>) -> bool {
    negations(language).contains(&form)
        || (matches!(language, None | Some(Language::English)) && form.ends_with("n't") && form.len() > 3)
}

/// True when a cluster of marks ends a clause and so the scope of a negation.
pub fn ends_clause(mark: &str) -> bool {
    mark.contains([',', '.', ';', ':', '!', '?', '،', '؛', '؟', '。', '，', '—', '–', '(', ')'])
}
