#!/usr/bin/env python3
"""Breaks the library in one place at a time and looks whether a test notices:

    python3 tests/mutants.py RESULTS [--count 200] [--workers 1] [--seconds N]

copies a commit to build-mutants/, changes one operator, constant or statement of lib/model or lib/math in the copy,
builds it, and runs the tests labelled unit, api and fuzz until one fails, first those that are short or have found many. RESULTS begins with the
commit, the newest one if the file is new, and gets a line for each mutant as it ends: "killed TEST", "survived" or
"broken" (it does not compile, and counts for nothing); mutants that it has are not tried again, so that a run can be
stopped and goes on, on another machine, too. Ends with a line of counts.
SPDX-License-Identifier: MIT
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
HOME = ROOT / "build-mutants"
# What no test can run: instruction sets that this machine may lack, and a library's products.
LEFT_OUT = re.compile(r"kernels_avx|gemm_cblas|blas\.c$|lanes\.h$|pairs\.h$")
OTHER = {"<=": "<", ">=": ">", "==": "!=", "!=": "==", "<": "<=", ">": ">=", "&&": "||", "||": "&&", "+": "-",
         "-": "+", "*": "+", "/": "*", "+=": "-=", "-=": "+=", "*=": "+=", "%": "+"}
OPERATOR = re.compile(r"(?<=[\w)\]]) (<=|>=|==|!=|&&|\|\||\+=|-=|\*=|[-+*/%<>]) (?=[\w(!&*-])")
NUMBER = re.compile(r"(?<![\w.\"])([01]|2)(?:\.0f?)?(?![\w.])")
NEGATION = re.compile(r"(?<=[(\s])!(?=[\w(])")
STATEMENT = re.compile(r"^( {4,})((?!\(void\)|return|break|continue|goto|for|if|while|else|case|static|const|typedef|enum)"
                       r"[\w*(][^{}]*;)$")


def without_comments(text):
    """The text with comments and strings as spaces, so that places stay."""
    return re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|^ *#[^\n]*', lambda m: re.sub(r"[^\n]", " ", m.group()),
                  text, flags=re.DOTALL | re.MULTILINE)


def declares(statement):
    return re.match(r"(?:const |struct |static )*[a-z_]\w*(?: \**|\*+ ?)[a-z_]\w*(?:\[[^\]]*\])*(?: =|;|,)", statement)


def mutants_of(tree, name):
    """(line, what it becomes) for every place of a file that can be broken."""
    text = (tree / name).read_text()
    lines = text.split("\n")
    found = []
    for number, code in enumerate(without_comments(text).split("\n")):
        if not code.startswith("    "):
            continue
        line = lines[number]
        for m in OPERATOR.finditer(code):
            found.append((number, line[:m.start(1)] + OTHER[m.group(1)] + line[m.end(1):]))
        for m in NUMBER.finditer(code):
            other = {"0": "1", "1": "2", "2": "3"}[m.group(1)]
            found.append((number, line[:m.start(1)] + other + line[m.end(1):]))
        for m in NEGATION.finditer(code):
            found.append((number, line[:m.start()] + line[m.end():]))
        m = STATEMENT.match(code)
        if m and not declares(m.group(2)):
            found.append((number, m.group(1) + ";"))
    return [(name, number, change) for number, change in found]


def sample(tree, count, seed):
    names = sorted(str(path.relative_to(tree)) for folder in ("lib/model", "lib/math")
                   for path in (tree / folder).rglob("*.[ch]") if not LEFT_OUT.search(str(path)))
    every = [mutant for name in names for mutant in mutants_of(tree, name)]
    random.Random(seed).shuffle(every)
    return every[:count], len(every)


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


def passes(test, limit):
    """Within this many seconds of the processor, ten times as many on a busy machine's clock, and 8 GB."""
    limited = f'ulimit -v 8000000; ulimit -t {round(limit)}; exec "$@"'
    try:
        return run(["sh", "-c", limited, "sh", *test["command"]], cwd=test["folder"],
                   env=os.environ | test["environment"], timeout=10 * limit).returncode in (0, 77)
    except subprocess.TimeoutExpired:
        return False


