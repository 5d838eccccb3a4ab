package deploy

import (
	"maps"
	"math"
	"slices"
	"time"
)

// Histogram counts durations on a fixed logarithmic scale: four steps to the
// doubling, from a millisecond on. The scale is the same for all, so that two can
// be added up, and a percentile is at most 9 % off. The nil one is empty.
type Histogram map[int]int

// stepsADoubling of the scale.
const stepsADoubling = 4

// Add counts a duration. One below a millisecond counts as one of that.
func (h *Histogram) Add(d time.Duration) {
	if *h == nil {
		*h = Histogram{}
	}
	(*h)[stepOf(d)]++
}

// stepOf is the step whose bounds the duration lies between.
func stepOf(d time.Duration) int {
	ms := max(float64(d)/float64(time.Millisecond), 1)
	return int(math.Floor(math.Log2(ms) * stepsADoubling))
}

// Merge adds the counts of another one.
func (h *Histogram) Merge(other Histogram) {
	if *h == nil && len(other) > 0 {
		*h = Histogram{}
	}
	for step, n := range other {
		(*h)[step] += n
	}
}

// Count is how many durations were added.
func (h Histogram) Count() int {
	n := 0
	for _, c := range h {
		n += c
	}
	return n
}

// Mean returns the mean of all, at most 9 % off; 0 where there are none.
func (h Histogram) Mean() time.Duration {
	sum, n := 0.0, h.Count()
	if n == 0 {
		return 0
	}
	for step, c := range h {
		sum += float64(c) * float64(middle(step))
	}
	return time.Duration(sum / float64(n)).Round(time.Millisecond)
}

// middle is the duration that stands for those of a step.
func middle(step int) time.Duration {
	ms := math.Exp2((float64(step) + 0.5) / stepsADoubling)
	return time.Duration(ms * float64(time.Millisecond)).Round(time.Millisecond)
}

// Percentile returns the duration that this share of all (0 to 1) does not
// exceed, as the middle of its step; 0 where there are none.
func (h Histogram) Percentile(share float64) time.Duration {
	rank := int(math.Ceil(share * float64(h.Count())))
	for _, step := range slices.Sorted(maps.Keys(h)) {
		if rank -= h[step]; rank <= 0 {
			return middle(step)
		}
	}
	return 0
}
