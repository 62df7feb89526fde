#!/usr/bin/env python3
"""Breaks the library in one place at a time and looks whether a test notices:

    python3 tests/mutants.py RESULTS [--count 200] [--seed 1] [--seconds N]

copies a commit to build-mutants/, changes one operator, constant or statement of lib/model or lib/math in the copy,
builds it, and runs the tests labelled unit, api and fuzz, the short ones first, until one fails. RESULTS begins with the
commit, the newest one if the file is new, and gets a line for each mutant as it ends: "killed TEST", "survived" or
"broken" (it does not compile, and counts for nothing); mutants that it has are not tried again, so that a run can be
stopped and goes on, on another machine, too. Ends with a line of counts.
SPDX-License-Identifier: MIT
"""
import argparse
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
HOME = ROOT / "build-mutants"
TREE, BUILD = HOME / "tree", HOME / "build"
# What no test can run: instruction sets that this machine may lack, and a library's products.
LEFT_OUT = re.compile(r"kernels_avx|gemm_cblas|blas\.c$|lanes\.h$|pairs\.h$")
OTHER = {"<=": "<", ">=": ">", "==": "!=", "!=": "==", "<": "<=", ">": ">=", "&&": "||", "||": "&&", "+": "-",
         "-": "+", "*": "+", "/": "*", "+=": "-=", "-=": "+=", "*=": "+=", "%": "+"}
OPERATOR = re.compile(r"(?<=[\w)\]]) (<=|>=|==|!=|&&|\|\||\+=|-=|\*=|[-+*/%<>]) (?=[\w(!&*-])")
NUMBER = re.compile(r"(?<![\w.\"])([01]|2)(?:\.0f?)?(?![\w.])")
NEGATION = re.compile(r"(?<=[(\s])!(?=[\w(])")
STATEMENT = re.compile(r"^( {4,})((?!return|break|continue|goto|for|if|while|else|case|static|const|typedef|enum)"
                       r"[\w*(][^{}]*;)$")


def without_comments(text):
    """The text with comments and strings as spaces, so that places stay."""
    return re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|^ *#[^\n]*', lambda m: re.sub(r"[^\n]", " ", m.group()),
                  text, flags=re.DOTALL | re.MULTILINE)


def declares(statement):
    return re.match(r"(?:const |struct |static )*[a-z_]\w*(?: \**|\*+ ?)[a-z_]\w*(?:\[[^\]]*\])*(?: =|;|,)", statement)


def mutants_of(name):
    """(line, what it becomes) for every place of a file that can be broken."""
    text = (TREE / name).read_text()
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


def sample(count, seed):
    names = sorted(str(path.relative_to(TREE)) for folder in ("lib/model", "lib/math")
                   for path in (TREE / folder).rglob("*.[ch]") if not LEFT_OUT.search(str(path)))
    every = [mutant for name in names for mutant in mutants_of(name)]
    random.Random(seed).shuffle(every)
    return every[:count], len(every)


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


def build(targets):
    return run(["cmake", "--build", str(BUILD), "-j", str(os.cpu_count()), "--target", *targets]).returncode == 0


def copy_of(commit):
    """The tree of a commit in TREE, unless it is there."""
    told = HOME / "commit"
    if told.exists() and told.read_text() == commit:
        return
    shutil.rmtree(HOME, ignore_errors=True)
    TREE.mkdir(parents=True)
    archive = subprocess.run(["git", "-C", str(ROOT), "archive", commit], stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(TREE)], input=archive, check=True)
    told.write_text(commit)


def prepare():
    """The build of the copy, and the tests with the seconds that each takes, the short ones first."""
    if not (BUILD / "CMakeCache.txt").exists():
        made = run(["cmake", "-S", str(TREE), "-B", str(BUILD), "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS=-O1",
                    "-DMF_BUILD_EXAMPLES=OFF", "-DMF_MPI=off"])
        if made.returncode != 0 or not build(["all"]):
            sys.exit("the copy in build-mutants/ does not build\n" + made.stdout)
    listed = run(["ctest", "--test-dir", str(BUILD), "--show-only=json-v1", "-L", "unit|api|fuzz", "-LE", "long"])
    tests = []
    costs_file = HOME / "costs.json"
    costs = json.loads(costs_file.read_text()) if costs_file.exists() else {}
    for one in json.loads(listed.stdout[listed.stdout.index("{"):])["tests"]:
        properties = {p["name"]: p["value"] for p in one.get("properties", [])}
        tests.append({"name": one["name"], "command": one["command"],
                      "folder": properties.get("WORKING_DIRECTORY", str(BUILD)),
                      "environment": dict(v.split("=", 1) for v in properties.get("ENVIRONMENT", []) if "=" in v)})
    for one in tests:
        if one["name"] not in costs:
            started = time.monotonic()
            if not passes(one, 900):
                sys.exit(f"{one['name']} fails without a mutant")
            costs[one["name"]] = time.monotonic() - started
            costs_file.write_text(json.dumps(costs))
        one["seconds"] = costs[one["name"]]
    return sorted(tests, key=lambda one: one["seconds"])


def passes(test, limit):
    try:
        return run(test["command"], cwd=test["folder"], env=os.environ | test["environment"],
                   timeout=limit).returncode in (0, 77)
    except subprocess.TimeoutExpired:
        return False


def judge(mutant, tests):
    name, number, change = mutant
    path = TREE / name
    original = path.read_text()
    lines = original.split("\n")
    lines[number] = change
    path.write_text("\n".join(lines))
    try:
        if not build(["all"]):
            return "broken"
        for test in tests:
            if not passes(test, 60 + 10 * test["seconds"]):
                return f"killed {test['name']}"
        return "survived"
    finally:
        path.write_text(original)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no mutant after this time")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that judge() puts back what it changed
    started = time.monotonic()
    known = {}
    if not options.results.exists():
        commit = run(["git", "-C", str(ROOT), "rev-parse", "HEAD"]).stdout.strip()
        options.results.write_text(f"commit {commit}\n")
    first, *others = options.results.read_text().splitlines()
    for line in others:
        outcome, place, change = line.split("\t")
        known[place, change] = outcome
    copy_of(first.split()[1])
    tests = prepare()
    mutants, places = sample(options.count, options.seed)
    for position, mutant in enumerate(mutants):
        place, change = f"{mutant[0]}:{mutant[1] + 1}", mutant[2].strip()
        if (place, change) in known:
            continue
        if time.monotonic() - started > options.seconds:
            break
        known[place, change] = judge(mutant, tests)
        with options.results.open("a") as results:
            results.write(f"{known[place, change]}\t{place}\t{change}\n")
        print(f"{position + 1}/{len(mutants)}  {known[place, change]:<28} {place}  {change}", flush=True)
    outcomes = [one.split()[0] for one in known.values()]
    killed, survived = outcomes.count("killed"), outcomes.count("survived")
    print(f"result mutants places={places} tried={killed + survived} killed={killed} survived={survived} "
          f"percent={100 * killed / max(1, killed + survived):.1f}")


if __name__ == "__main__":
    main()
