package monoforward

/*
#include <monoforward.h>

// The spec points to the shape. cgo does not let a struct of Go's point to another one, so that is done here.
static mf_status create_builder(mf_builder_spec *spec, const mf_shape *input, mf_builder **builder)
{
	spec->input = input;
	mf_status status = mf_builder_create(spec, builder);
	spec->input = NULL;
	return status;
}
*/
import "C"

import "runtime"

// Kinds of units.
const (
	UnitDense      = int(C.MF_UNIT_DENSE)
	UnitConv2D     = int(C.MF_UNIT_CONV2D)
	UnitBatchNorm  = int(C.MF_UNIT_BATCH_NORM)
	UnitActivation = int(C.MF_UNIT_ACTIVATION)
	UnitPool       = int(C.MF_UNIT_POOL)
	UnitDropout    = int(C.MF_UNIT_DROPOUT)
	UnitAdd        = int(C.MF_UNIT_ADD)
	UnitLayerNorm  = int(C.MF_UNIT_LAYER_NORM)
	UnitGlobalPool = int(C.MF_UNIT_GLOBAL_POOL)
	UnitConcat     = int(C.MF_UNIT_CONCAT)
	UnitTranspose  = int(C.MF_UNIT_TRANSPOSE)
	UnitTokens     = int(C.MF_UNIT_TOKENS)
	UnitPositions  = int(C.MF_UNIT_POSITIONS)
	UnitAttention  = int(C.MF_UNIT_ATTENTION)
	UnitEmbedding  = int(C.MF_UNIT_EMBEDDING)
	UnitFlatten    = int(C.MF_UNIT_FLATTEN)
)

// Poolings of a unit.
const (
	PoolAverage = int(C.MF_POOL_AVERAGE)
	PoolMax     = int(C.MF_POOL_MAX)
	PoolInside  = int(C.MF_POOL_AVERAGE_INSIDE)
)

// Starting values of weights and projections.
const (
	InitKaimingUniform = int(C.MF_INIT_KAIMING_UNIFORM)
	InitZero           = int(C.MF_INIT_ZERO)
	InitOrthogonal     = int(C.MF_INIT_ORTHOGONAL)
	InitNormal         = int(C.MF_INIT_NORMAL)
)

// How a step draws the classes that it scores.
const (
	SamplingNone       = int(C.MF_SAMPLING_NONE) // all are scored
	SamplingUniform    = int(C.MF_SAMPLING_UNIFORM)
	SamplingLogUniform = int(C.MF_SAMPLING_LOG_UNIFORM)
	SamplingCounts     = int(C.MF_SAMPLING_COUNTS)
)

// Previous stands for the node that was added last.
const Previous = int(C.MF_NODE_PREVIOUS)

// UnitSpec is what a unit is made from; begin with DefaultUnit. Each kind reads its own fields.
type UnitSpec struct {
	Kind                    int
	Inputs                  [2]int
	Outputs                 int
	Bias                    bool
	WeightInit              int
	WeightGain              float32
	Activation              int
	Leak                    float32
	Pool                    int
	Kernel, Stride, Padding [2]int
	Dropout                 float32
	DropoutMaps             bool
	NormalizationRate       float32
	NormalizationEpsilon    float32
	Heads                   int
	Causal                  bool
	Vocabulary, Groups      int
	LossWeight              float32
}

// DefaultUnit is a unit of this kind with the library's defaults.
func DefaultUnit(kind int) UnitSpec {
	var raw C.mf_unit_spec
	C.mf_unit_spec_init(&raw, C.sizeof_mf_unit_spec)
	spec := unitSpec(&raw)
	spec.Kind = kind
	return spec
}

