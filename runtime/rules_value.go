package s3db

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// TimeRules are the rules of an instant. It is moved to UTC without a monotonic
// reading, so that it equals what a later read returns. The zero time counts as missing, and
// years outside 1 to 9999 (in UTC) are refused, since RFC 3339 cannot write them.
type TimeRules struct {
	Min, Max time.Time // zero = no rule
}

// Check implements Rule.
func (r TimeRules) Check(v *Validator, path string, value *time.Time) {
	*value = value.UTC().Round(0)
	t := *value
	if t.IsZero() {
		v.Add(path, "required", "must be set")
		return
	}
	if year := t.Year(); year < 1 || year > 9999 {
		v.Add(path, "datetime", "must lie in the years 1 to 9999")
		return
	}
	if !r.Min.IsZero() && t.Before(r.Min) {
		v.Add(path, "min", "must not be before "+r.Min.Format(time.RFC3339Nano))
	}
	if !r.Max.IsZero() && t.After(r.Max) {
		v.Add(path, "max", "must not be after "+r.Max.Format(time.RFC3339Nano))
	}
}
func (TimeRules) changes(_ *Validator, value *time.Time) bool { return *value != value.UTC().Round(0) }
func (TimeRules) repeats(v *Validator, items []time.Time) {
	reportRepeats(v, items, time.Time.Compare)
}

// DateRules are the rules of a day. The zero Date counts as missing.
type DateRules struct {
	Min, Max Date // zero = no rule
}

// Check implements Rule.
func (r DateRules) Check(v *Validator, path string, value *Date) {
	d := *value
	if d.IsZero() {
		v.Add(path, "required", "must be set")
		return
	}
	if !d.IsValid() {
		v.Add(path, "date", "must be a day of the calendar, years 1 to 9999")
		return
	}
	if !r.Min.IsZero() && d.Before(r.Min) {
		v.Add(path, "min", "must not be before "+r.Min.String())
	}
	if !r.Max.IsZero() && d.After(r.Max) {
		v.Add(path, "max", "must not be after "+r.Max.String())
	}
}
func (DateRules) changes(*Validator, *Date) bool     { return false }
func (DateRules) repeats(v *Validator, items []Date) { reportRepeats(v, items, Date.Compare) }

// UUIDRules are the rules of a UUID. The nil UUID counts as missing.
type UUIDRules struct {
	Version int // 1 to 8; 0 = any
}

// Check implements Rule.
func (r UUIDRules) Check(v *Validator, path string, value *uuid.UUID) {
	if *value == uuid.Nil {
		v.Add(path, "required", "must be set")
		return
	}
	if r.Version != 0 && (int(value.Version()) != r.Version || value.Variant() != uuid.RFC4122) {
		v.Add(path, "version", fmt.Sprintf("must be a UUID of version %d", r.Version))
	}
}
func (UUIDRules) changes(*Validator, *uuid.UUID) bool { return false }
func (UUIDRules) repeats(v *Validator, items []uuid.UUID) {
	reportRepeats(v, items, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
}

// IPRules are the rules of an IP address. The zero Addr counts as missing, and a
// zone is refused, since it means something to one machine only.
type IPRules struct {
	V4, V6 bool // one or both; none = both
}

// Check implements Rule.
func (r IPRules) Check(v *Validator, path string, value *netip.Addr) {
	switch {
	case !value.IsValid():
		v.Add(path, "required", "must be set")
	case value.Zone() != "":
		v.Add(path, "ip", "must have no zone")
	case r.V4 && !r.V6 && !value.Is4():
		v.Add(path, "ip4", "must be an IPv4 address")
	case r.V6 && !r.V4 && !value.Is6():
		v.Add(path, "ip6", "must be an IPv6 address")
	}
}
func (IPRules) changes(*Validator, *netip.Addr) bool { return false }
func (IPRules) repeats(v *Validator, items []netip.Addr) {
	reportRepeats(v, items, netip.Addr.Compare)
}

// BytesRules are the rules of bytes.
type BytesRules struct {
	Optional         bool // nil is accepted
	Min, Max, Length int  // in bytes; 0 = no rule
}

// Check implements Rule.
func (r BytesRules) Check(v *Validator, path string, value *[]byte) {
	if *value == nil {
		if !r.Optional {
			v.Add(path, "required", "must be set")
		}
		return
	}
	checkSize(v, path, len(*value), sizes{r.Min, r.Max, r.Length}, "bytes")
}
func (BytesRules) changes(*Validator, *[]byte) bool     { return false }
func (BytesRules) repeats(v *Validator, items [][]byte) { reportRepeats(v, items, bytes.Compare) }

// JSONRules are the rules of a raw JSON value: it is one valid JSON text.
type JSONRules struct {
	Optional bool // nil is accepted
}

// Check implements Rule.
func (r JSONRules) Check(v *Validator, path string, value *json.RawMessage) {
	switch {
	case *value == nil:
		if !r.Optional {
			v.Add(path, "required", "must be set")
		}
	case !utf8.Valid(*value):
		v.Add(path, "utf8", "must be valid UTF-8")
	case !json.Valid(*value):
		v.Add(path, "json", "must be valid JSON")
	}
}
func (JSONRules) changes(*Validator, *json.RawMessage) bool { return false }
func (JSONRules) repeats(*Validator, []json.RawMessage)     {}
