"""The declarations for Rust: an extern block, structs of C's layout, constants. SPDX-License-Identifier: MIT"""

TYPES = {"uint32_t": "u32", "int32_t": "i32", "uint64_t": "u64", "size_t": "usize", "float": "f32",
         "double": "f64", "void": "c_void", "char": "c_char"}
KEYWORDS = {"type"}


def declare(description, note):
    language = _Rust(description)
    lines = [f"//! {note}", "//!", "//! SPDX-License-Identifier: MIT", "use std::os::raw::{c_char, c_void};", ""]
    for handle in description["handles"]:
        lines += ["#[repr(C)]", f"pub struct {handle} {{", "    _private: [u8; 0],", "}", ""]
    lines += [f"pub const {each['name']}: {TYPES[each['type']]} = {each['value']};"
              for each in description["constants"]]
    lines.append("")
    lines += [language.callback(callback) for callback in description["callbacks"]]
    for struct in description["structs"]:
        lines += ["", "#[repr(C)]", "#[derive(Clone, Copy)]", f"pub struct {struct['name']} {{"]
        lines += [f"    pub {_name(field['name'])}: {language.field(field)}," for field in struct["fields"]]
        lines.append("}")
    lines += ["", 'extern "C" {']
    lines += [f"    pub {language.function(function)};" for function in description["functions"]]
    lines += ["}", "", "// What the compiler of C made of the structs is what Rust makes of them; else this does not build.",
              '#[cfg(target_pointer_width = "64")]', "const _: () = {"]
    lines += [f"    assert!(std::mem::size_of::<{struct['name']}>() == {struct['size']});"
              for struct in description["structs"]]
    return "\n".join(lines + ["};", ""])


def _name(name):
    return f"r#{name}" if name in KEYWORDS else name


class _Rust:
    def __init__(self, description):
        self.aliases = description["aliases"]
        self.callbacks = {callback["name"] for callback in description["callbacks"]}

    def kind(self, kind):
        base = self.aliases.get(kind["base"], kind["base"])
        text = f"Option<{base}>" if base in self.callbacks else TYPES.get(base, base)
        for const in kind["const"]:
            text = ("*const " if const else "*mut ") + text
        return text

    def field(self, field):
        return f"[{self.kind(field['type'])}; {field['array']}]" if field.get("array") else self.kind(field["type"])

    def _signature(self, each):
        parameters = ", ".join(f"{_name(one['name'])}: {self.kind(one['type'])}" for one in each["parameters"])
        returns = "" if each["returns"]["c"] == "void" else f" -> {self.kind(each['returns'])}"
        return f"({parameters}){returns}"

    def callback(self, callback):
        return f'pub type {callback["name"]} = unsafe extern "C" fn{self._signature(callback)};'

    def function(self, function):
        return f"fn {function['name']}{self._signature(function)}"
