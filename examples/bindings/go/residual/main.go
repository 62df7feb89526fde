// Residual builds a residual block as one layer from Go, and layers with other heads, and trains them. With
// $MONOFORWARD_RESIDUAL, the program that tests/ffi/residual.c becomes, the parameters are compared with those of the
// same layers in C, bit for bit.
//
// SPDX-License-Identifier: MIT
package main

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"

	mf "monoforward"
)

const (
	rows    = 12
	classes = 3
	steps   = 30
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func check(condition bool, format string, values ...interface{}) {
	if !condition {
		must(fmt.Errorf(format, values...))
	}
}

// Two convolutions and a skip; gradients flow through all of it and stop at its input.
func block(seed uint64) *mf.Layer {
	layer, err := mf.NewSeededBuilder(seed, 4, 6, 6).Conv2D(4).BatchNorm().ReLU().
		Conv2D(4).BatchNorm().Add(0).ReLU().Head(classes).Build()
	must(err)
	return layer
}

// hash is the FNV-1a of all parameters.
func hash(layer *mf.Layer) string {
	names, err := layer.ParameterNames()
	must(err)
	sum := fnv.New64a()
	for _, name := range names {
		values, err := layer.Parameter(name)
		must(err)
		for _, value := range values {
			bits := math.Float32bits(value)
			sum.Write([]byte{byte(bits), byte(bits >> 8), byte(bits >> 16), byte(bits >> 24)})
		}
	}
	return fmt.Sprintf("%016x", sum.Sum64())
}

// adam gives a network its optimizer.
func adam(network *mf.Network, learningRate float32) {
	how := mf.DefaultOptimizer()
	how.LearningRate = learningRate
	optimizer, err := mf.NewOptimizer(how)
	must(err)
	must(network.SetOptimizer(optimizer))
}

// learn trains a network, and returns its last loss.
func learn(network *mf.Network, x []float32, y []int32) float64 {
	adam(network, 0.01)
	workspace, err := mf.NewWorkspace(network, rows)
	must(err)
	var losses [steps]float64
	for i := range losses {
		must(network.Step(workspace, x, y))
		report, err := workspace.Report(0)
		must(err)
		losses[i] = report.Loss
	}
	check(losses[steps-1] < losses[0]/2, "the losses are %v", losses)
	return losses[steps-1]
}

// answers are the probabilities of one layer's classes.
func answers(network *mf.Network, x []float32) []float32 {
	workspace, err := mf.NewWorkspace(network, rows)
	must(err)
	layer, err := network.Describe(0)
	must(err)
	shares := make([]float32, rows*layer.Classes)
	must(network.Probabilities(workspace, mf.Last, x, shares))
	return shares
}

func summary(network *mf.Network) string {
	text, err := network.Summary(rows)
	must(err)
	return text
}

// reload is the network from a file of it.
func reload(network *mf.Network) *mf.Network {
	folder, err := os.MkdirTemp("", "residual")
	must(err)
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "model.safetensors")
	must(network.Save(path))
	loaded, err := mf.LoadNetwork(path)
	must(err)
	return loaded
}

func otherUnits() {
	small := mf.NewSeededBuilder(1, 2, 9, 9).Conv2DWith(4, 3, 0, 2).LeakyReLU(0.5).MaxPool(2, 0).Dropout(0.25, true).
		AveragePool(2, 1).Dense(6).GELU().Branch(5).Dense(6).Tanh()
	check(small.Node() == 9, "the last node is %d", small.Node())
	layer, err := small.Activation(mf.Identity).Add(7).HeadWith(mf.HeadSpec{Classes: 2, LabelSmoothing: 0.1}).Build()
	must(err)
	units, err := layer.Units()
	must(err)
	check(len(units) == 11 && units[0].Kind == mf.UnitConv2D && units[10].Kind == mf.UnitAdd, "other units: %v", units)
	check(units[0].Stride == [2]int{2, 2} && units[0].Padding == [2]int{} && units[0].Bias, "%v", units[0])
	check(units[1].Leak == 0.5 && units[2].Pool == mf.PoolMax && units[4].Pool == mf.PoolAverage, "%v", units[1:5])
	check(units[3].Dropout == 0.25 && units[3].DropoutMaps && units[7].Inputs[0] == 5, "%v", units[3:8])
	check(units[10].Inputs == [2]int{10, 7}, "%v", units[10])
	shape, err := layer.Shape()
	must(err)
	check(reflect.DeepEqual(shape, []int{6}), "another shape: %v", shape)
}

