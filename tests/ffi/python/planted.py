"""Does differential.py find bugs? Each of the bugs below is planted alone into a copy of the library, which is built and
run against PyTorch: the run must fail. Arguments: the folder of the sources, and the number of networks;
without that only whether each bug's place is still there. SPDX-License-Identifier: MIT"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

# What is wrong then, the file, what stands there once, and what takes its place.
BUGS = [
    ("Adam forgets the correction of the second moment", "lib/model/optimizer.c",
     "1.0 / sqrt(1.0 - pow((double)spec->beta2, (double)step))};", "1.0};"),
    ("Adam's epsilon is scaled with the second moment", "lib/math/updates_body.h",
     "reciprocal(square_root * root + epsilon)", "reciprocal((square_root + epsilon) * root)"),
    ("momentum moves twice", "lib/math/updates_body.h",
     "return p - r->rate * *s0;", "return p - r->rate * (gradient + r->momentum * *s0);"),
    ("weight decay reaches biases", "lib/model/optimizer.c",
     "decay = decays ? (double)spec->weight_decay : 0.0;",
     "decay = decays || 1 ? (double)spec->weight_decay : 0.0;"),
    ("the gradient is that of the sum of the losses, not of their mean", "lib/math/softmax.c",
     "(float)(weight_of(all->targets, row) / all->total),", "(float)weight_of(all->targets, row),"),
    ("the gradient forgets the weight of a sample", "lib/math/softmax.c",
     "(float)(weight_of(all->targets, row) / all->total),", "(float)(1.0 / all->total),"),
    ("label smoothing spreads over m - 1 classes", "lib/math/softmax.c",
     "spread = smoothing / (float)m;", "spread = smoothing / (float)(m - 1);"),
    ("vertical padding is horizontal", "lib/model/unit/window.c",
     "g.padding[d] = padding[d];", "g.padding[d] = padding[1 - d] < kernel[d] ? padding[1 - d] : padding[d];"),
    ("a sum passes no gradient to its second input", "lib/model/unit/add.c",
     "memcpy(dx[i], dy, count * sizeof *dy);",
     "i ? memset(dx[i], 0, count * sizeof *dy) : memcpy(dx[i], dy, count * sizeof *dy);"),
    ("the running variance divides by n", "lib/model/normalization.c",
     "(float)(count / (count - 1.0))", "1.0f"),
    ("dropout does not scale what it keeps", "lib/math/kernels_body.h",
     "a[i] = mfi_unit_float(bits[i % 4]) < rate ? 0.0f : a[i] * scale;",
     "a[i] = mfi_unit_float(bits[i % 4]) < rate ? 0.0f : a[i] + 0.0f * scale;"),
    ("attention is not scaled by the root of its width", "lib/model/unit/attention.c",
     "b.scale = (float)(1.0 / sqrt((double)b.width));", "b.scale = (float)(1.0 / (double)b.width);"),
    ("a token that a batch has twice counts once", "lib/model/unit/embedding.c",
     "while (sum && (place = lists.next[place]) >= 0)", "while (sum && (place = -1) >= 0)"),
    ("a pair of rows counts once in the gradient of similarities", "lib/model/head/similarity.c",
     "(float)(4.0 * lambda * weight * off)", "(float)(2.0 * lambda * weight * off)"),
    ("the gradient of a deviation forgets the number of places", "lib/model/head/similarity.c",
     "((double)area * deviation)", "deviation"),
    ("the cross-entropy beside similarities keeps its whole weight", "lib/model/step.c",
     "scale_scores(run, 1.0f - run->layer->plan.head.similarity);", "scale_scores(run, 1.0f);"),
    ("the weight of an auxiliary head is in the loss alone", "lib/model/step.c",
     "scale_auxiliary(run, s, weight);", "scale_auxiliary(run, s, 1.0f);"),
    ("no gradient comes back through a shared matrix", "lib/model/head/linear.c",
     "MFI_NO_TRANS, MFI_NO_TRANS, pass->rows, rows.sides[i].width, end - first, 1.0f,",
     "MFI_NO_TRANS, MFI_NO_TRANS, pass->rows, rows.sides[i].width, end - first, i < rows.count - 1 ? 0.0f : 1.0f,"),
]


def build(tree):
    """Builds the shared library in the copy; its path."""
    folder = tree / "build"
    if not folder.exists():
        subprocess.run(["cmake", "-S", tree, "-B", folder, "-DCMAKE_BUILD_TYPE=Release", "-DMF_BUILD_TESTS=OFF",
                        "-DMF_BUILD_EXAMPLES=OFF", "-DMF_MPI=off", "-DMF_INSTALL=OFF"], check=True, capture_output=True)
    made = subprocess.run(["cmake", "--build", folder, "-j2", "--target", "monoforward_shared"], capture_output=True,
                          text=True)
    if made.returncode:
        sys.exit(f"failed: the copy does not build:\n{made.stdout}{made.stderr}")
    return folder / "lib" / "libmonoforward.so"


def differential(library, networks):
    """What the run says if it fails; None if it does not. One that crashes has found something, too."""
    here = pathlib.Path(__file__).parent
    run = subprocess.run([sys.executable, here / "differential.py", "--count", networks], capture_output=True, text=True,
                         env=dict(os.environ, MONOFORWARD_LIBRARY=str(library)))
    if run.returncode == 0:
        return None
    if run.returncode < 0:
        return f"signal {-run.returncode}"
    said = re.search(r"^failed: (network \d+),.*?\(--first.*?\): (.*)$", run.stderr, re.M)
    if not said:
        sys.exit(f"failed: the run did not end as it should:\n{run.stdout}{run.stderr}")
    return f"{said[1]}: {said[2]}"


def check_places(source):
    for _, name, good, _ in BUGS:
        if (source / name).read_text().count(good) != 1:
            sys.exit(f"failed: {name} has not this once: {good}")


def main():
    source = pathlib.Path(sys.argv[1])
    check_places(source)
    if len(sys.argv) < 3:
        return
    networks = sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder, "tree")
        for part in ("lib", "include", "cmake", "pkgconfig"):
            shutil.copytree(source / part, tree / part)
        for name in ("CMakeLists.txt", "LICENSE"):
            shutil.copy(source / name, tree)
        found = differential(build(tree), networks)
        if found:
            sys.exit(f"failed: the library without a planted bug: {found}")
        missed = 0
        for what, name, good, bad in BUGS:
            file, text = tree / name, (source / name).read_text()
            file.write_text(text.replace(good, bad))
            began = time.monotonic()
            found = differential(build(tree), networks)
            file.write_text(text)
            missed += found is None
            print(f"{what:65} {'NOT FOUND' if found is None else 'found'} after {time.monotonic() - began:.0f} s"
                  f"{'' if found is None else ': ' + found}", flush=True)
    print(f"{len(BUGS) - missed} of {len(BUGS)} planted bugs were found by {networks} networks")
    sys.exit(missed > 0)


main()