func unitSpec(raw *C.mf_unit_spec) UnitSpec {
	pair := func(sizes [2]C.size_t) [2]int { return [2]int{int(sizes[0]), int(sizes[1])} }
	return UnitSpec{
		Kind:                 int(raw.kind),
		Inputs:               [2]int{int(raw.inputs[0]), int(raw.inputs[1])},
		Outputs:              int(raw.outputs),
		Bias:                 raw.bias != 0,
		WeightInit:           int(raw.weight_init),
		WeightGain:           float32(raw.weight_gain),
		Activation:           int(raw.activation),
		Leak:                 float32(raw.leak),
		Pool:                 int(raw.pool),
		Kernel:               pair(raw.kernel),
		Stride:               pair(raw.stride),
		Padding:              pair(raw.padding),
		Dropout:              float32(raw.dropout),
		DropoutMaps:          raw.dropout_maps != 0,
		NormalizationRate:    float32(raw.normalization_rate),
		NormalizationEpsilon: float32(raw.normalization_epsilon),
		Heads:                int(raw.heads),
		Causal:               raw.causal != 0,
		Vocabulary:           int(raw.vocabulary),
		Groups:               int(raw.groups),
		LossWeight:           float32(raw.loss_weight),
	}
}

func (s *UnitSpec) raw() (raw C.mf_unit_spec) {
	pair := func(sizes [2]int) [2]C.size_t { return [2]C.size_t{C.size_t(sizes[0]), C.size_t(sizes[1])} }
	C.mf_unit_spec_init(&raw, C.sizeof_mf_unit_spec)
	raw.kind = narrow(s.Kind)
	raw.inputs = [2]C.int32_t{narrow(s.Inputs[0]), narrow(s.Inputs[1])}
	raw.outputs = C.size_t(s.Outputs)
	raw.bias = flag(s.Bias)
	raw.weight_init, raw.weight_gain = narrow(s.WeightInit), C.float(s.WeightGain)
	raw.activation = narrow(s.Activation)
	raw.leak = C.float(s.Leak)
	raw.pool = narrow(s.Pool)
	raw.kernel, raw.stride, raw.padding = pair(s.Kernel), pair(s.Stride), pair(s.Padding)
	raw.dropout = C.float(s.Dropout)
	raw.dropout_maps = flag(s.DropoutMaps)
	raw.normalization_rate, raw.normalization_epsilon = C.float(s.NormalizationRate), C.float(s.NormalizationEpsilon)
	raw.heads = C.size_t(s.Heads)
	raw.vocabulary, raw.groups = C.size_t(s.Vocabulary), C.size_t(s.Groups)
	raw.causal = flag(s.Causal)
	raw.loss_weight = C.float(s.LossWeight)
	return raw
}

// Kinds of ready-made blocks.
const (
	BlockResidual    = int(C.MF_BLOCK_RESIDUAL)
	BlockBottleneck  = int(C.MF_BLOCK_BOTTLENECK)
	BlockMixer       = int(C.MF_BLOCK_MIXER)
	BlockTransformer = int(C.MF_BLOCK_TRANSFORMER)
)

// ActivationAuto stands for the usual activation of a block.
const ActivationAuto = int(C.MF_ACTIVATION_AUTO)

// BlockSpec is what a ready-made block is made from; begin with DefaultBlock. Each kind reads its own fields.
type BlockSpec struct {
	Kind                int
	Input               int
	Activation          int
	Outputs             int
	Stride              [2]int
	Hidden, TokenHidden int
	Heads               int
	Causal              bool
}

// DefaultBlock is a block of this kind with the library's defaults.
func DefaultBlock(kind int) BlockSpec {
	var raw C.mf_block_spec
	C.mf_block_spec_init(&raw, C.sizeof_mf_block_spec)
	return BlockSpec{Kind: kind, Input: int(raw.input), Activation: int(raw.activation)}
}

func (s *BlockSpec) raw() (raw C.mf_block_spec) {
	C.mf_block_spec_init(&raw, C.sizeof_mf_block_spec)
	raw.kind = narrow(s.Kind)
	raw.input = narrow(s.Input)
	raw.activation = narrow(s.Activation)
	raw.outputs = C.size_t(s.Outputs)
	raw.stride = [2]C.size_t{C.size_t(s.Stride[0]), C.size_t(s.Stride[1])}
	raw.hidden, raw.token_hidden = C.size_t(s.Hidden), C.size_t(s.TokenHidden)
	raw.heads = C.size_t(s.Heads)
	raw.causal = flag(s.Causal)
	return raw
}

