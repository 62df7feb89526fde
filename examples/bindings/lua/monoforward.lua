-- Binds libmonoforward, which trains neural networks without backpropagation: every layer learns from its own
-- loss.
--
-- Objects own handles of the library. The garbage collector frees them; close() does so at once. Data are
-- arrays of the FFI, float[?] and int32_t[?], which are handed over without a copy; arrays of another type or that are
-- too short are refused, of pointers the length is believed. Inputs may also be uint8_t[?], such as the pixels of
-- images, or int32_t[?], such as tokens: see Network:step(). A call that fails raises a table with status, name and
-- message.
--
-- Options are the fields of the specs in monoforward.h, constants are mf.C.MF_...
--
-- SPDX-License-Identifier: MIT
local ffi = require("ffi")
local jit = require("jit")
require("monoforward_abi")

local C = ffi.load("libmonoforward.so.0")
local mf = {C = C}

-- ---- errors ----

local Error = {}
Error.__index = Error
Error.__tostring = function(self) return self.name .. ": " .. self.message end

local function fail(status, message)
    error(setmetatable({status = status, name = ffi.string(C.mf_status_name(status)), message = message}, Error), 0)
end

local function check(status)
    if status ~= C.MF_STATUS_OK then fail(status, ffi.string(C.mf_last_message())) end
end

-- The text itself. The library would end it at its first 0.
local function check_text(text)
    if tostring(text):find("\0", 1, true) then fail(C.MF_STATUS_ARGUMENT, "a character 0 within a text") end
    return text
end

-- What arrays may hold: the type in C, and the library's name of it.
local LABELS = {{"int32_t", C.MF_TYPE_INT32}}
local INPUTS = {{"float", C.MF_TYPE_FLOAT32}, {"int32_t", C.MF_TYPE_INT32}, {"uint8_t", C.MF_TYPE_UINT8}}

-- What a pointer to the values of an array is called, be its elements arrays themselves; an error if it is no array.
local function pointer_to(array)
    local first = array + 0
    while tostring(ffi.typeof(first)):find("(*)[", 1, true) do first = first[0] + 0 end
    return (tostring(ffi.typeof(first)):gsub("const ", ""):gsub("volatile ", ""))
end

-- Which of these types an array holds, or what a pointer points to: values of another one would be read as noise. They
-- are told apart by what LuaJIT calls them, since ffi.istype() takes signed and unsigned for the same.
local function find_type(what, array, types)
    local names, fine, pointer = {}, pcall(pointer_to, array)
    for i, each in ipairs(types) do
        if fine and pointer == tostring(ffi.typeof(each[1] .. " *")) then return each[1], each[2] end
        names[i] = each[1]
    end
    fail(C.MF_STATUS_ARGUMENT, ("%s is %s, expected values of %s"):format(what,
        type(array) == "cdata" and tostring(ffi.typeof(array)) or "no array of the FFI", table.concat(names, ", ")))
end

-- The library's name of the type of an array that has `rows` rows at least.
local function check_array(what, array, rows, columns, types)
    local name, kind = find_type(what, array, types)
    local values = ffi.sizeof(array) / ffi.sizeof(name)
    local believed = tostring(ffi.typeof(array)):find("*", 1, true)
    if not believed and values < rows * columns then
        fail(C.MF_STATUS_SHAPE, ("%s has %d values, expected %d rows of %d"):format(what, values, rows, columns))
    end
    return kind
end

-- ---- what all classes share ----

-- Sets a field, or an element of one. LuaJIT itself cuts off fractions, and makes other numbers of what is out of range.
local function set_number(place, key, value, name)
    if type(value) ~= "number" and type(value) ~= "cdata" then
        error(name .. " is " .. tostring(value) .. ", expected a number", 0)
    end
    place[key] = 0.5
    local whole = place[key] == 0 -- integers keep no half
    place[key] = value
    if value ~= value or (whole and tonumber(place[key]) ~= value) then
        error(name .. " cannot be " .. tostring(value), 0)
    end
end

