// Package costs counts the requests that a database sends and tells, while the
// program runs, what they cost: by operation, by resource and by kind of request.
package costs

import (
	"context"
	"sync"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// Plugin counts requests and prices them. The zero value is ready and has the
// prices of S3 Standard; New takes others. One Plugin may be given to several
// databases, and tells what they cost together. It is safe for concurrent use.
//
// A request belongs to the operation that sent it: the method that the program
// called, so that the reads of a GetMany count as "getMany", and what a hook or
// another plugin stores during an insert counts as "insert". What a hook does to
// another resource belongs to the operation on that one. Install the plugin before
// others, so that it surrounds their requests too.
type Plugin struct {
	prices *s3db.Prices // nil: S3 Standard

	mu     sync.Mutex
	counts map[operation]s3db.RequestCounts
}

// operation is what requests are counted by; zero outside of any.
type operation struct{ method, resource string }

// operationKey is the key of the operation in a context.
type operationKey struct{}

// New returns a plugin with prices of the caller, such as
// s3db.ClassExpressOneZone.Prices(), or those of another region or vendor.
func New(prices s3db.Prices) *Plugin { return &Plugin{prices: &prices} }

// Name implements [s3db.Plugin].
func (p *Plugin) Name() string { return "costs" }

// Install implements [s3db.Plugin].
func (p *Plugin) Install(_ context.Context, db *s3db.Database) error {
	db.Use(func(ctx context.Context, call s3db.AnyCall, next func(context.Context) (any, error)) (any, error) {
		op, _ := ctx.Value(operationKey{}).(operation)
		if op.resource != call.Resource() {
			ctx = context.WithValue(ctx, operationKey{}, operation{call.Method().String(), call.Resource()})
		}
		return next(ctx)
	})
	return nil
}

// ObserveRequest implements [s3db.RequestObserver].
func (p *Plugin) ObserveRequest(ctx context.Context, r s3db.Request) {
	op, _ := ctx.Value(operationKey{}).(operation)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.counts == nil {
		p.counts = map[operation]s3db.RequestCounts{}
	}
	p.counts[op] = p.counts[op].With(r.Kind)
}

// Cost is a number of requests and their price.
type Cost struct {
	Requests s3db.RequestCounts `json:"requests"`
	Dollars  s3db.NanoDollars   `json:"dollars"`
}

// Costs is what was sent up to one moment. The maps and the total are of the same
// requests. Requests outside of the methods of collections, such as those of Open
// and of maintenance, are under "" in both maps.
type Costs struct {
	Total       Cost            `json:"total"`
	ByOperation map[string]Cost `json:"byOperation"` // by names of methods, such as "insert"
	ByResource  map[string]Cost `json:"byResource"`
	Prices      s3db.Prices     `json:"prices"`
}

// Costs returns what was sent so far: every attempt, failed ones and repetitions
// included, because S3 bills most of them.
func (p *Plugin) Costs() Costs {
	c := Costs{ByOperation: map[string]Cost{}, ByResource: map[string]Cost{}, Prices: s3db.ClassStandard.Prices()}
	if p.prices != nil {
		c.Prices = *p.prices
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for op, n := range p.counts {
		c.Total = c.plus(c.Total, n)
		c.ByOperation[op.method] = c.plus(c.ByOperation[op.method], n)
		c.ByResource[op.resource] = c.plus(c.ByResource[op.resource], n)
	}
	return c
}

func (c *Costs) plus(sum Cost, n s3db.RequestCounts) Cost {
	sum.Requests = sum.Requests.Add(n)
	sum.Dollars = c.Prices.Of(sum.Requests)
	return sum
}

// Reset begins to count from zero again.
func (p *Plugin) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.counts)
}
