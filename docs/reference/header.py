"""Prints the header for Doxygen: python3 docs/reference/header.py include/monoforward.h

The header is written to be read as it stands, from top to bottom. A page for each function needs more: "The same"
has to name the function above, "Errors: HANDLE, ..." becomes a section with the full names of the statuses, and
parameters that are explained once for all functions (parameters.py) are explained everywhere. Line numbers stay.

SPDX-License-Identifier: MIT
"""
import pathlib
import re
import sys

sys.dont_write_bytecode = True  # the folder of the source may be read-only, and stays clean in any case
from parameters import meaning

FUNCTION = re.compile(r"(?P<comment>/\*\*(?:(?!\*/).)*\*/)\s*(?P<declaration>MF_API[^;]*;)", re.DOTALL)

VERSION = re.compile(r"^#define MF_VERSION_(?:MINOR|PATCH) \d+$", re.MULTILINE)


def statuses(path):
    """Those of monoforward.h, also for a header beside it."""
    header = (pathlib.Path(path).parent / "monoforward.h").read_text(encoding="utf-8")
    return re.findall(r"^ *MF_STATUS_(\w+) = ", header, re.MULTILINE)


def parameters(declaration):
    """The function's name, and the names of its parameters."""
    name, inside = re.search(r"(mf_\w+)\((.*)\);", declaration, re.DOTALL).groups()
    if inside.strip() == "void":
        return name, []
    return name, [re.search(r"(\w+)$", one.strip()).group(1) for one in inside.split(",")]


def errors_section(comment, names, above):
    """Makes a section of "Errors: ...", up to the end of the comment; without one, the errors are those above."""
    parts = re.split(r"Errors:(?=\s)|Errors(?= as above)", comment, maxsplit=1)
    if len(parts) == 1:
        return comment[:-2] + f"@return MF_STATUS_OK, or an error as {above}(). */"
    clause = re.sub(rf"\b({'|'.join(names)})\b", r"MF_STATUS_\1", parts[1]).replace("as above", f"as {above}()")
    return parts[0] + "@return MF_STATUS_OK, or an error:" + clause


def conventions(header):
    """The comment at the top as the page of the file: it holds for all functions."""
    comment = re.match(r"/\*.*?\*/", header, re.DOTALL).group(0)
    page = re.sub(r"^/\*\n \* monoforward\w*\.h: (.)", lambda found: f"/** @file\n *  {found[1].upper()}", comment)
    page = re.sub(r"^ \*   (?=[A-Z]\w+\.  )", " * - ", page, flags=re.MULTILINE)
    page = page.replace(" * SPDX-License-Identifier: MIT\n", " *\n")
    return page + VERSION.sub(r"\g<0> /**< See MF_VERSION_MAJOR. */", header[len(comment):])


def complete(comment, declaration, names, above):
    """The comment with all that a page of its own needs; `above` is the function before it."""
    name, wanted = parameters(declaration)
    comment = re.sub(r"\bThe same for\b", f"The same as {above}() for", comment, count=1)
    if re.match(r"MF_API\s+mf_status\b", declaration):
        comment = errors_section(comment, names, above)
    elif "void mf_" not in declaration:
        wanted = wanted + ["@return"]
    told = re.findall(r"@param +(\w+)", comment)
    for one in wanted:
        text = meaning(name, one)
        if one not in told and text:
            comment = comment[:-2] + (f"{one} {text} */" if one == "@return" else f"@param {one} {text} */")
    return comment


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        header = file.read()
    names = statuses(sys.argv[1])
    above = None

    def replace(match):
        nonlocal above
        comment = complete(match["comment"], match["declaration"], names, above)
        above = parameters(match["declaration"])[0]
        return comment + match[0][len(match["comment"]):]

    sys.stdout.write(FUNCTION.sub(replace, conventions(header)))


main()
