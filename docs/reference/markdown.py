"""Prints a document for Doxygen: python3 docs/reference/markdown.py docs/NAME.md

The documents are written for readers of the repository, where links lead to files and headings have anchors made of
their words. Here headings get such anchors, with the name of the document in front, and links lead to these or to the
page of a document; pictures and logs of docs/results lie beside the pages, and links to files that are no part of the
reference, as the pages of results are, are plain names.

SPDX-License-Identifier: MIT
"""
import collections
import pathlib
import posixpath
import re
import sys

LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
HEADING = re.compile(r"^(#+) (.*)$", re.MULTILINE)
FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def slug(heading):
    """The anchor that repositories give to a heading."""
    words = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower())
    return words.strip().replace(" ", "-")


def label(document, anchor):
    return f"{pathlib.PurePosixPath(document).stem.lower()}-{anchor}"


def page(document):
    """The page of a document is called doc-NAME, but for the README, which is the first page."""
    return "index" if document == "README.md" else f"doc-{pathlib.PurePosixPath(document).stem.lower()}"


def link(document, match):
    mark, text, target = match.groups()
    if ":" in target.split("/")[0]:
        return match.group(0)
    path, _, anchor = target.partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(document), path)) if path else document
    if path.startswith(("docs/results/", "examples/")) and path.endswith(".md"):
        return text
    if path.endswith(".md"):
        return f"[{text}](#{label(path, anchor)})" if anchor else f"[{text}]({page(path)}.html)"
    if path == "include/monoforward.h":
        return f"[{text}](monoforward_8h.html)"
    if path.startswith("docs/results/"):
        return f"{mark}[{text}]({posixpath.basename(path)})"
    return text


def convert(document, text):
    seen = collections.Counter()  # a heading that comes again is numbered

    def heading(match):
        if match[1] == "#":
            return match[0] if document == "README.md" else f"{match[0]} {{#{page(document)}}}"
        anchor = slug(match[2])
        number = f"-{seen[anchor]}" if seen[anchor] else ""
        seen[anchor] += 1
        return f"{match[0]} {{#{label(document, anchor + number)}}}"

    for part in FENCE.split(text):
        if not part.startswith("```"):
            part = LINK.sub(lambda match: link(document, match), part)
            part = HEADING.sub(heading, part)
        yield part


def main():
    path = pathlib.Path(sys.argv[1])
    document = f"docs/{path.name}" if path.resolve().parent.name == "docs" else path.name
    sys.stdout.write("".join(convert(document, path.read_text(encoding="utf-8"))))


main()
