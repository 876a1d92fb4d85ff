#!/usr/bin/env python3
"""Rapporteur with its defaults against scikit-learn, on the same folds of every corpus in a folder.

    python3 benches/accuracy/run.py FOLDER > table.md

FOLDER holds a folder a corpus, each with a `train.csv` (columns `text`, `topic`, `stance`; an empty cell is "no label") and perhaps a `dev.csv`.
README.md beside this script tells what is compared and how it is scored. The table goes to standard output, progress to standard error.
"""
import argparse
import collections
import csv
import datetime
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import warnings

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import bench_tools  # noqa: E402

WORK = HERE / ".work"
# Labels of fewer training rows count in accuracy, but not in the mean over labels.
FEWEST_ROWS = 5
HEADS = ("topic", "stance", "both")
TITLES = {"topic": "topic", "stance": "stance, given the true topic", "both": "topic and stance, both predicted"}
# Settings of Rapporteur by name: arguments for `train` beside the defaults, and whether `classify` is told the true topic.
RAPPORTEUR = {
    "default": ([], True),
    "departure 0": (["--topic-departure", "0"], True),
    "blind": (["--topic-column", "none"], False),
}

SYSTEMS = ("scikit-learn", *RAPPORTEUR)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="folder of corpora")
    parser.add_argument("--corpora", metavar="NAME,...", help="only these (default: all)")
    parser.add_argument("--folds", type=int, default=5, metavar="K", help="folds of train.csv (default: 5)")
    parser.add_argument("--group", metavar="COLUMN", help="column whose rows stay in one fold (default: `document` or `speaker`, where it has values enough)")
    parser.add_argument("--quick", action="store_true", help="at most 1,500 rows a corpus, 3 folds, no dev.csv, no ablation: a trial of the script, not a measurement")
    parser.add_argument("--no-ablation", action="store_true", help="leave out the target-blind ablation")
    parser.add_argument("--resume", action="store_true", help="take what an interrupted run with the same options has finished from its predictions")
    parser.add_argument("--program", metavar="FILE", help="the rapporteur to measure (default: built from this repository)")
    parser.add_argument("--train-options", default="", metavar="OPTIONS", help="further options for `rapporteur train`, as one word; the table is then not one of defaults")
    parser.add_argument("--threads", type=int, metavar="N", help="threads of rapporteur (default: its own)")
    parser.add_argument("--python", metavar="FILE", help="a Python that has the packages of requirements.txt (default: an environment is made)")
    return parser.parse_args()


# --- Corpora and folds -------------------------------------------------------------------------------------------------


def load(path: pathlib.Path):
    """A corpus as a table of strings; a missing label column is an empty one."""
    import pandas

    table = pandas.read_csv(path, dtype=str, keep_default_na=False)
    for column in ("topic", "stance"):
        if column not in table:
            table[column] = ""
    return table


def group_column(table, wanted: str | None, folds: int) -> str | None:
    """The column whose rows must not be torn apart. One with few values (the three parties of a manifesto corpus) makes no folds of like size."""
    candidates = [wanted] if wanted else ["document", "speaker"]
    for column in candidates:
        if column in table and table[column].nunique() >= 4 * folds:
            return column
    return None


def fold_numbers(table, group: str | None, folds: int):
    """For each row the fold that holds it out: stratified by topic (by stance where there are no topics), and by group."""
    import numpy
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    by = table["topic"] if (table["topic"] != "").any() else table["stance"]
    number = numpy.full(len(table), -1)
    with warnings.catch_warnings():
        # Labels rarer than the folds are many: nothing to be done about it.
        warnings.simplefilter("ignore")
        if group is None:
            splits = StratifiedKFold(folds, shuffle=True, random_state=0).split(table, by)
        else:
            splits = StratifiedGroupKFold(folds, shuffle=True, random_state=0).split(table, by, table[group])
        for fold, (_, held_out) in enumerate(splits):
            number[held_out] = fold
    return number


def topics_without_stance(train) -> set[str]:
    """Topics under which no stance was coded: there, none is to be given."""
    return set(train["topic"]) - set(train["topic"][train["stance"] != ""]) - {""}


def gold_labels(train, test) -> dict[str, list[str]]:
    """For each head the label of every row; empty: the row is not scored."""
    bare = topics_without_stance(train)
    both = [
        f"{topic} / {stance}" if topic and stance else topic if topic in bare else ""
        for topic, stance in zip(test["topic"], test["stance"])
    ]
    return {"topic": list(test["topic"]), "stance": list(test["stance"]), "both": both}