-- A number as an argument of a call is cut off as well.
local function to_number(kind, value, name)
    local place = ffi.new(kind .. "[1]")
    set_number(place, 0, value, name)
    return place[0]
end

-- Integers of 64 bits, which LuaJIT makes narrower without a word.
local function is_integer(value) return ffi.istype("int64_t", value) or ffi.istype("uint64_t", value) end

-- A table is for a pair of numbers, the only arrays in specs. LuaJIT itself takes a table of one for both.
local function set_option(spec, name, value)
    if type(value) == "number" then
        set_number(spec, name, value, name)
    elseif type(value) == "table" then
        if #value ~= 2 then error(("%s has %d values, expected 2"):format(name, #value), 0) end
        for i = 1, 2 do set_number(spec[name], i - 1, value[i], name) end
    else
        local fine, problem = pcall(function() spec[name] = value end)
        if fine and is_integer(value) and spec[name] ~= value then
            error(name .. " cannot be " .. tostring(value), 0)
        end
        if not fine then error(("%s: %s"):format(name, tostring(problem):gsub("^.-:%d+: ", "")), 0) end
    end
end

-- Goes through options, where there are any.
local function each(options)
    if options and type(options) ~= "table" then
        error("the options are " .. tostring(options) .. ", expected a table", 0)
    end
    return pairs(options or {})
end

-- A spec with the library's defaults and the caller's options; one that does not exist raises an error.
local function make_spec(kind, options)
    local spec = ffi.new("mf_" .. kind .. "_spec")
    check(C["mf_" .. kind .. "_spec_init"](spec, ffi.sizeof(spec)))
    for name, value in each(options) do
        if name == "struct_size" and value ~= spec.struct_size then error("there is no option struct_size", 0) end
        set_option(spec, name, value)
    end
    return spec
end

-- `name` is for errors.
local function make_class(name)
    -- To some calls NULL is no mistake, as an optimizer of none to set_optimizer(): so an object that has no handle any
    -- more is refused here.
    local class = setmetatable({}, {__index = function(_, key)
        if key == "handle" then fail(C.MF_STATUS_HANDLE, "the " .. name .. " is closed") end
    end})
    class.__index = class
    function class:close()
        local handle = rawget(self, "handle")
        if handle ~= nil then
            self.handle = nil
            self.free(ffi.gc(handle, nil))
        end
    end
    return class
end

-- Fills `object` with the handle that a create has put into `out`.
local function own(class, out, free, object)
    object = object or {}
    object.handle, object.free = ffi.gc(out[0], free), free
    return setmetatable(object, class)
end

-- A struct that the library fills with results.
local function make_result(ctype)
    local result = ffi.new(ctype)
    result.struct_size = ffi.sizeof(result)
    return result
end

-- ---- optimizers, layers ----

local Optimizer = make_class("optimizer")

-- mf.optimizer{kind = mf.C.MF_OPTIMIZER_SGD, learning_rate = 0.1}
function mf.optimizer(options)
    local out = ffi.new("mf_optimizer *[1]")
    check(C.mf_optimizer_create(make_spec("optimizer", options), out))
    return own(Optimizer, out, C.mf_optimizer_free)
end

function Optimizer:set(key, value)
    check(C.mf_optimizer_set(self.handle, to_number("int32_t", key, "the key"), value))
end

local Layer = make_class("layer")

-- mf.layer{inputs = 784, outputs = 100, classes = 10}
function mf.layer(options)
    local out = ffi.new("mf_layer *[1]")
    check(C.mf_layer_create(make_spec("layer", options), out))
    return own(Layer, out, C.mf_layer_free)
end

-- The number of values of a parameter. Of another name the library says that there is no such parameter.
local function count_values(layer, name)
    local count, info = ffi.new("size_t[1]"), make_result("mf_parameter_info")
    check(C.mf_layer_parameter_count(layer.handle, count))
    for i = 0, tonumber(count[0]) - 1 do
        check(C.mf_layer_parameter_info(layer.handle, i, info))
        if ffi.string(info.name) == name then return tonumber(info.count) end
    end
    check(C.mf_layer_get_parameter(layer.handle, name, nil, 0))
