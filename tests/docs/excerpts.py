"""Blocks of the documents that are taken from a program are still in it: python3 excerpts.py ROOT

Such a block stands below a line <!-- from PATH -->. Its lines follow each other in the file, but for indentation; a
line of three dots stands for lines that are left out.

SPDX-License-Identifier: MIT
"""
import pathlib
import re
import sys

BLOCK = re.compile(r"^<!-- from (\S+) -->\n```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def bare(text):
    return [line.strip() for line in text.strip("\n").split("\n")]


def find(lines, part, start):
    """Where `part` ends in `lines` from `start` on, or -1."""
    for at in range(start, len(lines) - len(part) + 1):
        if lines[at : at + len(part)] == part:
            return at + len(part)
    return -1


def missing(path, text):
    """The first line of a part that is not in the file, or None."""
    if not path.is_file():
        return "there is no such file"
    lines, at = bare(path.read_text(encoding="utf-8")), 0
    for part in text.split("...\n"):
        at = find(lines, bare(part), at)
        if at < 0:
            return part.split("\n")[0]
    return None


def main():
    root = pathlib.Path(sys.argv[1])
    count = failed = 0
    for document in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        for name, text in BLOCK.findall(document.read_text(encoding="utf-8")):
            count += 1
            problem = missing(root / name, text)
            if problem is not None:
                failed += 1
                print(f"{document.relative_to(root)}: not in {name}: {problem}")
    print(f"{count} excerpts, {failed} differ")
    return 1 if failed or not count else 0


sys.exit(main())