func unitsOfSequences() {
	layer, err := mf.NewSeededBuilder(3, 5, 4).LayerNorm().Dense(6).SiLU().Concat(0).GlobalPool().Head(2).Build()
	must(err)
	units, err := layer.Units()
	must(err)
	check(len(units) == 5 && units[0].Kind == mf.UnitLayerNorm && units[2].Activation == mf.SiLU, "%v", units)
	check(units[3].Kind == mf.UnitConcat && units[4].Kind == mf.UnitGlobalPool, "%v", units)
	shape, err := layer.Shape()
	must(err)
	check(reflect.DeepEqual(shape, []int{10}), "another shape: %v", shape)
	layer, err = mf.NewSeededBuilder(3, 2, 3, 4).Tokens().Positions().Dense(12).Attention(2, true).Transpose().
		Flatten().Head(2).Build()
	must(err)
	units, err = layer.Units()
	must(err)
	check(len(units) == 6 && units[0].Kind == mf.UnitTokens && units[1].Kind == mf.UnitPositions, "%v", units)
	check(units[3].Kind == mf.UnitAttention && units[3].Heads == 2 && units[3].Causal, "%v", units[3])
	shape, err = layer.Shape()
	must(err)
	layer, err = mf.NewSeededBuilder(3, 5).Embedding(9, 4).Positions().Head(2).Build()
	must(err)
	tokens, err := layer.Units()
	must(err)
	check(tokens[0].Kind == mf.UnitEmbedding && tokens[0].Vocabulary == 9 && tokens[0].Outputs == 4, "%v", tokens[0])
	check(units[5].Kind == mf.UnitFlatten && reflect.DeepEqual(shape, []int{48}), "another shape: %v", shape)
}

func blocks() {
	layer, err := mf.NewSeededBuilder(1, 2, 6, 6).Residual(0, 1).Residual(4, 2).Branch(7).Bottleneck(4, 2).Add(16).
		Head(2).Build()
	must(err)
	units, err := layer.Units()
	must(err)
	check(len(units) == 29 && units[5].Kind == mf.UnitAdd && units[5].Inputs[1] == 0, "%v", units)
	check(units[7].Outputs == 4 && units[7].Stride == [2]int{2, 2}, "%v", units[7])
	check(units[16].Outputs == 1 && units[16].Inputs[0] == 7 && units[24].Inputs[0] == 7, "%v", units[16:])
	narrow := mf.DefaultBlock(mf.BlockTransformer)
	narrow.Hidden, narrow.Activation = 7, mf.SiLU
	sequence := mf.NewSeededBuilder(1, 5, 4).Mixer().Transformer(2, true).Block(narrow)
	check(sequence.Node() == 32, "the last node is %d", sequence.Node())
	layer, err = sequence.Head(2).Build()
	must(err)
	units, err = layer.Units()
	must(err)
	check(units[2].Outputs == 2 && units[8].Outputs == 16, "%v", units)
	check(units[14].Heads == 2 && units[14].Causal && units[28].Outputs == 7, "%v", units)
	check(units[9].Activation == mf.GELU && units[29].Activation == mf.SiLU, "%v", units)
	_, err = mf.NewBuilder(4).Residual(0, 1).Head(2).Build()
	check(err != nil, "a residual block has read a row")
}

// projection builds a layer with this head, and returns its projection.
func projection(head mf.HeadSpec) []float32 {
	layer, err := mf.NewSeededBuilder(3, 4).Dense(5).HeadWith(head).Build()
	must(err)
	values, err := layer.Parameter("head.projection")
	must(err)
	return values
}

// lossBehind is that of a second layer in its first step, behind a dropout of values or of whole maps.
func lossBehind(maps bool, x []float32, y []int32) float64 {
	layer, err := mf.NewBuilderWith(mf.BuilderSpec{Seed: 5, Dropout: 0.5, DropoutMaps: maps}, 4, 6, 6).Conv2D(4).
		Head(classes).Build()
	must(err)
	spec := mf.Dense(4*6*6, 8, classes)
	spec.Seed = 6
	second, err := mf.NewLayer(spec)
	must(err)
	network, err := mf.NewNetwork(layer, second)
	must(err)
	adam(network, 0.001)
	workspace, err := mf.NewWorkspace(network, rows)
	must(err)
	must(network.Step(workspace, x, y))
	report, err := workspace.Report(1)
	must(err)
	return report.Loss
}

