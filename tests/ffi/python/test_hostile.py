"""Every function of the header, by its description: NULL for each pointer in turn, objects of each other kind for each
handle, and every struct with a size of its own in each size, at the end of a page. A function that the header gains
is among them by itself. Each function runs in a process of its own, for what is wrong here is a crash.
SPDX-License-Identifier: MIT"""
import ctypes
import json
import mmap
import os
import pathlib
import unittest

SOURCE = pathlib.Path(os.environ["MONOFORWARD_SOURCE"])
ABI = json.loads((SOURCE / "examples/bindings/abi/monoforward.json").read_text())
STATUS = {one["name"][len("MF_STATUS_"):]: one["value"] for one in ABI["constants"] if one["name"].startswith("MF_STATUS_")}
STRUCTS = {one["name"]: one for one in ABI["structs"]}
SIZED = {name for name, one in STRUCTS.items() if one["fields"][0]["name"] == "struct_size"}
FUNCTIONS = {one["name"]: one for one in ABI["functions"]}
SCALARS = {"int32_t": ctypes.c_int32, "uint32_t": ctypes.c_uint32, "uint64_t": ctypes.c_uint64, "int64_t": ctypes.c_int64,
           "size_t": ctypes.c_size_t, "float": ctypes.c_float, "double": ctypes.c_double, "mf_status": ctypes.c_int32}
ROOM = 1 << 16
# Handles that may be NULL, as the header says.
MAY_BE_NULL = {("mf_network_set_optimizer", "optimizer"), ("mf_layer_set_optimizer", "optimizer")}

library = ctypes.CDLL(os.environ["MONOFORWARD_LIBRARY"])
libc = ctypes.CDLL(None)


def bind(function):
    call = getattr(library, function["name"])
    returns = function["returns"]
    call.restype = ctypes.c_void_p if returns["pointers"] else SCALARS.get(returns["base"])
    call.argtypes = [ctypes.c_void_p if one["type"]["pointers"] or one.get("callback") else SCALARS[one["type"]["base"]]
                     for one in function["parameters"]]
    return call


CALLS = {name: bind(one) for name, one in FUNCTIONS.items()}


def new_room():
    """Zeroed memory that outlives its use here."""
    room = ctypes.create_string_buffer(ROOM)
    keep.append(room)
    return ctypes.addressof(room)


def spec(name, **values):
    """The address of a struct with its defaults and these values."""
    address = new_room()
    call = CALLS[name + "_init"]
    assert call(address, STRUCTS[name]["size"]) == 0
    for field in STRUCTS[name]["fields"]:
        if field["name"] in values:
            kind = ctypes.c_void_p if field["type"]["pointers"] else SCALARS[field["type"]["base"]]
            kind.from_address(address + field["offset"]).value = values[field["name"]]
    return address


def create(kind, what):
    out = new_room()
    assert CALLS[f"{kind}_create"](what, out) == 0, (kind, ctypes.string_at(CALLS["mf_last_message"]()))
    return ctypes.c_void_p.from_address(out).value


def make_handles():
    """One object of each kind."""
    made = {"mf_optimizer": create("mf_optimizer", spec("mf_optimizer_spec")),
            "mf_pool": create("mf_pool", spec("mf_pool_spec", threads=1)),
            "mf_layer": create("mf_layer", spec("mf_layer_spec", inputs=3, outputs=4, classes=2)),
            "mf_matrix": create("mf_matrix", spec("mf_matrix_spec", rows=2, columns=2, values=new_room())),
            "mf_network": create("mf_network", None)}
    assert CALLS["mf_network_append"](made["mf_network"], made["mf_layer"], None) == 0
    assert CALLS["mf_network_set_optimizer"](made["mf_network"], made["mf_optimizer"]) == 0
    made["mf_workspace"] = create("mf_workspace", spec("mf_workspace_spec", network=made["mf_network"], max_batch=2))
    made["mf_pipeline"] = create("mf_pipeline", spec("mf_pipeline_spec", network=made["mf_network"], max_batch=2, workers=0))
    builder = new_room()
    assert CALLS["mf_builder_from_spec"](spec("mf_layer_spec", inputs=3, outputs=4, classes=2), builder) == 0
    made["mf_builder"] = ctypes.c_void_p.from_address(builder).value
    assert set(made) == set(ABI["handles"]), "a kind of handle that is not made here"
    return made


def is_handle(parameter):
    return parameter["type"]["pointers"] == 1 and parameter["type"]["base"] in ABI["handles"]


def arguments(function, handles, instead):
    """Arguments that are there, but for those in `instead`: handles that live, memory of zeros, 1 for numbers."""
    found = []
    for index, one in enumerate(function["parameters"]):
        if index in instead:
            found.append(instead[index])
        elif is_handle(one):
            found.append(handles[one["type"]["base"]])
        elif one["type"]["pointers"] or one.get("callback"):
            found.append(new_room())
        else:
            found.append(1)
    return found


def apart(work, *given):
    """Whether `work` returned nothing wrong, in a process of its own; otherwise what it said, or its signal."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said = "raised"
        try:
            said = work(*given) or ""
        finally:
            os.write(writing, said.encode()[:4000])
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else said


def nulls(name):
    function = FUNCTIONS[name]
    for index, one in enumerate(function["parameters"]):
        if not one["type"]["pointers"]:
            continue
        status = CALLS[name](*arguments(function, make_handles(), {index: None}))
        if is_handle(one) and function["returns"]["base"] == "mf_status" and (name, one["name"]) not in MAY_BE_NULL:
            if status != STATUS["HANDLE"]:
                return f"{one['name']} NULL: {status}"
    CALLS[name](*[None if one["type"]["pointers"] else 1 for one in function["parameters"]])
    return ""


def wrong_handles(name):
    function = FUNCTIONS[name]
    for index, one in enumerate(function["parameters"]):
        for kind in ABI["handles"] if is_handle(one) else []:
            if kind == one["type"]["base"]:
                continue
            handles = make_handles()
            status = CALLS[name](*arguments(function, handles, {index: handles[kind]}))
            if function["returns"]["base"] == "mf_status" and status != STATUS["HANDLE"]:
                return f"{kind} for {one['name']}: {status}"
            CALLS[kind + "_free"](handles[kind])  # it is whole
    return ""


def edges(name):
    function = FUNCTIONS[name]
    page = mmap.PAGESIZE
    area = mmap.mmap(-1, 3 * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(area))
    libc.mprotect(ctypes.c_void_p(start + 2 * page), page, 0)
    for index, one in enumerate(function["parameters"]):
        base = one["type"]["base"]
        if one["type"]["pointers"] != 1 or base not in SIZED:
            continue
        handles = make_handles()
        for size in range(4, STRUCTS[base]["size"] + 72):
            address = start + 2 * page - size
            ctypes.memset(address, 0, size)
            ctypes.c_uint32.from_address(address).value = size
            instead = {index: address}
            if name == base + "_init":
                instead[1] = size
            CALLS[name](*arguments(function, handles, instead))
            del keep[64:]
    return ""


keep = []


class Hostile(unittest.TestCase):
    def run_all(self, work):
        wrong = {name: said for name in FUNCTIONS if (said := apart(work, name))}
        self.assertEqual(wrong, {})

    def test_null(self):
        self.run_all(nulls)

    def test_wrong_handles(self):
        self.run_all(wrong_handles)

    def test_structs_at_the_end_of_a_page(self):
        self.run_all(edges)


if __name__ == "__main__":
    unittest.main()
