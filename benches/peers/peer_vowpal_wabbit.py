"""Vowpal Wabbit: one pass, logistic one-against-all, words 1-2 hashed to 22 bits, a model a head. It has no stemmer.

    python3 peer_vowpal_wabbit.py train TRAIN.csv FOLDER
    python3 peer_vowpal_wabbit.py classify FOLDER TEXTS.csv OUT.csv
"""
import csv
import json
import os
import sys

import vowpalwabbit

from plain_text import words_only

HEADS = ("topic", "stance")


def train(corpus: str, folder: str) -> None:
    numbers = {head: {} for head in HEADS}
    files = {head: open(f"{folder}/{head}.txt", "w", encoding="utf-8") for head in HEADS}
    with open(corpus, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            text = words_only(row["text"])
            for head in HEADS:
                number = numbers[head].setdefault(row[head], len(numbers[head]) + 1)
                files[head].write(f"{number} |t {text}\n")
    for head in HEADS:
        files[head].close()
        # Given a data file, making the workspace reads it and learns.
        vowpalwabbit.Workspace(
            f"--quiet --data {folder}/{head}.txt --oaa {len(numbers[head])} --loss_function logistic --probabilities"
            f" --ngram t2 --bit_precision 22 --final_regressor {folder}/{head}.vw"
        ).finish()
        os.remove(f"{folder}/{head}.txt")
    with open(f"{folder}/labels.json", "w", encoding="utf-8") as file:
        json.dump({head: list(numbers[head]) for head in HEADS}, file)


def classify(folder: str, texts: str, output: str) -> None:
    with open(f"{folder}/labels.json", encoding="utf-8") as file:
        labels = json.load(file)
    models = {head: vowpalwabbit.Workspace(f"--quiet --testonly --probabilities --initial_regressor {folder}/{head}.vw") for head in HEADS}
    with open(texts, newline="", encoding="utf-8") as source, open(output, "w", newline="", encoding="utf-8") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(["id", "topic", "topic_probability", "stance", "stance_probability"])
        for row in csv.DictReader(source):
            line, cells = "|t " + words_only(row["text"]), [row["id"]]
            for head, model in models.items():
                shares = model.predict(line)
                best = max(range(len(shares)), key=shares.__getitem__)
                cells += [labels[head][best], f"{shares[best]:.4f}"]
            writer.writerow(cells)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
