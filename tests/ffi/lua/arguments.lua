-- What LuaJIT would cut off or leave out without a word is refused, or done.
-- SPDX-License-Identifier: MIT
package.path = arg[1] .. "/?.lua;" .. package.path
local mf = require("monoforward")
local C = mf.C

local function refuses(part, call)
    local fine, problem = pcall(call)
    assert(not fine and tostring(problem):find(part, 1, true), tostring(problem))
end

local function options(more)
    local all = {inputs = 2, outputs = 3, classes = 2}
    for name, value in pairs(more) do all[name] = value end
    return all
end

for _, size in ipairs({88, 4096}) do
    refuses("there is no option struct_size", function() mf.layer(options({struct_size = size})) end)
end
refuses("activation cannot be 4294967297", function() mf.layer(options({activation = 4294967297LL})) end)
mf.layer(options({activation = 1LL, seed = -1LL})) -- 2^64 - 1

-- The options of an embedding reach its spec.
local function tokens(more)
    return mf.builder({2}):embedding(5, 4, more):flatten():head(2):build():parameter("units.1.weight")
end
local drawn, normal = tokens({seed = nil}), tokens({weight_init = C.MF_INIT_ZERO})
local sum = 0
for i = 0, 19 do sum = sum + math.abs(normal[i]) end
assert(sum == 0, "weight_init of an embedding was left out")
for i = 0, 19 do sum = sum + math.abs(drawn[i]) end
assert(sum > 0)
print("refused")
