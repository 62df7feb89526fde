/* Trains one layer on the sign of a number, as a check that a package is complete. */
#include <monoforward.h>
#include <stdio.h>

int main(void)
{
    const float x[] = {-2, -1, 1, 2};
    const int32_t y[] = {0, 0, 1, 1};
    float a[4 * 8], goodness[4 * 2];
    mf_optimizer_spec how;
    mf_layer_spec shape;
    mf_workspace_spec room;
    mf_optimizer *optimizer = NULL;
    mf_layer *layer = NULL;
    mf_workspace *workspace = NULL;
    int right = 0;

    mf_optimizer_spec_init(&how, sizeof how);
    how.learning_rate = 0.05f;
    mf_optimizer_create(&how, &optimizer);
    mf_layer_spec_init(&shape, sizeof shape);
    shape.inputs = 1;
    shape.outputs = 8;
    shape.classes = 2;
    mf_layer_create(&shape, &layer);
    mf_layer_set_optimizer(layer, optimizer);
    mf_workspace_spec_init(&room, sizeof room);
    room.layer = layer;
    room.max_batch = 4;
    mf_workspace_create(&room, &workspace);

    mf_status status = MF_STATUS_OK;
    for (int step = 0; step < 100 && status == MF_STATUS_OK; step++)
        status = mf_layer_step(layer, workspace, 4, x, y, NULL);
    if (status == MF_STATUS_OK)
        status = mf_layer_forward(layer, workspace, 4, x, a);
    if (status == MF_STATUS_OK)
        status = mf_layer_goodness(layer, workspace, 4, a, goodness);
    for (int i = 0; i < 4 && status == MF_STATUS_OK; i++)
        right += (goodness[2 * i + 1] > goodness[2 * i]) == y[i];
    if (status != MF_STATUS_OK)
        fprintf(stderr, "%s: %s\n", mf_status_name(status), mf_last_message());
    printf("result version=%s blas=%s right=%d\n", mf_version(), mf_blas_name(), right);

    mf_workspace_free(workspace);
    mf_layer_free(layer);
    mf_optimizer_free(optimizer);
    return right != 4;
}
