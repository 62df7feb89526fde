/* Files of past versions load, predict and train on as they did: against numbers that golden/expected.py
 * computed from the files in double precision, without the library. A file that is here is never made anew.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>

#include "golden.h"

static const float dense_last[] = {0.272033816f, -0.0990470226f, -0.00995295476f,
                                   0.257876436f, -0.0847237074f, -0.0118749005f,
                                   0.264180995f, -0.0527781644f, -0.0330688865f};
static const float dense_sum[] = {0.291014325f,  -0.0788491443f, 0.0246666309f, 0.279591426f,  -0.250958173f,
                                  0.0589516423f, 0.151862339f,   -0.365342493f, -0.0205382823f};
static const float maps_last[] = {0.16389379f,    -0.135092298f,  0.0684371091f,
                                  -0.059444071f,  0.0355481438f,  -0.00855908432f,
                                  -0.0269441347f, -0.0798840615f, 0.110348462f};
static const float maps_sum[] = {1.53920701f,    0.329196425f, -0.117028503f,  -0.102223605f, 1.1474336f,
                                 0.00918068975f, -0.65006456f, 0.00818179416f, 1.43952526f};
static const float training_last[] = {0.0800559086f, -0.122904468f, 0.00401382654f,
                                      0.106240031f,  -0.142094434f, 0.011726791f,
                                      0.0360338693f, -0.200489998f, -0.0331274842f};
static const float training_sum[] = {0.288623673f,  -0.228248824f, -0.165354826f,
                                     0.187184432f,  -0.137272368f, -0.214348799f,
                                     0.0360338693f, -0.200489998f, -0.0331274842f};
static const float training_weight_0[] = {-0.171319424f, 0.466669745f, -0.228433368f,
                                          0.116012891f,  0.229533834f, -0.194906145f};
static const float training_weight_1[] = {-0.0625932818f, 0.227962049f, -0.258334271f, -0.0722503036f,
                                          -0.388785534f};

static const float units_last[] = {0.171488936f,  0.069575045f, -0.0146614307f, 0.146101812f, 0.0397487315f,
                                   0.0377992012f, 0.164566796f, 0.0612973366f,  0.0059395856f};
static const float units_sum[] = {0.154622922f,  -0.0044659564f, -0.196733324f,  0.0800779063f, 0.108983214f,
                                  -0.184219523f, 0.0276609601f,  -0.0899409584f, -0.208914157f};
static const float units_training_last[] = {0.618082835f,  -0.151376349f, 0.0844560052f,
                                            -0.698964014f, 0.469015504f,  -0.334180294f,
                                            0.0160703285f, -0.147892581f, 0.142617243f};
static const float units_training_sum[] = {0.474834142f,  -0.500596093f, -0.238605277f,
                                           -1.36564968f,  0.889600131f,  -1.01937557f,
                                           -0.276287815f, -0.460746916f, -0.214669816f};
static const float units_training_weight_0[] = {0.430470085f,  0.12513288f,   -0.38219355f,
                                                -0.260002865f, -0.151444066f, 0.313991277f};
static const float units_training_weight_1[] = {0.400776898f,  0.450411934f,    -0.197394989f,
                                                -0.213561137f, -0.00457376816f, 0.0879805873f};

static mf_network *load(const char *name, int32_t contents)
{
    char path[1000];
    mf_load_spec spec;
    mf_network *network = NULL;

    snprintf(path, sizeof path, "%s/%s.safetensors", TEST_GOLDEN, name);
    check_ok(mf_load_spec_init(&spec, sizeof spec));
    spec.contents = contents;
    check_ok(mf_network_load(&spec, path, &network));
    return network;
}

static void check_scores(mf_network *network, size_t inputs, int32_t mode, const float *expected)
{
    mf_workspace *workspace = make_workspace(network, NULL, MF_WORKSPACE_INFERENCE, GOLDEN_ROWS);
    float x[GOLDEN_ROWS * GOLDEN_MAPS], scores[GOLDEN_ROWS * GOLDEN_CLASSES];
    int32_t y[GOLDEN_ROWS];

    golden_batch(x, inputs, y);
    check_ok(mf_network_goodness(network, workspace, mode, GOLDEN_ROWS, x, scores));
    for (size_t i = 0; i < COUNT_OF(scores); i++)
        check_near(expected[i], scores[i], 2e-6 * (1.0 + fabs((double)expected[i])));
    mf_workspace_free(workspace);
}

static void test_a_golden_dense_model_gives_the_expected_scores(void **state)
{
    mf_network *network = load("format1/dense", MF_CONTENTS_MODEL);

    (void)state;
    check_scores(network, GOLDEN_INPUTS, MF_PREDICT_LAST, dense_last);
    check_scores(network, GOLDEN_INPUTS, MF_PREDICT_SUM, dense_sum);
    mf_network_free(network);
}

static void test_a_golden_convolutional_model_gives_the_expected_scores(void **state)
{
    mf_network *network = load("format1/maps", MF_CONTENTS_MODEL);

    (void)state;
    check_scores(network, GOLDEN_MAPS, MF_PREDICT_LAST, maps_last);
    check_scores(network, GOLDEN_MAPS, MF_PREDICT_SUM, maps_sum);
    mf_network_free(network);
}

static void check_row(const mf_network *network, size_t position, const char *name, const float *expected,
                      size_t count)
{
    float *weight = read_parameter(layer_at(network, position), name, NULL);

    for (size_t i = 0; i < count; i++)
        check_near(expected[i], weight[i], 2e-6);
    free(weight);
}

/* The checkpoint, and one step from it. */
static void test_a_golden_checkpoint_continues_as_expected(void **state)
{
    mf_network *network = load("format1/training", MF_CONTENTS_TRAINING);
    mf_workspace *workspace = make_network_workspace(network, GOLDEN_ROWS);

    (void)state;
    check_scores(network, GOLDEN_INPUTS, MF_PREDICT_LAST, training_last);
    check_scores(network, GOLDEN_INPUTS, MF_PREDICT_SUM, training_sum);
    golden_train(network, GOLDEN_INPUTS, 1);
    check_row(network, 0, "weight", training_weight_0, COUNT_OF(training_weight_0));
    check_row(network, 1, "weight", training_weight_1, COUNT_OF(training_weight_1));
    mf_workspace_free(workspace);
    mf_network_free(network);
}