// HeadSpec is what a head is made from. PoolSize 0: the projection reads the layer's output as it is; s: its
// adaptive average pooling to s x s. OutputNode 0: the last unit gives the layer's output; otherwise that node
// does, and the units behind it are the head's own. InputNode 0: the projection reads the last unit; otherwise that
// node, behind which are the auxiliary heads: dense units with a LossWeight. ProjectionGain 0: 1.
type HeadSpec struct {
	Classes, PoolSize int
	OutputNode        int
	InputNode         int
	ProjectionInit    int
	ProjectionGain    float32
	LabelSmoothing    float32
	Sampling          int     // how candidates are drawn for a batch, and
	Candidates        int     // how many
	Similarity        float32 // part of the loss for how alike rows are; the last unit is the map for that
	Positions         bool    // a goodness for each position of a sequence
	Shared            *Matrix // what the projection begins with and does not learn; nil: nothing
}

// Builder makes layers of several units. Each call adds one and returns the builder, so that calls can be chained:
//
//	block, err := monoforward.NewBuilder(16, 32, 32).Conv2D(16).BatchNorm().ReLU().
//		Conv2D(16).BatchNorm().Add(0).ReLU().Head(10).Build()
//
// The first failure stays: Build returns it.
type Builder struct {
	handle     *C.mf_builder
	err        error
	node, next int
}

// NewBuilder begins layers whose rows have this shape: values, or maps, height and width.
func NewBuilder(shape ...int) *Builder {
	return NewSeededBuilder(0, shape...)
}

// NewSeededBuilder does so for layers that start alike wherever the seed is the same; 0 stands for the next seed of
// the process.
func NewSeededBuilder(seed uint64, shape ...int) *Builder {
	return NewBuilderWith(BuilderSpec{Seed: seed}, shape...)
}

// BuilderSpec is what all layers of a builder have in common. Seed 0 stands for the next seed of the process, and the
// zero value of Precision is Float32. Dropout is that of a layer's output; with DropoutMaps, of whole maps.
type BuilderSpec struct {
	Seed        uint64
	Precision   int
	Dropout     float32
	DropoutMaps bool
}

// NewBuilderWith begins layers with these options.
func NewBuilderWith(options BuilderSpec, shape ...int) *Builder {
	b := &Builder{next: Previous}
	var input C.mf_shape
	var spec C.mf_builder_spec
	C.mf_shape_init(&input, C.sizeof_mf_shape)
	input.rank = narrow(len(shape))
	for i := 0; i < len(shape) && i < len(input.dims); i++ {
		input.dims[i] = C.size_t(shape[i])
	}
	C.mf_builder_spec_init(&spec, C.sizeof_mf_builder_spec)
	spec.seed = C.uint64_t(options.Seed)
	spec.precision = narrow(options.Precision)
	spec.dropout, spec.dropout_maps = C.float(options.Dropout), flag(options.DropoutMaps)
	b.err = call(func() C.mf_status { return C.create_builder(&spec, &input, &b.handle) })
	runtime.SetFinalizer(b, (*Builder).Close)
	return b
}

// Close gives the builder up; its layers stay.
func (b *Builder) Close() {
	runtime.SetFinalizer(b, nil)
	C.mf_builder_free(b.handle)
	b.handle = nil
}

// Unit adds any unit.
func (b *Builder) Unit(spec UnitSpec) *Builder {
	if b.next != Previous {
		spec.Inputs[0], b.next = b.next, Previous
	}
	raw := spec.raw()
	var node C.int32_t
	if b.err == nil {
		b.err = call(func() C.mf_status { return C.mf_builder_unit(b.handle, &raw, &node) }, b)
	}
	if b.err == nil {
		b.node = int(node)
	}
	return b
}

