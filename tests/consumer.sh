#!/bin/sh
# Outside projects that use the installed library: by pkg-config and by find_package, shared and static, in C
# and C++, from a tree that was moved; and uninstalling. Installs to temporary folders. Arguments: the build
# folder. Reads CC, CXX and CMAKE.
# SPDX-License-Identifier: MIT
set -eu
build=$1
here=$(cd "$(dirname "$0")" && pwd)/consumer
CC=${CC:-cc}
CMAKE=${CMAKE:-cmake}
# shellcheck source=tests/manifest.sh
. "$(dirname "$0")/manifest.sh"
status=0
passed=0

check() { # name, command...
    name=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        echo "ok: $name: $(tail -1 "$work/log")"
        passed=$((passed + 1))
    else
        echo "failed: $name: $*"
        cat "$work/log"
        status=1
    fi
}

# Moved after the installation, so that nothing may depend on the place it was installed to.
"$CMAKE" --install "$build" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/prefix"
prefix=$work/prefix
# Nor on the place it was built in.
if grep -rlF -e "$work/first" -e "$(cd "$build" && pwd)" "$prefix" --include=*.pc --include=*.cmake --include=*.h; then
    echo "failed: these installed files name the folder of the installation or of the build"
    status=1
fi
pc=$(find "$prefix" -name monoforward.pc)
lib=$(dirname "$(dirname "$pc")")
for file in monoforward.h monoforward.hpp; do
    [ -f "$prefix/include/$file" ] || {
        echo "failed: include/$file is not installed"
        status=1
    }
done
for file in libmonoforward.so libmonoforward.so.0 libmonoforward.a; do
    [ -e "$lib/$file" ] || {
        echo "failed: $lib/$file is not installed"
        status=1
    }
done

# A copy with the static library only: the linker prefers the shared one wherever it finds both.
cp -R "$prefix" "$work/static"
rm -f "$work/static/${lib#"$prefix"/}"/libmonoforward.so*
static_lib=$work/static/${lib#"$prefix"/}
# And what is installed where there is to be no shared one.
static_only "$here/../.." "$prefix" "$work/only"
only_lib=$work/only/${lib#"$prefix"/}

needs_shared() { # 1 or 0, program
    if command -v readelf >/dev/null; then
        found=$(readelf -d "$2" | grep -c 'NEEDED.*libmonoforward\.so\.0' || true)
        [ "$found" -eq "$1" ] || {
            echo "failed: $2 needs libmonoforward.so.0 $found times, expected $1"
            status=1
        }
    fi
}

by_pkg_config() { # name, compiler, standard, source
    PKG_CONFIG_PATH=$lib/pkgconfig
    export PKG_CONFIG_PATH
    # shellcheck disable=SC2046 # the flags are words
    check "pkg-config, shared, $1: build" "$2" -std="$3" -Wall -Wextra -Werror "$here/$4" \
        $(pkg-config --cflags --libs monoforward) -Wl,-rpath,"$lib" -o "$work/shared-$1"
    check "pkg-config, shared, $1: run" "$work/shared-$1"
    needs_shared 1 "$work/shared-$1"
    PKG_CONFIG_PATH=$static_lib/pkgconfig
    # shellcheck disable=SC2046
    check "pkg-config, static, $1: build" "$2" -std="$3" -Wall -Wextra -Werror "$here/$4" \
        $(pkg-config --static --cflags --libs monoforward) -o "$work/static-$1"
    check "pkg-config, static, $1: run" "$work/static-$1"
    needs_shared 0 "$work/static-$1"
    PKG_CONFIG_PATH=$only_lib/pkgconfig
    # shellcheck disable=SC2046
    check "pkg-config, static only, $1: build" "$2" -std="$3" -Wall -Wextra -Werror "$here/$4" \
        $(pkg-config --cflags --libs monoforward) -o "$work/only-$1"
    check "pkg-config, static only, $1: run" "$work/only-$1"
    needs_shared 0 "$work/only-$1"
}

if command -v pkg-config >/dev/null; then
    version=$(PKG_CONFIG_PATH=$lib/pkgconfig pkg-config --modversion monoforward)
    header=$(awk '/^#define MF_VERSION_(MAJOR|MINOR|PATCH)/ { printf "%s%s", dot, $3; dot = "." }' \
        "$prefix/include/monoforward.h")
    [ "$version" = "$header" ] || {
        echo "failed: monoforward.pc says version $version, the header $header"
        status=1
    }
    by_pkg_config C "$CC" c99 main.c
    if [ -n "${CXX:-}" ]; then
        by_pkg_config C++ "$CXX" c++11 main.cpp
        by_pkg_config C++17 "$CXX" c++17 wrapped.cpp
    fi
else
    echo "skip: consumers by pkg-config: pkg-config is not installed"
fi

# Programs in C alone first: a project without C++ must not need it.
check "find_package, C only: configure" "$CMAKE" -S "$here/c_only" -B "$work/c-only" \
    -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$CC"
check "find_package, C only: build" "$CMAKE" --build "$work/c-only"
check "find_package, C only: run" "$work/c-only/consumer"
if [ -n "${CXX:-}" ]; then
    check "find_package: configure" "$CMAKE" -S "$here" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" \
        -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX"
    check "find_package: build" "$CMAKE" --build "$work/cmake"
    for program in shared_c shared_cpp shared_hpp static_c static_cpp static_hpp; do
        check "find_package, $program: run" "$work/cmake/$program"
    done
    needs_shared 1 "$work/cmake/shared_c"
    needs_shared 1 "$work/cmake/shared_cpp"
    needs_shared 1 "$work/cmake/shared_hpp"
    needs_shared 0 "$work/cmake/static_c"
    needs_shared 0 "$work/cmake/static_cpp"
    needs_shared 0 "$work/cmake/static_hpp"
else
    echo "skip: consumers in C++: no C++ compiler"
fi
# A version that this one cannot stand in for is not found.
if "$CMAKE" -S "$here/c_only" -B "$work/version" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$CC" \
    -DWANTED_VERSION=9.0 >"$work/log" 2>&1; then
    echo "failed: find_package(monoforward 9.0) is content with $version"
    status=1
fi

# Uninstalling takes back what was installed, with the folders it made, and nothing of others.
check "uninstall: install" "$CMAKE" --install "$build" --prefix "$work/to go/prefix"
check "uninstall: by its target" "$CMAKE" --build "$build" --target uninstall
[ -z "$(find "$work/to go/prefix" -mindepth 1)" ] || {
    echo "failed: left behind by uninstall:"
    find "$work/to go/prefix" -mindepth 1
    status=1
}
if "$CMAKE" --build "$build" --target uninstall >"$work/log" 2>&1; then
    echo "failed: uninstall is content with nothing to uninstall"
    status=1
fi
check "uninstall: install beside others" "$CMAKE" --install "$build" --prefix "$work/to go/prefix"
mkdir -p "$work/to go/prefix/include/others"
: >"$work/to go/prefix/${lib#"$prefix"/}/pkgconfig/others.pc"
check "uninstall: by its target, beside others" "$CMAKE" --build "$build" --target uninstall
(cd "$work/to go/prefix" && find . ! -type d -o -name others -o -name monoforward) | sort >"$work/left"
printf '%s\n' ./include/others "./${lib#"$prefix"/}/pkgconfig/others.pc" | sort | diff - "$work/left" || {
    echo "failed: uninstall left (>) or took (<) too much"
    status=1
}
echo "$passed steps passed"
exit "$status"
