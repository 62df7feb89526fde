"""What Doxygen's XML says of the header: groups with their functions, structs, constants and types.

Texts are lists of pieces: ("text", words), where \\1 and \\2 enclose names in italics, or ("code", lines).

SPDX-License-Identifier: MIT
"""
import pathlib
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field


@dataclass
class Entry:
    """A function, a field, a constant or a type: what its kind does not have stays empty."""
    name: str
    brief: str = ""
    details: list = field(default_factory=list)
    result: list = field(default_factory=list)  # what is returned
    parameters: list = field(default_factory=list)  # functions: (type, name, text)
    entries: list = field(default_factory=list)  # fields of a struct, constants of an enum
    declaration: str = ""

    def text(self):
        """All there is to read, to find names in."""
        pieces = [self.brief, self.declaration]
        pieces += [words for _, words in self.details + self.result]
        pieces += [f"{kind} {words}" for kind, _, words in self.parameters]
        return " ".join(pieces + [entry.text() for entry in self.entries])


@dataclass
class Group:
    name: str
    title: str
    brief: str
    details: list
    functions: list = field(default_factory=list)
    structs: list = field(default_factory=list)
    enums: list = field(default_factory=list)
    types: list = field(default_factory=list)
    macros: list = field(default_factory=list)


def plain(element):
    return re.sub(r"\s+", " ", "".join(element.itertext())).strip() if element is not None else ""


def pieces(element):
    """The texts of a description, without its lists of parameters and its sections."""
    found, words = [], []

    def end():
        text = re.sub(r"\s+", " ", "".join(words)).strip()
        words.clear()
        if text:
            found.append(("text", text))

    def walk(node):
        words.append(node.text or "")
        for child in node:
            if child.tag == "verbatim":
                end()
                found.append(("code", child.text.strip("\n")))
            elif child.tag == "computeroutput":
                words.append(f"\1{plain(child)}\2")
            elif child.tag not in ("parameterlist", "simplesect"):
                if child.tag == "para":
                    end()
                walk(child)
            words.append(child.tail or "")

    if element is not None:
        walk(element)
        end()
    return found


def joined(element):
    return " ".join(words for _, words in pieces(element))


def described(node):
    return {"brief": joined(node.find("briefdescription")), "details": pieces(node.find("detaileddescription"))}


def read_function(node):
    texts = {}
    for item in node.iter("parameteritem"):
        texts[plain(item.find("parameternamelist"))] = joined(item.find("parameterdescription"))
    parameters = [(plain(one.find("type")), plain(one.find("declname")), texts.get(plain(one.find("declname")), ""))
                  for one in node.findall("param") if one.find("declname") is not None]
    result = [piece for section in node.iter("simplesect") if section.get("kind") == "return"
              for piece in pieces(section)]
    return Entry(plain(node.find("name")), parameters=parameters, result=result,
                 declaration=plain(node.find("type")), **described(node))


def read_struct(path):
    node = ET.parse(path).find("compounddef")
    fields = []
    for member in node.iter("memberdef"):
        kind, name, rest = (plain(member.find(tag)) for tag in ("type", "name", "argsstring"))
        space = "" if kind.endswith("*") else " "
        fields.append(Entry(name, declaration=f"{kind}{space}{name}{rest}".replace("void(*", "void (*"),
                            **described(member)))
    return Entry(plain(node.find("compoundname")), entries=fields, **described(node))


def read_group(path):
    node = ET.parse(path).find("compounddef")
    group = Group(plain(node.find("compoundname")), plain(node.find("title")), **described(node))
    for inner in node.findall("innerclass"):
        group.structs.append(read_struct(path.parent / f"{inner.get('refid')}.xml"))
    for member in node.iter("memberdef"):
        kind = member.get("kind")
        if kind == "function":
            group.functions.append(read_function(member))
            continue
        entry = Entry(plain(member.find("name")), **described(member))
        if kind == "enum":
            entry.entries = [Entry(plain(value.find("name")), declaration=plain(value.find("initializer")),
                                   **described(value)) for value in member.findall("enumvalue")]
            group.enums.append(entry)
        elif kind == "typedef":
            entry.declaration = plain(member.find("definition"))
            group.types.append(entry)
        elif kind == "define":
            entry.declaration = plain(member.find("initializer"))
            group.macros.append(entry)
    return group


def read(folder):
    """All groups, in the order of the header; those of other headers behind them."""
    folder = pathlib.Path(folder)
    line = {}
    for path in folder.glob("group__*.xml"):
        places = [int(place.get("line")) for place in ET.parse(path).iter("location") if place.get("line")]
        line[path] = (path.stem == "group__mpi", min(places))
    return [read_group(path) for path in sorted(line, key=line.get)]
