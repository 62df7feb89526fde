-- Builds a residual block as one layer from LuaJIT, and layers with other heads, and trains them. With
-- $MONOFORWARD_RESIDUAL, the program that tests/ffi/residual.c becomes, the parameters are compared with those of the
-- same layers in C, bit for bit.
--
-- SPDX-License-Identifier: MIT
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path

local bit = require("bit")
local ffi = require("ffi")
local mf = require("monoforward")
local C = mf.C

local SHAPE, ROWS, CLASSES, STEPS = {4, 6, 6}, 12, 3, 30

-- Two convolutions and a skip; gradients flow through all of it and stop at its input.
local function residual(seed)
    return mf.builder(SHAPE, {seed = seed}):conv2d(4):batch_norm():relu()
        :conv2d(4):batch_norm():add(0):relu():head(CLASSES):build()
end

-- FNV-1a of all parameters.
local function hash(layer)
    local value = 0xcbf29ce484222325ULL
    for _, name in ipairs(layer:parameter_names()) do
        local values, count = layer:parameter(name)
        local bytes = ffi.cast("const uint8_t *", values)
        for i = 0, 4 * count - 1 do value = bit.bxor(value, ffi.cast("uint64_t", bytes[i])) * 0x100000001b3ULL end
    end
    return bit.tohex(value)
end

local function fails(status, call)
    local fine, failure = pcall(call)
    assert(not fine and type(failure) == "table" and failure.status == status, tostring(failure))
end

