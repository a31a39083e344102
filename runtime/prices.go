package s3db

import (
	"fmt"
	"strconv"
	"strings"
)

// NanoDollars is an amount of money in billionths of a US dollar. Prices of single
// requests are whole numbers of them, so that sums are exact.
type NanoDollars int64

const nanosPerDollar = 1_000_000_000

// Dollars returns the amount in dollars, as near as a float64 comes.
func (n NanoDollars) Dollars() float64 { return float64(n) / nanosPerDollar }

// String returns the exact amount, such as "$0.0000104".
func (n NanoDollars) String() string { return "$" + n.decimal() }

// MarshalJSON returns the exact amount in dollars as a number, such as 0.0000104.
func (n NanoDollars) MarshalJSON() ([]byte, error) { return []byte(n.decimal()), nil }

func (n NanoDollars) decimal() string {
	sign, abs := "", uint64(n) //nolint:gosec // n is not negative, or abs is set below
	if n < 0 {
		sign, abs = "-", -abs
	}
	text := sign + strconv.FormatUint(abs/nanosPerDollar, 10)
	if rest := abs % nanosPerDollar; rest > 0 {
		text += "." + strings.TrimRight(fmt.Sprintf("%09d", rest), "0")
	}
	return text
}

// Prices are what one request of each kind costs. A price per 1,000 requests in
// millionths of a dollar is the same number: $0.005 per 1,000 is 5,000.
type Prices struct {
	Get        NanoDollars `json:"get"`
	Head       NanoDollars `json:"head"`
	Put        NanoDollars `json:"put"` // contents too, a part of one each
	Delete     NanoDollars `json:"delete"`
	DeleteMany NanoDollars `json:"deleteMany"`
	List       NanoDollars `json:"list"`
}

// Of returns the price of some requests.
func (p Prices) Of(c RequestCounts) NanoDollars {
	return NanoDollars(c.Get)*p.Get + NanoDollars(c.Head)*p.Head + NanoDollars(c.Put)*p.Put +
		NanoDollars(c.Delete)*p.Delete + NanoDollars(c.DeleteMany)*p.DeleteMany + NanoDollars(c.List)*p.List
}

// StorageClass is a storage class of S3 from which objects can be read at once.
type StorageClass uint8

// The storage classes of S3. The archives of Glacier are none of them: a document
// there can be read only after it was restored.
const (
	ClassStandard StorageClass = iota
	ClassIntelligentTiering
	ClassStandardIA
	ClassOneZoneIA
	ClassGlacierIR
	ClassExpressOneZone
	storageClasses
)

// String returns the name that the API of S3 has for the class, such as
// "STANDARD_IA".
func (c StorageClass) String() string {
	return [...]string{
		"STANDARD", "INTELLIGENT_TIERING", "STANDARD_IA", "ONEZONE_IA", "GLACIER_IR", "EXPRESS_ONEZONE", "unknown",
	}[min(c, storageClasses)]
}

// Prices returns the prices of requests on objects of the class in us-east-1, as
// https://aws.amazon.com/s3/pricing/ had them in November 2026; deletes are free.
// Other regions cost up to twice as much. Storage, transfer, retrieval by the
// gigabyte (the infrequent-access classes, Glacier IR and Express have that), and
// monitoring of objects (Intelligent-Tiering) are not requests, and not in here.
//
// LIST has the price that the page gives for the class. The usage reports of AWS
// count the LIST requests of all general-purpose buckets with those of Standard, so
// that a bill may be lower.
func (c StorageClass) Prices() Prices {
	// Per 1,000 requests: PUT, COPY, POST and LIST; GET, HEAD and all others.
	table := [...]struct{ write, read NanoDollars }{
		ClassStandard:           {5_000, 400},     // $0.005    $0.0004
		ClassIntelligentTiering: {5_000, 400},     // $0.005    $0.0004
		ClassStandardIA:         {10_000, 1000},   // $0.01     $0.001
		ClassOneZoneIA:          {10_000, 1000},   // $0.01     $0.001
		ClassGlacierIR:          {20_000, 10_000}, // $0.02   $0.01
		ClassExpressOneZone:     {1_130, 30},      // $0.00113  $0.00003
	}
	x := table[min(c, storageClasses-1)]
	return Prices{Put: x.write, List: x.write, Get: x.read, Head: x.read}
}
