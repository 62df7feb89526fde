# For tests that install a build to folders of their own: the build's list of what was installed is the user's, who may
# want to uninstall after the tests. Read behind `build=FOLDER`; gives $work, which goes with the test.
# SPDX-License-Identifier: MIT
work=$(mktemp -d)
manifest=$build/install_manifest.txt
[ ! -f "$manifest" ] || cp "$manifest" "$work/manifest"
leave() {
    rm -f "$manifest"
    [ ! -f "$work/manifest" ] || cp "$work/manifest" "$manifest"
    rm -rf "$work"
}
trap leave EXIT
