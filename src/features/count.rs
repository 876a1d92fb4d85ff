//! Learning a vocabulary: in how many paragraphs each term occurs, and which terms stay.
//!
//! Flows in: token streams and the [`Lexicon`] of a corpus, with provisional words. Flows out: a [`Vocabulary`] and the document frequency of each column. An
//! n-gram that reaches `min_df` has a beginning that reaches it too, so lengths are counted one after the other and only
//! pairs of a *surviving* beginning and a surviving word are ever looked at. Pairs are dealt to shards by hash, so that those of a shard fit the cache when they are sorted.

use rayon::prelude::*;

use super::documents::Documents;
use super::grams::{GramTable, hash};
use super::lexicon::{Lexicon, UNKNOWN};
use super::params::VectoriserValidParams;
use super::strings::Strings;
use super::vocabulary::{Vocabulary, WordTerms};

const SHARDS: usize = 64;
/// Rows a task counts at a time; cut by the data, so that no result depends on the number of threads.
const CHUNK: usize = 8_192;

/// A vocabulary, and the number of paragraphs of each column.
pub(super) struct Counted {
    pub vocabulary: Vocabulary,
    pub frequencies: Vec<u32>,
}

/// What a corpus offers: its provisional words and character n-grams.
pub(super) struct Candidates<'a> {
    pub documents: &'a Documents,
    pub rows: &'a [u32],
    pub lexicon: Lexicon,
    pub words: Strings,
    pub chars: Strings,
}

/// Counts all terms and keeps those that the parameters allow.
pub(super) fn count(candidates: Candidates<'_>, params: &VectoriserValidParams) -> Counted {
    let Candidates { documents, rows, mut lexicon, words, chars } = candidates;
    // An absolute minimum of one: a term of no paragraph (of another fold, say) has no idf.
    let min_df = params.min_df.of(rows.len()).max(1.0);
    let max_df = params.max_df.of(rows.len());
    let keeps = |df: u32| f64::from(df) >= min_df;

    let mut terms: Vec<Term> = Vec::new();
    let (mut kept_words, mut grams) = (Strings::default(), GramTable::default());
    if let Some(range) = params.word_ngrams {
        let df = unigram_frequencies(documents, rows, &lexicon, words.len());
        let mut survivors: Vec<u32> = (0..words.len() as u32).filter(|&w| keeps(df[w as usize])).collect();
        survivors.sort_unstable_by(|&a, &b| {
            df[b as usize].cmp(&df[a as usize]).then_with(|| words.get(a).cmp(words.get(b)))
        });
        let mut renumber = vec![UNKNOWN; words.len()];
        for (node, &w) in survivors.iter().enumerate() {
            renumber[w as usize] = node as u32;
            kept_words.intern(words.get(w));
        }
        lexicon.renumber_words(&renumber);
        if range.min() == 1 {
            terms.extend(survivors.iter().zip(0..).map(|(&w, node)| Term { df: df[w as usize], node }));
        }
        grams = GramTable::new(kept_words.len(), Vec::new()).unwrap_or_default();
        for n in 2..=range.max() {
            let mut found = ngram_frequencies(documents, rows, &lexicon, &grams, n, min_df);
            if found.is_empty() {
                break;
            }
            // Commonest first; `found` is in order of its pairs.
            found.sort_by_key(|&(_, _, df)| u32::MAX - df);
            let first = grams.len() as u32;
            grams.extend(&found.iter().map(|&(prefix, word, _)| (prefix, word)).collect::<Vec<_>>());
            if n >= range.min() {
                terms.extend(found.iter().zip(first..).map(|(&(_, _, df), node)| Term { df, node }));
            }
        }
    }
    terms.retain(|t| f64::from(t.df) <= max_df);
    let spell = |node: u32| grams.words_of(node).iter().map(|&w| kept_words.get(w)).collect::<Vec<_>>().join(" ");
    keep_commonest(&mut terms, params.max_features, spell);

    let mut char_terms: Vec<Term> = Vec::new();
    if params.char_ngrams.is_some() {
        let df = char_frequencies(documents, rows, &lexicon, chars.len());
        char_terms.extend(df.iter().zip(0..).map(|(&df, node)| Term { df, node }));
        char_terms.retain(|t| keeps(t.df) && f64::from(t.df) <= max_df);
        char_terms.sort_unstable_by(|a, b| b.df.cmp(&a.df).then_with(|| chars.get(a.node).cmp(chars.get(b.node))));
        char_terms.truncate(params.max_features.unwrap_or(usize::MAX));
    }
    let frequencies = terms.iter().chain(&char_terms).map(|t| t.df).collect();
    let kept_chars = char_terms.iter().map(|t| chars.get(t.node)).collect();
    let nodes = terms.iter().map(|t| t.node).collect();
    let terms = WordTerms::new(nodes, grams.len()).unwrap_or_default();
    Counted { vocabulary: Vocabulary { words: kept_words, grams, terms, chars: kept_chars }, frequencies }
}

/// A term of the word block (its node) or of the character block (its provisional number).
struct Term {
    df: u32,
    node: u32,
}

/// Keeps the terms of most paragraphs, at most so many, ties at the cut by spelling; in the order of their nodes as before.
fn keep_commonest(terms: &mut Vec<Term>, most: Option<usize>, spell: impl Fn(u32) -> String) {
    let Some(most) = most.filter(|&m| m < terms.len()) else { return };
    terms.sort_unstable_by_key(|t| (u32::MAX - t.df, t.node));
    let cut = terms[most].df;
    let start = terms.partition_point(|t| t.df > cut);
    let end = terms.partition_point(|t| t.df >= cut);
    terms[start..end].sort_by_cached_key(|t| spell(t.node));
    terms.truncate(most);
    terms.sort_unstable_by_key(|t| t.node);
}