// options checks that those of units, heads and builders get to the library.
func options(x []float32, y []int32) {
	conv, norm := mf.DefaultUnit(mf.UnitConv2D), mf.DefaultUnit(mf.UnitBatchNorm)
	check(conv.WeightGain == 1 && norm.NormalizationRate == 0.1, "other defaults: %v, %v", conv, norm)
	conv.Outputs, conv.WeightInit, conv.WeightGain = 4, mf.InitNormal, 0.5
	norm.NormalizationRate, norm.NormalizationEpsilon = 0.25, 0.125
	layer, err := mf.NewBuilderWith(mf.BuilderSpec{Dropout: 0.5}, 2, 6, 6).Unit(conv).Unit(norm).Head(2).Build()
	must(err)
	units, err := layer.Units()
	must(err)
	check(units[0].WeightInit == mf.InitNormal && units[0].WeightGain == 0.5, "%v", units[0])
	check(units[1].NormalizationRate == 0.25 && units[1].NormalizationEpsilon == 0.125, "%v", units[1])
	network, err := mf.NewNetwork(layer)
	must(err)
	spec, err := network.Describe(0)
	must(err)
	check(spec.Dropout == 0.5, "a dropout of %g", spec.Dropout)
	check(lossBehind(true, x, y) != lossBehind(false, x, y), "whole maps are not dropped out")
	check(lossBehind(true, x, y) == lossBehind(true, x, y), "equal seeds give other losses")
	plain := projection(mf.HeadSpec{Classes: 50})
	wide := projection(mf.HeadSpec{Classes: 50, ProjectionGain: 2})
	zero := projection(mf.HeadSpec{Classes: 50, ProjectionInit: mf.InitZero})
	for i := range plain {
		check(plain[i] != 0 && wide[i] == 2*plain[i] && zero[i] == 0, "%g, %g, %g", plain[i], wide[i], zero[i])
	}
	for _, candidates := range []int{0, 10, 51} {
		head := mf.HeadSpec{Classes: 50, Sampling: mf.SamplingUniform, Candidates: candidates}
		_, err = mf.NewBuilder(4).Dense(5).HeadWith(head).Build()
		if candidates == 10 {
			must(err)
		} else {
			expect(err, mf.StatusArgument)
		}
	}
}

// given is a matrix of 50 classes, for as many layers as read it.
func given() *mf.Matrix {
	values := make([]float32, 150)
	for i := range values {
		values[i] = float32(i*37%64)/32 - 1
	}
	matrix, err := mf.NewMatrix(50, 3, values)
	must(err)
	return matrix
}

// matrices checks that layers keep the matrix that they read, and that one that was closed is refused.
func matrices() {
	dense := mf.DefaultUnit(mf.UnitDense)
	dense.Outputs, dense.Bias = 3, false
	matrix := given()
	builder := mf.NewSeededBuilder(3, 4).Unit(dense).HeadWith(mf.HeadSpec{Classes: 50, Shared: matrix})
	matrix.Close()
	layer, err := builder.Build()
	must(err)
	names, err := layer.ParameterNames()
	must(err)
	check(reflect.DeepEqual(names, []string{"units.1.weight"}), "other parameters: %v", names)
	copied, err := mf.NewMatrixFrom(layer, "units.1.weight") // [3, 4]
	must(err)
	_, err = mf.NewBuilder(2).Dense(4).HeadWith(mf.HeadSpec{Classes: 3, Shared: copied}).Build()
	must(err)
	_, err = mf.NewBuilder(2).Dense(3).HeadWith(mf.HeadSpec{Classes: 3, Shared: copied}).Build()
	expect(err, mf.StatusShape)
	_, err = mf.NewBuilder(4).Unit(dense).HeadWith(mf.HeadSpec{Classes: 50, Shared: matrix}).Build()
	expect(err, mf.StatusHandle)
	_, err = mf.NewMatrix(50, 3, make([]float32, 149))
	expect(err, mf.StatusShape)
	_, err = mf.NewMatrix(2, 1, []float32{1, float32(math.Inf(1))})
	expect(err, mf.StatusNumeric)
	_, err = mf.NewMatrixFrom(layer, "head.projection")
	expect(err, mf.StatusNotFound)
}

