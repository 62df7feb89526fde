# A library with nothing in it but what a header declares, made in a moment: for tests that need the interface
# of another version. Sourced, after declarations.sh. SPDX-License-Identifier: MIT

# stub_library HEADER NODE LIBRARY FLAGS...: every function returns 0; NODE is the number in the SONAME.
stub_library() {
    stub_header=$1 stub_node=$2 stub=$3
    shift 3
    mkdir -p "$work/stub"
    cp "$stub_header" "$work/stub/monoforward.h"
    prototypes "$stub_header" >"$work/stub/prototypes"
    {
        echo '#include <monoforward.h>'
        sed '/^void /!s/$/ { return 0; }/; /^void /s/$/ { }/' "$work/stub/prototypes"
    } >"$work/stub/stub.c"
    {
        echo "MONOFORWARD_$stub_node { global:"
        names <"$work/stub/prototypes" | sed 's/$/;/'
        echo 'local: *; };'
    } >"$work/stub/stub.map"
    # Relative names, so that debug information does not tell where this was.
    (cd "$work/stub" && "${CC:-cc}" -std=c11 -w -g -shared -fPIC "$@" -I. stub.c \
        -Wl,--version-script=stub.map -Wl,-soname,"libmonoforward.so.$stub_node" -o stub.so) &&
        mv "$work/stub/stub.so" "$stub"
}
