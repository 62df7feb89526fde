package monoforward

/*
#include <stdlib.h>
#include <monoforward.h>

// A struct in the memory of Go must not lead to other memory of Go.
static mf_status top(const mf_network *network, mf_workspace *workspace, int32_t mode, size_t rows, const float *x,
                     size_t count, int32_t *labels, float *goodness, float *probabilities)
{
    mf_batch batch;
    mf_status status = mf_batch_init(&batch, sizeof batch);
    batch.rows = rows;
    batch.inputs = x;
    return status == MF_STATUS_OK
        ? mf_network_top(network, workspace, mode, &batch, count, labels, goodness, probabilities) : status;
}
*/
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"
)

// Mode tells which goodness answers.
type Mode int32

// Ways to predict.
const (
	Last Mode = C.MF_PREDICT_LAST // the last layer's goodness
	Sum  Mode = C.MF_PREDICT_SUM  // the sum of all layers'
)

// LabelIgnored is the label of a position without one.
const LabelIgnored = int32(C.MF_LABEL_IGNORED)

// Network is an ordered list of layers.
type Network struct {
	handle                  *C.mf_network
	inputs, labels, classes int // values, and labels, of a row: one, or one for each of its positions
}

// NewNetwork creates a network of layers, first to last. The caller may close them: the network keeps its own
// references.
func NewNetwork(layers ...*Layer) (*Network, error) {
	n := &Network{labels: 1}
	if err := call(func() C.mf_status { return C.mf_network_create(nil, &n.handle) }); err != nil {
		return nil, err
	}
	runtime.SetFinalizer(n, (*Network).Close)
	for _, layer := range layers {
		err := call(func() C.mf_status { return C.mf_network_append(n.handle, layer.handle, nil) }, n, layer)
		if err != nil {
			n.Close()
			return nil, err
		}
	}
	return n, n.measure()
}

// LoadNetwork reads a model file. Its layers have no optimizer.
func LoadNetwork(path string) (*Network, error) {
	text, err := newText(path)
	if err != nil {
		return nil, err
	}
	defer C.free(unsafe.Pointer(text))
	n := &Network{labels: 1}
	if err := call(func() C.mf_status { return C.mf_network_load(nil, text, &n.handle) }); err != nil {
		return nil, err
	}
	runtime.SetFinalizer(n, (*Network).Close)
	return n, n.measure()
}

// measure remembers what slices are checked against; an empty network has nothing to remember.
func (n *Network) measure() error {
	var size C.size_t
	err := call(func() C.mf_status { return C.mf_network_size(n.handle, &size) }, n)
	if err != nil || size == 0 {
		return err
	}
	var layer *C.mf_layer
	err = call(func() C.mf_status { return C.mf_network_layer(n.handle, 0, &layer, nil) }, n)
	if err != nil {
		return err
	}
	if n.labels, err = labelsOf(layer); err != nil {
		return err
	}
	first, err := n.Describe(0)
	n.inputs, n.classes = first.Inputs, first.Classes
	return err
}

// Describe tells what the layer at a position is. Of a layer of several units, Units tells more.
func (n *Network) Describe(position int) (LayerSpec, error) {
	var layer *C.mf_layer
	err := call(func() C.mf_status {
		return C.mf_network_layer(n.handle, C.size_t(position), &layer, nil)
	}, n)
	if err != nil {
		return LayerSpec{}, err
	}
	spec, err := describe(layer)
	runtime.KeepAlive(n)
	return spec, err
}

// Close gives the network up.
func (n *Network) Close() {
	runtime.SetFinalizer(n, nil)
	C.mf_network_free(n.handle)
	n.handle = nil
}

// Save writes the layers to a model file.
func (n *Network) Save(path string) error {
	text, err := newText(path)
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(text))
	return call(func() C.mf_status { return C.mf_network_save(n.handle, C.MF_CONTENTS_MODEL, text) }, n)
}

