"""PyTorch's side of the study: the model of `words --train bp` with all words scored.

    torch_words.py [--data DIR] [--tokens N] [--judged N] [--rate R] [--threads N]

The other sizes are the defaults of `words`; PyTorch draws the starts.
"""
import argparse
import collections
import gzip
import math
import os
import resource
import time

import torch
from torch import nn

WINDOW, EMBEDDING, WIDTH, BATCH = 5, 64, 128, 128


def read(folder, part):
    path = os.path.join(folder, f"wiki.{part}.tokens")
    opened = open(path, encoding="utf-8") if os.path.exists(path) else gzip.open(path + ".gz", "rt", encoding="utf-8")
    with opened as file:
        return [word for line in file for word in line.rstrip("\n").split(" ") + ["<eos>"] if word]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default=os.path.join(os.environ.get("MONOFORWARD_DATA", "../shared/data"),
                                                       "text", "wikitext-2"))
    parser.add_argument("--tokens", type=int, default=0)
    parser.add_argument("--judged", type=int, default=20000)
    parser.add_argument("--rate", type=float, default=0.002)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    parts = {part: read(options.data, part) for part in ("train", "valid", "test")}
    number = {word: i for i, (word, _) in enumerate(collections.Counter(parts["train"]).most_common())}
    rows = {part: torch.tensor([number[word] for word in words]).unfold(0, WINDOW + 1, 1)
            for part, words in parts.items()}
    embedding = nn.Embedding(len(number), EMBEDDING)
    nn.init.uniform_(embedding.weight, -1, 1)
    model = nn.Sequential(embedding, nn.Flatten(), nn.Linear(WINDOW * EMBEDDING, WIDTH), nn.ReLU(),
                          nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, len(number), bias=False))
    optimizer = torch.optim.Adam(model.parameters(), lr=options.rate)
    count = min(options.tokens or len(rows["train"]), len(rows["train"]))
    order, steps = torch.randperm(count), (count + BATCH - 1) // BATCH
    start, started = time.perf_counter(), time.process_time()
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = options.rate * (0.05 + 0.95 * (1 + math.cos(math.pi * step / steps)) / 2)
        batch = rows["train"][order[step * BATCH:(step + 1) * BATCH]]
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(model(batch[:, :-1]), batch[:, -1]).backward()
        optimizer.step()
    seconds, computed = time.perf_counter() - start, time.process_time() - started
    perplexity = {}
    with torch.no_grad():
        for part in ("valid", "test"):
            judged = rows[part][:options.judged or None]
            losses = [nn.functional.cross_entropy(model(batch[:, :-1]), batch[:, -1], reduction="sum").item()
                      for batch in judged.split(BATCH)]
            perplexity[part] = math.exp(sum(losses) / len(judged))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(f"result example=words data=wikitext-2 model=feed-forward train=torch-bp head=full law=none rate={options.rate:g} "
          f"tokens={count} epoch=1 seconds={seconds:.1f} processor_seconds={computed:.1f} "
          f"valid={perplexity['valid']:.1f} test={perplexity['test']:.1f} resident_mb={peak:.0f}")


main()
