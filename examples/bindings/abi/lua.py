"""The declarations for LuaJIT, whose FFI reads C. SPDX-License-Identifier: MIT"""


def declare(description, note):
    lines = [f"-- {note}", "-- SPDX-License-Identifier: MIT", 'local ffi = require("ffi")', "ffi.cdef[["]
    lines += [f"typedef {target} {alias};" for alias, target in description["aliases"].items()]
    lines += [f"typedef struct {handle} {handle};" for handle in description["handles"]]
    # A struct may point to one that comes later, and so may a callback.
    lines += [f"typedef struct {struct['name']} {struct['name']};" for struct in description["structs"]]
    lines += [_callback(callback) for callback in description["callbacks"]]
    for struct in description["structs"]:
        lines += [f"struct {struct['name']} {{", *(f"    {_field(field)};" for field in struct["fields"]), "};"]
    # An enumerator is an int; what is wider is no constant that cdef could hold.
    lines += [f"enum {{ {each['name']} = {each['value']} }};"
              for each in description["constants"] if each["type"] == "int32_t"]
    lines += [_function(function) for function in description["functions"]]
    lines += ["]]", "", "-- What the compiler of C made of the structs is what the FFI makes of them.",
              'if ffi.abi("64bit") then']
    lines += [f'    assert(ffi.sizeof("{struct["name"]}") == {struct["size"]})' for struct in description["structs"]]
    return "\n".join(lines + ["end", ""])


def _field(field):
    return _declared(field["type"]["c"], field["name"]) + (f"[{field['array']}]" if field.get("array") else "")


def _declared(kind, name):
    return kind + ("" if kind.endswith("*") else " ") + name


def _parameters(each):
    return ", ".join(_declared(one["type"]["c"], one["name"]) for one in each["parameters"]) or "void"


def _callback(callback):
    return f"typedef {_declared(callback['returns']['c'], '(*' + callback['name'] + ')')}({_parameters(callback)});"


def _function(function):
    return f"{_declared(function['returns']['c'], function['name'])}({_parameters(function)});"