// Dense adds a fully connected unit.
func (b *Builder) Dense(outputs int) *Builder {
	spec := DefaultUnit(UnitDense)
	spec.Outputs = outputs
	return b.Unit(spec)
}

// Conv2D adds a convolution of 3 x 3 that keeps the size of the maps.
func (b *Builder) Conv2D(filters int) *Builder {
	return b.Conv2DWith(filters, 3, 1, 1)
}

// Conv2DWith adds a convolution with a square kernel.
func (b *Builder) Conv2DWith(filters, kernel, padding, stride int) *Builder {
	spec := DefaultUnit(UnitConv2D)
	spec.Outputs = filters
	spec.Kernel = [2]int{kernel, kernel}
	spec.Padding = [2]int{padding, padding}
	spec.Stride = [2]int{stride, stride}
	return b.Unit(spec)
}

// BatchNorm adds a batch normalisation.
func (b *Builder) BatchNorm() *Builder {
	return b.Unit(DefaultUnit(UnitBatchNorm))
}

// Activation adds one: ReLU, ...
func (b *Builder) Activation(kind int) *Builder {
	spec := DefaultUnit(UnitActivation)
	spec.Activation = kind
	return b.Unit(spec)
}

// ReLU adds max(z, 0).
func (b *Builder) ReLU() *Builder { return b.Activation(ReLU) }

// Tanh adds a hyperbolic tangent.
func (b *Builder) Tanh() *Builder { return b.Activation(Tanh) }

// GELU adds a Gaussian error linear unit.
func (b *Builder) GELU() *Builder { return b.Activation(GELU) }

// SiLU adds z / (1 + exp(-z)).
func (b *Builder) SiLU() *Builder { return b.Activation(SiLU) }

// LeakyReLU adds z if z > 0, else leak z.
func (b *Builder) LeakyReLU(leak float32) *Builder {
	spec := DefaultUnit(UnitActivation)
	spec.Activation, spec.Leak = LeakyReLU, leak
	return b.Unit(spec)
}

// MaxPool takes the largest value of each window of size x size; windows are `stride` apart, and 0 is their size.
func (b *Builder) MaxPool(size, stride int) *Builder { return b.pool(PoolMax, size, stride) }

// AveragePool takes the mean of each window.
func (b *Builder) AveragePool(size, stride int) *Builder { return b.pool(PoolAverage, size, stride) }

func (b *Builder) pool(kind, size, stride int) *Builder {
	spec := DefaultUnit(UnitPool)
	spec.Pool = kind
	spec.Kernel, spec.Stride = [2]int{size, size}, [2]int{stride, stride}
	return b.Unit(spec)
}

// Dropout sets values to 0 at random in steps; with maps, whole maps.
func (b *Builder) Dropout(rate float32, maps bool) *Builder {
	spec := DefaultUnit(UnitDropout)
	spec.Dropout, spec.DropoutMaps = rate, maps
	return b.Unit(spec)
}

// LayerNorm adds one. Layer normalisation: of the values of a row, or of each position of a sequence.
func (b *Builder) LayerNorm() *Builder { return b.Unit(DefaultUnit(UnitLayerNorm)) }

// GlobalPool adds one. The mean of each map, or of the positions of a sequence.
func (b *Builder) GlobalPool() *Builder { return b.Unit(DefaultUnit(UnitGlobalPool)) }

// Transpose adds one. A sequence [T, d] turned into [d, T], so that what follows works along the positions.
func (b *Builder) Transpose() *Builder { return b.Unit(DefaultUnit(UnitTranspose)) }

// Tokens adds one. Maps [d, height, width] as a sequence [height width, d].
func (b *Builder) Tokens() *Builder { return b.Unit(DefaultUnit(UnitTokens)) }