end

-- A copy of "weight", "bias" or "projection", and its number of values.
function Layer:parameter(name)
    local count = count_values(self, name)
    local values = ffi.new("float[?]", count)
    check(C.mf_layer_get_parameter(self.handle, name, values, count))
    return values, count
end

-- Replaces the values of a parameter, such as the "head.counts" that candidates are drawn by.
function Layer:set_parameter(name, values)
    local count = count_values(self, name)
    check_array("values", values, 1, count, {{"float"}})
    check(C.mf_layer_set_parameter(self.handle, name, values, count))
end

-- The shape of a row of its activation, for the builder of the next layer.
function Layer:shape()
    local shape, sizes = make_result("mf_shape"), {}
    check(C.mf_layer_shape(self.handle, nil, shape))
    for i = 1, shape.rank do sizes[i] = tonumber(shape.dims[i - 1]) end
    return sizes
end

-- What its units were made from.
function Layer:units()
    local count, units = ffi.new("size_t[1]"), {}
    check(C.mf_layer_unit_count(self.handle, count))
    for i = 1, tonumber(count[0]) do
        units[i] = make_result("mf_unit_spec")
        check(C.mf_layer_unit(self.handle, i, units[i], nil))
    end
    return units
end

-- The names of its parameters, in their order.
function Layer:parameter_names()
    local count, info, names = ffi.new("size_t[1]"), make_result("mf_parameter_info"), {}
    check(C.mf_layer_parameter_count(self.handle, count))
    for i = 1, tonumber(count[0]) do
        check(C.mf_layer_parameter_info(self.handle, i - 1, info))
        names[i] = ffi.string(info.name)
    end
    return names
end

-- ---- matrices that heads share ----

local Matrix = make_class("matrix")

-- mf.matrix(classes, columns, values): for head(classes, {shared = matrix}) of as many layers as read it. The values,
-- float[?] with a row for each class, are copied, and no layer learns them.
function mf.matrix(rows, columns, values)
    local out, spec = ffi.new("mf_matrix *[1]"), make_spec("matrix", {rows = rows, columns = columns})
    check_array("values", values, rows, columns, {{"float"}})
    spec.values = values
    check(C.mf_matrix_create(spec, out))
    return own(Matrix, out, C.mf_matrix_free)
end

-- With the values that a layer's parameter has now, such as those of an embedding.
function mf.matrix_from_parameter(layer, name)
    local out = ffi.new("mf_matrix *[1]")
    check(C.mf_matrix_from_parameter(layer.handle, check_text(name), nil, out))
    return own(Matrix, out, C.mf_matrix_free)
end

-- ---- layers of several units ----

local Builder = make_class("builder")