// bestClasses has many classes, of which steps score some that counts draw.
func bestClasses(x []float32) {
	layer, err := mf.NewSeededBuilder(3, 4*6*6).Dense(8).ReLU().HeadWith(mf.HeadSpec{
		Classes: 50, Sampling: mf.SamplingCounts, Candidates: 10}).Build()
	must(err)
	counts := make([]float32, 50)
	for i := range counts {
		counts[i] = float32(i + 1)
	}
	must(layer.SetParameter("head.counts", counts))
	found, err := layer.Parameter("head.counts")
	must(err)
	check(reflect.DeepEqual(found, counts), "other counts: %v", found)
	expect(layer.SetParameter("head.counts", counts[1:]), mf.StatusShape)
	expect(layer.SetParameter("counts", counts), mf.StatusNotFound)
	network, err := mf.NewNetwork(layer)
	must(err)
	workspace, err := mf.NewWorkspace(network, rows)
	must(err)
	shares := answers(network, x)
	labels, goodness, best := make([]int32, 3*rows), make([]float32, 3*rows), make([]float32, 3*rows)
	must(network.Top(workspace, mf.Last, x, labels, goodness, best))
	for i, label := range labels {
		all, better := shares[i/3*50:i/3*50+50], 0
		for _, share := range all {
			if share > all[label] {
				better++
			}
		}
		check(better == i%3, "class %d is not number %d of row %d", label, i%3, i/3)
		check(math.Abs(float64(best[i]-all[label])) < 1e-6, "%g instead of %g", best[i], all[label])
		check(i%3 == 0 || goodness[i] <= goodness[i-1], "another order: %v", goodness)
	}
	expect(network.Top(workspace, mf.Last, x, labels, goodness, best[1:]), mf.StatusShape)
	expect(network.Top(workspace, mf.Last, x[1:], labels, goodness, best), mf.StatusShape)
	many := make([]float32, 51*rows)
	expect(network.Top(workspace, mf.Last, x, make([]int32, 51*rows), many, many), mf.StatusArgument)
}

// heads builds layers with heads that are more than a projection of the output, with units of their own. They learn,
// and are the same from a file; it returns the hash of each.
func heads(x []float32, y []int32) (hashes []string) {
	dense := func() *mf.Builder { return mf.NewSeededBuilder(7, 4*6*6).Dense(16).ReLU() } // node 2, the output
	narrow, scores := mf.DefaultUnit(mf.UnitDense), mf.DefaultUnit(mf.UnitDense)
	narrow.Outputs, narrow.Bias = 4, false
	scores.Outputs, scores.LossWeight = classes, 0.5
	builders := []*mf.Builder{
		// Of rank 4, for many classes: a step scores those of its labels, and ten that are drawn.
		dense().Unit(narrow).HeadWith(mf.HeadSpec{
			Classes: 50, OutputNode: 2, Sampling: mf.SamplingLogUniform, Candidates: 10}),
		// With a map, the last unit, that learns how alike rows are.
		dense().Dense(16).HeadWith(mf.HeadSpec{Classes: classes, Similarity: 0.75}),
		// With an auxiliary head of half the weight, and units of its own; the layer's head reads node 2.
		dense().Dense(8).ReLU().Unit(scores).HeadWith(mf.HeadSpec{Classes: classes, InputNode: 2}),
		// M is three columns that are given, and one that the layer learns.
		dense().Unit(narrow).HeadWith(mf.HeadSpec{Classes: 50, OutputNode: 2, Shared: given()}),
	}
	for _, builder := range builders {
		layer, err := builder.Build()
		must(err)
		shape, err := layer.Shape()
		must(err)
		check(reflect.DeepEqual(shape, []int{16}), "another shape: %v", shape)
		network, err := mf.NewNetwork(layer)
		must(err)
		learn(network, x, y)
		loaded := reload(network)
		check(reflect.DeepEqual(answers(loaded, x), answers(network, x)), "the file answers otherwise")
		adam(loaded, 0.01)
		check(summary(loaded) == summary(network), "the file has another network")
		hashes = append(hashes, hash(layer))
	}
	return hashes
}

