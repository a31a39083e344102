package metrics

import (
	"maps"
	"slices"
	"time"
)

// counters count what happens, until [counters.totals] tells it.
type counters struct {
	from       time.Time
	operations map[string]map[string]*OperationTotal // by resource and operation
	errors     map[[2]string]int64                   // by resource and type
	requests   map[string]*RequestTotal              // by kind
	hours      [24]int64
}

func newCounters(from time.Time) *counters {
	return &counters{from: from, operations: map[string]map[string]*OperationTotal{}, errors: map[[2]string]int64{}, requests: map[string]*RequestTotal{}}
}

func (c *counters) operation(resource, operation string) *OperationTotal {
	of := c.operations[resource]
	if of == nil {
		of = map[string]*OperationTotal{}
		c.operations[resource] = of
	}
	if of[operation] == nil {
		of[operation] = &OperationTotal{Resource: resource, Operation: operation}
	}
	return of[operation]
}

func (c *counters) request(kind string) *RequestTotal {
	if c.requests[kind] == nil {
		c.requests[kind] = &RequestTotal{Kind: kind}
	}
	return c.requests[kind]
}

// totals is what was counted, up to a moment.
func (c *counters) totals(to time.Time) Totals {
	t := Totals{From: c.from, To: to, Hours: c.hours}
	for _, resource := range slices.Sorted(maps.Keys(c.operations)) {
		of := c.operations[resource]
		for _, operation := range slices.Sorted(maps.Keys(of)) {
			o := *of[operation]
			o.Buckets = slices.Clone(o.Buckets)
			t.Operations = append(t.Operations, o)
		}
	}
	for key, n := range c.errors {
		t.Errors = append(t.Errors, ErrorTotal{Resource: key[0], Type: key[1], Count: n})
	}
	slices.SortFunc(t.Errors, ErrorTotal.compare)
	for _, kind := range slices.Sorted(maps.Keys(c.requests)) {
		r := *c.requests[kind]
		r.Buckets = slices.Clone(r.Buckets)
		t.Requests = append(t.Requests, r)
	}
	return t
}
