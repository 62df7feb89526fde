#!/bin/sh
# CMakePresets.json is one that this CMake reads, with the four kinds of builds.
# Arguments: the source folder. Reads CMAKE. SPDX-License-Identifier: MIT
set -u
cd "$1" || exit 1
version=$("${CMAKE:-cmake}" --version | sed -n 's/^cmake version //p')
if ! presets=$("${CMAKE:-cmake}" --list-presets 2>&1); then
    case $version in
    3.20.*)
        echo "skip: CMake $version may be too old for them"
        exit 77
        ;;
    esac
    echo "failed: cmake --list-presets: $presets"
    exit 1
fi
for preset in release debug asan-ubsan tsan; do
    echo "$presets" | grep -q "\"$preset\"" || {
        echo "failed: no preset $preset: $presets"
        exit 1
    }
done