fn unigram_frequencies(documents: &Documents, rows: &[u32], lexicon: &Lexicon, words: usize) -> Vec<u32> {
    stamped_frequencies(rows, words, |row, see| {
        for (_, word) in lexicon.words(documents.tokens(row as usize)) {
            see(word);
        }
    })
}

fn char_frequencies(documents: &Documents, rows: &[u32], lexicon: &Lexicon, chars: usize) -> Vec<u32> {
    stamped_frequencies(rows, chars, |row, see| {
        for &form in documents.tokens(row as usize) {
            lexicon.grams(form).iter().for_each(|&g| see(g));
        }
    })
}

/// Document frequencies of `n` things, told apart within a row by stamping each with the row that saw it last.
fn stamped_frequencies(rows: &[u32], n: usize, visit: impl Fn(u32, &mut dyn FnMut(u32)) + Sync) -> Vec<u32> {
    let parts = rayon::current_num_threads().max(1);
    rows.par_chunks(rows.len().div_ceil(parts).max(1))
        .map(|rows| {
            let (mut df, mut stamp) = (vec![0u32; n], vec![0u32; n]);
            for (i, &row) in (1u32..).zip(rows) {
                visit(row, &mut |thing| {
                    if let Some(last) = stamp.get_mut(thing as usize).filter(|last| **last != i) {
                        *last = i;
                        df[thing as usize] += 1;
                    }
                });
            }
            df
        })
        // Sums of whole numbers: the same however the rows were shared out.
        .reduce(
            || vec![0; n],
            |mut a, b| {
                a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                a
            },
        )
}

/// Beginning, last word, and in how many paragraphs the n-gram of both is.
type Counts = (u32, u32, u32);

/// The n-grams of `n` words whose beginning is in the table, in order, where they reach `min_df`.
///
/// Keys are sorted and counted, shard by shard: no table of hashes is as small, and those of a shard fit the cache.
fn ngram_frequencies(
    documents: &Documents,
    rows: &[u32],
    lexicon: &Lexicon,
    grams: &GramTable,
    n: usize,
    min_df: f64,
) -> Vec<Counts> {
    // Batches bound the memory of the shards: counts of a batch are added to the tables of all shards before the next.
    const CHUNKS_AT_ONCE: usize = 4;
    let mut tables: Vec<Vec<Counts>> = vec![Vec::new(); SHARDS];
    let mut batches = rows.chunks(CHUNK * CHUNKS_AT_ONCE).peekable();
    while let Some(batch) = batches.next() {
        let dealt: Vec<Vec<Vec<u64>>> = batch
            .par_chunks(CHUNK)
            .map(|rows| {
                let mut shards = vec![Vec::new(); SHARDS];
                let (mut words, mut keys) = (Vec::new(), Vec::new());
                for &row in rows {
                    words.clear();
                    words.extend(lexicon.words(documents.tokens(row as usize)).map(|(_, w)| w));
                    keys.clear();
                    for window in words.windows(n) {
                        if let Some(prefix) = node_of(&window[..n - 1], grams)
                            && window[n - 1] != UNKNOWN
                        {
                            keys.push(u64::from(prefix) << 32 | u64::from(window[n - 1]));
                        }
                    }
                    keys.sort_unstable();
                    keys.dedup();
                    for &key in &keys {
                        shards[shard_of(key)].push(key);
                    }
                }
                shards
            })
            .collect();
        let least = if batches.peek().is_none() { min_df } else { 0.0 };
        tables.par_iter_mut().enumerate().for_each(|(shard, table)| {
            let mut keys: Vec<u64> = dealt.iter().flat_map(|chunk| &chunk[shard]).copied().collect();
            keys.sort_unstable();
            *table = merged(table, &keys, least);
        });
    }
    let mut found: Vec<Counts> = tables.into_iter().flatten().collect();
    found.par_sort_unstable();
    found
}

/// Counts in ascending order and keys in ascending order, together; those below `least` are left out.
fn merged(counts: &[Counts], keys: &[u64], least: f64) -> Vec<Counts> {
    let mut out = Vec::new();
    let mut counts = counts.iter().copied().peekable();
    let mut add = |count: Counts| {
        if f64::from(count.2) >= least {
            out.push(count);
        }
    };
    for run in keys.chunk_by(|a, b| a == b) {
        let (prefix, word) = ((run[0] >> 32) as u32, run[0] as u32);
        while let Some(before) = counts.next_if(|&(p, w, _)| (p, w) < (prefix, word)) {
            add(before);
        }
        let known = counts.next_if(|&(p, w, _)| (p, w) == (prefix, word)).map_or(0, |(_, _, df)| df);
        add((prefix, word, known + run.len() as u32));
    }
    counts.for_each(add);
    out.shrink_to_fit();
    out
}

fn node_of(words: &[u32], grams: &GramTable) -> Option<u32> {
    let (&first, rest) = words.split_first()?;
    if first == UNKNOWN {
        return None;
    }
    rest.iter().try_fold(first, |prefix, &word| if word == UNKNOWN { None } else { grams.find(prefix, word) })
}

/// By bits of the hash, so that all shards are about as large.
fn shard_of(key: u64) -> usize {
    (hash((key >> 32) as u32, key as u32) >> 40) & (SHARDS - 1)
}
