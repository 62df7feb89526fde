package main

import "math"

// The problem, the same in every language of these examples: which of three spiral arms is a point on?
const (
	classes = 3
	twist   = 4.0 // radians from the inner end of an arm to the outer one
	spread  = 0.8 // width of an arm in radians; the next one begins 2.1 further on
)

// generator is Marsaglia's xorshift: three lines in any language, and the same numbers in all of them.
type generator struct {
	state uint32
}

func (g *generator) unit() float64 {
	g.state ^= g.state << 13
	g.state ^= g.state >> 17
	g.state ^= g.state << 5
	return float64(g.state>>8) / (1 << 24)
}

// draw fills x with a new point for each label of y.
func (g *generator) draw(x []float32, y []int32) {
	for i := range y {
		class := i % classes
		radius := 0.1 + 0.9*g.unit()
		angle := 2*math.Pi*float64(class)/classes + twist*radius + spread*(g.unit()-0.5)
		x[2*i] = float32(radius * math.Cos(angle))
		x[2*i+1] = float32(radius * math.Sin(angle))
		y[i] = int32(class)
	}
}
