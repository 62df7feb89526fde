"""Reads monoforward.h, preprocessed, into plain data.

Knows exactly the constructs that the header uses, which are those that every foreign-function interface can
express. Whatever else turns up is an error: nothing is skipped, so nothing can be forgotten.

SPDX-License-Identifier: MIT
"""
import os
import re
import subprocess
import tempfile

# Size and alignment of the types that may stand in the header, where pointers have 8 bytes.
SCALARS = {"int32_t": 4, "uint32_t": 4, "uint64_t": 8, "size_t": 8, "float": 4, "double": 8}
ONLY_BEHIND_POINTERS = {"void", "char"}
POINTER = 8

TOKEN = re.compile(r"\s*([A-Za-z_]\w*|\d+|[{}();,*=\[\]])")


class Unknown(Exception):
    """Something in the header that this reader does not know."""


def preprocess(header, compiler):
    """The header's declarations, and its macros, as text."""
    with tempfile.TemporaryDirectory() as empty:
        # Without the system's headers, whose types are known here; and without attributes.
        for name in ("stddef.h", "stdint.h"):
            open(os.path.join(empty, name), "w").close()
        command = [*compiler, "-x", "c", "-E", "-nostdinc", "-I", empty, "-U__GNUC__"]
        return [subprocess.run(command + [kind, header], check=True, stdout=subprocess.PIPE, text=True).stdout
                for kind in ("-P", "-dM")]


