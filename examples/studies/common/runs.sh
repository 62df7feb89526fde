# Sourced by studies of several runs, whose lines are kept in $folder/runs.log, so that a study that was stopped goes on.
# SPDX-License-Identifier: MIT
mkdir -p "$folder"
touch "$folder/runs.log"

# run_once NAME COMMAND...: unless NAME has its line; one that was interrupted goes on from its checkpoint.
run_once() {
    name=$1
    shift
    grep -q "^$name: result" "$folder/runs.log" && return
    "$@" --checkpoint "$folder/$name.safetensors" >"$folder/$name.out"
    sed -n "s/^result/$name: result/p" "$folder/$name.out" >>"$folder/runs.log"
    rm -f "$folder/$name.safetensors"
}
