#!/usr/bin/env python3
"""Speed, memory and macro-F1 of Rapporteur beside what a user would otherwise pick, on a generated corpus.

    python3 benches/peers/run.py > table.md
    python3 benches/peers/run.py --rows 5000 --rounds 1 --peers scikit-learn,vowpal-wabbit

README.md beside this script tells what is compared and how it is measured. Tables go to standard output, progress to standard error.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import bench_tools  # noqa: E402

WORK = HERE / ".work"
# One fit a head, nothing chosen, mended or weighed: what the peers do.
FIXED = (
    "--word-ngrams 1-2 --char-ngrams none --stemmer english --min-df 2 --c 1 --calibration none --topic-departure 1 --thresholds none"
).split()
PROGRAMS = {"Rapporteur, fixed": FIXED, "Rapporteur, defaults": ["--char-ngrams", "none"]}
# Left out of the recipe where the program at hand does not have it yet.
WEIGHTING = ["--feature-weighting", "none"]
PEERS = {"scikit-learn": "peer_scikit_learn.py", "fasttext": "peer_fasttext.py", "vowpal-wabbit": "peer_vowpal_wabbit.py"}
STEPS = {"train": "train", "classify": "classify", "one": "one row"}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the corpus, a tenth of them held out (default: 100000)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: 5)")
    parser.add_argument("--peers", metavar="NAME,...", default=",".join(PEERS), help=f"(default: {','.join(PEERS)})")
    parser.add_argument("--seed", type=int, default=1, help="of the corpus (default: 1)")
    parser.add_argument("--program", metavar="FILE", help="the rapporteur to measure (default: built from this repository)")
    parser.add_argument("--python", metavar="FILE", help="a Python that has the packages of requirements.txt (default: an environment is made)")
    options = parser.parse_args()
    options.peers = options.peers.split(",")
    for name in options.peers:
        if name not in PEERS:
            parser.error(f"no peer '{name}', only {', '.join(PEERS)}")
    return options


def measure(command) -> dict:
    """Run a process; its wall and CPU seconds and peak memory. This process stays small: Linux counts its size into the child's peak."""
    load = os.getloadavg()[0]
    with open(WORK / "errors.txt", "w+") as errors:
        started = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=errors)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            sys.exit(f"{' '.join(str(word) for word in command)}\n{errors.read()}")
    return {"wall": wall, "cpu": used.ru_utime + used.ru_stime, "memory": used.ru_maxrss / 1024, "load": load}


def commands(name: str, program, corpus, folder, output) -> dict[str, list]:
    """What is run for each step."""
    if name in PROGRAMS:
        model = folder / "model"
        classify = [program, "classify", "--quiet", "--model", model, "--output", output]
        return {
            "train": [program, "train", corpus / "train.csv", "--quiet", "--output", model, *PROGRAMS[name]],
            "classify": [*classify, corpus / "texts.csv"],
            "one": [*classify, corpus / "one.csv"],
        }
    script = [sys.executable, HERE / PEERS[name]]
    return {
        "train": [*script, "train", corpus / "train.csv", folder],
        "classify": [*script, "classify", folder, corpus / "texts.csv", output],
        "one": [*script, "classify", folder, corpus / "one.csv", output],
    }


def run_all(names, program, corpus, rounds: int) -> dict[str, list[dict]]:
    """For each system a result a round. Rounds are interleaved, and each begins with another system, so that a busy minute hits all alike."""
    results = {name: [] for name in names}
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            folder = WORK / "models" / name.replace(" ", "-").replace(",", "")
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            output = folder.with_suffix(".csv")
            steps = commands(name, program, corpus, folder, output)
            result = {"train": measure(steps["train"]), "one": measure(steps["one"]), "classify": measure(steps["classify"])}
            result["size"] = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
            scored = subprocess.run([sys.executable, HERE / "score.py", corpus / "gold.csv", output], check=True, capture_output=True, text=True)
            result["f1"] = json.loads(scored.stdout)
            results[name].append(result)
            shown = ", ".join(f"{STEPS[step]} {result[step]['cpu']:.2f} CPU s {result[step]['wall']:.2f} s {result[step]['memory']:.0f} MiB" for step in STEPS)
            print(f"round {number + 1}, {name}: {shown}, load {result['train']['load']:.1f}", file=sys.stderr, flush=True)
            shutil.rmtree(folder)
    return results