// Flatten adds one. A sequence or maps as a row of all their values, which takes no time.
func (b *Builder) Flatten() *Builder { return b.Unit(DefaultUnit(UnitFlatten)) }

// Positions adds one. Adds learned positions to a sequence.
func (b *Builder) Positions() *Builder { return b.Unit(DefaultUnit(UnitPositions)) }

// Embedding adds one: of a row of T tokens, the layer's input, it makes the sequence [T, outputs].
func (b *Builder) Embedding(vocabulary, outputs int) *Builder {
	spec := DefaultUnit(UnitEmbedding)
	spec.Inputs, spec.Vocabulary, spec.Outputs = [2]int{0, 0}, vocabulary, outputs
	return b.Unit(spec)
}

// Attention adds one of several heads: of [T, 3 d], queries, keys and values behind each other, it makes [T, d].
func (b *Builder) Attention(heads int, causal bool) *Builder {
	spec := DefaultUnit(UnitAttention)
	spec.Heads, spec.Causal = heads, causal
	return b.Unit(spec)
}

// Add adds a node to the one before; 0 is the layer's input.
func (b *Builder) Add(node int) *Builder {
	spec := DefaultUnit(UnitAdd)
	spec.Inputs = [2]int{Previous, node}
	return b.Unit(spec)
}

// Concat puts the values of a node behind those of the one before.
func (b *Builder) Concat(node int) *Builder {
	spec := DefaultUnit(UnitConcat)
	spec.Inputs = [2]int{Previous, node}
	return b.Unit(spec)
}

// Block adds the units of a ready-made block.
func (b *Builder) Block(spec BlockSpec) *Builder {
	if b.next != Previous {
		spec.Input, b.next = b.next, Previous
	}
	raw := spec.raw()
	var node C.int32_t
	if b.err == nil {
		b.err = call(func() C.mf_status { return C.mf_builder_block(b.handle, &raw, &node) }, b)
	}
	if b.err == nil {
		b.node = int(node)
	}
	return b
}

// Residual adds two convolutions and a skip; 0 outputs: as many maps as its input has.
func (b *Builder) Residual(outputs, stride int) *Builder {
	return b.mapsBlock(BlockResidual, outputs, stride)
}

// Bottleneck adds a convolution of a quarter of the maps between two of 1 x 1, and a skip.
func (b *Builder) Bottleneck(outputs, stride int) *Builder {
	return b.mapsBlock(BlockBottleneck, outputs, stride)
}

func (b *Builder) mapsBlock(kind, outputs, stride int) *Builder {
	spec := DefaultBlock(kind)
	spec.Outputs, spec.Stride = outputs, [2]int{stride, stride}
	return b.Block(spec)
}

// Mixer adds products along the positions and along the values of a sequence.
func (b *Builder) Mixer() *Builder { return b.Block(DefaultBlock(BlockMixer)) }

// Transformer adds attention and two products behind it.
func (b *Builder) Transformer(heads int, causal bool) *Builder {
	spec := DefaultBlock(BlockTransformer)
	spec.Heads, spec.Causal = heads, causal
	return b.Block(spec)
}

// Branch lets the next unit or block read this node instead of the one before.
func (b *Builder) Branch(node int) *Builder {
	b.next = node
	return b
}

// Head sets the head: a projection to the classes.
func (b *Builder) Head(classes int) *Builder {
	return b.HeadWith(HeadSpec{Classes: classes})
}

