package monoforward

/*
#include <monoforward.h>
*/
import "C"

import "runtime"

// Kinds of optimizers.
const (
	SGD     = int(C.MF_OPTIMIZER_SGD)
	Adam    = int(C.MF_OPTIMIZER_ADAM)
	AdamW   = int(C.MF_OPTIMIZER_ADAMW)
	RMSprop = int(C.MF_OPTIMIZER_RMSPROP)
)

// OptimizerSpec is what an optimizer is made from; begin with DefaultOptimizer.
type OptimizerSpec struct {
	Kind         int
	LearningRate float32
	Momentum     float32
	WeightDecay  float32
	ClipNorm     float32
}

// DefaultOptimizer is Adam with the library's hyper-parameters.
func DefaultOptimizer() OptimizerSpec {
	var spec C.mf_optimizer_spec
	C.mf_optimizer_spec_init(&spec, C.sizeof_mf_optimizer_spec)
	return OptimizerSpec{int(spec.kind), float32(spec.learning_rate), float32(spec.momentum),
		float32(spec.weight_decay), float32(spec.clip_norm)}
}

// Optimizer is a set of hyper-parameters that layers share.
type Optimizer struct {
	handle *C.mf_optimizer
}

// NewOptimizer creates an optimizer.
func NewOptimizer(spec OptimizerSpec) (*Optimizer, error) {
	var raw C.mf_optimizer_spec
	C.mf_optimizer_spec_init(&raw, C.sizeof_mf_optimizer_spec)
	raw.kind = narrow(spec.Kind)
	raw.learning_rate = C.float(spec.LearningRate)
	raw.momentum = C.float(spec.Momentum)
	raw.weight_decay = C.float(spec.WeightDecay)
	raw.clip_norm = C.float(spec.ClipNorm)
	o := &Optimizer{}
	if err := call(func() C.mf_status { return C.mf_optimizer_create(&raw, &o.handle) }); err != nil {
		return nil, err
	}
	runtime.SetFinalizer(o, (*Optimizer).Close)
	return o, nil
}

// Close gives the optimizer up; layers that use it keep it.
func (o *Optimizer) Close() {
	runtime.SetFinalizer(o, nil)
	C.mf_optimizer_free(o.handle)
	o.handle = nil
}

// SetLearningRate counts from the next step of every layer that uses the optimizer.
func (o *Optimizer) SetLearningRate(rate float64) error {
	return call(func() C.mf_status {
		return C.mf_optimizer_set(o.handle, C.MF_OPTIMIZER_LEARNING_RATE, C.double(rate))
	}, o)
}
