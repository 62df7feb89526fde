/* Each rule of the reader of layers of units broken once, by hand: FORMAT, a message that names what is
 * wrong, and nothing left behind. files_hostile.c has what is common to all files. SPDX-License-Identifier:
 * MIT */
#include <stdio.h>

#include "memory.h"
#include "models.h"
#include "units.h"

enum { CLASSES = 3 };

/* 19 characters of two bytes. */
#define ACCENTS                                                                                            \
    "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3" \
    "\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"

static char *file, *header;
static size_t size;

/* Every kind of unit, a node that two read, a sum, a pooled head, frozen parameters; a layer from a spec
 * behind. */
static int open_file(void **state)
{
    units_plan plan = plan_maps(2, 4, 4, CLASSES);
    mf_optimizer *optimizer = make_optimizer(MF_OPTIMIZER_ADAM, 0.1);
    mf_layer *layer = make_plain_layer(5, 4, CLASSES, 2);
    mf_unit_spec conv = unit_conv(2, 3, 1);
    mf_network *network;

    (void)state;
    conv.bias = 0;
    plan_add(&plan, conv);
    plan_add(&plan, unit_norm());
    plan_add(&plan, unit_activation(MF_ACTIVATION_LEAKY_RELU));
    plan_add(&plan, unit_dropout(0.5f, 1));
    plan_add(&plan, unit_add(4, 0));
    plan_add(&plan, unit_pool(MF_POOL_MAX, 2));
    plan_add(&plan, unit_dense(6));
    plan_add(&plan, unit_conv(5, 1, 0));
    plan.head.pool_size = 1;
    plan.dropout = 0.25f;
    network = make_units_network(&plan, 1, NULL);
    check_ok(mf_network_append(network, layer, NULL));
    check_ok(mf_network_set_optimizer(network, optimizer));
    check_ok(mf_layer_set_trainable(layer_at(network, 0), "units.1.weight", 0));
    check_ok(mf_layer_set_trainable(layer_at(network, 0), "units.2.mean", 0));
    file = model_save(network, MF_CONTENTS_TRAINING, &size);
    header = model_header(file, size);
    mf_layer_free(layer);
    mf_network_free(network);
    mf_optimizer_free(optimizer);
    return 0;
}

static int close_file(void **state)
{
    (void)state;
    free(file);
    free(header);
    return 0;
}

static void check_header(mf_status expected, const char *changed, const char *part)
{
    check_model_header(expected, file, size, changed, part);
}

/* Quotes that stand in a string of the header are written as ' here. */
static char *escaped(const char *text)
{
    char *result = get_zeroed(2 * strlen(text) + 1, 1), *to = result;

    for (; *text; text++) {
        if (*text == '\'') {
            *to++ = '\\';
            *to++ = '"';
        } else {
            *to++ = *text;
        }
    }
    return result;
}

static char *with(const char *from, const char *to)
{
    char *one = escaped(from), *other = escaped(to), *changed = replaced(header, one, other);

    free(one);
    free(other);
    return changed;
}

static void check_change(mf_status expected, const char *from, const char *to, const char *part)
{
    char *changed = with(from, to);

    check_header(expected, changed, part);
    free(changed);
}

#define bad(from, to, part) check_change(MF_STATUS_FORMAT, from, to, part)

static void test_the_file_is_good(void **state)
{
    (void)state;
    check_header(MF_STATUS_OK, header, NULL);
    /* What has a default may be left out, and a file of version 2 may say so of layers from specs alone. */
    check_change(MF_STATUS_OK, "'kind':'add','input':4,", "'kind':'add',", NULL);
    check_change(MF_STATUS_OK, ",'other':0", "", NULL);
    check_change(MF_STATUS_OK, ",'leak':'0.01'},{'kind':'dropout'", "},{'kind':'dropout'", NULL);
    check_change(MF_STATUS_OK, ",'kernel':[2,2],'stride':[2,2]}", "}", NULL);
    check_change(MF_STATUS_OK, ",'frozen':['units.1.weight','units.2.mean','units.2.variance']", "", NULL);
}

