"""Every function of the header, by its description: NULL for each pointer in turn, objects of each other kind for each
handle, and every struct with a size of its own in each size, at the end of a page: each gets the status that the header
names for it. A function that the header gains is among them by itself; of its pointers those that may be NULL are named
below. Each function runs in a process of its own, for what is wrong here may be a crash.
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
# What may be NULL, as the header says.
MAY_BE_NULL = {
    "mf_network_set_optimizer": "optimizer", "mf_layer_set_optimizer": "optimizer", "mf_network_create": "spec",
    "mf_pool_create": "spec", "mf_network_load": "spec", "mf_network_load_buffer": "spec", "mf_network_clone": "allocator",
    "mf_matrix_from_parameter": "allocator", "mf_network_memory": "optimizer", "mf_network_memory_built": "optimizer",
    "mf_layer_shape": "input output", "mf_layer_step": "a", "mf_layer_step_batch": "a", "mf_layer_gradients": "a",
    "mf_matrix_size": "rows columns", "mf_builder_unit": "node", "mf_builder_block": "node", "mf_layer_unit": "unit output",
    "mf_network_append": "id", "mf_network_insert": "id", "mf_network_layer": "layer id",
    "mf_network_input_scaling": "shift scale", "mf_network_infer": "labels goodness probabilities",
    "mf_pipeline_infer": "labels goodness probabilities", "mf_network_top": "probabilities",
    "mf_network_metadata_at": "name value", "mf_network_summary": "needed", "mf_network_save_buffer": "written",
    "mf_network_export_onnx_buffer": "written", "mf_onnx_plan": "needed"}
# Numbers other than 1 by which a call comes as far as its pointers: the values of a parameter, or of all.
NUMBERS = {("mf_layer_get_parameter", "count"): 12, ("mf_layer_set_parameter", "count"): 12,
           ("mf_layer_gradients", "count"): 24, ("mf_layer_apply", "count"): 24, ("mf_workspace_report", "position"): 0}

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


def make_ready(function, handles):
    """Before a call that would refuse the handle as it is before it looks at anything else."""
    if function["name"] in ("mf_builder_unit", "mf_builder_block", "mf_builder_head"):
        handles["mf_builder"] = create("mf_builder", spec("mf_builder_spec", input=spec("mf_shape")))
    if function["name"] == "mf_pipeline_poll":
        assert CALLS["mf_pipeline_submit"](handles["mf_pipeline"], 1, new_room(), new_room()) == 0


def is_handle(parameter):
    return parameter["type"]["pointers"] == 1 and parameter["type"]["base"] in ABI["handles"]


def words(*addresses):
    room = new_room()
    for index, one in enumerate(addresses):
        ctypes.c_void_p.from_address(room + ctypes.sizeof(ctypes.c_void_p) * index).value = one
    return room


def text(letters):
    room = new_room()
    ctypes.memmove(room, letters, len(letters))
    return room


def whole(name):
    """A struct that a call reads to its end."""
    if name == "mf_layer_spec":
        return spec(name, inputs=3, outputs=4, classes=2)
    if name == "mf_memory_spec":
        return spec(name, layers=words(whole("mf_layer_spec")), count=1, max_batch=1)
    if name == "mf_onnx_spec":
        return spec(name, path=text(b"/no such file"))
    return spec(name)


def arguments(function, handles, instead):
    """Arguments that are there, but for those in `instead`: handles that live, structs with their defaults, the name of
    a parameter, memory of zeros, 1 for most numbers."""
    found = []
    for index, one in enumerate(function["parameters"]):
        base, pointers = one["type"]["base"], one["type"]["pointers"]
        if index in instead:
            found.append(instead[index])
        elif is_handle(one):
            found.append(handles[base])
        elif pointers == 2 and one["direction"] == "in" and (base in handles or base in SIZED):
            found.append(words(handles[base] if base in handles else whole(base)))
        elif pointers == 1 and base in SIZED:
            found.append(whole(base))
        elif pointers == 1 and one["name"] == "name":
            found.append(text(b"weight"))
        elif pointers or one.get("callback"):
            found.append(new_room())
        else:
            found.append(NUMBERS.get((function["name"], one["name"]), 1))
    return found


def message():
    return ctypes.string_at(CALLS["mf_last_message"]()).decode()


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


def refusal_of_null(function, index):
    """What is wrong with what a function says to NULL as that argument."""
    one = function["parameters"][index]
    handles = make_handles()
    make_ready(function, handles)
    status = CALLS[function["name"]](*arguments(function, handles, {index: None}))
    if function["returns"]["base"] != "mf_status":
        return ""
    if one["name"] in MAY_BE_NULL.get(function["name"], "").split():
        return f"{one['name']}: {message()}" if status and "NULL" in message() else ""
    expected = STATUS["HANDLE" if is_handle(one) else "ARGUMENT"]
    return "" if status == expected and "NULL" in message() else f"{one['name']} NULL: {status}, {message()}"


def nulls(name):
    function = FUNCTIONS[name]
    pointers = [index for index, one in enumerate(function["parameters"]) if one["type"]["pointers"]]
    wrong = [said for index in pointers if (said := refusal_of_null(function, index))]
    CALLS[name](*[None if one["type"]["pointers"] else 1 for one in function["parameters"]])
    return "; ".join(wrong)


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


def sizes_refused(function, index, area):
    """What is wrong with what a function says to a struct of zeros in each size, of which nothing is behind its end:
    sizes below that of the first version are refused, all above are not."""
    base = function["parameters"][index]["type"]["base"]
    handles = make_handles()
    accepted = 0
    for size in range(4, STRUCTS[base]["size"] + 72):
        address = area - size
        ctypes.memset(address, 0, size)
        ctypes.c_uint32.from_address(address).value = size
        instead = {index: address}
        if function["name"] == base + "_init":
            instead[1] = size
        make_ready(function, handles)
        status = CALLS[function["name"]](*arguments(function, handles, instead))
        refused = status == STATUS["ARGUMENT"] and "struct_size" in message()
        if not accepted and not refused:
            accepted = size
        if refused and (accepted or size >= STRUCTS[base]["size"]):
            return f"{base} of {size} bytes: {message()}"
        del keep[64:]
    return "" if accepted > 4 else f"{base} of {accepted} bytes is accepted"


def edges(name):
    page = mmap.PAGESIZE
    area = mmap.mmap(-1, 3 * page)
    end = ctypes.addressof(ctypes.c_char.from_buffer(area)) + 2 * page
    libc.mprotect(ctypes.c_void_p(end), page, 0)
    wrong = [sizes_refused(FUNCTIONS[name], index, end) for index, one in enumerate(FUNCTIONS[name]["parameters"])
             if one["type"]["pointers"] == 1 and one["type"]["base"] in SIZED]
    return "; ".join(said for said in wrong if said)


keep = []


class Hostile(unittest.TestCase):
    maxDiff = None

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