def paired(train, topics, stances) -> list[str]:
    """Predicted topic and stance as one label, by the same rule as `gold_labels`."""
    bare = topics_without_stance(train)
    return [topic if topic in bare else f"{topic} / {stance}" for topic, stance in zip(topics, stances)]


# --- scikit-learn ------------------------------------------------------------------------------------------------------


def scikit_learn(train, test) -> dict[str, list[str]]:
    """Predictions of the pipeline in the notebook. Stance is told from the text alone (`stance plain`) and with the topic as one-hot beside it."""
    import scipy.sparse
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import FeatureUnion
    from sklearn.preprocessing import OneHotEncoder
    from sklearn.svm import LinearSVC

    def vectoriser():
        return FeatureUnion([
            ("words", TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)),
            ("characters", TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2)),
        ])

    def fitted(features, labels):
        return LinearSVC(C=1, random_state=0).fit(features, labels)

    predictions = {}
    rows = train[train["topic"] != ""]
    if rows["topic"].nunique() > 1:
        text = vectoriser()
        model = fitted(text.fit_transform(rows["text"]), rows["topic"])
        predictions["topic"] = list(model.predict(text.transform(test["text"])))
    rows = train[train["stance"] != ""]
    if rows["stance"].nunique() > 1:
        text = vectoriser()
        train_text, test_text = text.fit_transform(rows["text"]), text.transform(test["text"])
        predictions["stance plain"] = list(fitted(train_text, rows["stance"]).predict(test_text))
        if "topic" in predictions:
            topics = OneHotEncoder(handle_unknown="ignore")
            beside = topics.fit_transform(rows[["topic"]])
            model = fitted(scipy.sparse.hstack([train_text, beside]).tocsr(), rows["stance"])

            def given(column):
                table = test[["topic"]].assign(topic=column)
                return list(model.predict(scipy.sparse.hstack([test_text, topics.transform(table)]).tocsr()))

            predictions["stance one-hot"] = given(list(test["topic"]))
            predictions["both"] = paired(train, predictions["topic"], given(predictions["topic"]))
    return predictions


# --- Rapporteur --------------------------------------------------------------------------------------------------------


def run(command) -> None:
    """Run a command; on failure say what it said."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(str(word) for word in command)}\n{result.stderr}")


def rapporteur(program, train, test, setting: str, options, heads=HEADS) -> dict[str, list[str]]:
    """Predictions of the program by its command line. What it is given of the held-out rows has no label but the known topic, in a file apart."""
    with_topics = train["topic"].nunique() > 1
    with_stances = (train["stance"] != "").any()
    more, known = RAPPORTEUR[setting]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="now-", dir=WORK))
    model, training, texts, output = (folder / name for name in ("model", "train.csv", "held_out.csv", "labelled.csv"))
    train[["text", "topic", "stance"]].to_csv(training, index=False)
    command = [program, "train", training, "--output", model, "--quiet", *more, *options.train_options.split()]
    threads = ["--threads", options.threads] if options.threads else []
    if not with_topics and "--topic-column" not in more:
        command += ["--topic-column", "none"]
    if not with_stances:
        command += ["--stance-column", "none"]
    run(command + threads)

    def classify(table, *more):
        table.to_csv(texts, index=False, quoting=csv.QUOTE_ALL)
        run([program, "classify", texts, "--model", model, "--output", output, "--quiet", *more, *threads])
        labelled = load(output)
        assert len(labelled) == len(table)
        return labelled

    predictions = {}
    if with_topics and setting != "blind" and {"topic", "both"} & set(heads):
        labelled = classify(test[["text"]])
        predictions["topic"] = list(labelled["topic"])
        if with_stances:
            predictions["both"] = paired(train, labelled["topic"], labelled["stance"])
    if with_stances:
        if known and with_topics:
            # A row without a topic has no stance to be scored, or (no topics at all) no topic to be known.
            labelled = classify(test[["text", "topic"]].rename(columns={"topic": "known"}), "--known-topic", "known")
        else:
            labelled = classify(test[["text"]])
        predictions["stance"] = list(labelled["stance"])
    shutil.rmtree(folder)
    return predictions


# --- Scores ------------------------------------------------------------------------------------------------------------


def score(gold, predicted, counts) -> tuple[float, float]:
    """Macro-F1 and accuracy in per cent over the rows that have a label. Macro-F1 is the mean over the labels met in gold or predictions, less the rare ones."""
    from sklearn.metrics import accuracy_score, f1_score

    pairs = [(right, told) for right, told in zip(gold, predicted) if right]
    right, told = zip(*pairs)
    labels = sorted(label for label in set(right) | set(told) if counts[label] >= FEWEST_ROWS)
    return 100 * f1_score(right, told, labels=labels, average="macro", zero_division=0), 100 * accuracy_score(right, told)


class Tally:
    """Gold labels and predictions of one split of a corpus, gathered fold by fold."""

    def __init__(self, train):
        self.counts = {head: collections.Counter(labels) for head, labels in gold_labels(train, train).items()}
        self.gold = collections.defaultdict(list)
        self.predicted = collections.defaultdict(list)
        self.folds = 0

    def add(self, gold, predictions) -> None:
        """`predictions`: by system and head, as `("scikit-learn", "stance plain")`."""
        self.folds += 1
        for head in HEADS:
            self.gold[head].append(gold[head])
        for key, labels in predictions.items():
            self.predicted[key].append(labels)

    def score(self, key, fold=None):
        """Of all folds pooled, or of one. None if the head was not predicted, or nothing is to be scored."""
        head = key[1].split()[0]
        if key not in self.predicted:
            return None
        chosen = range(self.folds) if fold is None else [fold]
        gold = [label for fold in chosen for label in self.gold[head][fold]]
        told = [label for fold in chosen for label in self.predicted[key][fold]]
        return score(gold, told, self.counts[head]) if any(gold) else None

    def rows(self, head) -> int:
        return sum(label != "" for fold in self.gold[head] for label in fold)

    def best_stance(self) -> str:
        """The stronger of scikit-learn's two stance heads on these very rows: the choice favours scikit-learn."""
        keys = [key for key in (("scikit-learn", "stance plain"), ("scikit-learn", "stance one-hot")) if key in self.predicted]
        return max(keys, key=lambda key: self.score(key)[0])[1] if keys else "stance plain"


