#!/usr/bin/env python3
"""Writes the declarations of bindings from monoforward.json, the description of the ABI.

    python3 generate.py            write all of them
    python3 generate.py --check    compare them with the description; exit code 1 if any differs

SPDX-License-Identifier: MIT
"""
import argparse
import json
import os
import sys

import browser
from describe import HERE, compare
import lua
import node
import python
import rust

# What is written, below examples/bindings, and by which module.
WRITERS = {
    "python/monoforward/_abi.py": python,
    "node/abi.js": node,
    "browser/abi.js": browser,
    "lua/monoforward_abi.lua": lua,
    "rust/src/abi.rs": rust,
}
NOTE = "The ABI of libmonoforward {version}. Written by abi/generate.py: do not edit."


def main():
    arguments = argparse.ArgumentParser(description="Writes the declarations of bindings.")
    arguments.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a file differs")
    options = arguments.parse_args()
    with open(os.path.join(HERE, "monoforward.json"), encoding="utf-8") as file:
        description = json.load(file)
    note = NOTE.format(version=description["version"])
    differ = 0
    for name, writer in WRITERS.items():
        path = os.path.normpath(os.path.join(HERE, "..", name))
        text = writer.declare(description, note)
        if options.check:
            differ |= compare(path, text)
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
    sys.exit(differ)


if __name__ == "__main__":
    main()