static void test_version(void **state)
{
    (void)state;
    bad("\"format_version\":\"2\"", "\"format_version\":\"1\"", "version 1");
    bad("\"format_version\":\"2\"", "\"format_version\":\"02\"", "format_version");
    check_change(MF_STATUS_VERSION, "\"format_version\":\"2\"", "\"format_version\":\"7\"", "version 7");
    /* What came with version 3. */
    bad("{'kind':'activation','input':2,'activation':'leaky_relu'",
        "{'kind':'activation','input':2,'activation':'silu'", "version 3");
    bad("{'kind':'add','input':4", "{'kind':'concat','input':4", "version 3");
}

/* ---- the layer ---- */

static void test_layer(void **state)
{
    (void)state;
    bad("'kind':'units'", "'kind':'unit'", "kind");
    bad("'kind':'units'", "'kind':'dense'", "not known");
    bad("'kind':'units'", "'kind':'conv2d'", "not known");
    bad("'dropout':'0.25','seed'", "'dropout':'1','seed'", "layer 0: dropout");
    bad("'dropout':'0.25','seed'", "'dropout':'-0.25','seed'", "layer 0: dropout");
    bad("'dropout':'0.25','seed'", "'dropout':'nan','seed'", "dropout");
    bad("'dropout':'0.25','seed'", "'dropout':'0.99999999999','seed'", "layer 0: dropout");
    bad("'dropout_maps':false,'dropout':'0.25'", "'dropout_maps':2,'dropout':'0.25'", "dropout_maps");
    bad("'seed':'7','input'", "'seed':'0','input'", "seed");
    bad("'seed':'7','input'", "'classes':3,'seed':'7','input'", "not known");
    bad("'seed':'7','input'", "'bias':true,'seed':'7','input'", "not known");
    bad("'seed':'7','input'", "'label_smoothing':'0','seed':'7','input'", "not known");
    bad("'seed':'7','input'", "'reserved':1,'seed':'7','input'", "not known");
    bad("'seed':'7','input'", "'steps':{},'seed':'7','input'", "not known");
    /* A layer from a spec has none of the keys of units. */
    bad("'inputs':5", "'inputs':5,'input':[5]", "layer 1: \"input\"");
    bad("'inputs':5", "'inputs':5,'units':[]", "layer 1: \"units\"");
    bad("'inputs':5", "'inputs':5,'head':{}", "layer 1: \"head\"");
}

static void test_input(void **state)
{
    static const char *const inputs[] = {"5",
                                         "'4'",
                                         "{}",
                                         "true",
                                         "[]",
                                         "[32,1]",
                                         "[2,4,4,1]",
                                         "[2,4,4,1,1,1,1,1]",
                                         "[0,4,4]",
                                         "[2,4,0]",
                                         "[2,'4',4]",
                                         "[2,[4],4]",
                                         "[4294967296,4,4]",
                                         "[2147483647,2147483647,1]",
                                         "[9007199254740992,9007199254740992,9]",
                                         "[2,4,2147483648]",
                                         "[3,4,4]",
                                         "[32]",
                                         "[2,6,4]"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(inputs); i++) {
        char to[80];

        snprintf(to, sizeof to, "'input':%s,'units'", inputs[i]);
        bad("'input':[2,4,4],'units'", to, NULL);
    }
    bad("'input':[2,4,4],'units'", "'input':5,'units'", "rank");
    bad("'input':[2,4,4],'units'", "'input':[2,4,4,1],'units'", "\"input\"");
    bad("'input':[2,4,4],'units'", "'input':[2,'4',4],'units'", "\"input\"");
    bad("'input':[2,4,4],'units'", "'units'", "rank");
    bad("'input':[2,4,4],'units'", "'input':[2,4,4],'input':[2,4,4],'units'", "twice");
}

