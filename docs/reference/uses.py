"""Which program shows how a function is used: python3 docs/reference/uses.py [ROOT]

Programs are the C and C++ files in examples/, and the named blocks of README.md and docs/*.md that docs/check.sh
builds and runs. Prints what no program calls; exit code 1 if there is such a function.

SPDX-License-Identifier: MIT
"""
import pathlib
import re
import sys

BLOCK = re.compile(r"^```\w*\n(?:/\*|//) (\w+\.(?:c|h|cc))(?: \*/)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"', re.DOTALL)
SUFFIXES = {".c", ".h", ".cc", ".cpp", ".hpp"}


def functions(root):
    """The public functions, in the order of the headers."""
    headers = (pathlib.Path(root) / "include" / name for name in ("monoforward.h", "monoforward_mpi.h"))
    return [name for header in headers
            for name in re.findall(r"^MF_API [^(;]*?\b(mf_\w+)\(", header.read_text(encoding="utf-8"), re.MULTILINE)]


def programs(root):
    """Pairs of a place in words and a text: first those in documents, since they are short and explained."""
    root = pathlib.Path(root)
    for document in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        for name, text in BLOCK.findall(document.read_text(encoding="utf-8")):
            yield f"{name} in {document.relative_to(root).as_posix()}", text
    files = [file for file in (root / "examples").rglob("*") if file.suffix in SUFFIXES]
    for file in sorted(files, key=lambda file: (file.stat().st_size, file.as_posix())):
        yield file.relative_to(root).as_posix(), file.read_text(encoding="utf-8")


def uses(root):
    """The places that call each function, the ones to read first in front."""
    found = {name: [] for name in functions(root)}
    for place, text in programs(root):
        code = COMMENT_OR_STRING.sub(" ", text)
        for name in set(re.findall(r"\b(mf_\w+)\s*\(", code)):
            if name in found:
                found[name].append(place)
    return found


def main():
    found = uses(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2])
    without = [name for name, places in found.items() if not places]
    for name in without:
        print(f"no program calls {name}()")
    print(f"{len(found) - len(without)} of {len(found)} functions are called by a program")
    return 1 if without or not found else 0


if __name__ == "__main__":
    sys.exit(main())
