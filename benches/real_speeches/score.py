#!/usr/bin/env python3
"""How the default model does on real speeches.

    python3 benches/real_speeches/score.py FOLDER [FOLDER ...] [--model MODEL] [--rapporteur BINARY]

FOLDERs hold the speeches as text files: those of the Security Council on Iraq from discourse-lab/UMUC (`UNSC_<year>_SPV.<meeting>_spch<number>.txt`)
and of the General Debate from the UN General Debate Corpus (`<ISO3>_<session>_<year>.txt`). Their texts are not part of this project; `labels.csv` beside this
script names speech and paragraph (as `rapporteur classify` counts them), with the label that a coder gave by the codebook, and the other topics, with their stances, that a reader would accept.

Printed for each part (`dev` was looked at while the corpus was written, `test` was not): topic right, topic acceptable, topic and stance right, topic and stance acceptable, and of the
paragraphs with an acceptable topic the share of each stance that was told.
Needs nothing but Python 3 and the program.
"""
import argparse
import collections
import csv
import pathlib
import subprocess

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folders", nargs="+", type=pathlib.Path)
parser.add_argument("--model", help="a model file; default: the one inside the program")
parser.add_argument("--rapporteur", default="target/release/rapporteur")
options = parser.parse_args()

with open(pathlib.Path(__file__).with_name("labels.csv"), newline="", encoding="utf-8") as file:
    labels = list(csv.DictReader(file))
files = {path.name: path for folder in options.folders for path in folder.glob("*.txt")}
wanted = sorted({row["speech"] for row in labels})
missing = [name for name in wanted if name not in files]
if missing:
    raise SystemExit(f"{len(missing)} of {len(wanted)} speeches are not in the folders given, such as {missing[0]}")

command = [options.rapporteur, "classify", "--quiet", *(str(files[name]) for name in wanted)]
command += ["--model", options.model] if options.model else []
output = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout
said = {(pathlib.Path(row["source"]).name, row["paragraph"]): row for row in csv.DictReader(output.splitlines(keepends=True))}

for part in sorted({row["part"] for row in labels}):
    counts, told = collections.Counter(), collections.Counter()
    for row in (row for row in labels if row["part"] == part):
        answer = said[row["speech"], row["paragraph"]]
        acceptable = {row["topic"]: row["stance"]}
        for pair in filter(None, row["other_topics"].split("|")):
            topic, stance = pair.rsplit(":", 1)
            acceptable.setdefault(topic.strip(), stance.strip())
        topic, stance = answer["topic"], answer["stance"]
        counts["rows"] += 1
        counts["topic right"] += topic == row["topic"]
        counts["topic acceptable"] += topic in acceptable
        counts["topic and stance right"] += (topic, stance) == (row["topic"], row["stance"])
        counts["topic and stance acceptable"] += acceptable.get(topic) == stance
        if topic in acceptable:
            told[acceptable[topic], "rows"] += 1
            told[acceptable[topic], "told"] += acceptable[topic] == stance
    print(f"{part}: {counts['rows']} paragraphs")
    for name in ["topic right", "topic acceptable", "topic and stance right", "topic and stance acceptable"]:
        print(f"  {name:28} {counts[name] / counts['rows']:.3f}")
    for stance in ["support", "oppose", "neutral"]:
        rows, right = told[stance, "rows"], told[stance, "told"]
        if rows:
            print(f"  {stance + ' told':28} {right / rows:.3f}  ({right} of {rows})")
