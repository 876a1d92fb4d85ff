//! `rapporteur aggregate`: shares by group, counted and corrected.

mod common;

use common::{TOPICS, Table, Work, corpus, csv};
use predicates::prelude::*;
use predicates::str::contains;

/// The estimates of one column for one kind, by (group, label).
fn shares<'a>(table: &'a Table, kind: &str, column: &str) -> Vec<((&'a str, &'a str), f64)> {
    let (groups, kinds, values) = (&table.rows, table.column("kind"), table.column(column));
    let labels = table.column(kind);
    (0..groups.len())
        .filter(|&i| kinds[i] == kind && !values[i].is_empty())
        .map(|i| ((groups[i][0].as_str(), labels[i]), values[i].parse().unwrap()))
        .collect()
}

/// A corpus classified, with its gold labels still in it.
fn classified(options: &str) -> Work {
    let work = Work::with_model();
    work.run(&format!("classify corpus.csv --model a.model {options} --output labelled.csv --quiet")).success();
    work
}

#[test]
fn the_table_is_tidy_and_its_shares_are_those_of_the_rows() {
    let work = classified("--scores");
    let table = work.table("aggregate labelled.csv --by speaker --model a.model --quiet");
    let columns = "speaker kind topic stance rows of_rows share share_low share_high adjusted adjusted_low adjusted_high em em_low em_high flag";
    assert_eq!(table.header, columns.split(' ').collect::<Vec<_>>());
    // Six speakers with each topic, and each stance within it.
    assert_eq!(table.rows.len(), 6 * (4 + 4 * 3));
    for estimate in ["share", "adjusted", "em"] {
        let all = shares(&table, "topic", estimate);
        assert_eq!(all.len(), 6 * 4);
        for speaker in all.chunks(4) {
            assert!((speaker.iter().map(|(_, share)| share).sum::<f64>() - 1.0).abs() < 1e-5, "{speaker:?}");
        }
        let (low, value, high) = (
            shares(&table, "topic", &format!("{estimate}_low")),
            shares(&table, "topic", estimate),
            shares(&table, "topic", &format!("{estimate}_high")),
        );
        assert!(low.iter().zip(&value).zip(&high).all(|((l, v), h)| l.1 <= v.1 && v.1 <= h.1 && h.1 - l.1 < 0.6));
        // The corpus is easy: every estimate is near the truth.
        for ((speaker, topic), share) in value {
            let of = corpus().into_iter().filter(|row| row.speaker == speaker).collect::<Vec<_>>();
            let truth = of.iter().filter(|row| row.topic == topic).count() as f64 / of.len() as f64;
            assert!((share - truth).abs() < 0.08, "{estimate} {speaker} {topic}: {share} {truth}");
        }
    }
    assert!(table.column("flag").iter().all(|flag| *flag == "few_rows"), "24 rows a speaker");
    let one =
        work.table("aggregate labelled.csv --by document --model a.model --quiet".replace("document", "id").as_str());
    assert_eq!(one.rows.iter().filter(|row| row[1] == "topic").count(), 144 * 4);
}

#[test]
fn the_same_command_gives_the_same_bytes_on_any_number_of_threads() {
    let work = classified("--scores");
    let once = work.stdout("aggregate labelled.csv --by speaker --model a.model --quiet --threads 1");
    assert_eq!(once, work.stdout("aggregate labelled.csv --by speaker --model a.model --quiet --threads 3"));
    assert_ne!(once, work.stdout("aggregate labelled.csv --by speaker --model a.model --quiet --seed 7"));
}

#[test]
fn without_scores_the_text_is_classified_again_and_gives_the_same() {
    let work = classified("--scores");
    let by_scores = work.table("aggregate labelled.csv --by speaker --model a.model --quiet");
    work.run("classify corpus.csv --model a.model --output plain.csv --quiet").success();
    let by_text = work.table("aggregate plain.csv --by speaker --model a.model --quiet");
    assert_eq!(by_text.header, by_scores.header);
    for column in ["share", "adjusted", "em", "em_low", "em_high"] {
        // Scores are written with four decimals.
        let (a, b) = (shares(&by_text, "topic", column), shares(&by_scores, "topic", column));
        assert!(a.len() == 24 && a.iter().zip(&b).all(|(a, b)| (a.1 - b.1).abs() < 1e-3), "{column}");
    }
}

