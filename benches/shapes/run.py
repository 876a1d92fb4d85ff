#!/usr/bin/env python3
"""Corpora of odd shapes, Rapporteur against scikit-learn: many labels of few rows, labels of very different sizes, many rows of two labels.

    python3 benches/shapes/run.py [--program FILE] [--python FILE] > table.md

The corpora are made here, from a fixed seed: texts of 25 words, drawn from 20,000 by Zipf's law, of which up to three (one in `two of 50,000`) are drawn from a dozen words of the label. A fifth of the rows is held out.
scikit-learn has words 1-2 and characters 2-5 within words, sublinear, min_df 2, LinearSVC(C=1). Both are timed from CSV to model. Packages and folders are those of benches/accuracy. Standard output: a table in Markdown.
"""
import argparse
import csv
import itertools
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import bench_tools  # noqa: E402

WORDS, LENGTH, OWN = 20_000, 25, 12
# Name, rows of each label, words of the label in a text at most.
SHAPES = [
    ("300 labels of 12", [12] * 300, 3),
    ("10 labels of 1 to 1,000", [1, 3, 10, 30, 100, 300, 1000, 1000, 700, 500], 3),
    ("two of 50,000", [50_000] * 2, 1),
]


def corpus(counts, signal):
    """Rows to train on and rows held out."""
    draw = random.Random(1)
    common = list(itertools.accumulate(1 / (rank + 5) for rank in range(WORDS)))
    own = [[draw.randrange(WORDS) for _ in range(OWN)] for _ in counts]
    rows = []
    for label, count in enumerate(counts):
        for _ in range(count):
            words = draw.choices(range(WORDS), cum_weights=common, k=LENGTH)
            for _ in range(signal):
                if draw.random() < 0.75:
                    words[draw.randrange(LENGTH)] = draw.choice(own[label])
            rows.append((" ".join(f"w{word:x}q" if word % 3 else f"pre{word}ing" for word in words), f"l{label:03d}"))
    draw.shuffle(rows)
    cut = len(rows) * 4 // 5
    return rows[:cut], rows[cut:]


def write(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "topic"])
        writer.writerows(rows)


def scikit_learn(train, test):
    """Seconds, and labels of the rows held out."""
    import pandas
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline, make_union
    from sklearn.svm import LinearSVC

    started = time.perf_counter()
    rows = pandas.read_csv(train, dtype=str)
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2)
    model = make_pipeline(make_union(words, characters), LinearSVC(C=1)).fit(rows["text"], rows["topic"])
    return time.perf_counter() - started, list(model.predict(pandas.read_csv(test, dtype=str)["text"]))


def rapporteur(program, train, test, folder):
    """The same, and how many labels the model knows."""
    model, out = folder / "shape.model", folder / "out.csv"
    started = time.perf_counter()
    subprocess.run([program, "train", train, "--stance-column", "none", "--output", model, "--quiet"], check=True)
    seconds = time.perf_counter() - started
    subprocess.run([program, "classify", test, "--model", model, "--output", out, "--quiet"], check=True)
    card = subprocess.run([program, "inspect", model, "--json", "-"], check=True, capture_output=True, text=True).stdout
    with open(out, newline="", encoding="utf-8") as file:
        return seconds, [row["predicted_topic"] for row in csv.DictReader(file)], len(json.loads(card)["topic"]["labels"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", metavar="FILE", help="the rapporteur to measure (default: built from this repository)")
    parser.add_argument("--python", metavar="FILE", help="a Python that has the packages of benches/accuracy/requirements.txt (default: an environment is made)")
    given = parser.parse_args()
    accuracy = HERE.parent / "accuracy"
    bench_tools.enter_environment(accuracy / ".work", accuracy / "requirements.txt", given.python)
    from sklearn.metrics import f1_score

    program = bench_tools.built_program(given.program)
    print("| corpus | rows trained on | labels in them, in the model | seconds: LinearSVC | Rapporteur | times | macro-F1: LinearSVC | Rapporteur | difference |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, counts, signal in SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            train, test = folder / "train.csv", folder / "test.csv"
            rows, held_out = corpus(counts, signal)
            write(train, rows)
            write(test, held_out)
            gold = [label for _, label in held_out]
            theirs, their_labels = scikit_learn(train, test)
            ours, our_labels, known = rapporteur(program, train, test, folder)
            score = lambda labels: 100 * f1_score(gold, labels, average="macro", labels=sorted(set(gold)), zero_division=0)
            a, b = score(their_labels), score(our_labels)
            labels = len({label for _, label in rows})
            print(f"| {name} | {len(rows):,} | {labels}, {known} | {theirs:.1f} | {ours:.1f} | {ours / theirs:.1f} | {a:.2f} | {b:.2f} | {b - a:+.2f} |", flush=True)


main()