// positions has a label for each position of a sequence; one has none.
func positions() {
	layer, err := mf.NewSeededBuilder(1, 3, 2).Dense(8).ReLU().HeadWith(mf.HeadSpec{Classes: 2, Positions: true}).Build()
	must(err)
	network, err := mf.NewNetwork(layer)
	must(err)
	adam(network, 0.05)
	workspace, err := mf.NewWorkspace(network, 2)
	must(err)
	x := []float32{1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1}
	y := []int32{0, 1, 0, 1, 0, mf.LabelIgnored}
	for i := 0; i < 100; i++ {
		must(network.Step(workspace, x, y))
	}
	labels, shares := make([]int32, 6), make([]float32, 12)
	must(network.Predict(workspace, mf.Last, x, labels))
	check(reflect.DeepEqual(labels, []int32{0, 1, 0, 1, 0, 1}), "other labels: %v", labels)
	must(network.Probabilities(workspace, mf.Last, x, shares))
	expect(network.Step(workspace, x, y[:4]), mf.StatusShape)
}

// denseNetwork is a network of a dense unit and a dense layer of this precision, when it has learned.
func denseNetwork(precision int, x []float32, y []int32) (*mf.Network, float64) {
	unit, err := mf.NewBuilderWith(mf.BuilderSpec{Seed: 7, Precision: precision}, 4, 6, 6).
		Dense(16).ReLU().Head(classes).Build()
	must(err)
	spec := mf.Dense(16, 8, classes)
	spec.Seed, spec.Precision = 8, precision
	layer, err := mf.NewLayer(spec)
	must(err)
	network, err := mf.NewNetwork(unit, layer)
	must(err)
	return network, learn(network, x, y)
}

func checkPrecision(network *mf.Network, precision int) {
	for i := 0; i < 2; i++ {
		spec, err := network.Describe(i)
		must(err)
		check(spec.Precision == precision, "layer %d has precision %d", i, spec.Precision)
	}
}

// Products in bf16: the layers learn, otherwise than in float32, and keep their precision in a file.
func inBF16(x []float32, y []int32) {
	network, loss := denseNetwork(mf.BF16, x, y)
	plain, other := denseNetwork(mf.Float32, x, y)
	check(loss != other, "the precision has no effect")
	checkPrecision(network, mf.BF16)
	checkPrecision(plain, mf.Float32)
	checkPrecision(reload(network), mf.BF16)
}

func expect(err error, status mf.Status) {
	var failure *mf.Error
	check(errors.As(err, &failure) && failure.Status == status, "%v instead of %v", err, status)
}

func main() {
	x, y := make([]float32, rows*144), make([]int32, rows)
	for i := range x {
		x[i] = float32(i*7919%1009) / 1009
	}
	for i := range y {
		y[i] = int32(i % classes)
	}
	layer := block(7)
	drawn := hash(layer)
	network, err := mf.NewNetwork(layer)
	must(err)
	loss := learn(network, x, y)
	hashes := append([]string{drawn, hash(layer)}, heads(x, y)...)
	same := "not_asked"
	if program := os.Getenv("MONOFORWARD_RESIDUAL"); program != "" {
		said, err := exec.Command(program).Output()
		must(err)
		check(string(said) == strings.Join(hashes, "\n")+"\n", "C has other parameters: %s", said)
		same = "yes"
	}
	otherUnits()
	unitsOfSequences()
	blocks()
	options(x, y)
	positions()
	matrices()
	bestClasses(x)
	inBF16(x, y)
	_, err = mf.NewBuilder(4, 6, 6).Conv2D(5).Add(0).ReLU().Head(2).Build()
	expect(err, mf.StatusShape)
	_, err = mf.NewBuilder(4).Dense(5).Build()
	expect(err, mf.StatusState)
	for _, node := range []int{-3, 1<<32 + 1} {
		_, err = mf.NewBuilder(4).Dense(5).HeadWith(mf.HeadSpec{Classes: 2, InputNode: node}).Build()
		expect(err, mf.StatusArgument)
		_, err = mf.NewBuilder(4).Dense(5).HeadWith(mf.HeadSpec{Classes: 2, OutputNode: node}).Build()
		expect(err, mf.StatusArgument)
	}
	_, err = mf.NewBuilder(1, 2, 3, 4).Build()
	expect(err, mf.StatusArgument)
	text := summary(network)
	check(strings.Contains(text, "node 5 + node 0"), "the summary does not tell of the sum")
	fmt.Print(text)
	fmt.Printf("result example=ffi-go-residual version=%s loss=%.4f same_as_c=%s\n", mf.Version(), loss, same)
}