#[test]
fn without_scores_or_text_em_is_empty_and_without_a_model_all_corrections() {
    let work = classified("");
    let table = work.read("labelled.csv");
    let without_text: Vec<Vec<String>> = Table::of(&table)
        .rows
        .into_iter()
        .map(|mut row| {
            row.remove(2);
            row
        })
        .collect();
    let mut header = Table::of(&table).header;
    header.remove(2);
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    work.write("bare.csv", csv(&header, without_text));
    work.run("aggregate bare.csv --by speaker --model a.model --output shares.csv")
        .success()
        .stderr(contains("the em columns are empty: they need the columns of `classify --scores`, or the text (text)"));
    let shares_of = Table::of(&work.read("shares.csv"));
    assert!(shares_of.column("em").iter().all(|cell| cell.is_empty()));
    assert_eq!(shares(&shares_of, "topic", "adjusted").len(), 24);
    work.run("aggregate bare.csv --by speaker --output shares.csv")
        .success()
        .stderr(contains("without --model the shares are counted and not corrected"));
    let counted = Table::of(&work.read("shares.csv"));
    assert!(counted.column("adjusted").iter().all(|cell| cell.is_empty()));
    assert_eq!(counted.column("share"), shares_of.column("share"));
}

#[test]
fn gold_columns_are_not_taken_for_predictions() {
    let work = Work::with_model();
    work.run("aggregate corpus.csv --by speaker").code(1).stdout("").stderr(
        contains("the labels here are not predictions").and(contains("rapporteur classify corpus.csv --scores")),
    );
    // Gold labels all of one topic; the predictions beside them are read.
    work.write("odd.csv", common::relabelled(|row| row.topic = "rail".into()));
    work.run("classify odd.csv --model a.model --output labelled.csv --quiet").success();
    let table = work.table("aggregate labelled.csv --by stance --quiet");
    let rail: Vec<f64> =
        shares(&table, "topic", "share").into_iter().filter(|s| s.0.1 == "rail").map(|s| s.1).collect();
    assert!(rail.len() == 3 && rail.iter().all(|share| (0.2..0.3).contains(share)), "{rail:?}");
    // Without gold labels in the input, classify writes its own without a prefix, and these are predictions.
    work.write("plain.csv", csv(&["text"], corpus().iter().map(|row| [row.text.clone()])));
    work.run("classify plain.csv --model a.model --output labelled.csv --quiet").success();
    work.run("aggregate labelled.csv --by topic --quiet").success();
}

#[test]
fn dates_are_cut_to_periods() {
    let work = classified("");
    let table = Table::of(&work.read("labelled.csv"));
    let rows: Vec<Vec<String>> = table
        .rows
        .iter()
        .enumerate()
        .map(|(i, row)| [row.clone(), vec![format!("20{:02}-0{}-11", 10 + i % 2, 1 + i % 3)]].concat())
        .collect();
    let header: Vec<&str> = table.header.iter().map(String::as_str).chain(["date"]).collect();
    work.write("dated.csv", csv(&header, &rows));
    let years = work.table("aggregate dated.csv --date-column date --quiet");
    assert_eq!((years.header[0].as_str(), years.rows[0][0].as_str()), ("date", "2010"));
    let months = work.table("aggregate dated.csv --by speaker --date-column date --period month --quiet");
    assert_eq!(months.header[..2], ["speaker", "date"]);
    assert!(months.rows.iter().all(|row| row[1].len() == 7));
    let mut bad = rows;
    bad[5].pop();
    bad[5].push("11 March".into());
    work.write("bad.csv", csv(&header, &bad));
    work.run("aggregate bad.csv --date-column date")
        .code(1)
        .stderr(contains("bad.csv, line 7: \"11 March\" in the date column is no date").and(contains("YYYY-MM-DD")));
}

#[test]
fn wrong_usage_is_told() {
    let work = classified("");
    work.run("aggregate labelled.csv").code(2).stderr(contains("no groups: name columns with --by"));
    work.run("aggregate labelled.csv --by speakr").code(1).stderr(contains("did you mean --by \"speaker\"?"));
    work.run("aggregate labelled.csv --by speaker --output labelled.csv").code(2).stderr(contains("would write over"));
    work.run("aggregate labelled.csv --by speaker --period month").code(2).stderr(contains("--date-column"));
    work.run("aggregate none.csv --by speaker").code(1).stderr(contains("cannot open none.csv"));
}

#[test]
fn json_holds_the_same_numbers() {
    let work = classified("--scores");
    let table = work.table("aggregate labelled.csv --by speaker --model a.model --json out.json --quiet");
    let json = work.json("out.json");
    assert_eq!((json["resamples"].as_u64(), json["seed"].as_u64()), (Some(200), Some(42)));
    assert_eq!(json["groups"].as_array().unwrap().len(), 6);
    let first = &json["groups"][0]["shares"][0];
    assert_eq!(first["topic"], TOPICS[0]);
    assert!((first["em"]["value"].as_f64().unwrap() - table.numbers("em")[0]).abs() < 1e-6);
    let alone = work.stdout("aggregate labelled.csv --by speaker --model a.model --json - --quiet");
    assert_eq!(work.read("out.json"), alone);
}

