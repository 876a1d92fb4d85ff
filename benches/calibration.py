#!/usr/bin/env python3
"""How far probabilities can be trusted: expected calibration error and Brier score of the labels written.

    rapporteur evaluate data/statements.csv --cv 5 --config models/default.toml --predictions judged.csv
    python3 benches/calibration.py judged.csv

Takes a labelled CSV with predictions beside, as `evaluate --predictions` writes it (columns topic, stance, predicted_topic, predicted_topic_probability ...). The error is that of the label written, in ten bins
of equal mass: the mean over bins of |share right - mean probability|. A stance counts where its topic is right, since its probability is given the topic.
"""
import csv
import sys

with open(sys.argv[1], newline="", encoding="utf-8") as file:
    rows = list(csv.DictReader(file))


def report(name, pairs):
    pairs.sort()
    n, bins = len(pairs), 10
    error = 0.0
    for b in range(bins):
        part = pairs[b * n // bins : (b + 1) * n // bins]
        if part:
            right, sure = sum(r for _, r in part) / len(part), sum(p for p, _ in part) / len(part)
            error += len(part) / n * abs(right - sure)
    brier = sum((p - r) ** 2 for p, r in pairs) / n
    print(f"{name}: {n} rows, expected calibration error {error:.3f}, Brier score {brier:.3f}, right {sum(r for _, r in pairs) / n:.3f}")


answered = [row for row in rows if row["topic"] and row["predicted_topic"]]
report("topic", [(float(row["predicted_topic_probability"]), row["topic"] == row["predicted_topic"]) for row in answered])
report(
    "stance",
    [
        (float(row["predicted_stance_probability"]), row["stance"] == row["predicted_stance"])
        for row in answered
        if row["stance"] and row["predicted_stance"] and row["topic"] == row["predicted_topic"]
    ],
)