static void test_units(void **state)
{
    (void)state;
    bad("'units':[{", "'units':5,'head':{}},{'units':[{", "\"units\" is missing, or no array");
    bad("'units':[{'kind':'conv2d'", "'units':[1,{'kind':'conv2d'", "unit 1 is no object");
    bad("'units':[{'kind':'conv2d'", "'units':[[],{'kind':'conv2d'", "unit 1 is no object");
    bad("'units':[{'kind':'conv2d'", "'units':[],'units':[{'kind':'conv2d'", "twice");
    bad("{'kind':'conv2d','input':0", "{'kind':'conv','input':0", "unit 1: \"kind\"");
    bad("{'kind':'conv2d','input':0", "{'input':0", "unit 1: there is no \"kind\"");
    bad("{'kind':'conv2d','input':0", "{'kind':1,'input':0", "unit 1: \"kind\"");
    bad("{'kind':'conv2d','input':0", "{'kind':'conv2d','kind':'conv2d','input':0", "twice");
    bad("{'kind':'batch_norm'", "{'kind':'activation'", "unit 2");
    bad("{'kind':'batch_norm'", "{'other':0,'kind':'batch_norm'", "unit 2: \"other\" is not known");
    bad("{'kind':'batch_norm'", "{'a" ACCENTS ACCENTS "':0,'kind':'batch_norm'",
        "unit 2: \"a" ACCENTS "\" is not known"); /* cut between characters */
    bad("{'kind':'batch_norm'", "{'outputs':2,'kind':'batch_norm'", "unit 2: \"outputs\" is not known");
    bad("{'kind':'batch_norm'", "{'reserved':0,'kind':'batch_norm'", "unit 2: \"reserved\" is not known");
    bad("{'kind':'batch_norm'", "{'struct_size':96,'kind':'batch_norm'", "not known");
    bad("{'kind':'batch_norm'", "{'kernel':[1,1],'kind':'batch_norm'", "not known");
    bad("{'kind':'dropout','input':3", "{'kind':'dropout','input':3,'leak':'0.1'", "not known");
    /* None at all. */
    bad("'units':[{", "'units':[],'head':{'kind':'linear','classes':3}},{'units':[{", "no units");
}

/* Nodes are there before they are read, so that there are no cycles; each is read, but for the last. */
static void test_nodes(void **state)
{
    (void)state;
    bad("'kind':'conv2d','input':0", "'kind':'conv2d','input':1", "unit 1: reads node 1");
    bad("'kind':'batch_norm','input':1", "'kind':'batch_norm','input':2", "unit 2: reads node 2");
    bad("'kind':'batch_norm','input':1", "'kind':'batch_norm','input':8", "unit 2: reads node 8");
    bad("'kind':'batch_norm','input':1", "'kind':'batch_norm','input':2147483647", "unit 2: reads node");
    bad("'kind':'batch_norm','input':1", "'kind':'batch_norm','input':2147483648", "wrong kind");
    bad("'kind':'batch_norm','input':1", "'kind':'batch_norm','input':4294967295", "wrong kind");
    bad("'kind':'batch_norm','input':1", "'kind':'batch_norm','input':9007199254740992", "wrong kind");
    bad("'kind':'batch_norm','input':1", "'kind':'batch_norm','input':-1", "JSON");
    bad("'kind':'batch_norm','input':1", "'kind':'batch_norm','input':'1'", "wrong kind");
    bad("'kind':'batch_norm','input':1", "'kind':'batch_norm','input':[1]", "wrong kind");
    bad("'input':4,'other':0", "'input':4,'other':5", "unit 5: reads node 5");
    bad("'input':4,'other':0", "'input':6,'other':0", "unit 5: reads node 6");
    bad("'input':4,'other':0", "'input':4,'other':true", "wrong kind");
    bad("'input':4,'other':0", "'input':4,'other':0,'other':0", "twice");
    bad("'kind':'batch_norm','input':1", "'kind':'batch_norm','input':0", "no unit reads node 1");
    bad("'input':4,'other':0", "'input':0,'other':0", "no unit reads node 4");
    bad("'kind':'dense','input':6", "'kind':'dense','input':5", "no unit reads node 6");
}

