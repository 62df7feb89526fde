"""Checks a port's vcpkg.json: python3 vcpkg_json.py FILE VERSION

SPDX-License-Identifier: MIT
"""

import json
import sys

with open(sys.argv[1]) as file:
    port = json.load(file)
assert port["name"] == "monoforward", port["name"]
assert port["version"] == sys.argv[2], f"version {port['version']}, the header has {sys.argv[2]}"
assert set(port["default-features"]) <= set(port["features"]), "a default feature that does not exist"
