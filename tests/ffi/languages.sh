# What the scripts of the languages share. Their arguments: the shared library, the source folder,
# the build folder. SPDX-License-Identifier: MIT
library=$1 source=$2 build=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

skip() {
    echo "skip: ffi: $*"
    exit 77
}

[ -z "${TEST_SANITIZE:-}" ] || skip "programs of other languages do not start with a library that has sanitizers"

# Run by its SONAME, as an installed library is.
LD_LIBRARY_PATH=$(dirname "$library")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH

# What pkg-config says of the library that was built and not installed yet. It is handed on as words, so a
# path with spaces goes by a link.
offer_package() {
    command -v pkg-config >/dev/null || skip "there is no pkg-config"
    mkdir "$work/prefix"
    ln -s "$(dirname "$library")" "$work/prefix/lib"
    ln -s "$source/include" "$work/prefix/include"
    cat >"$work/monoforward.pc" <<END
libdir=$work/prefix/lib
Name: monoforward
Description: not installed
Version: 0
Libs: -L\${libdir} -lmonoforward
Cflags: -I$work/prefix/include
END
    PKG_CONFIG_PATH=$work
    export PKG_CONFIG_PATH
}

# learns EXAMPLE COMMAND...: it ends well, and with the result line of the example. What it checks it checks
# itself.
learns() {
    example=$1
    shift
    "$@" >"$work/out" || {
        echo "failed: exit code $? from: $*"
        cat "$work/out"
        exit 1
    }
    tail -1 "$work/out"
    tail -1 "$work/out" | grep -q "^result example=$example version=.* accuracy=[0-9.]* .*refused=MF_STATUS_LABEL" || {
        echo "failed: no result of $example at the end"
        exit 1
    }
}

# builds EXAMPLE COMMAND...: it trains a layer that it has built, with the parameters of C, and prints a summary.
builds() {
    example=$1
    shift
    "$@" >"$work/out" || {
        echo "failed: exit code $? from: $*"
        cat "$work/out"
        exit 1
    }
    tail -1 "$work/out"
    tail -1 "$work/out" | grep -q "^result example=$example version=.* same_as_c=yes" || {
        echo "failed: no result of $example at the end"
        exit 1
    }
    grep -q "gradients stop here" "$work/out" || {
        echo "failed: no summary from $example"
        exit 1
    }
}