class Copy:
    """A copy of the commit's tree, its build and its tests; each worker has one."""

    def __init__(self, commit, number):
        home = HOME / f"{commit}-{number}"
        self.tree, self.folder, self.costs_file = home / "tree", home / "build", HOME / f"{commit}.json"
        self.changed = home / "changed.json"  # what a file was before, in case this ends while it is another
        self.put_back()
        if not (home / "made").exists():
            shutil.rmtree(home, ignore_errors=True)  # what one that was interrupted has left
            self.make(commit)
            (home / "made").touch()
        self.tests = list(self.find_tests())

    def make(self, commit):
        self.tree.mkdir(parents=True)
        archive = subprocess.run(["git", "-C", str(ROOT), "archive", commit], stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(["tar", "-x", "-C", str(self.tree)], input=archive, check=True)
        # Programs that use the shared library need not be linked again for each mutant.
        made = run(["cmake", "-S", str(self.tree), "-B", str(self.folder), "-DCMAKE_BUILD_TYPE=Release",
                    "-DMF_BUILD_EXAMPLES=OFF", "-DMF_MPI=off", "-DCMAKE_LINK_DEPENDS_NO_SHARED=ON"])
        if made.returncode != 0 or not self.build():
            sys.exit("the copy in build-mutants/ does not build\n" + made.stdout)

    def build(self):
        return run(["cmake", "--build", str(self.folder), "-j", str(os.cpu_count())]).returncode == 0

    def find_tests(self):
        """With the seconds that each takes."""
        listed = run(["ctest", "--test-dir", str(self.folder), "--show-only=json-v1", "-L", "unit|api|fuzz", "-LE", "long"])
        costs = json.loads(self.costs_file.read_text()) if self.costs_file.exists() else {}
        for one in json.loads(listed.stdout[listed.stdout.index("{"):])["tests"]:
            properties = {p["name"]: p["value"] for p in one.get("properties", [])}
            test = {"name": one["name"], "command": one["command"],
                    "folder": properties.get("WORKING_DIRECTORY", str(self.folder)),
                    "environment": dict(v.split("=", 1) for v in properties.get("ENVIRONMENT", []) if "=" in v)}
            if test["name"] not in costs:
                started = time.monotonic()
                if not passes(test, 900):
                    sys.exit(f"{test['name']} fails without a mutant")
                costs[test["name"]] = time.monotonic() - started
                self.costs_file.write_text(json.dumps(costs))
            yield test | {"seconds": costs[test["name"]]}

    def judge(self, mutant, kills):
        name, number, change = mutant
        path = self.tree / name
        lines = path.read_text().split("\n")
        self.changed.write_text(json.dumps([str(path), "\n".join(lines)]))
        lines[number] = change
        path.write_text("\n".join(lines))
        try:
            if not self.build():
                return "broken"
            for test in sorted(self.tests, key=lambda one: one["seconds"] / (1 + kills[one["name"]])):
                if not passes(test, 20 + 5 * test["seconds"]):
                    return f"killed {test['name']}"
            return "survived"
        finally:
            self.put_back()

    def put_back(self):
        if self.changed.exists():
            name, text = json.loads(self.changed.read_text())
            pathlib.Path(name).write_text(text)
            self.changed.unlink()


def place_of(mutant):
    return f"{mutant[0]}:{mutant[1] + 1}", mutant[2].strip()


class Results:
    """The file: a commit, and a line for each mutant."""

    def __init__(self, path):
        self.path, self.lock = path, threading.Lock()
        if not path.exists():
            path.write_text("commit " + run(["git", "-C", str(ROOT), "rev-parse", "HEAD"]).stdout)
        first, *others = path.read_text().splitlines()
        self.commit = first.split()[1]
        self.known = {tuple(line.split("\t")[1:]): line.split("\t")[0] for line in others}

    def kills(self):
        with self.lock:
            return collections.Counter(one.split()[-1] for one in self.known.values())

    def add(self, mutant, outcome):
        place, change = place_of(mutant)
        with self.lock:
            self.known[place, change] = outcome
            with self.path.open("a") as file:
                file.write(f"{outcome}\t{place}\t{change}\n")
            print(f"{len(self.known)}  {outcome:<28} {place}  {change}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="how many copies are tried at a time")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no mutant after this time")
    options = parser.parse_args()
    started = time.monotonic()
    results = Results(options.results)
    copies = [Copy(results.commit, number) for number in range(options.workers)]
    mutants, places = sample(copies[0].tree, options.count, options.seed)
    left = collections.deque(mutant for mutant in mutants if place_of(mutant) not in results.known)

    def work(copy):
        while time.monotonic() - started < options.seconds:
            try:
                mutant = left.popleft()
            except IndexError:  # another worker may have taken the last one
                return
            results.add(mutant, copy.judge(mutant, results.kills()))

    with concurrent.futures.ThreadPoolExecutor(options.workers) as pool:
        list(pool.map(work, copies))
    outcomes = [one.split()[0] for one in results.known.values()]
    killed, survived = outcomes.count("killed"), outcomes.count("survived")
    print(f"result mutants places={places} tried={killed + survived} killed={killed} survived={survived} "
          f"percent={100 * killed / max(1, killed + survived):.1f}")


if __name__ == "__main__":
    main()