-- mf.builder({16, 32, 32}, {seed = 1}) makes layers whose rows have this shape. Each call adds a unit and returns the
-- builder, so that calls can be chained:
--
--     local block = mf.builder{16, 32, 32}:conv2d(16):batch_norm():relu()
--         :conv2d(16):batch_norm():add(0):relu():head(10):build()
--
-- More options of a unit, a block or the head are the fields of their specs: conv2d(16, {bias = 0}).
function mf.builder(sizes, options)
    local out, shape, spec = ffi.new("mf_builder *[1]"), ffi.new("mf_shape"), make_spec("builder", options)
    check(C.mf_shape_init(shape, ffi.sizeof(shape)))
    shape.rank = #sizes
    for i = 1, math.min(#sizes, 4) do set_number(shape.dims, i - 1, sizes[i], "a size of the shape") end
    spec.input = shape
    check(C.mf_builder_create(spec, out))
    return own(Builder, out, C.mf_builder_free, {last = 0})
end

local function merge(options, more)
    for name, value in each(more) do options[name] = value end
    return options
end

-- Adds any unit.
function Builder:unit(kind, options)
    local spec, node = make_spec("unit", merge({kind = kind}, options)), ffi.new("int32_t[1]")
    if self.next then spec.inputs[0], self.next = self.next, nil end
    check(C.mf_builder_unit(self.handle, spec, node))
    self.last = node[0]
    return self
end

function Builder:dense(outputs, options) return self:unit(C.MF_UNIT_DENSE, merge({outputs = outputs}, options)) end

-- One number for both directions, or a table of two: vertical, horizontal.
local function both(size) return type(size) == "table" and size or {size, size} end

local function half(sizes)
    local halves = {}
    for i, size in ipairs(sizes) do halves[i] = math.floor(size / 2) end
    return halves
end

-- A kernel, padding or stride is one number, or a table of two. Without a padding it is half the kernel: an odd kernel
-- then keeps the size of the maps.
function Builder:conv2d(filters, options)
    options = merge({kernel = 3, stride = 1, outputs = filters}, options)
    options.kernel, options.stride = both(options.kernel), both(options.stride)
    options.padding = both(options.padding or half(options.kernel))
    return self:unit(C.MF_UNIT_CONV2D, options)
end

function Builder:batch_norm(options) return self:unit(C.MF_UNIT_BATCH_NORM, options) end

-- The kind is mf.C.MF_ACTIVATION_RELU, ...
function Builder:activation(kind, options)
    return self:unit(C.MF_UNIT_ACTIVATION, merge({activation = kind}, options))
end

function Builder:relu() return self:activation(C.MF_ACTIVATION_RELU) end
function Builder:leaky_relu(leak) return self:activation(C.MF_ACTIVATION_LEAKY_RELU, {leak = leak or 0.01}) end
function Builder:tanh() return self:activation(C.MF_ACTIVATION_TANH) end
function Builder:gelu() return self:activation(C.MF_ACTIVATION_GELU) end
function Builder:silu() return self:activation(C.MF_ACTIVATION_SILU) end

local function pool(builder, kind, size, stride, padding)
    size, stride, padding = size or 2, stride or 0, padding or 0 -- a stride of 0: the size of the window
    return builder:unit(C.MF_UNIT_POOL,
        {pool = kind, kernel = both(size), stride = both(stride), padding = both(padding)})
end

function Builder:max_pool(size, stride, padding) return pool(self, C.MF_POOL_MAX, size, stride, padding) end
-- Padding counts as zeros.
function Builder:average_pool(size, stride, padding) return pool(self, C.MF_POOL_AVERAGE, size, stride, padding) end

function Builder:dropout(rate, maps)
    return self:unit(C.MF_UNIT_DROPOUT, {dropout = rate, dropout_maps = maps and 1 or 0})
end

-- Layer normalisation: of the values of a row, or of each position of a sequence.
function Builder:layer_norm(options) return self:unit(C.MF_UNIT_LAYER_NORM, options) end

-- The mean of each map, or of the positions of a sequence.
function Builder:global_pool(options) return self:unit(C.MF_UNIT_GLOBAL_POOL, options) end

-- A sequence [T, d] turned into [d, T], so that what follows works along the positions.
function Builder:transpose(options) return self:unit(C.MF_UNIT_TRANSPOSE, options) end

-- Maps [d, height, width] as a sequence [height width, d].
function Builder:tokens(options) return self:unit(C.MF_UNIT_TOKENS, options) end

-- A sequence or maps as a row of all their values, which takes no time.
function Builder:flatten(options) return self:unit(C.MF_UNIT_FLATTEN, options) end

-- Adds learned positions to a sequence.
function Builder:positions(options) return self:unit(C.MF_UNIT_POSITIONS, options) end

-- `outputs` learned values for each token: of a row of T tokens, the layer's input, the sequence [T, outputs].
function Builder:embedding(vocabulary, outputs, options)
    return self:unit(C.MF_UNIT_EMBEDDING, merge({inputs = {0, 0}, vocabulary = vocabulary, outputs = outputs}, options))
end

-- Multi-head attention: of [T, 3 d], queries, keys and values behind each other, it makes [T, d].
function Builder:attention(heads, causal)
    return self:unit(C.MF_UNIT_ATTENTION, {heads = heads, causal = causal and 1 or 0})
end

-- Adds a node to the one before; 0 is the layer's input.
function Builder:add(node) return self:unit(C.MF_UNIT_ADD, {inputs = {C.MF_NODE_PREVIOUS, node}}) end

-- Puts the values of a node behind those of the one before.
function Builder:concat(node) return self:unit(C.MF_UNIT_CONCAT, {inputs = {C.MF_NODE_PREVIOUS, node}}) end

-- Adds the units of a ready-made block. A stride is one number, or a table of two.
function Builder:block(kind, options)
    options = merge({kind = kind, stride = 0, input = self.next}, options)
    options.stride, self.next = both(options.stride), nil
    local node = ffi.new("int32_t[1]")
    check(C.mf_builder_block(self.handle, make_spec("block", options), node))
    self.last = node[0]
    return self
end

-- A stride may stand for the options of a block.
local function with_stride(options)
    local alone = type(options) == "number" or type(options) == "table" and options[1] ~= nil
    return alone and {stride = options} or options
end

-- Two convolutions and a skip; nil: as many maps as its input has. The options may be the stride alone.
function Builder:residual(outputs, options)
    return self:block(C.MF_BLOCK_RESIDUAL, merge({outputs = outputs}, with_stride(options)))
end

-- A convolution of fewer maps, `hidden`, between two of 1 x 1, and a skip. The options may be the stride alone.
function Builder:bottleneck(outputs, options)
    return self:block(C.MF_BLOCK_BOTTLENECK, merge({outputs = outputs}, with_stride(options)))
end

-- Products along the positions and along the values of a sequence: token_hidden, hidden.
function Builder:mixer(options) return self:block(C.MF_BLOCK_MIXER, options) end

-- Attention and two products behind it.
function Builder:transformer(heads, causal, options)
    return self:block(C.MF_BLOCK_TRANSFORMER, merge({heads = heads, causal = causal and 1 or 0}, options))
end

-- The next unit or block reads this node instead of the one before.
function Builder:branch(node)
    self.next = to_number("int32_t", node, "the node")
    return self
end

function Builder:head(classes, options)
    options = merge({classes = classes}, options)
    local shared = options.shared
    if shared ~= nil then
        if getmetatable(shared) ~= Matrix then error("shared is " .. tostring(shared) .. ", expected a matrix", 0) end
        options.shared = shared.handle
    end
    check(C.mf_builder_head(self.handle, make_spec("head", options)))
    return self
end

-- The number of the node that was added last; 0 if there is none.
function Builder:node() return self.last end

-- Makes a layer, and another one each time.
function Builder:build()
    local out = ffi.new("mf_layer *[1]")
    check(C.mf_layer_build(self.handle, out))
    return own(Layer, out, C.mf_layer_free)
end

-- ---- networks ----

local Network = make_class("network")

-- What the layer at a position is, 0 being the first: a mf_layer_spec.
function Network:describe(position)
    local layer, spec = ffi.new("mf_layer *[1]"), make_result("mf_layer_spec")
    check(C.mf_network_layer(self.handle, to_number("size_t", position, "the position"), layer, nil))
    check(C.mf_layer_describe(layer[0], spec))
    return spec
end

-- What arrays are checked against.
local function measure(network)
    local first, goodness = ffi.new("mf_layer *[1]"), make_result("mf_shape")
    check(C.mf_network_layer(network.handle, 0, first, nil))
    check(C.mf_layer_goodness_shape(first[0], goodness))
    local spec = network:describe(0)
    network.inputs, network.classes = tonumber(spec.inputs), tonumber(spec.classes)
    network.labels = goodness.rank == 2 and tonumber(goodness.dims[0]) or 1 -- of a row: one for each of its positions
    return network
end

-- A network of layers, first to last; it keeps references of its own to them.
function mf.network(layers)
    local out = ffi.new("mf_network *[1]")
    check(C.mf_network_create(nil, out))
    local network = own(Network, out, C.mf_network_free)
    for _, layer in ipairs(layers) do check(C.mf_network_append(network.handle, layer.handle, nil)) end
    return measure(network)
end

function mf.load(path)
    local out = ffi.new("mf_network *[1]")
    check(C.mf_network_load(nil, check_text(path), out))
    return measure(own(Network, out, C.mf_network_free))
end

function Network:save(path) check(C.mf_network_save(self.handle, C.MF_CONTENTS_MODEL, check_text(path))) end

-- What the network is, as lines for people, with the memory that training on such batches takes.
function Network:summary(max_batch)
    max_batch = to_number("size_t", max_batch, "the number of rows")
    local needed = ffi.new("size_t[1]")
    local status = C.mf_network_summary(self.handle, max_batch, nil, 0, needed)
    if status ~= C.MF_STATUS_CAPACITY then check(status) end
    local text = ffi.new("char[?]", needed[0])
    check(C.mf_network_summary(self.handle, max_batch, text, needed[0], nil))
    return ffi.string(text)
end

function Network:set_optimizer(optimizer)
    -- What is none has no handle, and to C that means no optimizer.
    if getmetatable(optimizer) ~= Optimizer then error(tostring(optimizer) .. " is no optimizer", 0) end
    check(C.mf_network_set_optimizer(self.handle, optimizer.handle))
end

-- An mf_batch of `rows` rows without labels.
local function make_batch(network, rows, x, scaling)
    local batch = ffi.new("mf_batch")
    check(C.mf_batch_init(batch, ffi.sizeof(batch)))
    set_number(batch, "rows", rows, "the number of rows")
    batch.input_type = check_array("x", x, rows, network.inputs, INPUTS)
    batch.inputs = x
    for name, value in each(scaling) do
        if name ~= "scale" and name ~= "shift" then error("there is no option " .. tostring(name), 0) end
        set_number(batch, "input_" .. name, value, name)
    end
    return batch
end

local function make_labelled_batch(network, rows, x, y, scaling)
    local batch = make_batch(network, rows, x, scaling)
    batch.target_type = check_array("y", y, rows, network.labels, LABELS)
    batch.targets = y
    return batch
end

-- Trains every layer on one batch: x [rows, inputs], y [rows], or
-- [rows, positions] for goodness at positions. With bytes the inputs are (byte + shift) * scale,
-- or byte / 255 without {scale = , shift = }; with bytes and int32_t the purpose of the workspace has
-- MF_WORKSPACE_CONVERT added.
function Network:step(workspace, rows, x, y, scaling)
    check(C.mf_network_step_batch(self.handle, workspace.handle, make_labelled_batch(self, rows, x, y, scaling)))
end

-- Fills the reports of the workspace, without learning.
function Network:evaluate(workspace, rows, x, y, scaling)
    check(C.mf_network_evaluate_batch(self.handle, workspace.handle, make_labelled_batch(self, rows, x, y, scaling)))
end

-- The class of every row. `mode` is MF_PREDICT_LAST or MF_PREDICT_SUM.
function Network:predict(workspace, mode, rows, x, scaling)
    mode = to_number("int32_t", mode, "the mode")
    local batch, labels = make_batch(self, rows, x, scaling), ffi.new("int32_t[?]", rows * self.labels)
    check(C.mf_network_infer(self.handle, workspace.handle, mode, batch, labels, nil, nil))
    return labels
end

-- The `count` best classes of every row, best first, row after row; their scores, and their probabilities.
function Network:top(workspace, mode, rows, x, count, scaling)
    mode, count = to_number("int32_t", mode, "the mode"), to_number("size_t", count, "the number of classes")
    local batch = make_batch(self, rows, x, scaling)
    local room = rows * self.labels * math.min(tonumber(count), self.classes) -- more are refused
    local labels, goodness, probabilities = ffi.new("int32_t[?]", room), ffi.new("float[?]", room),
        ffi.new("float[?]", room)
    check(C.mf_network_top(self.handle, workspace.handle, mode, batch, count, labels, goodness, probabilities))
    return labels, goodness, probabilities
end

-- One probability per class, row after row.
function Network:probabilities(workspace, mode, rows, x, scaling)
    mode = to_number("int32_t", mode, "the mode")
    local batch, values = make_batch(self, rows, x, scaling), ffi.new("float[?]", rows * self.labels * self.classes)
    check(C.mf_network_infer(self.handle, workspace.handle, mode, batch, nil, nil, values))
    return values
end

-- ---- workspaces ----

local Workspace = make_class("workspace")

function mf.workspace(network, max_batch, purpose)
    local out = ffi.new("mf_workspace *[1]")
    local spec = make_spec("workspace", {network = network.handle, max_batch = max_batch, purpose = purpose})
    check(C.mf_workspace_create(spec, out))
    return own(Workspace, out, C.mf_workspace_free)
end

-- What the layer at a position did, 0 being the first; without one, how the sum of all did in an evaluation.
function Workspace:report(position)
    local report = make_result("mf_report")
    if position then
        check(C.mf_workspace_report(self.handle, to_number("size_t", position, "the position"), report))
    else
        check(C.mf_workspace_report_sum(self.handle, report))
    end
    return {rows = tonumber(report.rows), correct = tonumber(report.correct), loss = report.loss,
            applied = tonumber(report.applied)}
end

-- ---- pipelines ----

local Pipeline = make_class("pipeline")

-- An error must not run through the library's frames: it stops the pipeline and is raised behind them. What
-- the pipeline still reports, nobody hears.
local function listen(state, on_report)
    return ffi.cast("int32_t (*)(void *, const mf_pipeline_report *)", function(_, report)
        if state.broken then return 1 end
        local fine, answer = pcall(on_report, report)
        if fine and answer == true then return 1 end
        if fine and not answer then return 0 end
        if fine then answer = "on_report returned " .. tostring(answer) .. ", not true, false or nothing" end
        state.broken, state.failure = true, {answer}
        return 1
    end)
end

-- mf.pipeline(network, {workers = 2, max_batch = 64}, on_report). on_report hears what each layer did with
-- each batch, as an mf_pipeline_report that is valid during the call; if it returns true the pipeline stops, if false
-- or nothing it goes on.
function mf.pipeline(network, options, on_report)
    local out, state, callback = ffi.new("mf_pipeline *[1]"), {}, nil
    local spec = make_spec("pipeline", options)
    spec.network = network.handle
    if on_report then
        callback = listen(state, on_report)
        spec.on_report = callback
    end
    -- There are few callbacks to be had, so each is given back; not before the pipeline, which might call it.
    local function free(handle)
        C.mf_pipeline_free(handle)
        if callback then callback:free() end
    end
    local status = C.mf_pipeline_create(spec, out)
    if status ~= C.MF_STATUS_OK and callback then callback:free() end
    check(status)
    return own(Pipeline, out, free, {network = network, state = state})
end

local function settle(state, status)
    local failure = state.failure
    state.failure = nil
    if failure then error(failure[1], 0) end
    check(status)
end

function Pipeline:submit(rows, x, y, scaling)
    local batch = make_labelled_batch(self.network, rows, x, y, scaling)
    settle(self.state, C.mf_pipeline_submit_batch(self.handle, batch))
end

-- Waits until every batch has been learned.
function Pipeline:flush() settle(self.state, C.mf_pipeline_flush(self.handle)) end

-- Calls that call back must not be compiled: the compiler cannot leave its code in the middle of a C
-- function.
jit.off(Pipeline.submit)
jit.off(Pipeline.flush)

-- ---- the library ----

function mf.version() return ffi.string(C.mf_version()) end

-- What is right beside a pipeline, for the whole process; a library without threads has one as it is.
function mf.one_blas_thread()
    local status = C.mf_blas_set_threads(1)
    if status ~= C.MF_STATUS_UNSUPPORTED then check(status) end
end

return mf
