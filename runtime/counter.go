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
	Get        int64 `json:"get"`
	Head       int64 `json:"head"`
	Put        int64 `json:"put"`
	Delete     int64 `json:"delete"`
	DeleteMany int64 `json:"deleteMany"`
	List       int64 `json:"list"`
}

// With returns the requests and one more.
func (c RequestCounts) With(kind RequestKind) RequestCounts {
	switch kind {
	case RequestGet:
		c.Get++
	case RequestHead:
		c.Head++
	case RequestPut:
		c.Put++
	case RequestDelete:
		c.Delete++
	case RequestDeleteMany:
		c.DeleteMany++
	case RequestList:
		c.List++
	}
	return c
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

// Add returns the requests of both.
func (c RequestCounts) Add(more RequestCounts) RequestCounts {
	return RequestCounts{
		Get:        c.Get + more.Get,
		Head:       c.Head + more.Head,
		Put:        c.Put + more.Put,
		Delete:     c.Delete + more.Delete,
		DeleteMany: c.DeleteMany + more.DeleteMany,
		List:       c.List + more.List,
	}
}

// Dollars returns the price of the requests in US dollars by the prices of S3
// Standard, see [StorageClass.Prices]; [Prices.Of] tells it exactly, and by others.
func (c RequestCounts) Dollars() float64 { return ClassStandard.Prices().Of(c).Dollars() }