// SetOptimizer attaches an optimizer to every layer.
func (n *Network) SetOptimizer(optimizer *Optimizer) error {
	if optimizer.handle == nil {
		return closed("optimizer")
	}
	return call(func() C.mf_status {
		return C.mf_network_set_optimizer(n.handle, optimizer.handle)
	}, n, optimizer)
}

// Step trains every layer on one batch: x holds a row of inputs for each label in y, or, for goodness at positions, for
// as many labels as a row has positions.
func (n *Network) Step(w *Workspace, x []float32, y []int32) error {
	if err := n.checkLabels(x, len(y)); err != nil {
		return err
	}
	return call(func() C.mf_status {
		return C.mf_network_step(n.handle, w.handle, C.size_t(len(y)/n.labels), floats(x), integers(y))
	}, n, w, x, y)
}

// Evaluate fills the reports of the workspace for a labelled batch, without learning.
func (n *Network) Evaluate(w *Workspace, x []float32, y []int32) error {
	if err := n.checkLabels(x, len(y)); err != nil {
		return err
	}
	return call(func() C.mf_status {
		return C.mf_network_evaluate(n.handle, w.handle, C.size_t(len(y)/n.labels), floats(x), integers(y))
	}, n, w, x, y)
}

// Predict writes the class of every row of x to labels.
func (n *Network) Predict(w *Workspace, mode Mode, x []float32, labels []int32) error {
	if err := n.checkLabels(x, len(labels)); err != nil {
		return err
	}
	return call(func() C.mf_status {
		return C.mf_network_predict(n.handle, w.handle, C.int32_t(mode), C.size_t(len(labels)/n.labels), floats(x),
			integers(labels))
	}, n, w, x, labels)
}

// Probabilities writes one probability per class for every row of x.
func (n *Network) Probabilities(w *Workspace, mode Mode, x, probabilities []float32) error {
	rows := len(probabilities)
	scores := n.labels * n.classes
	if scores > 0 {
		rows /= scores
	}
	if rows*scores != len(probabilities) {
		return &Error{StatusShape, fmt.Sprintf("%d probabilities are no rows of %d",
			len(probabilities), scores)}
	}
	if err := n.check(x, rows); err != nil {
		return err
	}
	return call(func() C.mf_status {
		return C.mf_network_probabilities(n.handle, w.handle, C.int32_t(mode), C.size_t(rows), floats(x),
			floats(probabilities))
	}, n, w, x, probabilities)
}

// Top writes the best classes of every row of x to labels, best first, as many for each as fit, with their scores and
// probabilities.
func (n *Network) Top(w *Workspace, mode Mode, x []float32, labels []int32, goodness, probabilities []float32) error {
	rows, count := 0, 0
	if n.inputs > 0 {
		rows = len(x) / n.inputs
	}
	if err := n.check(x, rows); err != nil {
		return err
	}
	if rows > 0 {
		count = len(labels) / (rows * n.labels)
	}
	if size := rows * n.labels * count; size != len(labels) || size != len(goodness) || size != len(probabilities) {
		return &Error{StatusShape, fmt.Sprintf("%d labels, %d scores and %d probabilities are not as many for each of %d",
			len(labels), len(goodness), len(probabilities), rows*n.labels)}
	}
	return call(func() C.mf_status {
		return C.top(n.handle, w.handle, C.int32_t(mode), C.size_t(rows), floats(x), C.size_t(count), integers(labels),
			floats(goodness), floats(probabilities))
	}, n, w, x, labels, goodness, probabilities)
}

// checkLabels is check for rows with that many labels together: one each, or one for each position of a sequence.
func (n *Network) checkLabels(x []float32, labels int) error {
	if labels%n.labels != 0 {
		return &Error{StatusShape, fmt.Sprintf("%d labels are no rows of %d", labels, n.labels)}
	}
	return n.check(x, labels/n.labels)
}

// check finds slices that the library would read beyond. What else can be wrong with a batch, it finds
// itself.
func (n *Network) check(x []float32, rows int) error {
	if len(x) == rows*n.inputs {
		return nil
	}
	return &Error{StatusShape, fmt.Sprintf("x has %d values, expected %d rows of %d inputs", len(x), rows, n.inputs)}
}
