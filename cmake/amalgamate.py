#!/usr/bin/env python3
"""Writes the library as one C file beside its header, for programs that keep it in their own tree:

    python3 cmake/amalgamate.py FOLDER

makes FOLDER/monoforward_all.c and FOLDER/monoforward.h. Compile it as C11 by GCC or Clang, with threads:

    cc -std=gnu11 -O3 -ffp-contract=fast -fno-math-errno -fno-trapping-math -pthread -c monoforward_all.c

It has the kernels for any processor of that compiler, its own matrix products and no BLAS library. For devices, flags
of the compiler leave out what the device lacks (docs/devices.md):

    -DMF_NO_THREADS    no pools and no pipelines: mf_pool_... and mf_pipeline_... are not there
    -DMF_NO_MALLOC     what is made without an allocator gives MF_STATUS_MEMORY: mf_arena_init() makes one
    -DMF_NO_FILES      what takes a path gives MF_STATUS_UNSUPPORTED; buffers, outputs and snapshots work

Names are unique over all files, which CMake's unity builds need as well; two files that use one are refused.
SPDX-License-Identifier: MIT
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIB = ROOT / "lib"
# One table of kernels, and the products in plain C.
LEFT_OUT = {"math/kernels_avx2.c", "math/kernels_avx512.c", "math/kernels_avx512bf16.c", "math/gemm_cblas.c"}
KERNELS = "math/kernels_generic.c" # is made of its headers
INCLUDE = re.compile(r'^#include "(.+)"$', re.MULTILINE)


SWITCHES = {"sources": None, "file_sources": "MF_NO_FILES", "thread_sources": "MF_NO_THREADS"}


def sources():
    """The files in the order of CMake's lists, which is that of the folders, each with the macro that leaves it out."""
    text = (LIB / "CMakeLists.txt").read_text()
    found = {}
    for name, switch in SWITCHES.items():
        listed = re.search(rf"^set\({name}\n(.*?)\)", text, re.DOTALL | re.MULTILINE).group(1).split()
        found |= {one: switch for one in listed if one not in LEFT_OUT}
    return found


def names_of_its_own(text):
    """What a file defines for itself: static functions and objects, constants, types and macros."""
    found = set(re.findall(r"^(?:static|INLINE)\b[^;={(]*?\b(\w+)(?:\[[^\]]*\])*\s*[(=;]", text, re.MULTILINE))
    for body in re.findall(r"^enum\s*\w*\s*\{(.*?)\}", text, re.MULTILINE | re.DOTALL):
        body = re.sub(r"/\*.*?\*/", "", body, flags=re.DOTALL)
        found |= {part.split("=")[0].strip() for part in body.split(",") if part.strip()}
    for tag, name in re.findall(r"^typedef struct (\w+) \{.*?^\} (\w+);", text, re.MULTILINE | re.DOTALL):
        found |= {tag, name}
    found |= set(re.findall(r"^typedef [^;{]*\b(\w+)\([^;]*\);", text, re.MULTILINE))
    return found, re.findall(r"^#define (\w+)", text, re.MULTILINE)


def expand(text, seen):
    """Puts headers in the place of their first #include; bodies (x_body.h and the like) have no guard."""

    def put(match):
        path = LIB / match.group(1)
        header = path.read_text()
        guarded = re.match(r"/\*.*?\*/\s*#ifndef MFI_", header, re.DOTALL)
        if guarded and match.group(1) in seen:
            return ""
        seen.add(match.group(1))
        return expand(header, seen)

    return INCLUDE.sub(put, text)


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit("usage: python3 cmake/amalgamate.py FOLDER")
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    header = (ROOT / "include/monoforward.h").read_text()
    version = "{}.{}.{}".format(*re.findall(r"#define MF_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header)[:3])
    switches = sources()
    texts = {name: (LIB / name).read_text() for name in switches}
    own = {name: names_of_its_own(text) for name, text in texts.items()}
    own[KERNELS] = names_of_its_own(expand(texts[KERNELS], {"math/kernels.h", "math/order.h"}))
    users = {}
    for name, (names, _) in own.items():
        for one in names:
            users.setdefault(one, []).append(name)
    clashing = [f"{one}: {', '.join(files)}" for one, files in sorted(users.items()) if len(files) > 1]
    if clashing:
        sys.exit("names that several files use for things of their own:\n" + "\n".join(clashing))
    parts = [
        f"/* monoforward {version} as one file: cmake/amalgamate.py has made it, and tells how to compile it.\n"
        " * SPDX-License-Identifier: MIT */\n"
        "#ifdef __cplusplus\n#error this file is C: give it to a C compiler, and what that makes of it to the linker\n#else\n"
        "#define _GNU_SOURCE\n#define _POSIX_C_SOURCE 200809L\n#define _FILE_OFFSET_BITS 64\n"
        "#define MFI_GEMM_IS_BUILTIN\n"
    ]
    seen = set()
    for name, text in texts.items():
        # Headers come first, so that no macro of this file reaches into them.
        body = name == KERNELS
        if switches[name]:
            parts.append(f"\n#ifndef {switches[name]}\n")
        headers = [] if body else INCLUDE.findall(text)
        for one in headers:
            parts.append(expand(f'#include "{one}"\n', seen))
        macros = [one for one in own[name][1] if one not in ("_GNU_SOURCE", "_POSIX_C_SOURCE")]
        text = expand(text, seen) if body else INCLUDE.sub("", text)
        text = re.sub(r"^#define (_GNU_SOURCE|_POSIX_C_SOURCE).*\n", "", text, flags=re.MULTILINE)
        parts.append(f"\n/* ======== lib/{name} ======== */\n")
        parts.append(text)
        parts += [] if body else [f"#undef {one}\n" for one in macros]
        if switches[name]:
            parts.append("#endif\n")
    parts.append("\n#endif /* __cplusplus */\n")
    (folder / "monoforward_all.c").write_text("".join(parts).replace("<monoforward.h>", '"monoforward.h"'))
    (folder / "monoforward.h").write_text(header)


if __name__ == "__main__":
    main()
