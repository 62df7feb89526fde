#!/usr/bin/env python3
"""Writes monoforward.json, the description of the library's ABI, from include/monoforward.h.

    python3 describe.py            write monoforward.json
    python3 describe.py --check    compare it with the header; exit code 1 if they differ

The header goes through the C preprocessor ($CC, or cc) and a reader that refuses what it does not know; sizes,
offsets and the values of constants are compared with what a compiled program says.

SPDX-License-Identifier: MIT
"""
import argparse
import difflib
import json
import os
import re
import shlex
import subprocess
import sys

import header as reader
from layout import add_layout, check_layout

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", "..", ".."))

# Pointers to plain values do not tell if there is one value or many: the names do. A name that is not here
# stops the description, so that nobody has to guess.
ARRAYS = {"x", "y", "a", "gradients", "goodness", "labels", "probabilities", "values", "buffer", "shift",
          "scale"}
HANDLE_ARRAYS = {"builders"}
SINGLES = {"value", "lowest", "highest", "count", "size", "id", "position", "bytes", "written", "threads", "node", "needed",
           "rows", "columns"}
# Read as well as written.
BOTH_WAYS = {("mf_arena_init", "buffer")}


def describe(path, compiler):
    """The description as plain data."""
    text, macros = reader.preprocess(path, compiler)
    found = reader.Header(text, macros)
    add_layout(found.structs, found.aliases)
    check_layout(path, found.structs, found.constants, compiler)
    structs = {struct["name"] for struct in found.structs}
    for function in found.functions:
        for parameter in function["parameters"]:
            _add_direction(function["name"], parameter, found.handles, structs)
    everything = [*found.functions, *found.callbacks]
    _add_spelling(everything, found.structs)
    return {
        "about": "The ABI of libmonoforward, for bindings. Written by describe.py from monoforward.h: do not edit.",
        "version": found.version,
        "soname": soname(),
        "data_model": "pointers and size_t of 8 bytes",
        "aliases": found.aliases,
        "handles": found.handles,
        "constants": found.constants,
        "structs": found.structs,
        "callbacks": found.callbacks,
        "functions": found.functions,
    }


def soname():
    """The name under which programs load the shared library."""
    with open(os.path.join(ROOT, "lib", "CMakeLists.txt")) as file:
        found = re.search(r"\bSOVERSION (\d+)\b", file.read())
    if not found:
        raise reader.Unknown("lib/CMakeLists.txt has no SOVERSION")
    return f"libmonoforward.so.{found.group(1)}"


def _add_direction(function, parameter, handles, structs):
    """direction: in, out or inout. array: many values. owned: the caller frees the handle it receives."""
    kind, name = parameter["type"], parameter["name"]
    base, pointers, const = kind["base"], kind["pointers"], kind["const"]
    if pointers == 0 or (base in handles and pointers == 1):
        parameter["direction"] = "in"
    elif base == "char" and pointers == 2:
        parameter["direction"] = "out"  # a borrowed text
    elif base == "char":
        parameter["direction"] = "in" if const[0] else "out"
        if not const[0]:
            parameter["array"] = True
    elif name in HANDLE_ARRAYS:
        parameter["direction"] = "in"
        parameter["array"] = True
    elif base in handles:
        parameter["direction"] = "out"
        parameter["owned"] = bool(re.search(r"_(create|build|from_spec|load|load_buffer|clone)$", function))
    elif base in structs:
        parameter["direction"] = "in" if const[0] else "inout"
        if pointers == 2:
            parameter["array"] = True
    elif name in ARRAYS:
        parameter["direction"] = "in" if const[0] else "inout" if (function, name) in BOTH_WAYS else "out"
        parameter["array"] = True
    elif name in SINGLES and not const[0]:
        parameter["direction"] = "out"
    else:
        raise reader.Unknown(f"{function}: is '{name}' one value or an array? describe.py has to be told")


def _add_spelling(callables, structs):
    for each in callables:
        each["returns"]["c"] = spell(each["returns"])
        for parameter in each["parameters"]:
            parameter["type"]["c"] = spell(parameter["type"])
    for struct in structs:
        for field in struct["fields"]:
            field["type"]["c"] = spell(field["type"])


def spell(kind):
    """The type as C writes it."""
    text = ("const " if kind["const"] and kind["const"][0] else "") + kind["base"]
    for level in range(kind["pointers"]):
        inner = level + 1 < kind["pointers"] and kind["const"][level + 1]
        text += ("" if text[-1] in "* " else " ") + ("*const " if inner else "*")
    return text


def to_text(description):
    """JSON with one function, field or constant a line, so that differences are easy to read."""
    lines = []
    for key, value in description.items():
        if isinstance(value, list):
            lines.append(f'  "{key}": [\n' + ",\n".join("    " + _entry(each) for each in value) + "\n  ]")
        else:
            lines.append(f'  "{key}": {json.dumps(value)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _entry(each):
    for key in ("fields", "parameters"):
        if isinstance(each, dict) and each.get(key):
            head = json.dumps({name: value for name, value in each.items() if name != key})[:-1]
            return head + f', "{key}": [\n' + ",\n".join("      " + json.dumps(one) for one in each[key]) + "]}"
    return json.dumps(each)


def compare(path, text):
    """0 if the file has this text; otherwise prints the difference and is 1."""
    try:
        with open(path, encoding="utf-8") as file:
            there = file.read()
    except OSError as error:
        there = ""
        print(f"failed: {error}")
    if there == text:
        return 0
    print(f"failed: {path} is not what it is made from gives now:")
    sys.stdout.writelines(difflib.unified_diff(there.splitlines(True), text.splitlines(True), "is", "should be", n=0))
    return 1


def main():
    arguments = argparse.ArgumentParser(description="Describes the ABI of libmonoforward.")
    arguments.add_argument("--header", default=os.path.join(ROOT, "include", "monoforward.h"))
    arguments.add_argument("--json", default=os.path.join(HERE, "monoforward.json"))
    arguments.add_argument("--check", action="store_true", help="write nothing; exit code 1 if the file differs")
    options = arguments.parse_args()
    try:
        text = to_text(describe(options.header, shlex.split(os.environ.get("CC") or "cc")))
    except (reader.Unknown, subprocess.CalledProcessError, OSError) as error:
        sys.exit(f"describe.py: {error}")
    if options.check:
        sys.exit(compare(options.json, text))
    with open(options.json, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
