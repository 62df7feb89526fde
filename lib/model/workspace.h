/* Owns: scratch memory for one network or one layer and a largest batch, and the reports of each layer. */
#ifndef MFI_MODEL_WORKSPACE_H
#define MFI_MODEL_WORKSPACE_H

#include "math/inputs.h"
#include "math/softmax.h"
#include "model/network.h"
#include "model/step.h"

/* One layer that the workspace serves. It holds a reference, so that the pointer stays comparable. */
typedef struct mfi_served {
    mf_layer *layer;
    uint64_t revision;
    mf_report report;
    float *features; /* [B, F] what M reads, where there are many classes */
} mfi_served;

/* Scores of more classes than this are never there at the same time: predictions and evaluations go over
 * blocks of so many. */
enum { MFI_CLASS_BLOCK = 4096 };

static inline bool mfi_many_classes(const mfi_plan *plan)
{
    return plan->head.classes > MFI_CLASS_BLOCK;
}

struct mf_workspace {
    mfi_handle handle;
    mf_network *network; /* NULL in a workspace for a single layer */
    uint64_t revision;   /* of the network */
    bool training;
    bool converts; /* takes inputs other than float32 */
    size_t max_batch;
    size_t count;
    mfi_served *served;
    mf_report sum;
    float *activations[2]; /* even and odd layers write in turn; each as wide as its widest layer */
    float *goodness;       /* [B, m] of one layer, or [B, T, m] at positions, and */
    float *total;          /* [B, m] of all of them together; both NULL for a single layer. Of more classes
                              than MFI_CLASS_BLOCK, they hold a block of so many */
    mfi_running *running;  /* [B] of all layers together, and then, of many classes, [B] of each layer */
    mfi_team team;         /* the threads that work on a call, if the workspace has a pool */
    mfi_workplace place;   /* scratch of the current layer; as large as that of the layer that needs most */
};

/* Where a list makes a plan of a layer's spec. */
typedef struct mfi_list_room {
    mfi_spec_room arrays;
    mfi_plan plan;
} mfi_list_room;

/* The plans of existing layers, or of layers that do not exist yet. */
typedef struct mfi_layer_list mfi_layer_list;
struct mfi_layer_list {
    const void *source;
    /* The plan at a position. It stays until that of another position but 0 is asked for; that of 0 stays. */
    mf_status (*at)(const mfi_layer_list *layers, size_t position, const mfi_plan **plan);
    /* [2] of plans that have to be made: that of layer 0, and the last one of the others. */
    mfi_list_room *rooms;
    size_t count;
    bool network; /* of a network, or a single layer */
};

mfi_layer_list mfi_list_network(const mf_network *network);

/* OK if these layers can work on batches of that many rows together: for workspaces and pipelines. */
mf_status mfi_check_layers(const mfi_layer_list *layers, size_t max_batch);

/* The memory that these layers use in turn: two activations, for even and for odd layers, each as wide as its
 * widest layer, counted in floats; and the scratch of the layer that needs most. */
mf_status mfi_count_shared(const mfi_layer_list *layers, size_t rows, bool training, size_t activations[2],
                           mfi_scratch_size *scratch);

/* What a workspace for them takes, if that many threads work on a call. */
mf_status mfi_workspace_bytes(const mfi_layer_list *layers, int32_t purpose, size_t max_batch, size_t threads,
                              size_t *bytes);

/* With room for the floats of inputs if the network, which may be NULL, scales them. */
int32_t mfi_workspace_purpose(const mf_network *network, int32_t purpose);

/* `team` is that of the spec's pool; the workspace becomes its owner, and keeps the pool. */
mf_status mfi_workspace_create(const mf_workspace_spec *spec, const mfi_team *team, mf_workspace **workspace);
void mfi_workspace_release(mf_workspace *workspace);

/* OK if the workspace serves exactly this network as it is now, and for training if asked. */
mf_status mfi_workspace_check_network(const mf_workspace *workspace, const mf_network *network,
                                      bool training);

/* The same for one of its layers, whose index it finds. */
mf_status mfi_workspace_check_layer(const mf_workspace *workspace, const mf_layer *layer, bool training,
                                    size_t *index);

/* Sets x and its stride for the layer at `index`, which is the first to read the batch: the caller's floats,
 * or a copy of inputs that are of another type or scaled, in the activation that this layer does not write.
 * It is there until the layer behind writes. STATE if the workspace was not made for such inputs. */
mf_status mfi_workspace_take_inputs(mf_workspace *workspace, size_t index, const mfi_inputs *inputs,
                                    mfi_rows *rows);

#endif
