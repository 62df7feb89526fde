-- Trains a small network from LuaJIT, and checks what a binding has to get right besides: errors, a callback
-- into Lua, memory that is given back, and a model file.
--
--     luajit examples/bindings/lua/spirals.lua
--
-- SPDX-License-Identifier: MIT
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/?.lua;" .. package.path

local bit = require("bit")
local ffi = require("ffi")
local mf = require("monoforward")
local C = mf.C

local CLASSES = 3
local WIDTH = 64
local STEPS = 400   -- one layer after the other on each batch
local BATCHES = 100 -- both layers at the same time
local ROWS = 96
local TEST_ROWS = 1200
local LEAST = 98    -- percent

-- The problem, the same in every language of these examples: which of three spiral arms is a point on? The
-- generator is Marsaglia's xorshift: three lines in any language, and the same numbers in all of them.
local function generator(state)
    local function unit()
        state = bit.bxor(state, bit.lshift(state, 13))
        state = bit.bxor(state, bit.rshift(state, 17))
        state = bit.bxor(state, bit.lshift(state, 5))
        return bit.rshift(state, 8) / 2^24
    end
    local twist = 4.0  -- radians from the inner end of an arm to the outer one
    local spread = 0.8 -- width of an arm in radians; the next one begins 2.1 further on
    return function(rows)
        local x, y = ffi.new("float[?]", 2 * rows), ffi.new("int32_t[?]", rows)
        for i = 0, rows - 1 do
            local class = i % CLASSES
            local radius = 0.1 + 0.9 * unit()
            local angle = 2 * math.pi * class / CLASSES + twist * radius + spread * (unit() - 0.5)
            x[2 * i], x[2 * i + 1] = radius * math.cos(angle), radius * math.sin(angle)
            y[i] = class
        end
        return x, y
    end
end

