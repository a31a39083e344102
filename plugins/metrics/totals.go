package metrics

import (
	"cmp"
	"slices"
	"time"
)

// Totals is what happened from one moment to another, in numbers that add up: of
// one process, or of several with [Totals.Add]. It is what is flushed to the
// database, and what exporters read.
type Totals struct {
	From       time.Time        `json:"from"`
	To         time.Time        `json:"to"`
	Operations []OperationTotal `json:"operations,omitempty"` // in the order of resource and operation
	Errors     []ErrorTotal     `json:"errors,omitempty"`     // in the order of resource and type
	Requests   []RequestTotal   `json:"requests,omitempty"`   // in the order of their kinds
	Hours      [24]int64        `json:"hours"`                // operations by the hour of the day, UTC
	Cache      CacheTotal       `json:"cache"`
}

// OperationTotal counts calls of one method of one resource.
type OperationTotal struct {
	Resource  string        `json:"resource"`
	Operation string        `json:"operation"` // such as "upsert"
	Inserts   int64         `json:"inserts,omitempty"`
	Updates   int64         `json:"updates,omitempty"`
	Deletes   int64         `json:"deletes,omitempty"`
	Reads     int64         `json:"reads,omitempty"`
	Failed    int64         `json:"failed,omitempty"`
	Documents int64         `json:"documents,omitempty"` // read by lists
	Time      time.Duration `json:"time"`                // nanoseconds, of all calls together
	Longest   time.Duration `json:"longest"`
	Buckets   []int64       `json:"buckets,omitempty"` // calls by time, see [Bounds]
}

// Count is the number of calls, failed ones included.
func (o OperationTotal) Count() int64 {
	return o.Inserts + o.Updates + o.Deletes + o.Reads + o.Failed
}

// ErrorTotal counts errors of one type on one resource.
type ErrorTotal struct {
	Resource string `json:"resource"`
	Type     string `json:"type"` // the name of the runtime's error, such as "ErrNotFound", or "other"
	Count    int64  `json:"count"`
}

// RequestTotal counts attempts of requests of one kind.
type RequestTotal struct {
	Kind     string        `json:"kind"` // such as "put"
	Count    int64         `json:"count"`
	Failed   int64         `json:"failed,omitempty"` // not answered with success; a false condition counts here too
	Repeated int64         `json:"repeated,omitempty"`
	Time     time.Duration `json:"time"` // nanoseconds, of all together
	Buckets  []int64       `json:"buckets,omitempty"`
}

// CacheTotal is what a cache answered.
type CacheTotal struct {
	Hits   int64         `json:"hits,omitempty"`
	Misses int64         `json:"misses,omitempty"`
	Time   time.Duration `json:"time,omitempty"` // nanoseconds, of all hits together
}

// Bounds are the upper bounds of buckets; one more bucket has what took longer.
func Bounds() []time.Duration {
	b := bounds()
	return b[:]
}

func bounds() [14]time.Duration {
	const ms = time.Millisecond
	return [...]time.Duration{ms / 4, ms, 5 * ms / 2, 5 * ms, 10 * ms, 25 * ms, 50 * ms, 100 * ms, 250 * ms, 500 * ms, 1000 * ms, 2500 * ms, 5000 * ms, 10_000 * ms}
}

func observe(buckets *[]int64, d time.Duration) {
	b := bounds()
	if *buckets == nil {
		*buckets = make([]int64, len(b)+1)
	}
	i, _ := slices.BinarySearch(b[:], d)
	(*buckets)[i]++
}

// Add returns what happened in both.
func (t Totals) Add(u Totals) Totals {
	sum := Totals{From: earliest(t.From, u.From), To: t.To, Cache: t.Cache}
	if u.To.After(sum.To) {
		sum.To = u.To
	}
	sum.Operations = merge(t.Operations, u.Operations, OperationTotal.compare, OperationTotal.plus)
	sum.Errors = merge(t.Errors, u.Errors, ErrorTotal.compare, ErrorTotal.plus)
	sum.Requests = merge(t.Requests, u.Requests, RequestTotal.compare, RequestTotal.plus)
	for h := range sum.Hours {
		sum.Hours[h] = t.Hours[h] + u.Hours[h]
	}
	sum.Cache.Hits += u.Cache.Hits
	sum.Cache.Misses += u.Cache.Misses
	sum.Cache.Time += u.Cache.Time
	return sum
}

// earliest ignores a time that is not set.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// merge adds the elements of two lists that are alike, and sorts them.
func merge[E any](a, b []E, compare func(E, E) int, plus func(E, E) E) []E {
	sum := slices.Clone(a)
	for _, e := range b {
		i, found := slices.BinarySearchFunc(sum, e, compare)
		if found {
			sum[i] = plus(sum[i], e)
		} else {
			sum = slices.Insert(sum, i, e)
		}
	}
	return sum
}

func (o OperationTotal) compare(u OperationTotal) int {
	return cmp.Or(cmp.Compare(o.Resource, u.Resource), cmp.Compare(o.Operation, u.Operation))
}

// plusCalls adds the calls, and not their times.
func (o OperationTotal) plusCalls(u OperationTotal) OperationTotal {
	o.Inserts += u.Inserts
	o.Updates += u.Updates
	o.Deletes += u.Deletes
	o.Reads += u.Reads
	o.Failed += u.Failed
	o.Documents += u.Documents
	return o
}

func (o OperationTotal) plus(u OperationTotal) OperationTotal {
	o = o.plusCalls(u)
	o.Time += u.Time
	o.Longest = max(o.Longest, u.Longest)
	o.Buckets = sumOf(o.Buckets, u.Buckets)
	return o
}

func (e ErrorTotal) compare(u ErrorTotal) int {
	return cmp.Or(cmp.Compare(e.Resource, u.Resource), cmp.Compare(e.Type, u.Type))
}

func (e ErrorTotal) plus(u ErrorTotal) ErrorTotal {
	e.Count += u.Count
	return e
}

func (r RequestTotal) compare(u RequestTotal) int { return cmp.Compare(r.Kind, u.Kind) }

func (r RequestTotal) plus(u RequestTotal) RequestTotal {
	r.Count += u.Count
	r.Failed += u.Failed
	r.Repeated += u.Repeated
	r.Time += u.Time
	r.Buckets = sumOf(r.Buckets, u.Buckets)
	return r
}

// sumOf adds buckets; of totals that another version wrote with other bounds, those
// that both have.
func sumOf(a, b []int64) []int64 {
	sum := make([]int64, max(len(a), len(b)))
	copy(sum, a)
	for i, n := range b {
		sum[i] += n
	}
	return sum
}
