"""The declarations for Node, as koffi takes them. SPDX-License-Identifier: MIT"""

# What JavaScript fills itself, and what is filled for it. An array is neither: koffi hands its memory over.
DIRECTIONS = {"in": "", "out": "_Out_ ", "inout": "_Inout_ "}


def declare(description, note):
    language = _Koffi(description)
    lines = [f"// {note}", "// SPDX-License-Identifier: MIT", "'use strict';", "", "const constants = Object.freeze({"]
    lines += [f"    {each['name']}: {each['value']}," for each in description["constants"]]
    lines += ["});", "", "// The functions of a library that koffi has loaded. koffi knows types by name, for good: call it once.",
              "function declare(koffi, library) {"]
    lines += [f"    koffi.opaque('{handle}');" for handle in description["handles"]]
    for each in language.in_order(description):
        lines += language.struct(each) if "fields" in each else [f"    koffi.proto('{language.prototype(each)}');"]
    lines += ["    return {"]
    lines += [f"        {each['name']}: library.func('{language.prototype(each)}')," for each in description["functions"]]
    return "\n".join(lines + ["    };", "}", "", "module.exports = {constants, declare};", ""])


class _Koffi:
    def __init__(self, description):
        self.aliases = description["aliases"]
        self.callbacks = {callback["name"] for callback in description["callbacks"]}

    def in_order(self, description):
        """Structs and callbacks, each behind those that it names: koffi wants to know what it reads of."""
        waiting = [*description["callbacks"], *description["structs"]]
        names = {each["name"] for each in waiting}
        ordered = []
        while waiting:
            known = {each["name"] for each in ordered}
            ready = [each for each in waiting if not (_bases(each) & names) - known - {each["name"]}]
            if not ready:
                raise ValueError("types that name each other in a circle")
            ordered += ready
            waiting = [each for each in waiting if each not in ready]
        return ordered

    def kind(self, kind):
        base = self.aliases.get(kind["base"], kind["base"])
        if base in self.callbacks:
            return f"{base} *"
        if base == "char" and kind["pointers"] == 2:  # receives a text
            return "const char **"
        if base == "char":  # a text, or room for one: a Buffer
            return "const char *" if kind["const"][0] else "void *"
        return base + (" " + "*" * kind["pointers"] if kind["pointers"] else "")

    def prototype(self, each):
        parameters = ", ".join(self._parameter(one) for one in each["parameters"])
        return f"{_declared(self.kind(each['returns']), each['name'])}({parameters})"

    def _parameter(self, one):
        direction = "" if one.get("array") else DIRECTIONS[one.get("direction", "in")]
        return direction + _declared(self.kind(one["type"]), one["name"])

    def struct(self, struct):
        fields = [f"        {field['name']}: {self._field(field)}," for field in struct["fields"]]
        return [f"    koffi.struct('{struct['name']}', {{", *fields, "    });", *self._size(struct)]

    def _field(self, field):
        kind = f"'{self.kind(field['type'])}'"
        return f"koffi.array({kind}, {field['array']}, 'Array')" if field.get("array") else kind

    def _size(self, struct):
        return [f"    if (koffi.sizeof('void *') === 8 && koffi.sizeof('{struct['name']}') !== {struct['size']})",
                f"        throw new Error('{struct['name']} has another size than in C');"]


def _declared(kind, name):
    return kind + ("" if kind.endswith("*") else " ") + name


def _bases(each):
    return {one["type"]["base"] for one in [*each.get("fields", []), *each.get("parameters", [])]}