#[test]
fn rows_of_one_speech_are_drawn_together() {
    let work = classified("--scores");
    let single = work.table("aggregate labelled.csv --by stance --model a.model --quiet");
    let run =
        "aggregate labelled.csv --by stance --model a.model --group-column topic --json out.json --output shares.csv";
    // Each topic as one speech: what a group says is what four speeches say.
    let said = work.stderr(run);
    assert!(said.contains("note: 3 of 3 groups have fewer than 20 of topic: their intervals are rough"), "{said}");
    let together = Table::of(&work.read("shares.csv"));
    for column in ["share", "adjusted", "em"] {
        assert_eq!(single.column(column), together.column(column));
        let width = |table: &Table| -> f64 {
            let ends = |end: &str| shares(table, "topic", &format!("{column}_{end}")).into_iter().map(|s| s.1);
            ends("high").sum::<f64>() - ends("low").sum::<f64>()
        };
        assert!(width(&together) > 1.5 * width(&single), "{column}: {} {}", width(&together), width(&single));
    }
    let json = work.json("out.json");
    assert_eq!((&json["unit"], &json["groups"][0]["units"]), (&"group".into(), &4.into()));
    work.run("aggregate labelled.csv --by stance --group-column speach").code(1).stderr(contains("--group-column"));
}

/// Groups of 500 rows whose topics are drawn anew, from paragraphs of documents that the model has not seen.
#[test]
fn corrected_shares_err_by_less_than_half_under_prior_shift() {
    let work = Work::new();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/statements.csv");
    let all = Table::of(&std::fs::read_to_string(path).unwrap());
    let header: Vec<&str> = all.header.iter().map(String::as_str).collect();
    // Documents are dealt by a hash of their names: a third to train on, the rest to draw from.
    let third =
        |row: &Vec<String>| row[1].bytes().fold(7u32, |h, b| h.wrapping_mul(31).wrapping_add(b.into())) % 3 == 0;
    let (train, held): (Vec<Vec<String>>, Vec<Vec<String>>) = all.rows.iter().cloned().partition(third);
    work.write("train.csv", csv(&header, &train));
    work.run("train train.csv --group-column document --output some.model --quiet").success();

    let mut state = 2026u64;
    let mut uniform = move || {
        // Knuth's MMIX generator; its upper bits are good enough for a lottery.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut topics: Vec<&str> = held.iter().map(|row| row[3].as_str()).collect();
    topics.sort_unstable();
    topics.dedup();
    let mut drawn: Vec<Vec<String>> = Vec::new();
    for group in 0..12 {
        // Shares from a Dirichlet distribution of concentration 1/2, which squares of normal numbers make: a few topics are
        // common, others are nearly absent.
        let mut normal = || (-2.0 * (1.0 - uniform()).ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
        let weights: Vec<f64> = topics.iter().map(|_| normal().powi(2)).collect();
        let total: f64 = weights.iter().sum();
        for _ in 0..500 {
            let mut at = uniform() * total;
            let topic = weights
                .iter()
                .position(|w| {
                    at -= w;
                    at < 0.0
                })
                .unwrap_or(topics.len() - 1);
            let of: Vec<&Vec<String>> = held.iter().filter(|row| row[3] == topics[topic]).collect();
            let mut row = of[(uniform() * of.len() as f64) as usize].clone();
            row[0] = format!("group {group}");
            drawn.push(row);
        }
    }
    work.write("drawn.csv", csv(&header, &drawn));
    work.run("classify drawn.csv --model some.model --scores --output labelled.csv --quiet").success();
    let table = work.table("aggregate labelled.csv --by id --model some.model --quiet");
    let truth =
        |group: &str, topic: &str| drawn.iter().filter(|row| row[0] == group && row[3] == topic).count() as f64 / 500.0;
    let error = |column: &str| {
        let all = shares(&table, "topic", column);
        assert_eq!(all.len(), 12 * topics.len());
        all.iter().map(|((group, topic), share)| (share - truth(group, topic)).abs()).sum::<f64>() / all.len() as f64
    };
    let (counted, adjusted, em) = (error("share"), error("adjusted"), error("em"));
    let within = |column: &str| {
        let ends = shares(&table, "topic", &format!("{column}_low")).into_iter().zip(shares(
            &table,
            "topic",
            &format!("{column}_high"),
        ));
        let hits = ends.filter(|(low, high)| (low.1..=high.1).contains(&truth(low.0.0, low.0.1))).count();
        hits as f64 / (12 * topics.len()) as f64
    };
    println!("mean absolute error: counted {counted:.4}, adjusted {adjusted:.4}, em {em:.4}");
    println!(
        "truth in the interval: counted {:.2}, adjusted {:.2}, em {:.2}",
        within("share"),
        within("adjusted"),
        within("em")
    );
    assert!(within("em") > 0.85 && within("adjusted") > 0.85);
    assert!(em < 0.5 * counted, "counted {counted}, adjusted {adjusted}, em {em}");
    assert!(adjusted < 0.9 * counted, "counted {counted}, adjusted {adjusted}, em {em}");
}