class Header:
    """What the declarations say: aliases, handles, constants, structs, callbacks and functions."""

    def __init__(self, text, macros):
        self.aliases, self.handles, self.constants = {}, [], []
        self.structs, self.callbacks, self.functions = [], [], []
        self.version = None
        self._names = set()
        self._tokens = self._split(text)
        self._at = 0
        while self._at < len(self._tokens):
            self._declaration()
        self._read_macros(macros)

    # -- tokens --

    @staticmethod
    def _split(text):
        tokens, at, text = [], 0, text.rstrip()
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found:
                raise Unknown(f"unexpected text in the header: {text[at:at + 60].strip()!r}")
            tokens.append(found.group(1))
            at = found.end()
        return tokens

    def _fail(self, wanted):
        around = " ".join(self._tokens[max(0, self._at - 12):self._at + 8])
        seen = self._tokens[self._at] if self._at < len(self._tokens) else "the end"
        raise Unknown(f"{wanted} expected, not {seen!r}, in: {around}")

    def _peek(self, ahead=0):
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else ""

    def _take(self, token):
        if self._peek() != token:
            self._fail(repr(token))
        self._at += 1

    def _accept(self, token):
        if self._peek() == token:
            self._at += 1
            return True
        return False

    def _identifier(self):
        name = self._peek()
        if not re.fullmatch(r"[A-Za-z_]\w*", name) or name in ("const", "struct", "enum", "typedef"):
            self._fail("a name")
        self._at += 1
        return name

    def _number(self):
        if not self._peek().isdigit():
            self._fail("a number")
        self._at += 1
        return int(self._tokens[self._at - 1])

    def _declare(self, name):
        if not name.lower().startswith("mf_"):
            raise Unknown(f"{name}: a public name begins with mf_ or MF_")
        if name in self._names:
            raise Unknown(f"{name} is declared twice")
        self._names.add(name)
        return name

    # -- declarations --

    def _declaration(self):
        if self._accept("typedef"):
            if self._accept("struct"):
                self._struct()
            else:
                self._alias()
        elif self._accept("enum"):
            self._enum()
        else:
            self._function()

    def _alias(self):
        base = self._identifier()
        if base not in SCALARS:
            raise Unknown(f"typedef of {base}, which is no plain type")
        self.aliases[self._declare(self._identifier())] = base
        self._take(";")

    def _enum(self):
        self._take("{")
        while True:
            name = self._declare(self._identifier())
            self._take("=")  # values are pinned: each is written down
            self.constants.append({"name": name, "type": "int32_t", "value": self._number()})
            if not self._accept(","):
                break
        self._take("}")
        self._take(";")

    def _struct(self):
        tag = self._identifier()
        if self._accept("{"):
            fields = []
            while not self._accept("}"):
                fields.append(self._field(tag))
            self.structs.append({"name": self._declare(tag), "fields": fields})
        else:
            self.handles.append(self._declare(tag))
        self._take(tag)
        self._take(";")

    def _field(self, struct):
        kind = self._type()
        if self._accept("("):
            return self._callback(struct, kind)
        field = {"name": self._identifier(), "type": kind}
        self._complete(kind, f"{struct}.{field['name']}")
        if self._accept("["):
            field["array"] = self._number()
            self._take("]")
        self._take(";")
        return field

    def _callback(self, struct, returns):
        self._take("*")
        name = self._identifier()
        self._take(")")
        full = self._declare(f"{struct}_{name}")
        self.callbacks.append({"name": full, "returns": returns, "parameters": self._parameters()})
        self._take(";")
        return {"name": name, "type": {"base": full, "pointers": 0, "const": []}, "callback": True}

    def _function(self):
        returns = self._type()
        name = self._declare(self._identifier())
        self.functions.append({"name": name, "returns": returns, "parameters": self._parameters()})
        self._take(";")

    def _parameters(self):
        self._take("(")
        if self._peek() == "void" and self._peek(1) == ")":
            self._at += 2
            return []
        parameters = []
        while True:
            kind = self._type()
            name = self._identifier()
            self._complete(kind, name)
            if kind["pointers"] == 0 and kind["base"] in {s["name"] for s in self.structs}:
                raise Unknown(f"{name}: a {kind['base']} by value, which many languages cannot pass")
            parameters.append({"name": name, "type": kind})
            if not self._accept(","):
                break
        self._take(")")
        return parameters

    def _type(self):
        """const base *const *: `const` tells for the base and for each pointer but the last if it is const."""
        const = [self._accept("const")]
        base = self._identifier()
        known = {*SCALARS, *ONLY_BEHIND_POINTERS, *self.aliases, *self.handles, *(s["name"] for s in self.structs)}
        if base not in known:
            raise Unknown(f"the type {base} is not known")
        pointers = 0
        while self._accept("*"):
            pointers += 1
            const.append(self._accept("const"))
        if const.pop():
            raise Unknown(f"{base}: a const value, which means nothing to a caller")
        return {"base": base, "pointers": pointers, "const": const}

    def _complete(self, kind, name):
        if kind["pointers"] == 0 and kind["base"] in {*ONLY_BEHIND_POINTERS, *self.handles}:
            raise Unknown(f"{name}: a {kind['base']} that is no pointer")

    # -- macros --

    def _read_macros(self, text):
        version = {}
        for line in text.splitlines():
            found = re.match(r"#define ((?:MF_|MONOFORWARD_)\w+)(.*)", line)
            if not found:
                continue
            name, value = found.groups()  # the value begins with a space, parameters with a parenthesis
            number = re.fullmatch(r" (?:UINT64_C\((\d+)\)|(\d+)|\((-\d+)\))", value)
            if name in ("MONOFORWARD_H", "MF_API"):
                continue
            if not number:
                raise Unknown(f"a macro that is no plain number: {line}")
            if name.startswith("MF_VERSION_"):
                version[name] = number.group(2)
            elif number.group(3):  # as an argument: below 0, where no enumerator counts up
                self.constants.append({"name": self._declare(name), "type": "int32_t",
                                       "value": int(number.group(3))})
            elif number.group(1) is None:
                raise Unknown(f"{name}: a constant whose type is not written down:{value}")
            else:
                self.constants.append({"name": self._declare(name), "type": "uint64_t",
                                       "value": int(number.group(1))})
        try:
            self.version = ".".join(version.pop("MF_VERSION_" + part) for part in ("MAJOR", "MINOR", "PATCH"))
        except KeyError as missing:
            raise Unknown(f"the header does not define {missing.args[0]}") from None
        if version:
            raise Unknown(f"unknown parts of the version: {', '.join(version)}")
