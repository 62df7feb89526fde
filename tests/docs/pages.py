"""Every public function and struct has a man page that tells what it should: python3 pages.py FOLDER HEADER...

Reads the header by itself, so that nothing the generator loses goes unnoticed. Constants have to be on some page, and
a page may only refer to pages that are there.

SPDX-License-Identifier: MIT
"""
import pathlib
import re
import sys


def declared(header):
    """What the header declares: parameters of functions, fields of structs, constants."""
    code = re.sub(r"/\*.*?\*/", " ", header, flags=re.DOTALL)
    functions = {}
    for name, inside in re.findall(r"^MF_API [^(;]*?\b(mf_\w+)\(([^;]*)\);", code, re.MULTILINE):
        parts = [part.strip() for part in inside.split(",")]
        functions[name] = [re.search(r"(\w+)$", part).group(1) for part in parts if part != "void"]
    structs = {}
    for name, inside in re.findall(r"typedef struct (mf_\w+) \{(.*?)\} \1;", code, re.DOTALL):
        inside = re.sub(r"\(\*(\w+)\)\([^)]*\)", r" \1", inside)
        structs[name] = re.findall(r"(\w+)(?:\[\d+\])?;", inside)
    constants = re.findall(r"^ *(MF_\w+) = \d+,?", code, re.MULTILINE)
    return functions, structs, constants


def sections(page):
    """The lines of each section, by its heading."""
    found, lines = {}, []
    for line in page.split("\n"):
        if line.startswith(".SH "):
            lines = found.setdefault(line[4:].strip('"'), [])
        else:
            lines.append(line)
    return found


def plain(lines):
    text = " ".join(line for line in lines if not re.match(r"\.(P|TP|RS|RE|nf|fi|I |B |BR )", line))
    return re.sub(r"\\f[BIRP]|\\&|\\%", "", text).strip()


def items(lines):
    """Tagged paragraphs: the tag and its text."""
    parts = "\n".join(lines).split("\n.TP\n")
    parts = [part.removeprefix(".TP\n") for part in parts]
    tagged = (part.partition("\n") for part in parts)
    return {re.sub(r"^\.[BI]R? |\\f.", "", tag).split(" ")[0]: plain(rest.split("\n")) for tag, _, rest in tagged}


def check(name, page, tagged, wanted, header, prototype):
    """Complaints about one page; `tagged` is the section that explains each of `wanted`."""
    parts = sections(page)
    for section in ("NAME", "LIBRARY", "SYNOPSIS", "DESCRIPTION", "SEE ALSO"):
        if not parts.get(section):
            yield f"no section {section}"
    if not re.match(rf"{name} \\- \w.{{3,}}", " ".join(parts.get("NAME", []))):
        yield "NAME says nothing"
    if len(plain(parts.get("DESCRIPTION", [])).split()) < 3:
        yield "DESCRIPTION is empty"
    synopsis = re.sub(r"\\f.", "", "\n".join(parts.get("SYNOPSIS", [])))
    if f"#include <{header}>" not in synopsis or prototype not in synopsis:
        yield f"SYNOPSIS without {prototype}"
    explained = items(parts.get(tagged, [])) if tagged in parts else {}
    for one in wanted:
        if not explained.get(one):
            yield f"{one} is not explained in {tagged}"
    if list(explained) != list(wanted):
        yield f"{tagged} has {', '.join(explained)}; the header {', '.join(wanted)}"


def check_header(path, pages):
    """Complaints about the pages of one header."""
    header = path.read_text(encoding="utf-8")
    functions, structs, constants = declared(header)
    problems = []
    for tagged, declarations in (("PARAMETERS", functions), ("FIELDS", structs)):
        for name, wanted in declarations.items():
            if name not in pages:
                problems.append(f"{name}: no page")
                continue
            prototype = f"{name}(" if tagged == "PARAMETERS" else f"typedef struct {name} {{"
            problems += [f"{name}: {words}" for words in check(name, pages[name], tagged, wanted, path.name, prototype)]
    for name in re.findall(r"^MF_API (?!void)[^(;]*?\b(mf_\w+)\(", header, re.MULTILINE):
        if not plain(sections(pages.get(name, "")).get("RETURN VALUE", [])):
            problems.append(f"{name}: RETURN VALUE is missing or empty")
    for name in constants:
        if not any(f".BR {name} " in page for page in pages.values()):
            problems.append(f"{name}: on no page")
    print(f"{path.name}: {len(functions)} functions, {len(structs)} structs, {len(constants)} constants")
    if not functions or not structs or not constants:
        problems.append(f"{path.name}: hardly anything in it")
    return problems


def main():
    pages = {path.stem: path.read_text(encoding="utf-8") for path in pathlib.Path(sys.argv[1]).glob("*.3")}
    problems = [words for header in sys.argv[2:] for words in check_header(pathlib.Path(header), pages)]
    for name, page in pages.items():
        for other in re.findall(r"(?:\\fB|\.BR )(m\w+)(?:\\fP)? ?\(3\)", page):
            if other not in pages:
                problems.append(f"{name}: refers to {other}(3), which is not there")
        if page.startswith(".so ") and page.split("/")[1].strip().removesuffix(".3") not in pages:
            problems.append(f"{name}: stands for a page that is not there")
    for problem in problems:
        print(f"failed: {problem}")
    print(f"{len(pages)} pages")
    return 1 if problems or len(sys.argv) < 3 else 0


sys.exit(main())
