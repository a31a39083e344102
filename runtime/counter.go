package s3db

import "sync/atomic"

// RequestCounter counts requests; its Observe method goes into
// [WithRequestObserver]. The zero value is ready. It is safe for concurrent use.
type RequestCounter struct {
	counts [requestKinds]atomic.Int64
}

// Observe counts one attempt, successful or not: S3 bills most failures too.
func (c *RequestCounter) Observe(r Request) {
	if r.Kind < requestKinds {
		c.counts[r.Kind].Add(1)
	}
}

// Counts returns what was counted so far.
func (c *RequestCounter) Counts() RequestCounts {
	return RequestCounts{
		Get:        c.counts[RequestGet].Load(),
		Head:       c.counts[RequestHead].Load(),
		Put:        c.counts[RequestPut].Load(),
		Delete:     c.counts[RequestDelete].Load(),
		DeleteMany: c.counts[RequestDeleteMany].Load(),
		List:       c.counts[RequestList].Load(),
	}
}

// RequestCounts is a number of requests of each kind.
type RequestCounts struct {
	Get, Head, Put, Delete, DeleteMany, List int64
}

// Total returns the number of requests of all kinds.
func (c RequestCounts) Total() int64 {
	return c.Get + c.Head + c.Put + c.Delete + c.DeleteMany + c.List
}

// Sub returns the requests of c that are not in earlier.
func (c RequestCounts) Sub(earlier RequestCounts) RequestCounts {
	return RequestCounts{
		Get:        c.Get - earlier.Get,
		Head:       c.Head - earlier.Head,
		Put:        c.Put - earlier.Put,
		Delete:     c.Delete - earlier.Delete,
		DeleteMany: c.DeleteMany - earlier.DeleteMany,
		List:       c.List - earlier.List,
	}
}

// Dollars returns the price of the requests in US dollars by the published rates
// of S3 Standard in us-east-1: 0.005 per 1,000 PUT and LIST, 0.0004 per 1,000 GET
// and HEAD, deletes free (https://aws.amazon.com/s3/pricing/).
func (c RequestCounts) Dollars() float64 {
	const write, read = 0.005 / 1000, 0.0004 / 1000
	return float64(c.Put+c.List)*write + float64(c.Get+c.Head)*read
}