// HeadWith sets the head with its options.
func (b *Builder) HeadWith(spec HeadSpec) *Builder {
	var raw C.mf_head_spec
	C.mf_head_spec_init(&raw, C.sizeof_mf_head_spec)
	raw.classes = C.size_t(spec.Classes)
	raw.pool_size = C.size_t(spec.PoolSize)
	raw.projection_init = narrow(spec.ProjectionInit)
	raw.label_smoothing = C.float(spec.LabelSmoothing)
	raw.similarity = C.float(spec.Similarity)
	raw.sampling, raw.candidates = narrow(spec.Sampling), C.size_t(spec.Candidates)
	if spec.ProjectionGain != 0 {
		raw.projection_gain = C.float(spec.ProjectionGain)
	}
	if spec.OutputNode != 0 {
		raw.output_node = narrow(spec.OutputNode)
	}
	if spec.InputNode != 0 {
		raw.input_node = narrow(spec.InputNode)
	}
	if spec.Positions {
		raw.kind = C.MF_HEAD_POSITIONS
	}
	if spec.Shared != nil {
		raw.shared = spec.Shared.handle
		if raw.shared == nil && b.err == nil {
			b.err = closed("matrix")
		}
	}
	if b.err == nil {
		b.err = call(func() C.mf_status { return C.mf_builder_head(b.handle, &raw) }, b, spec.Shared)
	}
	return b
}

// Node is the number of the node that was added last; 0 if there is none.
func (b *Builder) Node() int { return b.node }

// Build makes a layer, and another one each time.
func (b *Builder) Build() (*Layer, error) {
	if b.err != nil {
		return nil, b.err
	}
	l := &Layer{}
	if err := call(func() C.mf_status { return C.mf_layer_build(b.handle, &l.handle) }, b); err != nil {
		return nil, err
	}
	runtime.SetFinalizer(l, (*Layer).Close)
	return l, nil
}

// Units tells what the units of the layer were made from.
func (l *Layer) Units() ([]UnitSpec, error) {
	var count C.size_t
	err := call(func() C.mf_status { return C.mf_layer_unit_count(l.handle, &count) }, l)
	units := make([]UnitSpec, 0, int(count))
	for node := C.int32_t(1); err == nil && C.size_t(node) <= count; node++ {
		var raw C.mf_unit_spec
		C.mf_unit_spec_init(&raw, C.sizeof_mf_unit_spec)
		err = call(func() C.mf_status { return C.mf_layer_unit(l.handle, node, &raw, nil) }, l)
		units = append(units, unitSpec(&raw))
	}
	return units, err
}

// Shape is that of a row of the layer's activation: for the Builder of the next layer.
func (l *Layer) Shape() ([]int, error) {
	var raw C.mf_shape
	C.mf_shape_init(&raw, C.sizeof_mf_shape)
	err := call(func() C.mf_status { return C.mf_layer_shape(l.handle, nil, &raw) }, l)
	sizes := make([]int, int(raw.rank))
	for i := range sizes {
		sizes[i] = int(raw.dims[i])
	}
	return sizes, err
}

// ParameterNames are those of the layer's parameters, in their order.
func (l *Layer) ParameterNames() ([]string, error) {
	var count C.size_t
	err := call(func() C.mf_status { return C.mf_layer_parameter_count(l.handle, &count) }, l)
	names := make([]string, 0, int(count))
	for i := C.size_t(0); err == nil && i < count; i++ {
		var info C.mf_parameter_info
		C.mf_parameter_info_init(&info, C.sizeof_mf_parameter_info)
		err = call(func() C.mf_status { return C.mf_layer_parameter_info(l.handle, i, &info) }, l)
		if err == nil {
			names = append(names, C.GoString(info.name))
		}
	}
	return names, err
}

// Summary is what the network is, as lines for people, with the memory that training on such batches takes.
func (n *Network) Summary(maxBatch int) (string, error) {
	var needed C.size_t
	err := call(func() C.mf_status {
		status := C.mf_network_summary(n.handle, C.size_t(maxBatch), nil, 0, &needed)
		if status == C.MF_STATUS_CAPACITY {
			return C.MF_STATUS_OK
		}
		return status
	}, n)
	if err != nil {
		return "", err
	}
	text := make([]byte, int(needed))
	err = call(func() C.mf_status {
		return C.mf_network_summary(n.handle, C.size_t(maxBatch), characters(text), needed, nil)
	}, n, text)
	if err != nil {
		return "", err
	}
	return string(text[:len(text)-1]), nil
}