def spread(values, form: str) -> str:
    """The median, and from least to most where there is more than one."""
    values = [value for value in values if value is not None]
    middle = format(statistics.median(values), form)
    return middle if len(values) == 1 else f"{middle} ({format(min(values), form)} to {format(max(values), form)})"


def table(header, lines) -> None:
    print("\n| " + " | ".join(header) + " |\n| --- |" + " ---: |" * (len(header) - 1))
    for line in lines:
        print("| " + " | ".join(line) + " |")


def report(results) -> None:
    peers = [name for name in results if name not in PROGRAMS]
    for ours in PROGRAMS:
        print(f"\n### How many times as much as {ours} needs, by round: median (least to most)")
        lines = []
        for what, title in (("cpu", "CPU seconds"), ("wall", "wall time"), ("memory", "peak memory")):
            for step, shown in STEPS.items():
                line = [f"{title}, {shown}"]
                for peer in peers:
                    line.append(spread([theirs[step][what] / mine[step][what] for theirs, mine in zip(results[peer], results[ours])], ".1f"))
                lines.append(line)
        line = ["model on disk"]
        for peer in peers:
            line.append(spread([theirs["size"] / mine["size"] for theirs, mine in zip(results[peer], results[ours])], ".1f"))
        lines.append(line)
        for head in ("topic", "stance"):
            line = [f"macro-F1 of {head}, theirs less ours"]
            for peer in peers:
                line.append(spread([theirs["f1"][head] - mine["f1"][head] for theirs, mine in zip(results[peer], results[ours])], "+.1f"))
            lines.append(line)
        table(["", *peers], lines)
    print("\n### As measured: median (least to most)")
    header = ["", "train CPU s", "train s", "train MiB", "classify CPU s", "classify s", "classify MiB", "one row CPU s", "one row s", "one row MiB", "model MB", "topic F1", "stance F1"]
    lines = []
    for name, rounds in results.items():
        line = [name]
        for step in STEPS:
            digits = ".3f" if step == "one" else ".2f"
            line += [spread([one[step][what] for one in rounds], ".0f" if what == "memory" else digits) for what in ("cpu", "wall", "memory")]
        line.append(spread([one["size"] for one in rounds], ".1f"))
        line += [spread([one["f1"][head] for one in rounds], ".1f") for head in ("topic", "stance")]
        lines.append(line)
    table(header, lines)


def machine() -> str:
    """Cores and the name of the processor."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            name = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.machine()
    return f"{len(os.sched_getaffinity(0))} cores, {name}"


def main() -> None:
    options = arguments()
    bench_tools.enter_environment(WORK, HERE / "requirements.txt", options.python)
    program = bench_tools.built_program(options.program)
    if "--feature-weighting" in subprocess.run([program, "train", "--help"], check=True, capture_output=True, text=True).stdout:
        FIXED.extend(WEIGHTING)
    corpus = WORK / f"corpus-{options.rows}-{options.seed}"
    # The folder appears whole or not at all.
    if not corpus.exists():
        print(f"generating {options.rows:,} rows", file=sys.stderr)
        partial = corpus.with_name("partial")
        shutil.rmtree(partial, ignore_errors=True)
        subprocess.run([sys.executable, HERE / "generate.py", str(options.rows), str(options.seed), partial], check=True)
        partial.rename(corpus)
    results = run_all([*PROGRAMS, *options.peers], program, corpus, options.rounds)
    loads = [result[step]["load"] for rounds in results.values() for result in rounds for step in STEPS]
    size = (corpus / "texts.csv").stat().st_size / 1e6
    trained = options.rows - options.rows // 10
    print(
        f"{datetime.date.today()}, {bench_tools.version(program, options.program)}, {machine()}, load average {min(loads):.1f} to {max(loads):.1f} while it ran."
        f" {trained:,} rows trained on, {options.rows:,} classified ({size:.0f} MB), {options.rounds} rounds."
    )
    report(results)


if __name__ == "__main__":
    main()
