"""Sizes and offsets of structs: by the rules of the C ABIs with 8-byte pointers, and as the compiler sees them.

SPDX-License-Identifier: MIT
"""
import os
import subprocess
import tempfile

from header import POINTER, SCALARS, Unknown


def add_layout(structs, aliases):
    """Adds size, alignment and offsets to the structs."""
    for struct in structs:
        offset = alignment = 0
        for field in struct["fields"]:
            size = _size(field, aliases)
            offset += -offset % size
            alignment = max(alignment, size)
            field["offset"] = offset
            field["size"] = size * field.get("array", 1)
            offset += field["size"]
        struct["size"] = offset + -offset % alignment
        struct["alignment"] = alignment


def _size(field, aliases):
    kind = field["type"]
    if kind["pointers"] or field.get("callback"):
        return POINTER
    base = aliases.get(kind["base"], kind["base"])
    if base not in SCALARS:
        raise Unknown(f"the field {field['name']} holds a {base} by value")
    return SCALARS[base]


def compiler_says(header, structs, constants, compiler):
    """Lines "what number", from a program that was compiled with the header."""
    lines = ['#include "%s"' % os.path.basename(header), "#include <stdio.h>", "int main(void) {"]
    for what, expression in _questions(structs, constants):
        lines.append(f'    printf("%s %lld\\n", "{what}", (long long)({expression}));')
    lines += ["    return 0;", "}", ""]
    with tempfile.TemporaryDirectory() as folder:
        source, program = os.path.join(folder, "layout.c"), os.path.join(folder, "layout")
        with open(source, "w") as file:
            file.write("\n".join(lines))
        subprocess.run([*compiler, "-I", os.path.dirname(os.path.abspath(header)), source, "-o", program],
                       check=True)
        answer = subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {what: int(number) for what, number in (line.rsplit(" ", 1) for line in answer.splitlines())}


def check_layout(header, structs, constants, compiler):
    """Raises Unknown where the compiler sees another number than is described."""
    seen = compiler_says(header, structs, constants, compiler)
    if seen["size of a pointer"] != POINTER:
        raise Unknown(f"pointers have {seen['size of a pointer']} bytes with this compiler; "
                      f"the description is for {POINTER}")
    for what, number in _described(structs, constants).items():
        if seen[what] != number:
            raise Unknown(f"{what}: {number} by the description, {seen[what]} by the compiler")


def _described(structs, constants):
    numbers = {}
    for struct in structs:
        numbers[f"size of {struct['name']}"] = struct["size"]
        for field in struct["fields"]:
            where = f"{struct['name']}.{field['name']}"
            numbers[f"offset of {where}"] = field["offset"]
            numbers[f"size of {where}"] = field["size"]
    for constant in constants:
        numbers[constant["name"]] = constant["value"]
    return numbers


def _questions(structs, constants):
    yield "size of a pointer", "sizeof(void *)"
    for struct in structs:
        name = struct["name"]
        yield f"size of {name}", f"sizeof({name})"
        for field in struct["fields"]:
            yield f"offset of {name}.{field['name']}", f"offsetof({name}, {field['name']})"
            yield f"size of {name}.{field['name']}", f"sizeof((({name} *)0)->{field['name']})"
    for constant in constants:
        yield constant["name"], constant["name"]