-- An error path: the function fails, for this reason.
local function expect(status, call, ...)
    local fine, failure = pcall(call, ...)
    assert(not fine, "no error")
    assert(type(failure) == "table", failure)
    assert(failure.status == status and #failure.message > 0, tostring(failure))
    return failure
end

local function same(a, b, count)
    for i = 0, count - 1 do
        if a[i] ~= b[i] then return false end
    end
    return true
end

local draw_batch = generator(1)
local optimizer = mf.optimizer{learning_rate = 0.01}
local layers = {
    mf.layer{inputs = 2, outputs = WIDTH, classes = CLASSES, seed = 1},
    mf.layer{inputs = WIDTH, outputs = WIDTH, classes = CLASSES, seed = 2},
}
local network = mf.network(layers)
network:set_optimizer(optimizer)
local workspace = mf.workspace(network, TEST_ROWS)

local function train()
    for _ = 1, STEPS do network:step(workspace, ROWS, draw_batch(ROWS)) end
end

-- A callback: the pipeline reports every layer's loss to a function of Lua.
local function refine()
    local reports, loss = 0, 0
    mf.one_blas_thread()
    optimizer:set(C.MF_OPTIMIZER_LEARNING_RATE, 0.002)
    local pipeline = mf.pipeline(network, {workers = 2, max_batch = ROWS}, function(report)
        reports = reports + 1
        loss = loss + report.loss / (2 * BATCHES)
    end)
    for _ = 1, BATCHES do pipeline:submit(ROWS, draw_batch(ROWS)) end
    pipeline:flush()
    pipeline:close()
    assert(reports == 2 * BATCHES, reports .. " reports")
    return reports, loss
end

-- A callback stops its pipeline by returning true; a value that is no answer is a mistake.
local function stop()
    local x, y = draw_batch(ROWS)
    for _, case in ipairs{{true, C.MF_STATUS_STATE}, {false}, {nil}, {1, "returned 1"}} do
        local pipeline = mf.pipeline(network, {workers = 0, max_batch = ROWS}, function() return case[1] end)
        local fine, said = pcall(function()
            pipeline:submit(ROWS, x, y)
            pipeline:flush()
        end)
        if type(case[2]) == "string" then
            assert(not fine and said:find(case[2]), "no error came out: " .. tostring(said))
        elseif case[2] then
            assert(not fine and said.status == case[2], "the pipeline has not stopped")
        else
            assert(fine, "the pipeline has stopped")
        end
        pipeline:close()
    end
end

-- A callback that raises an error stops its pipeline; the error comes out of the call that it happened in.
local function interrupt()
    local x, y = draw_batch(ROWS)
    local pipeline = mf.pipeline(network, {workers = 1, max_batch = ROWS}, function() error("enough", 0) end)
    local fine, said = pcall(function()
        pipeline:submit(ROWS, x, y)
        pipeline:flush()
    end)
    assert(not fine and said == "enough", "the error came out as " .. tostring(said))
    expect(C.MF_STATUS_STATE, pipeline.submit, pipeline, ROWS, x, y)
    pipeline:close()
    expect(C.MF_STATUS_HANDLE, pipeline.flush, pipeline)
end

-- A label that does not exist is refused, and nothing has changed.
local function offend()
    local x, y = draw_batch(ROWS)
    local before, count = layers[1]:parameter("weight")
    y[ROWS - 1] = CLASSES
    local failure = expect(C.MF_STATUS_LABEL, network.step, network, workspace, ROWS, x, y)
    assert(count == 2 * WIDTH and same(before, layers[1]:parameter("weight"), count), "the weights have changed")
    expect(C.MF_STATUS_SHAPE, network.step, network, workspace, ROWS + 1, x, y)
    expect(C.MF_STATUS_ARGUMENT, network.step, network, workspace, ROWS, {0, 1}, y)
    expect(C.MF_STATUS_NOT_FOUND, layers[1].parameter, layers[1], "no such")
    local fine, said = pcall(mf.layer, {inputs = 2, outputs = 2, classes = 2, no_such = 1})
    assert(not fine and said:find("no_such"), "an option that does not exist is taken")
    for name, value in pairs{outputs = 4.7, classes = -1, seed = 0 / 0, leak = 0 / 0, bias = 2^32, kernel = {3, 1.5}} do
        local options = {inputs = 2, outputs = 2, classes = 2}
        options[name] = value
        fine, said = pcall(mf.layer, options)
        assert(not fine and said:find("^" .. name .. " cannot be"), name .. " is rounded")
    end
    for _, case in ipairs{
        {"the position", function(number) network:describe(number) end},
        {"the position", function(number) workspace:report(number) end},
        {"the number of rows", function(number) network:summary(number) end},
        {"the number of rows", function(number) network:step(workspace, number, x, y) end},
        {"the key", function(number) optimizer:set(number, 1) end},
        {"the mode", function(number) network:predict(workspace, number, ROWS, x) end},
        {"the mode", function(number) network:probabilities(workspace, number, ROWS, x) end},
    } do
        for _, value in ipairs{0.5, 0 / 0} do
            fine, said = pcall(case[2], value)
            assert(not fine and tostring(said):find("^" .. case[1] .. " cannot be"), case[1] .. " is rounded")
        end
    end
    return failure
end

local function accuracy(x, y)
    network:evaluate(workspace, TEST_ROWS, x, y)
    local report = workspace:report()
    return 100 * report.correct / report.rows
end

-- Bytes are the floats that they stand for, whether one divides by 255 or scales and shifts.
local function compare_bytes()
    local bytes, labels = ffi.new("uint8_t[?]", 2 * ROWS), ffi.new("int32_t[?]", ROWS)
    for i = 0, ROWS - 1 do labels[i] = i % CLASSES end
    for i = 0, 2 * ROWS - 1 do bytes[i] = 37 * i % 256 end
    local room = mf.workspace(network, ROWS, C.MF_WORKSPACE_INFERENCE + C.MF_WORKSPACE_CONVERT)
    for _, scaling in ipairs{{}, {scale = 0.0078125, shift = -127.5}} do
        local floats = ffi.new("float[?]", 2 * ROWS)
        for i = 0, 2 * ROWS - 1 do
            floats[i] = scaling.scale and (bytes[i] + scaling.shift) * scaling.scale or bytes[i] / 255
        end
        local answers = network:probabilities(room, C.MF_PREDICT_SUM, ROWS, bytes, scaling)
        local expected = network:probabilities(workspace, C.MF_PREDICT_SUM, ROWS, floats)
        assert(same(answers, expected, ROWS * CLASSES), "bytes and floats have different answers")
        network:evaluate(room, ROWS, bytes, labels, scaling)
        network:evaluate(workspace, ROWS, floats, labels)
        assert(room:report().loss == workspace:report().loss, "bytes and floats have different losses")
    end
    expect(C.MF_STATUS_STATE, network.step, network, workspace, ROWS, bytes, labels)
    expect(C.MF_STATUS_SHAPE, network.evaluate, network, room, ROWS + 1, bytes, labels)
    for said, scaling in pairs{["there is no option scales"] = {scales = 0.5}, ["scale cannot be nan"] = {scale = 0 / 0},
                               ["the options are 0.5, expected a table"] = 0.5} do
        local fine, failure = pcall(network.evaluate, network, room, ROWS, bytes, labels, scaling)
        assert(not fine and failure:gsub("-nan", "nan") == said, failure)
    end
end

-- Whole numbers as inputs, such as tokens, are the floats of the same values; floats may be in rows of an array.
local function compare_types()
    local whole, floats, in_rows = ffi.new("int32_t[?]", 2 * ROWS), ffi.new("float[?]", 2 * ROWS),
        ffi.new("float[" .. ROWS .. "][2]")
    for i = 0, 2 * ROWS - 1 do
        whole[i] = 5 * i % 7 - 3
        floats[i], in_rows[math.floor(i / 2)][i % 2] = whole[i], whole[i]
    end
    local room = mf.workspace(network, ROWS, C.MF_WORKSPACE_INFERENCE + C.MF_WORKSPACE_CONVERT)
    local expected = network:probabilities(workspace, C.MF_PREDICT_SUM, ROWS, floats)
    for _, x in ipairs{whole, ffi.cast("const int32_t *", whole), in_rows, ffi.cast("const float *", floats)} do
        local answers = network:probabilities(room, C.MF_PREDICT_SUM, ROWS, x)
        assert(same(answers, expected, ROWS * CLASSES), tostring(ffi.typeof(x)) .. " has different answers")
    end
    expect(C.MF_STATUS_STATE, network.probabilities, network, workspace, C.MF_PREDICT_SUM, ROWS, whole)
    expect(C.MF_STATUS_SHAPE, network.probabilities, network, room, C.MF_PREDICT_SUM, ROWS + 1, in_rows)
end

-- Values of another type would be noise, whether they are in an array or behind a pointer: nothing is learned from them.
local function mistake_types()
    local x, y = draw_batch(ROWS)
    local before, count = layers[1]:parameter("weight")
    local pipeline = mf.pipeline(network, {workers = 0, max_batch = ROWS})
    local function refuse(other_x, other_y)
        expect(C.MF_STATUS_ARGUMENT, network.step, network, workspace, ROWS, other_x, other_y)
        expect(C.MF_STATUS_ARGUMENT, network.evaluate, network, workspace, ROWS, other_x, other_y)
        expect(C.MF_STATUS_ARGUMENT, pipeline.submit, pipeline, ROWS, other_x, other_y)
    end
    for _, kind in ipairs{"double", "int16_t", "uint32_t", "int8_t", "float *", "int64_t"} do
        local values = ffi.new(kind .. "[?]", 8 * ROWS)
        refuse(values, y)
        refuse(x, values)
        refuse(ffi.cast(kind .. " *", values), y)
        refuse(x, ffi.cast(kind .. " *", values))
        expect(C.MF_STATUS_ARGUMENT, network.predict, network, workspace, C.MF_PREDICT_SUM, ROWS, values)
    end
    refuse(x, ffi.new("float[?]", ROWS))
    refuse(x, ffi.new("uint8_t[?]", 4 * ROWS))
    refuse(ffi.cast("void *", x), y)
    refuse(x, ffi.new("mf_batch"))
    refuse(x, nil)
    pipeline:close()
    assert(same(before, layers[1]:parameter("weight"), count), "something has been learned")
end

-- A model file: the network that it holds answers alike.
local function reload(x)
    local path = os.tmpname()
    network:save(path)
    expect(C.MF_STATUS_ARGUMENT, network.save, network, path .. "\0.old")
    expect(C.MF_STATUS_ARGUMENT, mf.load, path .. "\0.old")
    local fine, loaded = pcall(mf.load, path)
    os.remove(path)
    assert(fine, tostring(loaded))
    local before = network:probabilities(workspace, C.MF_PREDICT_SUM, TEST_ROWS, x)
    local after = loaded:probabilities(mf.workspace(loaded, TEST_ROWS), C.MF_PREDICT_SUM, TEST_ROWS, x)
    assert(same(before, after, TEST_ROWS * CLASSES), "the loaded network answers differently")
    return "same"
end

-- What was closed is refused, also where nil would mean something; in the network its optimizer goes on.
local function give_up()
    local x, y = draw_batch(ROWS)
    optimizer:close()
    expect(C.MF_STATUS_HANDLE, network.set_optimizer, network, optimizer)
    assert(not pcall(network.set_optimizer, network, {learning_rate = 0.1}), "a table is an optimizer")
    network:step(workspace, ROWS, x, y)
    network:close()
    network:close()
    expect(C.MF_STATUS_HANDLE, mf.workspace, network, ROWS)
    expect(C.MF_STATUS_HANDLE, network.step, network, workspace, ROWS, x, y)
end

-- The garbage collector frees what nobody closes: callbacks too, of which there are some hundred at most.
local function forget()
    for _ = 1, 2000 do
        mf.pipeline(network, {workers = 0, max_batch = 1}, function() end)
        collectgarbage("step", 1000)
    end
end

-- The plane as the network sees it.
local function draw()
    local columns, lines = 48, 24
    local x = ffi.new("float[?]", 2 * columns * lines)
    for i = 0, columns * lines - 1 do
        x[2 * i] = 2 * (i % columns + 0.5) / columns - 1
        x[2 * i + 1] = 1 - 2 * (math.floor(i / columns) + 0.5) / lines
    end
    local labels = network:predict(workspace, C.MF_PREDICT_SUM, columns * lines, x)
    for i = 0, columns * lines - 1 do
        io.write((".o#"):sub(labels[i] + 1, labels[i] + 1), i % columns == columns - 1 and "\n" or "")
    end
end

train()
local reports, loss = refine()
stop()
interrupt()
local failure = offend()
compare_bytes()
compare_types()
mistake_types()
local x, y = generator(2)(TEST_ROWS)
local percent = accuracy(x, y)
local file = reload(x)
forget()
draw()
give_up()
print(("result example=ffi-luajit version=%s accuracy=%.2f loss=%.4f reports=%d refused=%s model_file=%s"):format(
    mf.version(), percent, loss, reports, failure.name, file))
assert(percent >= LEAST, "an accuracy of at least " .. LEAST .. "% was expected")