static void test_shapes(void **state)
{
    (void)state;
    /* A sum of other maps. */
    bad("'kind':'conv2d','input':0,'outputs':2", "'kind':'conv2d','input':0,'outputs':3",
        "unit 5: adds node 4");
    bad("'padding':[1,1]", "'padding':[1,0]", "unit 5: adds node 4");
    bad("'kind':'dropout','input':3", "'kind':'dropout','input':3,'input':2", "twice");
    bad("'kernel':[2,2],'stride':[2,2]", "'kernel':[5,2],'stride':[2,2]", "unit 6");
    bad("'kernel':[2,2],'stride':[2,2]", "'kernel':[9007199254740992,9007199254740992],'stride':[2,2]",
        "unit 6");
    bad("'kernel':[2,2],'stride':[2,2]", "'kernel':[2,2],'stride':[9007199254740992,2]", "unit 6");
    bad("'kernel':[2,2],'stride':[2,2]", "'kernel':[2],'stride':[2,2]",
        "\"kernel\" has a value of the wrong kind");
    bad("'kernel':[2,2],'stride':[2,2]", "'kernel':[2,2],'stride':2",
        "\"stride\" has a value of the wrong kind");
    bad("'padding':[1,1]", "'padding':[3,1]", "unit 1");
    bad("'padding':[1,1]", "'padding':[9007199254740992,1]", "unit 1");
    bad("'kernel':[3,3]", "'kernel':[7,3]", "unit 1");
    bad("'kernel':[3,3]", "'kernel':[3,3,3]", "wrong kind");
    bad("'kind':'dense','input':6,'outputs':6", "'kind':'pool','input':6", "not known");
    bad("'kind':'dense','input':6,'outputs':6", "'kind':'dense','input':6,'outputs':0", "unit 7");
    bad("'kind':'dense','input':6,'outputs':6", "'kind':'dense','input':6,'outputs':7",
        "layers.0.units.7.weight");
    bad("'kind':'dense','input':6,'outputs':6", "'kind':'dense','input':6,'outputs':2147483647",
        "units.7.weight");
    bad("'kind':'dense','input':6,'outputs':6", "'kind':'dense','input':6,'outputs':9007199254740992",
        "unit 7");
    bad("'kind':'dense','input':6,'outputs':6", "'kind':'dense','input':6", "unit 7");
    /* Maps that grow too large, and a pool of a row. */
    bad("{'kind':'dropout','input':3,'dropout':'0.5','dropout_maps':true}",
        "{'kind':'dense','input':3,'outputs':32}", "unit 5: adds node 4 of rank 1");
    bad("'kind':'pool','input':5,'pool':'max'", "'kind':'pool','input':5,'pool':'none'", "unit 6");
    bad("'kind':'pool','input':5,'pool':'max'", "'kind':'pool','input':5,'pool':'min'", "\"pool\"");
    bad("'kind':'pool','input':5,'pool':'max'", "'kind':'pool','input':5,'pool':1", "\"pool\"");
}

static void test_options(void **state)
{
    (void)state;
    bad("'dropout':'0.5'", "'dropout':'1'", "unit 4: dropout");
    bad("'dropout':'0.5'", "'dropout':'-0.5'", "unit 4: dropout");
    bad("'dropout':'0.5'", "'dropout':'nan'", "\"dropout\"");
    bad("'dropout':'0.5'", "'dropout':'inf'", "\"dropout\"");
    bad("'dropout':'0.5'", "'dropout':0", "\"dropout\"");
    bad("'dropout_maps':true", "'dropout_maps':'true'", "\"dropout_maps\"");
    bad("'normalization_rate':'0.1'", "'normalization_rate':'1.5'", "unit 2");
    bad("'normalization_epsilon':'1e-05'", "'normalization_epsilon':'0'", "unit 2");
    bad("'normalization_epsilon':'1e-05'", "'normalization_epsilon':'1e-40'", "unit 2");
    bad("'activation':'leaky_relu'", "'activation':'swish'", "\"activation\"");
    bad("'activation':'leaky_relu'", "'activation':2", "\"activation\"");
    bad("'leak':'0.01'", "'leak':'2'", "unit 3: leak");
    bad("'weight_init':'kaiming_uniform'", "'weight_init':'constant'", "\"weight_init\"");
    bad("'weight_gain':'1'", "'weight_gain':'-1'", "unit 1: weight_gain");
    bad("'bias':false", "'bias':0", "\"bias\"");
    bad("'bias':false", "'bias':true", "layers.0.units.1.bias");
    bad("'bias':true,'normalization_rate'", "'bias':false,'normalization_rate'", NULL);
}

