# The options of the choice that did best in its group. Read behind statistics.awk. Variables: group.
# SPDX-License-Identifier: MIT
NR == 1 {
    for (i = 1; i <= NF; i++)
        at[$i] = i
    next
}
$at["group"] == group && $at["choice"] == 1 && $at["status"] == "done" && leads(group, $at["valid_last"], $at["valid_loss"]) {
    found = "--learning-rate " $at["learning_rate"] " --weight-gain " $at["weight_gain"]
}
END {
    if (!found)
        exit 1
    print found
}
