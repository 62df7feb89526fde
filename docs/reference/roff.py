"""Pieces of man pages: text and code as lines of roff, in the man macros that groff and mandoc know.

SPDX-License-Identifier: MIT
"""
import re
import textwrap

WIDTH = 78
NAME = re.compile(r"\b((?:mf|monoforward)_\w+)\(\)|\b(MF_[A-Z0-9_]*[A-Z0-9])\b")


def escape(text):
    text = text.replace("\\", "\\e").replace("~", "\\(ti").replace("^", "\\(ha").replace("`", "\\(ga")
    return text.replace("\1", "\\fI").replace("\2", "\\fP")


def inline(text):
    """One line: names are bold, functions refer to their pages, and minus signs are no hyphens."""
    text = re.sub(r"(?<=[\s(])-(?=[\s\d])|(?<=\de)-(?=\d)", "\\-", escape(text))
    return NAME.sub(lambda found: f"\\fB{found[1]}\\fP(3)" if found[1] else f"\\fB{found[2]}\\fP", text)


def guard(line):
    """A line that begins like a request is text all the same."""
    return "\\&" + line if line.startswith((".", "'")) else line


def text(words):
    lines = textwrap.wrap(inline(words), WIDTH, break_long_words=False, break_on_hyphens=False)
    return [guard(line) for line in lines]


def code(block):
    lines = [guard(escape(line).replace("-", "\\-").replace("'", "\\(aq")) for line in block.split("\n")]
    return [".P", ".RS 4", ".nf", *lines, ".fi", ".RE"]


def paragraphs(pieces):
    lines = []
    for kind, words in pieces:
        if kind == "code":
            lines += code(words)
        else:
            lines += ([".P"] if lines else []) + text(words)
    return lines


def sentence(words):
    """With a capital in front and a full stop at the end, but for what begins with a name or a shape."""
    if re.match(r"[a-z]+\b(?![_=])", words) and not words.startswith("sizeof"):
        words = words[0].upper() + words[1:]
    return words if words.endswith(".") else words + "."


def title(brief):
    """For the line that apropos shows: without the full stop, and short."""
    brief = brief.rstrip(". ").replace("\1", "").replace("\2", "")
    for end in (": ", "; "):
        if len(brief) > 60:
            brief = brief.split(end)[0]
    return re.sub(r"\b(mf_\w+)\(\)", r"\1", brief)


def include(name):
    """The header of a function, struct or group."""
    return [".nf", f".B #include <monoforward{part_of(name)}.h>", ".fi"]


def part_of(name):
    """What belongs to a library of its own says so in its name."""
    return "_mpi" if re.match(r"(mf|monoforward)_mpi(_|$)", name) else ""


def prototype(entry):
    """The declaration of a function, parameters in italics, on lines of 78 columns."""
    words = [kind + ("" if kind.endswith("*") else " ") + f"\1{name}\2" for kind, name, _ in entry.parameters]
    space = "" if entry.declaration.endswith("*") else " "
    head = f"{entry.declaration}{space}{entry.name}("
    lines, line = [], head
    for number, word in enumerate(words or ["void"]):
        word += ", " if number + 1 < len(words) else ");"
        if len(re.sub("[\1\2]", "", line + word).rstrip()) > WIDTH and line.strip():
            lines.append(line.rstrip())
            line = " " * len(head)
        line += word
    lines.append(line)
    bold = [escape(f"\\fB{one}\\fP").replace("\\e", "\\") for one in lines]
    bold = [one.replace("\\fI", "\\fP\\fI").replace("\\fP,", "\\fP\\fB,").replace("\\fP)", "\\fP\\fB)") for one in bold]
    return [*include(entry.name)[:2], ".P", *bold, ".fi"]


def commas(names):
    return [f".BR {name} (3){',' if name != names[-1] else ''}" for name in names]


def prose(lines):
    """The comment at the top of the header: paragraphs, blocks of equations, and items such as "Errors.   ..."."""
    result = []
    for block in re.split(r"\n\s*\n", "\n".join(lines).strip()):
        if block.startswith("SPDX"):
            continue
        rows = block.split("\n")
        if all(row.startswith("    ") for row in rows):
            result += code(textwrap.dedent(block))
        elif re.match(r"  [A-Z]\w+\.", block):
            for item in re.split(r"\n(?=  [A-Z]\w+\.)", block):
                word, rest = re.match(r"  ([A-Z]\w+)\.\s+(.*)", item, re.DOTALL).groups()
                result += [".TP", f".B {word}", *text(re.sub(r"\s+", " ", rest))]
        else:
            result += [".P"] * bool(result) + text(re.sub(r"\s+", " ", block))
    return result
