"""Writes man pages from Doxygen's XML: python3 docs/reference/man.py XML OUTPUT [ROOT]

One page for each function and struct, one for each group with its constants and types (under the names of its
handles too), and monoforward(3), which begins with the conventions at the top of the header. The date of the pages is
SOURCE_DATE_EPOCH or, without it, that of the newest release in CHANGELOG.md, so that the same source gives the same
bytes.

SPDX-License-Identifier: MIT
"""
import datetime
import os
import pathlib
import re
import sys

sys.dont_write_bytecode = True  # the folder of the source may be read-only, and stays clean in any case
import roff
import uses
import xmldoc


class Writer:
    def __init__(self, root, output):
        self.header = (root / "include/monoforward.h").read_text(encoding="utf-8")
        self.version = ".".join(re.findall(r"^#define MF_VERSION_\w+ (\d+)", self.header, re.MULTILINE))
        self.date = date_of(root)
        self.places = uses.uses(root)
        self.output = output
        self.names = set()  # that have a page of their own
        self.handles = set()  # and these are found on the page of their group

    def write(self, name, lines):
        (self.output / f"{name}.3").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def page(self, name, brief, body, see, names=()):
        """`see` is a text: the names in it that have pages are what the page refers to."""
        part = roff.part_of(name)
        lines = [f'.\\" Made from monoforward{part}.h by docs/reference/man.py.',
                 f'.TH {name.upper()} 3 {self.date} "libmonoforward {self.version}" "libmonoforward"',
                 ".nh", ".ad l", ".SH NAME", f"{', '.join([name, *names])} \\- {roff.inline(roff.title(brief))}",
                 ".SH LIBRARY", f"Mono-Forward training library (libmonoforward{part}, \\-lmonoforward{part})"]
        lines += body
        others = sorted((self.mentioned(see) | {"monoforward"}) - {name, *names})
        lines += [".SH SEE ALSO", *roff.commas(others)]
        self.write(name, lines)
        for other in names:
            self.write(other, [f".so man3/{name}.3"])

    def mentioned(self, text):
        return set(re.findall(r"\b(?:mf|monoforward)_\w+", text)) & self.names

    def function(self, group, entry):
        body = [".SH SYNOPSIS", *roff.prototype(entry)]
        body += [".SH DESCRIPTION", *roff.paragraphs([("text", entry.brief), *entry.details])]
        if entry.parameters:
            body.append(".SH PARAMETERS")
            for _, name, text in entry.parameters:
                body += [".TP", f".I {name}", *roff.text(roff.sentence(text))]
        if entry.result:
            words = [(kind, roff.sentence(text)) for kind, text in entry.result]
            body += [".SH RETURN VALUE", *roff.paragraphs(words)]
            if entry.declaration == "mf_status":
                body += roff.text(f"The meaning of each status is in monoforward_status(); {message_of(entry)}() tells "
                                  "more about a failure.")
        if self.places[entry.name]:
            body += [".SH EXAMPLES", *roff.text(in_words(self.places[entry.name][:3]))]
        message = message_of(entry) if entry.declaration == "mf_status" else ""
        self.page(entry.name, entry.brief, body, f"{entry.text()} monoforward_{group.name} {message}")

    def struct(self, group, entry):
        lines = [f"typedef struct {entry.name} {{", *(f"    {one.declaration};" for one in entry.entries),
                 f"}} {entry.name};"]
        body = [".SH SYNOPSIS", *roff.include(entry.name), *roff.code("\n".join(lines))]
        body += [".SH DESCRIPTION", *roff.paragraphs([("text", entry.brief), *entry.details]), ".SH FIELDS"]
        for one in entry.entries:
            text = " ".join([one.brief, *(words for _, words in one.details)])
            body += [".TP", f".I {one.name}", *roff.text(text)]
        users = " ".join(function.name for function in group.functions if entry.name in function.text())
        self.page(entry.name, entry.brief, body, f"{entry.text()} {users} monoforward_{group.name}")

    def group(self, group):
        body = [".SH SYNOPSIS", *roff.include(f"monoforward_{group.name}"), ".SH DESCRIPTION",
                *roff.paragraphs([("text", group.brief or f"{group.title}."), *group.details])]
        for title, entries in (("TYPES", group.types), ("MACROS", group.macros)):
            if entries:
                body.append(f".SH {title}")
            for one in entries:
                words = " ".join([one.brief, *(words for _, words in one.details)])
                body += [".TP", f".B {one.name}", *roff.text(words)]
        if group.enums:
            body.append(".SH CONSTANTS")
        for number, enum in enumerate(group.enums):
            body += [".P"] * (number > 0) + roff.paragraphs([("text", enum.brief), *enum.details])
            for one in enum.entries:
                text = " ".join([one.brief, *(words for _, words in one.details)])
                body += [".TP", f".BR {one.name} \" {one.declaration}\"", *roff.text(text)]
        body += listing("STRUCTS", group.structs) + listing("FUNCTIONS", group.functions)
        handle = [f"mf_{group.name}"] if f"mf_{group.name}" in self.handles else []
        self.page(f"monoforward_{group.name}", group.title, body, group.brief, handle)

    def overview(self, groups):
        comment = re.match(r"/\*(.*?)\*/", self.header, re.DOTALL).group(1)
        lines = [re.sub(r"^ \* ?", "", line) for line in comment.strip("\n").split("\n")]
        brief = lines[0].split(": ", 1)[1]
        body = [".SH SYNOPSIS", *roff.include("monoforward"), ".SH DESCRIPTION", *roff.prose(lines[1:])]
        for group in groups:
            body += [f".SH {group.title.upper()}", f"See \\fBmonoforward_{group.name}\\fP(3)."]
            body += listing("", group.structs + group.functions)
        see = " ".join(f"monoforward_{group.name}" for group in groups)
        self.page("monoforward", brief, body, see)


