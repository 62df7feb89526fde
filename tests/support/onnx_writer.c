/* SPDX-License-Identifier: MIT */
#include "onnx_writer.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static void put_varint(message *to, uint64_t value)
{
    assert_true(to->count + 10 < sizeof to->bytes);
    for (; value >= 0x80; value >>= 7)
        to->bytes[to->count++] = (unsigned char)(value | 0x80);
    to->bytes[to->count++] = (unsigned char)value;
}

void put_int(message *to, unsigned field, int64_t value)
{
    put_varint(to, (uint64_t)field << 3);
    put_varint(to, (uint64_t)value);
}

void put_bytes(message *to, unsigned field, const void *bytes, size_t count)
{
    put_varint(to, (uint64_t)field << 3 | 2);
    put_varint(to, count);
    assert_true(to->count + count < sizeof to->bytes);
    memcpy(to->bytes + to->count, bytes, count);
    to->count += count;
}

static void put_number(message *to, const unsigned char *number, size_t size)
{
    const uint16_t probe = 1;
    const int lowest_first = *(const unsigned char *)&probe == 1;

    assert_true(to->count + size < sizeof to->bytes);
    for (size_t i = 0; i < size; i++)
        to->bytes[to->count++] = number[lowest_first ? i : size - 1 - i];
}

void put_numbers(message *to, unsigned field, const void *numbers, size_t size, size_t count)
{
    put_varint(to, (uint64_t)field << 3 | 2);
    put_varint(to, size * count);
    for (size_t i = 0; i < count; i++)
        put_number(to, (const unsigned char *)numbers + i * size, size);
}

void put_text(message *to, unsigned field, const char *text)
{
    put_bytes(to, field, text, strlen(text));
}

void put_message(message *to, unsigned field, const message *from)
{
    put_bytes(to, field, from->bytes, from->count);
}

/* ---- nodes ---- */

static void put_words(message *to, unsigned field, const char *words)
{
    for (size_t length; *words; words += length + (words[length] == ' ')) {
        length = strcspn(words, " ");
        put_bytes(to, field, words, length);
    }
}

static void put_float(message *to, unsigned field, float value)
{
    put_varint(to, (uint64_t)field << 3 | 5);
    put_number(to, (const unsigned char *)&value, sizeof value);
}

/* "name=value", up to a space or the end. */
static void put_attribute(message *node, const char *text, size_t length)
{
    message named = {0};
    char words[100] = {0}, *value;

    assert_true(length < sizeof words);
    memcpy(words, text, length);
    value = strchr(words, '=');
    *value++ = 0;
    put_text(&named, 1, words);
    if (isalpha((unsigned char)*value))
        put_text(&named, 4, value);
    else if (strchr(value, '.') != NULL)
        put_float(&named, 2, strtof(value, NULL));
    else if (strchr(value, ',') == NULL)
        put_int(&named, 3, strtoll(value, NULL, 10));
    else
        for (; *value; value += strspn(value, ","))
            put_int(&named, 8, strtoll(value, &value, 10));
    put_message(node, 5, &named);
}

void put_node(message *graph, const char *type, const char *inputs, const char *outputs,
              const char *attributes)
{
    message node = {0};

    put_words(&node, 1, inputs);
    put_words(&node, 2, outputs);
    put_text(&node, 3, outputs);
    put_text(&node, 4, type);
    for (size_t length; *attributes; attributes += length + (attributes[length] == ' ')) {
        length = strcspn(attributes, " ");
        put_attribute(&node, attributes, length);
    }
    put_message(graph, 1, &node);
}

/* ---- constants ---- */

void put_floats(message *graph, const char *name, size_t rank, const int64_t *dims, const float *values)
{
    message tensor = {0};
    size_t count = 1;

    for (size_t d = 0; d < rank; d++) {
        put_int(&tensor, 1, dims[d]);
        count *= (size_t)dims[d];
    }
    put_int(&tensor, 2, 1);
    put_text(&tensor, 8, name);
    put_numbers(&tensor, 9, values, sizeof *values, count);
    put_message(graph, 5, &tensor);
}

void put_integers(message *graph, const char *name, size_t count, const int64_t *values)
{
    message tensor = {0};

    put_int(&tensor, 1, (int64_t)count);
    put_int(&tensor, 2, 7);
    put_text(&tensor, 8, name);
    put_numbers(&tensor, 9, values, sizeof *values, count);
    put_message(graph, 5, &tensor);
}

void put_constant(message *graph, const char *name, size_t rank, const int64_t *dims)
{
    float values[300];
    size_t count = 1;

    for (size_t d = 0; d < rank; d++)
        count *= (size_t)dims[d];
    assert_true(count <= COUNT_OF(values));
    for (size_t i = 0; i < count; i++)
        values[i] = 0.1f * (float)(i % 7 + 1);
    put_floats(graph, name, rank, dims, values);
}

/* ---- models ---- */

void put_value(message *graph, unsigned field, const char *name, size_t rank, const int64_t *dims)
{
    put_value_of(graph, field, 1, name, rank, dims);
}

void put_value_of(message *graph, unsigned field, int64_t element, const char *name, size_t rank,
                  const int64_t *dims)
{
    message value = {0}, type = {0}, tensor = {0}, shape = {0};

    for (size_t d = 0; d < rank; d++) {
        message dim = {0};

        if (dims[d] > 0)
            put_int(&dim, 1, dims[d]);
        else
            put_text(&dim, 2, "free");
        put_message(&shape, 1, &dim);
    }
    put_int(&tensor, 1, element);
    put_message(&tensor, 2, &shape);
    put_message(&type, 1, &tensor);
    put_text(&value, 1, name);
    put_message(&value, 2, &type);
    put_message(graph, field, &value);
}

message begin_graph(size_t rank, const int64_t *dims)
{
    message graph = {0};

    put_value(&graph, 11, "x", rank, dims);
    put_value(&graph, 12, "y", 0, NULL);
    return graph;
}

message model_of(const message *graph, int64_t opset)
{
    message model = {0}, imported = {0}, pair = {0};

    put_int(&model, 1, 7);
    put_message(&model, 7, graph);
    put_int(&imported, 2, opset);
    put_message(&model, 8, &imported);
    put_text(&pair, 1, "unit");
    put_text(&pair, 2, "volt");
    put_message(&model, 14, &pair);
    return model;
}

mf_onnx_spec spec_of(const message *model)
{
    mf_onnx_spec spec;

    check_ok(mf_onnx_spec_init(&spec, sizeof spec));
    spec.buffer = model->bytes;
    spec.bytes = model->count;
    spec.seed = 5;
    return spec;
}

mf_network *import_model(const mf_onnx_spec *spec)
{
    mf_network *network = NULL;

    check_ok(mf_network_import_onnx(spec, &network));
    return network;
}

void check_refused(const mf_onnx_spec *spec, mf_status expected, const char *part)
{
    mf_network *network = (mf_network *)1;
    char text[20000];

    check_status(expected, mf_network_import_onnx(spec, &network));
    check_message(part);
    assert_null(network);
    check_status(expected, mf_onnx_plan(spec, text, sizeof text, NULL));
    check_message(part);
}