static void test_head(void **state)
{
    (void)state;
    bad("'head':{'kind':'linear'", "'head':{'kind':'bilinear'", "head of layer 0: \"kind\"");
    bad("'head':{'kind':'linear',", "'head':{", "head of layer 0: there is no \"kind\"");
    bad("'head':{'kind':'linear'", "'head':{'reserved':0,'kind':'linear'", "not known");
    bad("'head':{'kind':'linear'", "'head':{'seed':'1','kind':'linear'", "not known");
    bad("'head':{'kind':'linear'", "'head':[],'head':{'kind':'linear'", "twice");
    bad("'head':{", "'frozen':[],'tail':{", "not known");
    bad("'head':{'kind':'linear','classes':3", "'head':{'kind':'linear','classes':1", "classes");
    bad("'head':{'kind':'linear','classes':3", "'head':{'kind':'linear'", "classes");
    bad("'head':{'kind':'linear','classes':3", "'head':{'kind':'linear','classes':4294967298", "classes");
    bad("'head':{'kind':'linear','classes':3", "'head':{'kind':'linear','classes':2147483647",
        "head.projection");
    bad("'head':{'kind':'linear','classes':3", "'head':{'kind':'linear','classes':4", "head.projection");
    bad("'pool_size':1", "'pool_size':2", "head");
    bad("'pool_size':1", "'pool_size':9007199254740992", "pool_size");
    bad("'pool_size':1", "'pool_size':'1'", "\"pool_size\"");
    bad("'projection_gain':'1','label_smoothing':'0'}", "'projection_gain':'nan','label_smoothing':'0'}",
        "\"projection_gain\"");
    bad("'projection_gain':'1','label_smoothing':'0'}", "'projection_gain':'-1','label_smoothing':'0'}",
        "projection_gain");
    bad("'projection_gain':'1','label_smoothing':'0'}", "'projection_gain':'1','label_smoothing':'1'}",
        "label_smoothing");
    bad("'projection_init':'kaiming_uniform','projection_gain':'1','label_smoothing':'0'}",
        "'projection_init':'','projection_gain':'1','label_smoothing':'0'}", "\"projection_init\"");
}

static void test_frozen(void **state)
{
    static const char all[] = "'frozen':['units.1.weight','units.2.mean','units.2.variance']";

    (void)state;
    bad(all, "'frozen':['units.2.mean']", "together");
    bad(all, "'frozen':['units.2.variance']", "together");
    bad(all, "'frozen':['units.2.variance','units.2.mean']", "order");
    bad(all, "'frozen':['units.2.scale','units.1.weight']", "order");
    bad(all, "'frozen':['units.1.weight','units.1.weight']", "order");
    bad(all, "'frozen':['units.1.bias']", "units.1.bias");
    bad(all, "'frozen':['units.9.weight']", "units.9.weight");
    bad(all, "'frozen':['weight']", "weight");
    bad(all, "'frozen':['projection']", "projection");
    bad(all, "'frozen':['head.projection','head.projection']", "order");
    bad(all, "'frozen':[1]", "frozen");
    bad(all, "'frozen':{}", "no array");
    bad(all, "'frozen':'units.1.weight'", "no array");
    check_change(MF_STATUS_OK, all, "'frozen':['head.projection']", NULL);
}