local function other_units()
    local builder = mf.builder({2, 9, 9}, {seed = 1}):conv2d(4, {padding = 0, stride = 2, bias = 0}):leaky_relu(0.5)
        :max_pool(3, 2, 1):dropout(0.25, true):average_pool(2, 1):dense(6):gelu():branch(5):dense(6):tanh()
    assert(builder:node() == 9)
    local layer = builder:activation(C.MF_ACTIVATION_IDENTITY):add(7):head(2, {label_smoothing = 0.1}):build()
    local units = layer:units()
    assert(#units == 11 and units[1].kind == C.MF_UNIT_CONV2D and units[11].kind == C.MF_UNIT_ADD)
    assert(units[1].bias == 0 and units[1].stride[0] == 2 and units[1].padding[1] == 0)
    assert(units[2].leak == 0.5 and units[3].pool == C.MF_POOL_MAX and units[5].pool == C.MF_POOL_AVERAGE)
    assert(units[3].padding[0] == 1 and units[3].padding[1] == 1 and units[5].padding[0] == 0)
    assert(units[4].dropout == 0.25 and units[4].dropout_maps == 1)
    assert(units[8].inputs[0] == 5 and units[11].inputs[0] == 10 and units[11].inputs[1] == 7)
    assert(#layer:shape() == 1 and layer:shape()[1] == 6)
end

local function units_of_sequences()
    local layer = mf.builder({5, 4}, {seed = 3}):layer_norm({bias = 0}):dense(6):silu():concat(0):global_pool()
        :head(2):build()
    local units = layer:units()
    assert(#units == 5 and units[1].kind == C.MF_UNIT_LAYER_NORM and units[1].bias == 0)
    assert(units[3].activation == C.MF_ACTIVATION_SILU and units[4].kind == C.MF_UNIT_CONCAT)
    assert(units[5].kind == C.MF_UNIT_GLOBAL_POOL and #layer:shape() == 1 and layer:shape()[1] == 10)
    layer = mf.builder({2, 3, 4}, {seed = 3}):tokens():positions():dense(12):attention(2, true):transpose()
        :flatten():head(2):build()
    units = layer:units()
    assert(#units == 6 and units[1].kind == C.MF_UNIT_TOKENS and units[2].kind == C.MF_UNIT_POSITIONS)
    assert(units[4].kind == C.MF_UNIT_ATTENTION and units[4].heads == 2 and units[4].causal == 1)
    local tokens = mf.builder({5}, {seed = 3}):embedding(9, 4):positions():head(2):build():units()
    assert(tokens[1].kind == C.MF_UNIT_EMBEDDING and tokens[1].vocabulary == 9 and tokens[1].outputs == 4)
    assert(units[5].kind == C.MF_UNIT_TRANSPOSE and units[6].kind == C.MF_UNIT_FLATTEN and layer:shape()[1] == 48)
end

local function blocks()
    local units = mf.builder({2, 6, 6}, {seed = 1}):residual():residual(4, {stride = 2}):branch(7)
        :bottleneck(4, {hidden = 3, stride = 2}):add(16):head(2):build():units()
    assert(#units == 29 and units[6].kind == C.MF_UNIT_ADD and units[6].inputs[1] == 0)
    assert(units[8].outputs == 4 and units[8].stride[0] == 2)
    assert(units[17].outputs == 3 and units[17].inputs[0] == 7 and units[20].kernel[0] == 3 and units[25].inputs[0] == 7)
    local sequence = mf.builder({5, 4}, {seed = 1}):mixer({token_hidden = 3}):transformer(2, true, {hidden = 7})
    assert(sequence:node() == 22)
    local layer = sequence:head(2):build()
    units = layer:units()
    assert(units[3].outputs == 3 and units[9].outputs == 16 and units[19].outputs == 7)
    assert(units[15].heads == 2 and units[15].causal == 1 and layer:shape()[1] == 5 and layer:shape()[2] == 4)
    fails(C.MF_STATUS_SHAPE, function() mf.builder({4}):residual() end)
end

-- The call raises an error that says this.
local function refuses(words, call)
    local fine, said = pcall(call)
    assert(not fine and tostring(said):find(words, 1, true), tostring(said) .. " instead of " .. words)
end

-- A stride may stand for the options of a block, and both directions may differ.
local function strides()
    for word, index in pairs{residual = 1, bottleneck = 4} do
        for _, case in ipairs{{2, 2, 2}, {{stride = 2}, 2, 2}, {{2, 1}, 2, 1}, {{stride = {1, 2}}, 1, 2}} do
            local builder = mf.builder({2, 6, 6}, {seed = 1})
            local stride = builder[word](builder, 4, case[1]):head(2):build():units()[index].stride
            assert(stride[0] == case[2] and stride[1] == case[3], word .. " has another stride")
        end
    end
    local conv = mf.builder({2, 9, 9}):conv2d(4, {kernel = {5, 3}, stride = {2, 1}}):head(2):build():units()[1]
    assert(conv.kernel[0] == 5 and conv.kernel[1] == 3 and conv.padding[0] == 2 and conv.padding[1] == 1)
    assert(conv.stride[0] == 2 and conv.stride[1] == 1)
end

-- Of these LuaJIT would make something else: a table of one, a node that is not there, a fraction.
local function mistakes()
    local builder = mf.builder({2, 6, 6}, {seed = 1})
    refuses("inputs has 1 values, expected 2", function() builder:add(nil) end)
    refuses("inputs has 1 values, expected 2", function() builder:concat(nil) end)
    refuses("inputs is nil, expected a number", function() builder:unit(C.MF_UNIT_ADD, {inputs = {nil, 0}}) end)
    refuses("has 1 values, expected 2", function() builder:conv2d(4, {kernel = {3}}) end)
    refuses("kernel has 3 values, expected 2", function() builder:conv2d(4, {kernel = {3, 3, 3}, padding = 1}) end)
    refuses("stride has 1 values, expected 2", function() builder:residual(4, {2}) end)
    refuses("the options are 1, expected a table", function() builder:conv2d(4, 1) end)
    refuses("the options are 7, expected a table", function() mf.builder({4}, 7) end)
    refuses("the options are 0.01, expected a table", function() mf.optimizer(0.01) end)
    refuses("a size of the shape cannot be 8.5", function() mf.builder{3, 8.5, 8} end)
    refuses("a size of the shape cannot be -1", function() mf.builder{-1} end)
    refuses("the node cannot be 0.5", function() builder:branch(0.5) end)
    refuses("the node cannot be 4294967296", function() builder:branch(2^32) end)
    refuses("the node is nil, expected a number", function() builder:branch(nil) end)
    assert(builder:node() == 0 and builder:branch(0):conv2d(2):node() == 1)
end

-- A label for each position of a sequence; one has none.
local function positions()
    local layer = mf.builder({3, 2}, {seed = 1}):dense(8):relu():head(2, {kind = C.MF_HEAD_POSITIONS}):build()
    local network = mf.network{layer}
    local workspace = mf.workspace(network, 2)
    local x = ffi.new("float[12]", {1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1})
    local y = ffi.new("int32_t[6]", {0, 1, 0, 1, 0, C.MF_LABEL_IGNORED})
    network:set_optimizer(mf.optimizer{learning_rate = 0.05})
    for _ = 1, 100 do network:step(workspace, 2, x, y) end
    local labels = network:predict(workspace, C.MF_PREDICT_LAST, 2, x)
    for i = 0, 5 do assert(labels[i] == i % 2) end
    fails(C.MF_STATUS_SHAPE, function() network:step(workspace, 2, x, ffi.new("int32_t[2]")) end)
end

local x, y = ffi.new("float[?]", ROWS * 144), ffi.new("int32_t[?]", ROWS)
for i = 0, ROWS * 144 - 1 do x[i] = (i * 7919 % 1009) / 1009 end
for i = 0, ROWS - 1 do y[i] = i % CLASSES end

-- Trains a network, and returns its last loss.
local function learn(network)
    network:set_optimizer(mf.optimizer{learning_rate = 0.01})
    local workspace, first, loss = mf.workspace(network, ROWS)
    for _ = 1, STEPS do
        network:step(workspace, ROWS, x, y)
        loss = workspace:report(0).loss
        first = first or loss
    end
    assert(loss < first / 2, "the loss went from " .. first .. " to " .. loss)
    return loss
end

-- Its probabilities, as bytes.
local function answers(network)
    local values = network:probabilities(mf.workspace(network, ROWS), C.MF_PREDICT_LAST, ROWS, x)
    return ffi.string(values, ffi.sizeof(values))
end

-- The network from a file of it.
local function reload(network)
    local path = os.tmpname()
    network:save(path)
    local fine, loaded = pcall(mf.load, path)
    os.remove(path)
    assert(fine, tostring(loaded))
    return loaded
end

-- A matrix of 50 classes, for as many layers as read it.
local function given()
    local values = ffi.new("float[150]")
    for i = 0, 149 do values[i] = i * 37 % 64 / 32 - 1 end
    return mf.matrix(50, 3, values)
end

-- Layers keep the matrix that they read. What is none, or has been closed, is refused: to C it would be no matrix.
local function matrices()
    local matrix, builder = given(), mf.builder({4}, {seed = 3}):dense(3, {bias = 0})
    local first, second = builder:head(50, {shared = matrix}):build(), builder:build()
    matrix:close()
    assert(#first:parameter_names() == 1, "other parameters")
    assert(answers(mf.network{first}) == answers(mf.network{second}), "the layers answer otherwise")
    local copy = mf.matrix_from_parameter(first, "units.1.weight") -- [3, 4]
    assert(#mf.builder{2}:dense(4):head(3, {shared = copy}):build():parameter_names() == 2, "other parameters")
    fails(C.MF_STATUS_SHAPE, function() mf.builder{2}:dense(3):head(3, {shared = copy}):build() end)
    fails(C.MF_STATUS_HANDLE, function() builder:head(50, {shared = matrix}) end)
    fails(C.MF_STATUS_SHAPE, function() mf.matrix(50, 3, ffi.new("float[149]")) end)
    fails(C.MF_STATUS_NUMERIC, function() mf.matrix(2, 1, ffi.new("float[2]", {1, math.huge})) end)
    fails(C.MF_STATUS_ARGUMENT, function() mf.matrix(2, 1, ffi.new("double[2]")) end)
    fails(C.MF_STATUS_NOT_FOUND, function() mf.matrix_from_parameter(first, "head.projection") end)
    for _, wrong in ipairs{false, 7, {}, ffi.new("float[150]"), first} do
        refuses(", expected a matrix", function() builder:head(50, {shared = wrong}) end)
    end
    refuses("columns cannot be 0.5", function() mf.matrix(2, 0.5, ffi.new("float[1]")) end)
    refuses("rows: cannot convert", function() mf.matrix(ffi.new("float[2]"), 2, 1) end)
    refuses("sampling: cannot convert", function() builder:head(50, {sampling = "uniform"}) end)
end

-- The best of many classes, of which steps score some that counts draw.
local function best_classes()
    local layer = mf.builder({144}, {seed = 3}):dense(8):relu()
        :head(50, {sampling = C.MF_SAMPLING_COUNTS, candidates = 10}):build()
    local counts = ffi.new("float[50]")
    for i = 0, 49 do counts[i] = i + 1 end
    layer:set_parameter("head.counts", counts)
    assert(layer:parameter("head.counts")[7] == 8, "other counts")
    fails(C.MF_STATUS_SHAPE, function() layer:set_parameter("head.counts", ffi.new("float[49]")) end)
    fails(C.MF_STATUS_NOT_FOUND, function() layer:set_parameter("counts", counts) end)
    local network = mf.network{layer}
    local workspace = mf.workspace(network, ROWS)
    local shares = network:probabilities(workspace, C.MF_PREDICT_LAST, ROWS, x)
    local labels, goodness, probabilities = network:top(workspace, C.MF_PREDICT_LAST, ROWS, x, 3)
    for row = 0, ROWS - 1 do
        local order, first = {}, 50 * row
        for class = 0, 49 do order[class + 1] = class end
        table.sort(order, function(a, b) return shares[first + a] > shares[first + b] end)
        for i = 0, 2 do
            local at = 3 * row + i
            assert(labels[at] == order[i + 1], "another class")
            assert(math.abs(probabilities[at] - shares[first + labels[at]]) < 1e-6, "another share")
            assert(i == 0 or goodness[at] <= goodness[at - 1], "another order")
        end
    end
    for _, count in ipairs{0, 51, 2^40} do
        fails(C.MF_STATUS_ARGUMENT, function() network:top(workspace, C.MF_PREDICT_LAST, ROWS, x, count) end)
    end
    refuses("the number of classes cannot be 2.5", function()
        network:top(workspace, C.MF_PREDICT_LAST, ROWS, x, 2.5)
    end)
end

-- Heads that are more than a projection of the output, with units of their own: layers learn with them, and are the
-- same from a file. Returns the hash of each layer.
local function heads()
    local function dense() return mf.builder({144}, {seed = 7}):dense(16):relu() end -- node 2, the output
    local builders, hashes = {
        -- Of rank 4, for many classes: a step scores those of its labels, and ten that are drawn.
        dense():dense(4, {bias = 0})
            :head(50, {output_node = 2, sampling = C.MF_SAMPLING_LOG_UNIFORM, candidates = 10}),
        -- With a map, the last unit, that learns how alike rows are.
        dense():dense(16):head(CLASSES, {similarity = 0.75}),
        -- With an auxiliary head of half the weight, and units of its own; the layer's head reads node 2.
        dense():dense(8):relu():dense(CLASSES, {loss_weight = 0.5}):head(CLASSES, {input_node = 2}),
        -- M is three columns that are given, and one that the layer learns.
        dense():dense(4, {bias = 0}):head(50, {output_node = 2, shared = given()}),
    }, {}
    for i, builder in ipairs(builders) do
        local layer = builder:build()
        assert(layer:shape()[1] == 16, "another output")
        local network = mf.network{layer}
        learn(network)
        local loaded = reload(network)
        assert(answers(loaded) == answers(network), "the file answers otherwise")
        loaded:set_optimizer(mf.optimizer())
        assert(loaded:summary(ROWS) == network:summary(ROWS), "the file has another network")
        hashes[i] = hash(layer)
    end
    return hashes
end

-- The network with a dense unit and a dense layer of this precision when it has learned, and its loss.
local function dense_network(precision)
    local network = mf.network{
        mf.builder(SHAPE, {seed = 7, precision = precision}):dense(16):relu():head(CLASSES):build(),
        mf.layer{inputs = 16, outputs = 8, classes = CLASSES, seed = 8, precision = precision}}
    local loss = learn(network)
    for i = 0, 1 do assert(network:describe(i).precision == precision) end
    return network, loss
end

-- Products in bf16: the layers learn, otherwise than in float32, and keep their precision in a file.
local function in_bf16()
    local network, loss = dense_network(C.MF_PRECISION_BF16)
    local _, plain = dense_network(C.MF_PRECISION_FLOAT32)
    assert(loss ~= plain, "the precision has no effect")
    local loaded = reload(network)
    for i = 0, 1 do assert(loaded:describe(i).precision == C.MF_PRECISION_BF16) end
end

-- With the library's words, and with C's hashes of the parameters.
local function as_in_c(hashes)
    local program = os.getenv("MONOFORWARD_RESIDUAL")
    if not program then return "not_asked" end
    local pipe = assert(io.popen("'" .. program .. "'"))
    local said = pipe:read("*a")
    pipe:close()
    assert(said == table.concat(hashes, "\n") .. "\n", "C has other parameters")
    return "yes"
end

local block = residual(7)
local drawn = hash(block)
local network = mf.network{block}
local loss = learn(network)
local same = as_in_c{drawn, hash(block), unpack(heads())}
other_units()
units_of_sequences()
blocks()
strides()
mistakes()
positions()
matrices()
best_classes()
in_bf16()
fails(C.MF_STATUS_SHAPE, function() mf.builder(SHAPE):conv2d(5):add(0) end)
fails(C.MF_STATUS_STATE, function() mf.builder({4}):dense(5):build() end)
assert(not pcall(function() mf.builder({4}):dense(5, {no_such = 1}) end))
local summary = network:summary(ROWS)
assert(summary:find("node 5 + node 0", 1, true) and summary:find("gradients stop here", 1, true))
io.write(summary)
print(("result example=ffi-luajit-residual version=%s loss=%.4f same_as_c=%s"):format(mf.version(), loss, same))
