/* Owns: scratch memory for one network or one layer and a largest batch, and the reports of each layer. */
#ifndef MFI_MODEL_WORKSPACE_H
#define MFI_MODEL_WORKSPACE_H

#include "model/network.h"

/* One layer that the workspace serves. It holds a reference, so that the pointer stays comparable. */
typedef struct mfi_slot {
    mf_layer *layer;
    uint64_t revision;
    mf_report report;
} mfi_slot;

struct mf_workspace {
    mfi_handle head;
    mf_network *network; /* NULL in a workspace for a single layer */
    uint64_t revision;   /* of the network */
    bool training;
    size_t max_batch;
    size_t count;
    mfi_slot *slots;
    mf_report sum;
    float *activations[2]; /* even and odd layers write in turn; each as wide as its widest layer */
    float *total;          /* [B, m] the goodness of all layers together; NULL for a single layer */
    mfi_scratch scratch;
};

/* The specs of layers that exist, or of layers to come. */
typedef struct mfi_layer_list {
    const void *source;
    mf_layer_spec (*at)(const void *source, size_t position);
    size_t count;
    bool network; /* of a network, or a single layer */
} mfi_layer_list;

mfi_layer_list mfi_list_network(const mf_network *network);

/* OK if these layers can work on batches of that many rows together: for workspaces and pipelines. */
mf_status mfi_check_layers(const mfi_layer_list *layers, size_t max_batch);

/* What these layers share, since they take turns: two activations, of the even and of the odd ones, each as
 * wide as its widest layer, and scratch, each area as large as the layer that needs most of it. False if a
 * size does not fit. */
bool mfi_count_shared(const mfi_layer_list *layers, size_t rows, bool training, size_t activations[2],
                      mfi_scratch_sizes *scratch);

/* What a workspace for them takes. */
mf_status mfi_workspace_bytes(const mfi_layer_list *layers, int32_t purpose, size_t max_batch, size_t *bytes);

mf_status mfi_workspace_create(const mf_workspace_spec *spec, mf_workspace **workspace);
void mfi_workspace_release(mf_workspace *workspace);

/* OK if the workspace serves exactly this network as it is now, and for training if asked. */
mf_status mfi_workspace_check_network(const mf_workspace *workspace, const mf_network *network,
                                      bool training);

/* The same for one of its layers, whose slot it finds. */
mf_status mfi_workspace_check_layer(const mf_workspace *workspace, const mf_layer *layer, bool training,
                                    size_t *slot);

#endif