static void test_training(void **state)
{
    (void)state;
    bad("'steps':{'units.1.weight':'0'", "'steps':{'units.1.weight':0", "not a number");
    bad("'steps':{'units.1.weight':'0'", "'steps':{'units.1.weight':'-1'", "not a number");
    bad("'steps':{'units.1.weight':'0'", "'steps':{'units.1.weight':'9223372036854775807'", "count");
    bad("'steps':{'units.1.weight':'0'", "'steps':{'units.1.weight':'0','units.1.weight':'0'", "order");
    bad("'steps':{'units.1.weight':'0'", "'steps':{'units.1.bias':'0'", "units.1.bias");
    bad("'steps':{'units.1.weight':'0'", "'steps':{'weight':'0'", "weight");
    bad("'steps':{'units.1.weight':'0','units.2.bias':'0'",
        "'steps':{'units.2.bias':'0','units.1.weight':'0'", "order");
    bad("'units.2.mean':'0'", "'units.2.mean':'1'", "count");
    bad("'head.projection':'0'}", "'head.projection':'0','more':'0'}", "more");
    bad("'steps':{'units.1.weight':'0'", "'steps':[],'other':{'units.1.weight':'0'", NULL);
    bad("'steps':{'weight':'0'", "'steps':{'head.projection':'0'", "head.projection");
    bad("'optimizer':0", "'optimizer':2147483648", "wrong kind");
    bad("'optimizer':0", "'optimizer':7", "optimizer 7");
}

static void test_tensors(void **state)
{
    (void)state;
    bad("\"layers.0.units.1.weight\":", "\"layers.0.units.01.weight\":", "layers.0.units.1.weight");
    bad("\"layers.0.units.1.weight\":", "\"layers.0.weight\":", "layers.0.units.1.weight");
    bad("\"layers.0.units.2.scale\":", "\"layers.0.units.2.bias\":", "twice");
    bad("\"layers.0.units.2.scale\":", "\"layers.0.units.3.scale\":", "layers.0.units.2.scale");
    bad("\"layers.0.head.projection\":", "\"layers.0.projection\":", "head.projection");
    bad("\"shape\":[2,2,3,3]", "\"shape\":[2,18]", "another shape");
    bad("training.layers.0.units.1.weight.first_moment", "training.layers.0.units.1.weight.momentum",
        "first_moment");
}

/* Layers that do not fit each other, though each has its tensors: 5 values of the block, 5 inputs behind it.
 */
static void test_neighbours(void **state)
{
    char *one = with("'inputs':5", "'inputs':6"),
         *other = replaced(one, "\"shape\":[4,5]", "\"shape\":[4,6]");

    (void)state;
    check_header(MF_STATUS_FORMAT, other, NULL);
    free(one);
    free(other);
}

/* Every single byte of the header, changed in three ways: whatever happens, nothing breaks. */
static void test_every_byte(void **state)
{
    char *copy = get_memory(size);

    (void)state;
    for (size_t i = 0; i < size; i++) {
        const char changes[] = {(char)(file[i] ^ 1), (char)(file[i] ^ 0x80), '9'};

        for (size_t c = 0; c < COUNT_OF(changes); c++) {
            memcpy(copy, file, size);
            copy[i] = changes[c];
            model_refuse(MF_CONTENTS_TRAINING, copy, size);
        }
    }
    free(copy);
}

/* The k-th allocation fails, for every k: MEMORY, and nothing is left. */
static void test_failing_memory(void **state)
{
    (void)state;
    for (int32_t contents = MF_CONTENTS_MODEL; contents <= MF_CONTENTS_TRAINING; contents++)
        for (size_t nth = 1;; nth++) {
            test_memory memory = {0};
            mf_allocator allocator = memory_allocator(&memory);
            mf_load_spec spec;
            mf_network *network = (mf_network *)1;
            mf_status status;

            check_ok(mf_load_spec_init(&spec, sizeof spec));
            spec.contents = contents;
            spec.allocator = &allocator;
            memory_fail_at(&memory, nth);
            status = mf_network_load_buffer(&spec, file, size, &network);
            if (status == MF_STATUS_OK) {
                assert_true(nth > 15);
                mf_network_free(network);
            } else {
                check_status(MF_STATUS_MEMORY, status);
                assert_null(network);
            }
            assert_int_equal(memory.blocks_out, 0);
            assert_int_equal(memory.bytes_out, 0);
            assert_int_equal(memory.faults, 0);
            memory_release(&memory);
            if (status == MF_STATUS_OK)
                break;
            assert_true(nth < 1000);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_file_is_good),
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_layer),
        cmocka_unit_test(test_input),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_frozen),
        cmocka_unit_test(test_training),
        cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_failing_memory),
    };

    return cmocka_run_group_tests(tests, open_file, close_file);
}