def write_predictions(path: pathlib.Path, tally: Tally) -> None:
    """Every held-out prediction, for whoever wants another metric. Labels only, no text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    keys = sorted(tally.predicted)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["fold", *(f"gold {head}" for head in HEADS), *(" ".join(key) for key in keys)])
        for fold in range(tally.folds):
            columns = [tally.gold[head][fold] for head in HEADS] + [tally.predicted[key][fold] for key in keys]
            writer.writerows([fold, *cells] for cells in zip(*columns))


def read_predictions(path: pathlib.Path, train) -> Tally:
    """What `write_predictions` wrote."""
    tally = Tally(train)
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    by_fold = collections.defaultdict(list)
    for row in rows:
        by_fold[int(row["fold"])].append(row)
    keys = {column: (system, column.removeprefix(f"{system} ")) for column in rows[0] for system in SYSTEMS if column.startswith(f"{system} ")}
    for fold in sorted(by_fold):
        gold = {head: [row[f"gold {head}"] for row in by_fold[fold]] for head in HEADS}
        tally.add(gold, {key: [row[column] for row in by_fold[fold]] for column, key in keys.items()})
    return tally


# --- The comparison ----------------------------------------------------------------------------------------------------


def judge(name, train, splits, program, options, ablate) -> Tally:
    """Train both on each split and gather what they say of the rows held out."""
    tally = Tally(train)
    for number, (learn, held_out) in enumerate(splits):
        predictions = {}
        started = time.perf_counter()
        for head, labels in scikit_learn(learn, held_out).items():
            predictions["scikit-learn", head] = labels
        between = time.perf_counter()
        for head, labels in rapporteur(program, learn, held_out, "default", options).items():
            predictions["default", head] = labels
        ended = time.perf_counter()
        if ablate and ("default", "stance") in predictions:
            for setting in ("departure 0", "blind"):
                if setting == "departure 0" and learn["topic"].nunique() < 2:
                    continue
                predictions[setting, "stance"] = rapporteur(program, learn, held_out, setting, options, heads=("stance",))["stance"]
        tally.add(gold_labels(learn, held_out), predictions)
        print(f"{name}: part {number + 1} of {len(splits)}, scikit-learn {between - started:.0f} s, rapporteur {ended - between:.0f} s", file=sys.stderr, flush=True)
    return tally


def comparison(tallies, head) -> list[str]:
    """Table lines for one head, and the differences of macro-F1 that the mean is of."""
    lines, differences, accuracies = [], [], []
    for name, tally in tallies.items():
        key = tally.best_stance() if head == "stance" else head
        theirs, ours = tally.score(("scikit-learn", key)), tally.score(("default", head))
        if theirs is None or ours is None:
            continue
        differences.append(ours[0] - theirs[0])
        accuracies.append(ours[1] - theirs[1])
        won = ""
        if tally.folds > 1:
            by_fold = [(tally.score(("default", head), fold), tally.score(("scikit-learn", key), fold)) for fold in range(tally.folds)]
            won = f"{sum(mine[0] > other[0] for mine, other in by_fold if mine and other)} of {tally.folds}"
        which = f" ({key.split(' ', 1)[1]})" if head == "stance" else ""
        lines.append(
            f"| {name} | {TITLES[head]} | {tally.rows(head):,} | {theirs[0]:.2f}{which} | {ours[0]:.2f} | {ours[0] - theirs[0]:+.2f} | {won} | {theirs[1]:.2f} | {ours[1]:.2f} | {ours[1] - theirs[1]:+.2f} |"
        )
    return lines, differences, accuracies


HEADER = "| corpus | head | rows | macro-F1: scikit-learn | Rapporteur | difference | folds won | accuracy: scikit-learn | Rapporteur | difference |\n|" + " --- |" * 2 + " ---: |" * 8


def print_comparison(title: str, tallies) -> None:
    print(f"\n### {title}\n\n{HEADER}")
    differences, accuracies = [], []
    for head in ("topic", "stance"):
        lines, macro, accuracy = comparison(tallies, head)
        print("\n".join(lines)) if lines else None
        differences += macro
        accuracies += accuracy
    if differences:
        mean = sum(differences) / len(differences)
        print(f"| **mean of {len(differences)} heads** | | | | | **{mean:+.2f}** (worst {min(differences):+.2f}) | | | | {sum(accuracies) / len(accuracies):+.2f} |")
    lines, *_ = comparison(tallies, "both")
    if lines:
        print("\nBoth labels right at once, not part of the mean. scikit-learn predicts the topic, then the stance with that topic as one-hot.\n")
        print(HEADER + "\n" + "\n".join(lines))


def print_ablation(tallies) -> None:
    columns = {
        ("default", "stance"): "default",
        ("departure 0", "stance"): "`--topic-departure 0`",
        ("blind", "stance"): "text only (`--topic-column none`)",
        ("scikit-learn", "stance one-hot"): "scikit-learn, one-hot topic",
        ("scikit-learn", "stance plain"): "scikit-learn, text only",
    }
    lines = []
    for name, tally in tallies.items():
        scores = [tally.score(key) for key in columns]
        if scores[2] is not None:
            lines.append(f"| {name} | " + " | ".join("" if found is None else f"{found[0]:.2f}" for found in scores) + " |")
    if lines:
        print("\n### Stance told without its topic\n\nMacro-F1 of the stance over the same folds; the true topic is given where a topic is used at all.\n")
        print("| corpus | " + " | ".join(columns.values()) + " |\n| --- |" + " ---: |" * len(columns))
        print("\n".join(lines))


def main() -> None:
    options = arguments()
    bench_tools.enter_environment(WORK, HERE / "requirements.txt", options.python)
    program = bench_tools.built_program(options.program)
    wanted = options.corpora.split(",") if options.corpora else None
    folds = 3 if options.quick else options.folds
    cross_validated, developed = {}, {}
    for path in sorted(options.folder.glob("*/train.csv")):
        name = path.parent.name
        if wanted and name not in wanted:
            continue
        train = load(path)
        if options.quick and len(train) > 1500:
            train = train.sample(1500, random_state=0).reset_index(drop=True)
        kept = WORK / "predictions" / f"{name}.folds.csv"
        if options.resume and kept.exists():
            cross_validated[name] = read_predictions(kept, train)
        else:
            group = group_column(train, options.group, folds)
            number = fold_numbers(train, group, folds)
            print(f"{name}: {len(train):,} rows, folds by {group or 'topic'}", file=sys.stderr)
            splits = [(train[number != fold], train[number == fold]) for fold in range(folds)]
            cross_validated[name] = judge(name, train, splits, program, options, ablate=not (options.quick or options.no_ablation))
            write_predictions(kept, cross_validated[name])
        dev = path.parent / "dev.csv"
        kept = WORK / "predictions" / f"{name}.dev.csv"
        if dev.exists() and not options.quick:
            if options.resume and kept.exists():
                developed[name] = read_predictions(kept, train)
            else:
                developed[name] = judge(f"{name} dev", train, [(train, load(dev))], program, options, ablate=False)
                write_predictions(kept, developed[name])
    if not cross_validated:
        sys.exit(f"no train.csv in the folders of {options.folder}")
    import sklearn

    given = f" --train-options '{options.train_options}'" if options.train_options else ""
    print(f"{datetime.date.today()}, {bench_tools.version(program, options.program)}{given}, scikit-learn {sklearn.__version__}")
    print_comparison(f"{folds} folds of train.csv, pooled", cross_validated)
    if developed:
        print_comparison("trained on train.csv, judged on dev.csv", developed)
    print_ablation(cross_validated)


if __name__ == "__main__":
    main()
