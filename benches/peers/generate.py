"""A synthetic corpus of topics and stances: the same rows for the same size and seed, on any machine.

    python3 generate.py ROWS SEED FOLDER

writes `train.csv` (nine rows of ten, with labels), `gold.csv` (labels of the tenth), `texts.csv` (id and text of all) and `one.csv` (id and text of one row).

What makes it like text, as far as speed and a linear model can tell:
* Words are inflected stems. Stems follow Zipf's law; a stem has its own few endings, so that a stemmer merges forms and the vocabulary keeps growing.
* A topic draws some words from stems of its own, and lends some to other topics' paragraphs. A stance draws from stems that all topics share and
  from stems that mean it under one topic only.
* Some stance words stand after "hardly", which turns them round: only a model with word pairs sees it.
* Three labels in a hundred are wrong.
"""
import csv
import pathlib
import sys

import numpy

TOPICS = ["borders", "budget", "fisheries", "harbours", "housing", "mining", "schools", "water"]
TOPIC_SHARES = [0.24, 0.18, 0.15, 0.12, 0.1, 0.09, 0.07, 0.05]
STANCES = ["oppose", "support", "neutral"]
STANCE_SHARES = [0.4, 0.35, 0.25]
FUNCTION_WORDS = (
    "the of and to in a that is for on with as it by be this are at was from which have not we or an will has its they but our their all been were more"
    " must these there can would who also other such no if any when than what so us them may some into only do should most out over about where after"
).split()
ENDINGS = ["", "s", "ed", "ing", "er", "ers", "ation", "ations", "ment", "ments", "ly", "ness", "ful", "able", "ity", "ive", "ize", "izing", "ism", "al"]
STEMS = 40_000
FORMS = 5
NOISE = 0.03


def stems(random) -> list[str]:
    """Made-up stems of one to three syllables, the frequent ones short."""
    onsets = ["b", "br", "c", "cl", "d", "dr", "f", "fl", "g", "gr", "h", "j", "l", "m", "n", "p", "pl", "pr", "r", "s", "st", "str", "t", "tr", "v", "w"]
    vowels = ["a", "e", "i", "o", "u", "ea", "ou", "ai"]
    codas = ["n", "r", "l", "t", "d", "m", "nd", "rk", "st", "ct", "p", "g"]
    found: dict[str, None] = dict.fromkeys(FUNCTION_WORDS)
    while len(found) < STEMS:
        syllables = 1 if len(found) < 900 else 2 if len(found) < 15_000 else 3
        word = "".join(onsets[random.integers(len(onsets))] + vowels[random.integers(len(vowels))] for _ in range(syllables))
        found[word + codas[random.integers(len(codas))]] = None
    return list(found)


def zipf(count: int, shift: float):
    """Cumulative shares of ranks 1, 2 ... by Zipf's law, its top flattened by `shift`."""
    shares = 1 / (numpy.arange(count) + shift)
    return numpy.cumsum(shares / shares.sum())


def main() -> None:
    rows, seed, folder = int(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
    # The language and the labels' words do not depend on the number of rows.
    language = numpy.random.default_rng(seed)
    words = stems(language)
    functions = len(FUNCTION_WORDS)
    forms = []
    for stem, word in enumerate(words):
        # Function words have one form.
        chosen = language.choice(len(ENDINGS), FORMS, replace=False)
        forms.append([word + ENDINGS[ending] if stem >= functions else word for ending in chosen])
    forms = numpy.array(forms, dtype=object)
    form_shares = zipf(FORMS, 1)
    background = zipf(STEMS, 2.5)
    topic_stems = numpy.stack([language.choice(numpy.arange(functions, 20_000), 1_500, replace=False) for _ in TOPICS])
    shared_stems = numpy.stack([language.choice(numpy.arange(functions, 8_000), 250, replace=False) for _ in STANCES])
    own_stems = language.integers(functions, 12_000, (len(TOPICS), len(STANCES), 120))
    topic_ranks, shared_ranks, own_ranks = zipf(1_500, 8), zipf(250, 8), zipf(120, 4)
    hardly = numpy.array(["hardly"], dtype=object)

    random = numpy.random.default_rng([seed, rows])
    folder.mkdir(parents=True, exist_ok=True)
    names = ["train.csv", "gold.csv", "texts.csv", "one.csv"]
    files = [open(folder / name, "w", newline="", encoding="utf-8") for name in names]
    train, gold, texts, one = (csv.writer(file, lineterminator="\n") for file in files)
    train.writerow(["id", "text", "topic", "stance"])
    gold.writerow(["id", "topic", "stance"])
    texts.writerow(["id", "text"])
    one.writerow(["id", "text"])
    for row in range(rows):
        topic, stance = random.choice(len(TOPICS), p=TOPIC_SHARES), random.choice(len(STANCES), p=STANCE_SHARES)
        length = int(random.integers(20, 121))
        stem = numpy.searchsorted(background, random.random(length))
        # How much of the paragraph shows its topic and stance differs from row to row.
        of_topic, of_stance = random.beta(2, 22), random.beta(2, 34)
        kind = random.random(length)
        place = kind < of_topic
        stem[place] = topic_stems[topic][numpy.searchsorted(topic_ranks, random.random(place.sum()))]
        place = (kind >= 0.5) & (kind < 0.54)
        stem[place] = topic_stems[random.integers(len(TOPICS))][numpy.searchsorted(topic_ranks, random.random(place.sum()))]
        cues = numpy.nonzero(kind > 1 - of_stance)[0]
        turned = random.random(len(cues)) < 0.2 if stance < 2 else numpy.zeros(len(cues), dtype=bool)
        for cue, turn in zip(cues, turned):
            meant = 1 - stance if turn else stance
            if random.random() < 0.5:
                stem[cue] = own_stems[topic, meant, numpy.searchsorted(own_ranks, random.random())]
            else:
                stem[cue] = shared_stems[meant, numpy.searchsorted(shared_ranks, random.random())]
        text = forms[stem, numpy.searchsorted(form_shares, random.random(length))]
        text = numpy.insert(text, cues[turned], hardly.repeat(turned.sum()))
        # Sentences of 8 to 30 words, some with a comma, so that a CSV reader has quotes to deal with.
        position = 0
        while position < len(text):
            end = min(position + int(random.integers(8, 31)), len(text)) - 1
            text[position] = text[position].capitalize()
            if end - position > 12 and random.random() < 0.3:
                text[position + 6] += ","
            text[end] += "."
            position = end + 1
        text = " ".join(text)
        if random.random() < NOISE:
            topic = random.integers(len(TOPICS))
        if random.random() < NOISE:
            stance = random.integers(len(STANCES))
        if row % 10 == 9:
            gold.writerow([row, TOPICS[topic], STANCES[stance]])
        else:
            train.writerow([row, text, TOPICS[topic], STANCES[stance]])
        texts.writerow([row, text])
        if row == 0:
            one.writerow([row, text])
    for file in files:
        file.close()


if __name__ == "__main__":
    main()
