#!/usr/bin/env python3
"""How far probabilities can be trusted: calibration error, Brier score and log loss, on rows that the model had not seen.

    python3 benches/calibration.py FOLDER [--program FILE] [--corpora NAME,...]

    rapporteur evaluate data/statements.csv --cv 5 --config models/default.toml --predictions judged.csv
    python3 benches/calibration.py judged.csv

FOLDER holds a folder a corpus with a `train.csv`, as for benches/accuracy. Each is cross-validated in five folds (grouped by `speaker` or `document` where these have values enough), once with the defaults and
once with `--calibration none`, and the table goes to standard output. The stance is that given the topic predicted, on rows whose topic is right, since its probability is given the topic.

The calibration error is that of the label written, in ten bins of equal mass: the mean over bins of |share right - mean probability|. It is never zero, even of perfect probabilities: *by chance* is the 95 % quantile of
what 1,000 drawings give that let each row be right with just its probability. Log loss and Brier score are those of all labels, of stances given the true topic.

Of a labelled CSV with predictions beside, as `evaluate --predictions` writes it, the calibration error is told, and the Brier score of the label written.
"""
import argparse
import csv
import json
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import bench_tools  # noqa: E402

BINS, DRAWS = 10, 1000


def calibration_error(pairs):
    """Of (probability, right), sorted by probability."""
    error, n = 0.0, len(pairs)
    for b in range(BINS):
        part = pairs[b * n // BINS : (b + 1) * n // BINS]
        if part:
            error += abs(sum(right - p for p, right in part)) / n
    return error


def by_chance(pairs):
    draw = random.Random(0)
    errors = sorted(calibration_error([(p, draw.random() < p) for p, _ in pairs]) for _ in range(DRAWS))
    return errors[int(0.95 * DRAWS)]


def columns(path, folds):
    """Options for the columns that a corpus has, and has not."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    options = []
    for column in ("topic", "stance"):
        if not any(row.get(column) for row in rows):
            options += [f"--{column}-column", "none"]
    for column in ("document", "speaker"):
        if len({row.get(column) for row in rows}) >= 4 * folds:
            return [*options, "--group-column", column]
    return options


def evaluate(program, path, options):
    """Rows with predictions, and the scores."""
    with tempfile.TemporaryDirectory() as folder:
        judged, scores = f"{folder}/judged.csv", f"{folder}/scores.json"
        command = [program, "evaluate", path, "--cv", "5", "--quiet", "--resamples", "0", "--predictions", judged, "--json", scores, *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with open(judged, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file)), json.loads(pathlib.Path(scores).read_text(encoding="utf-8"))


def answered(rows, head):
    """(probability, right) of the labels of a head that can be judged, sorted."""
    out = []
    for row in rows:
        gold, predicted = row.get(head), row.get(f"predicted_{head}")
        if gold and predicted and (head == "topic" or row["topic"] == row["predicted_topic"]):
            out.append((float(row[f"predicted_{head}_probability"]), gold == predicted))
    return sorted(out)


def report(path):
    """Of predictions already made."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for head in ("topic", "stance"):
        pairs = answered(rows, head)
        if pairs:
            n = len(pairs)
            brier, right = sum((p - right) ** 2 for p, right in pairs) / n, sum(right for _, right in pairs) / n
            print(f"{head}: {n} rows, expected calibration error {calibration_error(pairs):.3f} (by chance {by_chance(pairs):.3f}), Brier score {brier:.3f}, right {right:.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="folder of corpora, or a file that `evaluate --predictions` wrote")
    parser.add_argument("--corpora", metavar="NAME,...", help="only these (default: all)")
    parser.add_argument("--program", metavar="FILE", help="the rapporteur to measure (default: built from this repository)")
    given = parser.parse_args()
    if given.folder.is_file():
        return report(given.folder)
    program = bench_tools.built_program(given.program)
    names = given.corpora.split(",") if given.corpora else sorted(p.parent.name for p in given.folder.glob("*/train.csv"))
    print("| corpus | head | rows | calibration error | by chance | uncalibrated | log loss | uncalibrated | Brier score | uncalibrated |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name in names:
        path = given.folder / name / "train.csv"
        options = columns(path, 5)
        calibrated, plain = (evaluate(program, path, options + more) for more in ([], ["--calibration", "none"]))
        for head, scored in (("topic", "topic"), ("stance", "stance_given_true_topic")):
            pairs = answered(calibrated[0], head)
            if not pairs:
                continue
            error, chance, before = calibration_error(pairs), by_chance(pairs), calibration_error(answered(plain[0], head))
            scores = [f"{run[1][scored][key]:.3f}" for key in ("log_loss", "brier_score") for run in (calibrated, plain)]
            print(f"| {name} | {head} | {len(pairs):,} | {error:.3f} | {chance:.3f} | {before:.3f} | {' | '.join(scores)} |", flush=True)


main()