def message_of(entry):
    """The function that tells more about a failure of this one."""
    return "mf_mpi_last_message" if roff.part_of(entry.name) else "mf_last_message"


def listing(title, entries):
    """What there is, each with a line about it."""
    lines = [f".SH {title}"] if title and entries else []
    for one in entries:
        lines += [".TP", f".BR {one.name} (3)", *roff.text(one.brief)]
    return lines


def in_words(places):
    """Where to look for examples: those in the same document together."""
    documents = {}
    for place in places:
        program, _, document = place.partition(" in ")
        documents.setdefault(document, []).append(program)
    words = []
    for document, programs in documents.items():
        names = " and ".join([", ".join(programs[:-1]), programs[-1]] if len(programs) > 1 else programs)
        words.append(f"{names} in {document}" if document else names)
    return "In the source of the library: " + "; ".join(words) + "."


def date_of(root):
    if os.environ.get("SOURCE_DATE_EPOCH"):
        moment = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
        return moment.strftime("%Y-%m-%d")
    changes = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    release = re.search(r"^## \[[0-9.]+\] - (\d{4}-\d\d-\d\d)", changes, re.MULTILINE)
    return release.group(1) if release else '""'


def main():
    xml, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    root = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else pathlib.Path(__file__).resolve().parents[2]
    output.mkdir(parents=True, exist_ok=True)
    for old in output.glob("*.3"):
        old.unlink()
    groups = xmldoc.read(xml)
    writer = Writer(root, output)
    for group in groups:
        writer.names |= {f"monoforward_{group.name}"} | {one.name for one in group.functions + group.structs}
        writer.handles |= {one.name for one in group.types}
    for group in groups:
        for entry in group.functions:
            writer.function(group, entry)
        for entry in group.structs:
            writer.struct(group, entry)
        writer.group(group)
    writer.overview(groups)
    print(f"{len(list(output.glob('*.3')))} man pages in {output}")


main()
