"""What parameters mean whose function says nothing of them, because they mean the same in all functions of their
kind or the text above names them already.

The header stays short that way, and every page of the reference still tells of every parameter. Patterns of
"function.parameter", from the particular to the general; the first that fits counts. A comment in the header goes
before all of them: they are for parameters without @param.

SPDX-License-Identifier: MIT
"""
import fnmatch

OWN_SIZE = "its struct_size is set by the caller"

TABLE = [
    # specs and their like
    ("mf_*_spec_init.spec", "receives the defaults"),
    ("mf_*_spec_init.size", "sizeof *spec as the caller was compiled"),
    ("mf_batch_init.batch", "receives the defaults"),
    ("mf_batch_init.size", "sizeof *batch as the caller was compiled"),
    ("mf_shape_init.shape", "receives the defaults"),
    ("mf_parameter_info_init.info", "receives zeros and its struct_size"),
    ("mf_report_init.report", "receives zeros and its struct_size"),
    ("mf_memory_init.memory", "receives zeros and its struct_size"),
    ("mf_*_init.size", "size of the struct as the caller was compiled"),
    ("mf_layer_spec_follow.spec", "of the next layer; its input is set"),
    ("mf_layer_spec_follow.before", "the spec of the layer before it"),
    ("mf_layer_describe.spec", "receives what the layer is; " + OWN_SIZE),

    # handles come and go
    ("mf_network_create.spec", "what to make it from; NULL for the defaults"),
    ("mf_*_create.spec", "what to make it from; copied"),
    ("mf_*_create.*", "receives the handle, or NULL on failure"),
    ("mf_*_free.*", "what to let go of; NULL is fine"),
    ("mf_arena_init.buffer", "[bytes] of the caller's, of any alignment; outlives the handles made with it"),
    ("mf_arena_init.bytes", "its size"),
    ("mf_arena_init.allocator", "receives the functions and the buffer, for the specs of the handles"),

    # keys and their values
    ("mf_optimizer_*.key", "MF_OPTIMIZER_LEARNING_RATE or another of these keys"),
    ("mf_optimizer_range.lowest", "receives the least value that is allowed"),
    ("mf_optimizer_range.highest", "receives the greatest value that is allowed"),
    ("mf_layer_[sg]et.key", "MF_LAYER_DROPOUT or MF_LAYER_LABEL_SMOOTHING"),
    ("*_set.value", "the new value, in the range of its key"),
    ("*_get.value", "receives the value"),
    ("mf_optimizer_set.optimizer", "to change, for all layers that use it"),
    ("mf_optimizer_get.optimizer", "to look at"),

    # schedules
    ("mf_schedule_*.step", "number of the step, 0 for the first"),
    ("mf_schedule_cosine.total", "the step at which the floor is reached"),
    ("mf_schedule_cosine.floor", "the last factor"),
    ("mf_schedule_step.interval", "steps from one cut to the next"),
    ("mf_schedule_step.factor", "what each cut multiplies with"),
    ("mf_schedule_warmup.steps", "how many steps the warm-up takes"),

    # layers and their parameters
    ("mf_layer_shape.input", "receives the shape of a row of input, or NULL; " + OWN_SIZE),
    ("mf_layer_shape.output", "receives the shape of a row of activation, or NULL; " + OWN_SIZE),
    ("mf_*_set_classes.classes", "m, 2 or more"),
    ("mf_*_set_optimizer.optimizer", "to attach; NULL detaches"),
    ("mf_layer_parameter_count.count", "receives the number"),
    ("mf_layer_parameter_info.index", "0 to the number of parameters - 1"),
    ("mf_layer_parameter_info.info", "receives the description; " + OWN_SIZE),
    ("mf_layer_*.name", '"weight", "bias", "projection", "scale", "mean" or "variance", as far as the layer has it'),
    ("mf_layer_get_parameter.values", "[count] receives the values, shaped as mf_layer_parameter_info() tells"),
    ("mf_layer_set_parameter.values", "[count] the values, shaped as mf_layer_parameter_info() tells; all finite"),
    ("mf_layer_[sg]et_parameter.count", "number of values of the parameter"),
    ("mf_layer_set_trainable.trainable", "0: frozen; 1: it learns"),
    ("mf_layer_apply.layer", "has an optimizer attached"),
    ("mf_layer_apply.gradients", "[count] as mf_layer_gradients() writes them, all finite"),
    ("mf_layer_apply.count", "the number of values of all the layer's parameters together"),
    ("mf_layer_step_batch.layer", "has an optimizer attached"),
    ("mf_layer_set*.layer", "to change"),
    ("mf_layer_forward*.layer", "to compute with; it stays as it is"),
    ("mf_layer_goodness.layer", "to compute with; it stays as it is"),
    ("mf_layer_goodness.a", "[rows, n] the activation"),
    ("mf_layer_goodness.goodness", "[rows, m] receives the scores"),
    ("mf_layer_forward*.a", "[rows, n] receives the activation"),
    ("mf_layer_step_batch.a", "as in mf_layer_step()"),
    ("mf_layer_*.layer", "to look at"),
    ("mf_layer_step_batch.workspace", "as in mf_layer_step()"),
    ("mf_layer_*.workspace", "made for this layer or for a network that holds it"),

    # networks and places in them
    ("mf_network_append.layer", "to put there; the caller keeps its own reference"),
    ("mf_network_insert.layer", "to put there; the caller keeps its own reference"),
    ("mf_network_replace.layer", "to put there; the caller keeps its own reference"),
    ("mf_network_layer.layer", "receives the layer, borrowed; or NULL"),
    ("mf_network_layer.id", "receives the id of its place; or NULL"),
    ("mf_network_append.id", "receives the id of the new place; or NULL"),
    ("mf_network_insert.id", "receives the id of the new place; or NULL"),
    ("mf_network_*.id", "of the place, as mf_network_append() gave it"),
    ("mf_network_insert.position", "0 to the number of layers"),
    ("mf_network_position.position", "receives the position, 0 for the first layer"),
    ("mf_network_size.size", "receives the number of layers"),
    ("mf_network_step_layer*.position", "of the layer that learns, 0 for the first"),
    ("*.position", "of the layer, 0 for the first"),
    ("mf_network_step*.network", "whose layers have optimizers attached"),
    ("mf_network_append.network", "to change"),
    ("mf_network_insert.network", "to change"),
    ("mf_network_remove.network", "to change"),
    ("mf_network_replace.network", "to change"),
    ("mf_network_set_*.network", "whose layers change"),
    ("mf_network_*.network", "to look at"),

    # data in and out of networks
    ("mf_network_step*.workspace", "made for training, for this network; receives the reports"),
    ("mf_network_evaluate*.workspace", "made for this network; receives the reports"),
    ("mf_network_*.workspace", "made for this network"),
    ("*.mode", "MF_PREDICT_LAST or MF_PREDICT_SUM"),
    ("*.rows", "B, 1 to the workspace's max_batch; may change from call to call"),
    ("mf_layer_*.x", "[rows, k], all finite"),
    ("*.x", "[rows, k of the first layer], all finite"),
    ("*.y", "[rows] labels, 0 to m - 1"),
    ("mf_*_infer.labels", "[rows] receives the classes; or NULL"),
    ("mf_*_infer.goodness", "[rows, m] receives the scores; or NULL"),
    ("mf_*_infer.probabilities", "[rows, m] receives their softmax; or NULL"),
    ("*.labels", "[rows] receives the classes"),
    ("*.goodness", "[rows, m] receives the scores"),
    ("*.probabilities", "[rows, m] receives the probabilities"),
    ("*.batch", "the rows, with what is to be said about them"),

    # workspaces, BLAS, status
    ("mf_workspace_report*.workspace", "to look at"),
    ("mf_workspace_report*.report", "receives the report; " + OWN_SIZE),
    ("mf_blas_set_threads.threads", "1 or more"),
    ("mf_blas_get_threads.threads", "receives the number"),
    ("mf_status_name.status", "any value"),

    # what functions return that cannot fail
    ("mf_version.@return", "the version"),
    ("mf_status_name.@return", "the name"),
    ("mf_last_message.@return", "the message"),
    ("mf_mpi_version.@return", "the version"),
    ("mf_mpi_last_message.@return", "the message"),
    ("mf_products_name.@return", "the name"),
    ("mf_blas_name.@return", "the name"),
    ("mf_schedule_*.@return", "the factor"),
]


def meaning(function, parameter):
    """The text for a parameter, or for "@return"; None if nothing is known of it."""
    name = f"{function}.{parameter}"
    return next((text for pattern, text in TABLE if fnmatch.fnmatchcase(name, pattern)), None)
