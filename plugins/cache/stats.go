package cache

import (
	"sync"
	"sync/atomic"
	"time"
)

// Stats tell how often the cache had an answer.
type Stats struct {
	Total      Use            `json:"total"`
	ByResource map[string]Use `json:"byResource"`
}

// Use are the reads of some resources that the cache was asked for. Reads that it
// never answers do not count.
type Use struct {
	Hits   int64         `json:"hits"`
	Misses int64         `json:"misses"`
	Time   time.Duration `json:"time"` // that all hits took, in nanoseconds
}

// HitRate returns the part of the reads that were hits, from 0 to 1.
func (u Use) HitRate() float64 {
	if u.Hits == 0 {
		return 0
	}
	return float64(u.Hits) / float64(u.Hits+u.Misses)
}

// AverageTime returns the time that one hit took.
func (u Use) AverageTime() time.Duration {
	if u.Hits == 0 {
		return 0
	}
	return u.Time / time.Duration(u.Hits)
}

// statistics counts, by resources.
type statistics struct{ resources sync.Map } // string → *counters

type counters struct{ hits, misses, time atomic.Int64 }

func (s *statistics) of(resource string) *counters {
	x, ok := s.resources.Load(resource)
	if !ok {
		x, _ = s.resources.LoadOrStore(resource, &counters{})
	}
	c, _ := x.(*counters)
	return c
}

func (s *statistics) hit(resource string, took time.Duration) {
	c := s.of(resource)
	c.hits.Add(1)
	c.time.Add(int64(took))
}

func (s *statistics) miss(resource string) { s.of(resource).misses.Add(1) }

// Stats returns the numbers since the database was opened.
func (p *Plugin) Stats() Stats {
	all := Stats{ByResource: map[string]Use{}}
	p.stats.resources.Range(func(name, x any) bool {
		resource, _ := name.(string)
		c, _ := x.(*counters)
		u := Use{Hits: c.hits.Load(), Misses: c.misses.Load(), Time: time.Duration(c.time.Load())}
		all.ByResource[resource] = u
		all.Total.Hits += u.Hits
		all.Total.Misses += u.Misses
		all.Total.Time += u.Time
		return true
	})
	return all
}

// CacheStatistics returns the total of Stats; the metrics plugin asks for it.
func (p *Plugin) CacheStatistics() (hits, misses int64, spent time.Duration) {
	total := p.Stats().Total
	return total.Hits, total.Misses, total.Time
}