static void test_a_golden_model_of_units_gives_the_expected_scores(void **state)
{
    mf_network *network = load("format2/units", MF_CONTENTS_MODEL);
    mf_parameter_info info = {.struct_size = sizeof info};

    (void)state;
    check_scores(network, GOLDEN_MAPS, MF_PREDICT_LAST, units_last);
    check_scores(network, GOLDEN_MAPS, MF_PREDICT_SUM, units_sum);
    check_ok(mf_layer_parameter_info(layer_at(network, 0), 3, &info));
    assert_string_equal(info.name, "units.2.mean");
    assert_int_equal(info.trainable, 0);
    mf_network_free(network);
}

static void test_a_golden_checkpoint_of_units_continues_as_expected(void **state)
{
    mf_network *network = load("format2/units_training", MF_CONTENTS_TRAINING);

    (void)state;
    check_scores(network, GOLDEN_INPUTS, MF_PREDICT_LAST, units_training_last);
    check_scores(network, GOLDEN_INPUTS, MF_PREDICT_SUM, units_training_sum);
    golden_train(network, GOLDEN_INPUTS, 1);
    check_row(network, 0, "units.1.weight", units_training_weight_0, COUNT_OF(units_training_weight_0));
    check_row(network, 1, "units.1.weight", units_training_weight_1, COUNT_OF(units_training_weight_1));
    mf_network_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_golden_dense_model_gives_the_expected_scores),
        cmocka_unit_test(test_a_golden_convolutional_model_gives_the_expected_scores),
        cmocka_unit_test(test_a_golden_checkpoint_continues_as_expected),
        cmocka_unit_test(test_a_golden_model_of_units_gives_the_expected_scores),
        cmocka_unit_test(test_a_golden_checkpoint_of_units_continues_as_expected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
