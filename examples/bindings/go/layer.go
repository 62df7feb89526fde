package monoforward

/*
#include <stdlib.h>
#include <monoforward.h>
*/
import "C"

import (
	"runtime"
	"unsafe"
)

// Activations of a layer.
const (
	Identity  = int(C.MF_ACTIVATION_IDENTITY)
	ReLU      = int(C.MF_ACTIVATION_RELU)
	LeakyReLU = int(C.MF_ACTIVATION_LEAKY_RELU)
	Tanh      = int(C.MF_ACTIVATION_TANH)
	GELU      = int(C.MF_ACTIVATION_GELU)
	SiLU      = int(C.MF_ACTIVATION_SILU)
)

// Precisions of a layer's products with its weights.
const (
	Float32 = int(C.MF_PRECISION_FLOAT32)
	BF16    = int(C.MF_PRECISION_BF16)
)

// LayerSpec is what a dense layer is made from; begin with Dense. Seed 0 stands for the next seed of the
// process.
type LayerSpec struct {
	Inputs, Outputs, Classes int
	Activation               int
	Dropout                  float32
	LabelSmoothing           float32
	BatchNormalization       bool
	Precision                int
	Seed                     uint64
}

// Dense is a layer of this shape with the library's defaults.
func Dense(inputs, outputs, classes int) LayerSpec {
	var spec C.mf_layer_spec
	C.mf_layer_spec_init(&spec, C.sizeof_mf_layer_spec)
	spec.inputs, spec.outputs, spec.classes = C.size_t(inputs), C.size_t(outputs), C.size_t(classes)
	return layerSpec(&spec)
}

func layerSpec(raw *C.mf_layer_spec) LayerSpec {
	return LayerSpec{
		Inputs: int(raw.inputs), Outputs: int(raw.outputs), Classes: int(raw.classes),
		Activation:         int(raw.activation),
		Dropout:            float32(raw.dropout),
		LabelSmoothing:     float32(raw.label_smoothing),
		BatchNormalization: raw.normalization == C.MF_NORMALIZATION_BATCH,
		Precision:          int(raw.precision),
		Seed:               uint64(raw.seed),
	}
}

// Layer holds its parameters and what its optimizer remembers.
type Layer struct {
	handle *C.mf_layer
}

// NewLayer creates a layer and draws its parameters.
func NewLayer(spec LayerSpec) (*Layer, error) {
	var raw C.mf_layer_spec
	C.mf_layer_spec_init(&raw, C.sizeof_mf_layer_spec)
	raw.inputs = C.size_t(spec.Inputs)
	raw.outputs = C.size_t(spec.Outputs)
	raw.classes = C.size_t(spec.Classes)
	raw.activation = narrow(spec.Activation)
	raw.dropout = C.float(spec.Dropout)
	raw.label_smoothing = C.float(spec.LabelSmoothing)
	raw.precision = narrow(spec.Precision)
	raw.seed = C.uint64_t(spec.Seed)
	if spec.BatchNormalization {
		raw.normalization = C.MF_NORMALIZATION_BATCH
	}
	l := &Layer{}
	if err := call(func() C.mf_status { return C.mf_layer_create(&raw, &l.handle) }); err != nil {
		return nil, err
	}
	runtime.SetFinalizer(l, (*Layer).Close)
	return l, nil
}

// Close gives the layer up; networks that hold it keep it.
func (l *Layer) Close() {
	runtime.SetFinalizer(l, nil)
	C.mf_layer_free(l.handle)
	l.handle = nil
}

// Parameter copies out the values of "weight", "bias" or "projection".
func (l *Layer) Parameter(name string) ([]float32, error) {
	text, err := newText(name)
	if err != nil {
		return nil, err
	}
	defer C.free(unsafe.Pointer(text))
	var count, found C.size_t
	if err := call(func() C.mf_status { return C.mf_layer_parameter_count(l.handle, &count) }, l); err != nil {
		return nil, err
	}
	for i := C.size_t(0); i < count; i++ {
		info := C.mf_parameter_info{struct_size: C.sizeof_mf_parameter_info}
		err := call(func() C.mf_status { return C.mf_layer_parameter_info(l.handle, i, &info) }, l)
		if err != nil {
			return nil, err
		}
		if C.GoString(info.name) == name {
			found = info.count
		}
	}
	values := make([]float32, found)
	err = call(func() C.mf_status {
		return C.mf_layer_get_parameter(l.handle, text, floats(values), found)
	}, l, values)
	return values, err
}

// SetParameter replaces the values of a parameter, such as the "head.counts" that candidates are drawn by.
func (l *Layer) SetParameter(name string, values []float32) error {
	text, err := newText(name)
	if err != nil {
		return err
	}
	defer C.free(unsafe.Pointer(text))
	return call(func() C.mf_status {
		return C.mf_layer_set_parameter(l.handle, text, floats(values), C.size_t(len(values)))
	}, l, values)
}

// describe asks the library what a layer is.
func describe(layer *C.mf_layer) (LayerSpec, error) {
	raw := C.mf_layer_spec{struct_size: C.sizeof_mf_layer_spec}
	err := call(func() C.mf_status { return C.mf_layer_describe(layer, &raw) })
	return layerSpec(&raw), err
}

// labelsOf asks the library how many labels a row has.
func labelsOf(layer *C.mf_layer) (int, error) {
	goodness := C.mf_shape{struct_size: C.sizeof_mf_shape}
	err := call(func() C.mf_status { return C.mf_layer_goodness_shape(layer, &goodness) })
	if goodness.rank == 2 {
		return int(goodness.dims[0]), err
	}
	return 1, err
}
