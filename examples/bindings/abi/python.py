"""The declarations for Python's ctypes. SPDX-License-Identifier: MIT"""
import textwrap

SCALARS = {"int32_t": "c_int32", "uint32_t": "c_uint32", "uint64_t": "c_uint64", "size_t": "c_size_t",
           "float": "c_float", "double": "c_double"}


# What all structs are: their fields can be read in a notebook.
SHOWN = '''

class Struct(c.Structure):
    """Prints its fields, without pointers to nothing."""

    def __repr__(self):
        shown = (name for name, *_ in self._fields_ if name != "struct_size" and not name.startswith("reserved"))
        values = ((name, getattr(self, name)) for name in shown)
        fields = (f"{name}={list(value) if isinstance(value, c.Array) else value!r}" for name, value in values
                  if value or not isinstance(value, c._Pointer))
        return f"{type(self).__name__}({', '.join(fields)})"'''


def declare(description, note):
    aliases = description["aliases"]
    lines = [f'"""{note}', "",
             "Pointers to values are c_void_p, so that an array's address can be passed as a plain number.",
             "SPDX-License-Identifier: MIT", '"""', "import ctypes as c", "", f'VERSION = "{description["version"]}"',
             f'SONAME = "{description["soname"]}"', ""]
    lines += [f'{each["name"]} = {each["value"]}' for each in description["constants"]]
    for handle in description["handles"]:
        lines += ["", "", f"class {handle}(c.Structure):", '    """Opaque."""']
    lines += [SHOWN]
    for struct in description["structs"]:
        lines += ["", "", f'class {struct["name"]}(Struct):', "    pass"]
    lines += ["", ""]
    lines += [f'{each["name"]} = c.CFUNCTYPE({_signature(each, aliases)})' for each in description["callbacks"]]
    for struct in description["structs"]:
        lines += ["", f'{struct["name"]}._fields_ = [']
        lines += [f'    ("{field["name"]}", {_field(field, aliases)}),' for field in struct["fields"]]
        lines += ["]"]
    lines += ["", "# name: (result, arguments)", "FUNCTIONS = {"]
    for function in description["functions"]:
        arguments = ", ".join(_type(each["type"], aliases) for each in function["parameters"])
        lines += textwrap.wrap(
            f'"{function["name"]}": ({_type(function["returns"], aliases)}, [{arguments}]),', 110,
            initial_indent="    ", subsequent_indent="        ", break_long_words=False)
    return "\n".join(lines + ["}", ""])


def _signature(callback, aliases):
    kinds = [callback["returns"], *(each["type"] for each in callback["parameters"])]
    return ", ".join(_type(kind, aliases) for kind in kinds)


def _field(field, aliases):
    name = _type(field["type"], aliases)
    return f'{name} * {field["array"]}' if "array" in field else name


def _type(kind, aliases):
    base = aliases.get(kind["base"], kind["base"])
    if kind["pointers"] == 0:
        return "None" if base == "void" else f"c.{SCALARS[base]}" if base in SCALARS else base
    if base == "char" and kind["pointers"] == 2:
        return "c.POINTER(c.c_char_p)"
    if base == "char":
        return "c.c_char_p" if kind["const"][0] else "c.c_void_p"
    single = "c.c_void_p" if base == "void" or base in SCALARS else f"c.POINTER({base})"
    return "c.POINTER(" * (kind["pointers"] - 1) + single + ")" * (kind["pointers"] - 1)
