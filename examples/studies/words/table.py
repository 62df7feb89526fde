"""Tables of the runs that run.sh has made, as Markdown: python3 table.py FOLDER/runs.log

SPDX-License-Identifier: MIT
"""
import sys


def read(path):
    """The results of a log by the names of the runs; of the same name the last one counts."""
    runs = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            name, _, result = line.partition(": result ")
            if result:
                runs[name] = dict(part.split("=", 1) for part in result.split())
    return runs


def heads(run):
    """What its heads are, in words."""
    if run["train"] == "torch-bp":
        return "BP, all words, in PyTorch"
    words = ["BP"] if run["train"] == "bp" else []
    if run["head"] == "low-rank":
        words.append(f"rank {run['rank']}")
    if run["head"] == "shared":
        words.append("shared" if run["rank"] == "0" else f"shared and rank {run['rank']}")
    if run["law"] == "none":
        words.append("all words")
    elif run["candidates"] == "1000":
        words.append("sampled")
    else:
        words.append(f"{run['candidates']} candidates")
    if run["model"] == "feed-forward" and run["width"] != "128":
        words.append(f"width {run['width']}")
    return ", ".join(words)


def row(cells):
    print("| " + " | ".join(cells) + " |")


def header(*names):
    row(names)
    print("|" + "|".join(["---"] + ["---:"] * (len(names) - 1)) + "|")


def results(runs):
    """Runs with the same heads stand together."""
    kinds = list(dict.fromkeys(heads(run) for run in runs))
    runs = sorted(runs, key=lambda run: (kinds.index(heads(run)), run.get("seed", ""), float(run["rate"])))
    header("Heads", "seed", "rate", "first layer, valid", "last layer, valid", "test", "among the best 10, test", "seconds",
           "MB", "values of M", "others")
    for run in runs:
        counts = [f"{int(run[key]):,}" if key in run else "" for key in ("projection_values", "other_values")]
        right = f"{100 * float(run['test_top10']):.1f}%" if "test_top10" in run else ""
        size = run["mb"] if "mb" in run else f"{run['resident_mb']} resident"
        row([heads(run), run.get("seed", ""), run["rate"], run["valid_first"] if run["train"] == "mf" else "", run["valid"],
             run["test"], right, run["processor_seconds"], size, *counts])


def choices(runs):
    rates = sorted({run["rate"] for run in runs}, key=float)
    groups = {}
    for run in runs:
        law = "" if run["law"] == "none" else f", {run['law']}"
        groups.setdefault(heads(run) + law, {})[run["rate"]] = float(run["valid"])
    header("Perplexity by rate", *rates)
    for name, found in groups.items():
        best = min(found.values())
        row([name] + ["" if rate not in found else f"**{found[rate]}**" if found[rate] == best else str(found[rate])
                      for rate in rates])


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: table.py FOLDER/runs.log")
    runs = {name: run for name, run in read(sys.argv[1]).items() if run["example"] == "words"}
    for model in ("feed-forward", "transformer"):
        for chosen, show in ((False, results), (True, choices)):
            shown = [run for name, run in runs.items()
                     if run["model"] == model and name.startswith("choose-") == chosen and (chosen or "test" in run)]
            if shown:
                print(f"\n{model}{', choices' if chosen else ''}\n")
                show(shown)


if __name__ == "__main__":
    main()
