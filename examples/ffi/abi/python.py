"""The declarations for Python, as ctypes takes them. SPDX-License-Identifier: MIT"""

PLAIN = {
    "int32_t": "c_int32", "uint32_t": "c_uint32", "uint64_t": "c_uint64", "size_t": "c_size_t",
    "float": "c_float", "double": "c_double",
}


def declare(description, note):
    language = _Ctypes(description)
    lines = [f'"""{note} SPDX-License-Identifier: MIT"""',
             "from ctypes import (CFUNCTYPE, POINTER, Structure, c_char_p, c_double, c_float, c_int32, c_size_t,",
             "                    c_uint32, c_uint64, c_void_p, sizeof)", "",
             f"VERSION = {description['version']!r}", f"SONAME = {description['soname']!r}", ""]
    lines += [f"{each['name']} = {each['value']}" for each in description["constants"]]
    lines += ["", "", "# Handles: opaque, and of a type each, so that one is not taken for another."]
    lines += [language.empty(handle) for handle in description["handles"]]
    lines += ["", "", "# Structs: their names first, as callbacks need them."]
    lines += [language.empty(struct["name"]) for struct in description["structs"]]
    lines += [""] + [language.callback(each) for each in description["callbacks"]]
    for struct in description["structs"]:
        lines += language.fields(struct)
    lines += ["", "", "def declare(library):", '    """Tells a library that ctypes has loaded what its functions take."""']
    lines += [f"    {line}" for each in description["functions"] for line in language.function(each)]
    return "\n".join(lines + [""])


class _Ctypes:
    def __init__(self, description):
        self.aliases = description["aliases"]
        self.handles = set(description["handles"])
        self.structs = {struct["name"] for struct in description["structs"]}
        self.callbacks = {callback["name"] for callback in description["callbacks"]}

    def empty(self, name):
        return f"{name} = type({name!r}, (Structure,), {{}})"

    def kind(self, kind, single=False):
        """`single`: a pointer to one value, which the library fills; all others are addresses of arrays."""
        base, pointers = self.aliases.get(kind["base"], kind["base"]), kind["pointers"]
        if base in self.callbacks:
            return base
        if base in self.handles | self.structs:
            return "POINTER(" * pointers + base + ")" * pointers
        if base == "char":
            return "c_char_p"
        if pointers == 0:
            return "None" if base == "void" else PLAIN[base]
        return f"POINTER({PLAIN[base]})" if single else "c_void_p"

    def callback(self, each):
        parameters = ", ".join(self.kind(one["type"]) for one in each["parameters"])
        return f"{each['name']} = CFUNCTYPE({self.kind(each['returns'])}, {parameters})"

    def fields(self, struct):
        lines = ["", f"{struct['name']}._fields_ = ["]
        for field in struct["fields"]:
            count = f" * {field['array']}" if field.get("array") else ""
            lines.append(f"    ({field['name']!r}, {self.kind(field['type'])}{count}),")
        return lines + ["]", f"assert sizeof(c_void_p) != 8 or sizeof({struct['name']}) == {struct['size']}"]

    def function(self, each):
        kinds = [self.kind(one["type"], single=not one.get("array")) for one in each["parameters"]]
        return [f"library.{each['name']}.restype = {self.kind(each['returns'])}",
                f"library.{each['name']}.argtypes = [{', '.join(kinds)}]"]
