"""Constants and structs for WebAssembly, where pointers and sizes have 4 bytes. SPDX-License-Identifier: MIT"""

# How a DataView reads a value, and its bytes. Pointers it reads as Uint32.
VALUES = {"int32_t": ("Int32", 4), "uint32_t": ("Uint32", 4), "size_t": ("Uint32", 4), "uint64_t": ("BigUint64", 8),
          "float": ("Float32", 4), "double": ("Float64", 8)}
POINTER = ("Pointer", 4)  # no option: an address of the caller's would lead anywhere


def declare(description, note):
    lines = [f"// {note}", "// SPDX-License-Identifier: MIT", "", "export const constants = Object.freeze({"]
    lines += [f"    {each['name']}: {each['value']}," for each in description["constants"]]
    lines += ["});", "", "// For each struct its bytes, and of each field the kind, the offset, and the length of an array.",
              "export const structs = {"]
    for struct in description["structs"]:
        lines += _struct(struct, description["aliases"])
    return "\n".join(lines + ["};", ""])


def _struct(struct, aliases):
    end, alignment, fields = 0, 1, []
    for field in struct["fields"]:
        kind, size = _value(field, aliases)
        start = end + -end % size
        count = field.get("array")
        fields.append(f"        {field['name']}: ['{kind}', {start}{f', {count}' if count else ''}],")
        end, alignment = start + size * (count or 1), max(alignment, size)
    return [f"    {struct['name']}: {{bytes: {end + -end % alignment}, fields: {{", *fields, "    }},"]


def _value(field, aliases):
    kind = field["type"]
    if kind["pointers"] or field.get("callback"):
        return POINTER
    return VALUES[aliases.get(kind["base"], kind["base"])]
