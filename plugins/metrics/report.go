package metrics

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// Metrics is what [Totals] tell, for people.
type Metrics struct {
	Performance Performance `json:"performance"`
	Usage       Usage       `json:"usage"`
	Errors      Errors      `json:"errors"`
	Cache       Cache       `json:"cache"`
}

// Performance is how long operations took: from the call of the method to its
// result, and of a list until the loop over it ended.
type Performance struct {
	AverageResponseTime Milliseconds    `json:"averageResponseTime"`
	TotalRequests       int64           `json:"totalRequests"`     // calls of methods; requests to the store are in [Totals]
	RequestsPerSecond   float64         `json:"requestsPerSecond"` // from the first moment to the last
	SlowestOperations   []SlowOperation `json:"slowestOperations"` // at most 10, the slowest first
}

// SlowOperation is a method of a resource, and how long a call took on average.
type SlowOperation struct {
	Operation   string       `json:"operation"`
	Resource    string       `json:"resource"`
	AverageTime Milliseconds `json:"avgTime"`
	Longest     Milliseconds `json:"maxTime"`
	Count       int64        `json:"count"`
}

// Usage is what was done.
type Usage struct {
	Resources          map[string]ResourceUsage `json:"resources"`
	TotalOperations    int64                    `json:"totalOperations"`
	MostActiveResource string                   `json:"mostActiveResource"` // "" when nothing was done
	PeakUsageHour      string                   `json:"peakUsageHour"`      // of the day in UTC, such as "14:00"; "" when nothing was done
}

// ResourceUsage counts what was done to one resource. Reads are calls, not
// documents.
type ResourceUsage struct {
	Inserts int64 `json:"inserts"`
	Updates int64 `json:"updates"`
	Deletes int64 `json:"deletes"`
	Reads   int64 `json:"reads"`
}

// Errors counts the errors that methods returned.
type Errors struct {
	Total      int64            `json:"total"`
	ByType     map[string]int64 `json:"byType"`
	ByResource map[string]int64 `json:"byResource"`
}

// Cache is what the cache plugin answered; all zero without one.
type Cache struct {
	HitRate          float64      `json:"hitRate"` // from 0 to 1
	TotalHits        int64        `json:"totalHits"`
	TotalMisses      int64        `json:"totalMisses"`
	AverageCacheTime Milliseconds `json:"averageCacheTime"`
}

// Milliseconds is a duration that JSON has as a number of milliseconds.
type Milliseconds time.Duration

// String implements [fmt.Stringer].
func (m Milliseconds) String() string { return time.Duration(m).String() }

// MarshalJSON implements [json.Marshaler].
func (m Milliseconds) MarshalJSON() ([]byte, error) {
	return json.Marshal(float64(m) / float64(time.Millisecond))
}

// UnmarshalJSON implements [json.Unmarshaler].
func (m *Milliseconds) UnmarshalJSON(b []byte) error {
	var ms float64
	if err := json.Unmarshal(b, &ms); err != nil {
		return fmt.Errorf("a number of milliseconds: %w", err)
	}
	*m = Milliseconds(ms * float64(time.Millisecond))
	return nil
}

// Report tells what the totals say.
func (t Totals) Report() Metrics {
	m := Metrics{
		Usage:  Usage{Resources: map[string]ResourceUsage{}},
		Errors: Errors{ByType: map[string]int64{}, ByResource: map[string]int64{}},
	}
	var spent time.Duration
	slow := []SlowOperation{}
	calls := map[string]int64{}
	for _, o := range t.Operations {
		n := o.Count()
		m.Performance.TotalRequests += n
		spent += o.Time
		slow = append(slow, SlowOperation{o.Operation, o.Resource, average(o.Time, n), Milliseconds(o.Longest), n})
		u := m.Usage.Resources[o.Resource]
		u.Inserts += o.Inserts
		u.Updates += o.Updates
		u.Deletes += o.Deletes
		u.Reads += o.Reads
		m.Usage.Resources[o.Resource] = u
		calls[o.Resource] += n
		if busiest := m.Usage.MostActiveResource; busiest == "" || calls[o.Resource] > calls[busiest] {
			m.Usage.MostActiveResource = o.Resource
		}
	}
	slices.SortStableFunc(slow, func(a, b SlowOperation) int { return cmp.Compare(b.AverageTime, a.AverageTime) })
	const shown = 10
	m.Performance.SlowestOperations = slow[:min(shown, len(slow))]
	m.Performance.AverageResponseTime = average(spent, m.Performance.TotalRequests)
	if period := t.To.Sub(t.From); period > 0 {
		m.Performance.RequestsPerSecond = float64(m.Performance.TotalRequests) / period.Seconds()
	}
	m.Usage.TotalOperations = m.Performance.TotalRequests
	if peak := slices.Max(t.Hours[:]); peak > 0 {
		m.Usage.PeakUsageHour = fmt.Sprintf("%02d:00", slices.Index(t.Hours[:], peak))
	}
	for _, e := range t.Errors {
		m.Errors.Total += e.Count
		m.Errors.ByType[e.Type] += e.Count
		m.Errors.ByResource[e.Resource] += e.Count
	}
	m.Cache = Cache{TotalHits: t.Cache.Hits, TotalMisses: t.Cache.Misses, AverageCacheTime: average(t.Cache.Time, t.Cache.Hits)}
	if asked := t.Cache.Hits + t.Cache.Misses; asked > 0 {
		m.Cache.HitRate = float64(t.Cache.Hits) / float64(asked)
	}
	return m
}

func average(sum time.Duration, n int64) Milliseconds {
	if n == 0 {
		return 0
	}
	return Milliseconds(sum / time.Duration(n))
}
